"""Named features: extractors with the options in ``conf/features/*.yaml``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, cast

from pydantic import Field

from mscnn.config import schema
from mscnn.errors import UserError
from mscnn.features.base import Extractor
from mscnn.features.kaldi import HtkMfcc, KaldiMfcc, LogMel
from mscnn.features.lld import ShortTerm
from mscnn.features.logfbank import LogFbank
from mscnn.features.mfcc import HtkMelMfcc, Mfcc, SegmentMfcc
from mscnn.features.modulation import Modulation
from mscnn.features.prosody import Prosody
from mscnn.features.spectrogram import PeakSpectrogram, Spectrogram
from mscnn.features.ssl import SslFrames
from mscnn.features.text_encoder import TextEncoder
from mscnn.features.wav2vec2 import Wav2Vec2
from mscnn.features.waveform import Waveform
from mscnn.files import digest
from mscnn.paths import conf

MOST = 1 << 22
LIMITS = {  # least and most of numbers; the others are at least 0
    "rate": (1000, 384_000),
    "n_mfcc": (1, 4096),
    "n_mels": (1, 4096),
    "n_fft": (2, 1 << 18),
    "win_length": (2, 1 << 18),
    "hop_length": (1, MOST),
    "bins": (1, 1 << 17),
    "segment": (2, MOST),
    "segment_hop": (1, MOST),
    "bands": (1, 1024),
    "order": (1, 64),
    "modulations": (1, 1024),
    "frame_rate": (1, 48_000),
    "deltas": (0, 4),
    "delta_width": (1, 1001),
    "stack": (1, 64),
    "window": (1, 3600),
}
COMMON = ("kind", "trim_db", "stored", "trained_on")  # options of every feature
OPTIONAL = ("stored", "trained_on")
FULL = "float32"
CorpusName = Annotated[str, schema.matching(r"\w+", "the name of a corpus, as ravdess: letters, digits, _")]
AT_MOST = (("n_mfcc", "n_mels"), ("win_length", "n_fft"))
BELOW = (("low_hz", "high_hz"), ("modulation_low_hz", "modulation_high_hz"))
KINDS: dict[str, type[Extractor]] = {
    "mfcc": Mfcc,
    "mfcc_htk_mel": HtkMelMfcc,
    "mfcc_segments": SegmentMfcc,
    "mfcc_kaldi": KaldiMfcc,
    "mfcc_htk": HtkMfcc,
    "logmel": LogMel,
    "logfbank": LogFbank,
    "spectrogram": Spectrogram,
    "spectrogram_peak": PeakSpectrogram,
    "waveform": Waveform,
    "short_term": ShortTerm,
    "prosody": Prosody,
    "modulation": Modulation,
    "wav2vec2": Wav2Vec2,
    "text_encoder": TextEncoder,
    "ssl_frames": SslFrames,
}


@dataclass(frozen=True)
class _Common:
    """Options of every feature."""

    kind: str
    trim_db: Annotated[int | float, Field(gt=0)] | None
    stored: Literal["float32", "float16"] = "float32"
    trained_on: tuple[CorpusName, ...] = ()

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise UserError(f"kind: no {self.kind}; {schema.nearest(self.kind, [*KINDS])}", code="config-value")


@dataclass(frozen=True)
class Feature:
    """A named feature: its extractor, and options of every feature.

    ``trim_db``: dB below the loudest frame; None: edges are not trimmed. ``stored``: type of the values in archives;
    float16 takes half the memory and disk, has three decimal digits, and cannot be read by Kaldi. ``trained_on``:
    corpora, by their names in conf/corpora, on whose recordings the pretrained network was trained or tuned, as far as
    its authors say; a fact, on which no value depends.
    """

    name: str
    kind: str
    trim_db: float | None
    extractor: Extractor
    stored: str = FULL
    trained_on: tuple[str, ...] = ()

    @classmethod
    def load(cls, name: str, settings: Sequence[str] = ()) -> Feature:
        """The feature in ``conf/features/<name>.yaml`` (or in the YAML file ``name``), which states every option.

        ``settings`` are ``KEY=VALUE`` (VALUE in YAML) and override the file.

        Raises:
            UserError: the kind is unknown, or an option is missing, unknown, of the wrong type or out of range.
        """
        path = conf("features", name)
        values = schema.read(path)
        origins = {key: f"--set {setting}" for setting in settings for key in [_key(setting, [*values, *OPTIONAL])]}
        values |= {key: schema.parse(origin.partition("=")[2], origin) for key, origin in origins.items()}

        def where(key: str) -> Path | str:
            return origins.get(key, path)

        return cls.of(path.stem, values, where)

    @classmethod
    def of(cls, name: str, options: Mapping[str, Any], where: schema.Where) -> Feature:
        """The feature with these options, which are all of them; ``where`` and errors as in :func:`schema.build`."""
        rest = dict(options)
        untrimmed = {"trim_db": None} if is_text(options.get("kind")) else {}  # text has no edges: no such option
        stated = {key: rest.pop(key) for key in COMMON if key in rest and key not in untrimmed}
        common = schema.build(_Common, untrimmed | stated, where)
        extractor = schema.build(KINDS[common.kind], rest, where)
        given = _options(extractor)
        for key, expected in _out_of_range(given):
            place = schema.place(where(key) if callable(where) else where, (key,))
            raise UserError(f"{place}: {key}: expected {expected}, found {given[key]}", code="config-value")
        return cls(name, common.kind, common.trim_db, extractor, common.stored, common.trained_on)

    @property
    def options(self) -> dict[str, object]:
        """All options on which values depend, as in the YAML file; ``stored`` only where it is not float32."""
        stored = {} if self.stored == FULL else {"stored": self.stored}
        trimmed = {} if is_text(self.kind) else {"trim_db": self.trim_db}
        return {"kind": self.kind, **trimmed, **stored, **_options(self.extractor)}

    @property
    def title(self) -> str:
        """Its name, with ``trim_db`` and the pretrained network where they are used."""
        return title(self.name, self.options)

    @cached_property
    def hash(self) -> str:
        """Digest of the options, twelve hex digits."""
        return options_hash(self.options)


def is_text(kind: object) -> bool:
    """Whether a kind of features is made of the text of utterances, not of their audio."""
    return str(kind) in KINDS and KINDS[str(kind)].source == "text"


def _out_of_range(options: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Options that the programs that compute features do not check, and what they take; some programs crash there."""
    numbers = {key: value for key, value in options.items() if isinstance(value, (int, float))}
    for key, value in numbers.items():
        least, most = LIMITS.get(key, (0, MOST))
        if not least <= value <= most:
            yield key, f"a number from {least} to {most}"
    for key, limit in AT_MOST:
        if key in numbers and numbers.get(limit, 0) > 0 and numbers[key] > numbers[limit]:
            yield key, f"at most {limit} ({numbers[limit]})"
    for key, limit in BELOW:
        if key in numbers and numbers.get(limit, 0) > 0 and numbers[key] >= numbers[limit]:
            yield key, f"less than {limit} ({numbers[limit]})"
    if "rate" in numbers and numbers.get("high_hz", 0) > numbers["rate"] / 2:
        yield "high_hz", f"at most half of rate ({numbers['rate'] / 2:g})"


def title(name: str, options: Mapping[str, Any]) -> str:
    """Name of a feature, with ``trim_db``, ``stored`` and the pretrained network where they were used."""
    trim_db, model = options.get("trim_db"), options.get("model")
    trimmed = "" if trim_db is None else f" trim_db={trim_db:g}"
    stored = f" stored={options['stored']}" if "stored" in options else ""
    return f"{name}{trimmed}{stored}" + (f" model={model}" if model else "")


def options_hash(options: dict[str, object]) -> str:
    """Digest of a set of options, twelve hex digits."""
    return digest(options)[:12]


def _options(extractor: Extractor) -> dict[str, object]:
    return {field.name: getattr(extractor, field.name) for field in fields(cast(Any, extractor))}


def _key(setting: str, known: Sequence[str]) -> str:
    """The option in a setting ``OPTION=VALUE``; ``kind`` defines the feature and cannot be changed."""
    key, equals, _ = setting.partition("=")
    key, names = key.replace("-", "_"), [name for name in known if name != "kind"]
    if key not in names:
        raise UserError(f"--set {setting}: no option {key}; {schema.nearest(key, names)}", code="option-unknown")
    if not equals:
        raise UserError(f"--set {setting}: expected OPTION=VALUE, for example trim_db=30", code="option-syntax")
    return key
