"""Kinds of features, and their options as ``conf/features/*.yaml`` states them."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from typing import get_type_hints

import yaml

from mscnn.errors import UserError
from mscnn.features.base import Extractor
from mscnn.features.kaldi import HtkMfcc, KaldiMfcc, LogMel
from mscnn.features.lld import ShortTerm
from mscnn.features.logfbank import LogFbank
from mscnn.features.mfcc import HtkMelMfcc, Mfcc, SegmentMfcc
from mscnn.features.modulation import Modulation
from mscnn.features.prosody import Prosody
from mscnn.features.spectrogram import SegmentSpectrogram, Spectrogram
from mscnn.features.wav2vec2 import Wav2Vec2
from mscnn.features.waveform import Waveform
from mscnn.files import digest, read_yaml
from mscnn.paths import conf

KINDS: dict[str, type[Extractor]] = {
    "mfcc": Mfcc,
    "mfcc_htk_mel": HtkMelMfcc,
    "mfcc_segments": SegmentMfcc,
    "mfcc_kaldi": KaldiMfcc,
    "mfcc_htk": HtkMfcc,
    "logmel": LogMel,
    "logfbank": LogFbank,
    "spectrogram": Spectrogram,
    "spectrogram_segments": SegmentSpectrogram,
    "waveform": Waveform,
    "short_term": ShortTerm,
    "prosody": Prosody,
    "modulation": Modulation,
    "wav2vec2": Wav2Vec2,
}


@dataclass(frozen=True)
class Feature:
    """A named feature: its extractor, and ``trim_db`` (dB below the loudest part; None: edges stay as they are)."""

    name: str
    kind: str
    trim_db: float | None
    extractor: Extractor

    @classmethod
    def load(cls, name: str, settings: Sequence[str] = ()) -> Feature:
        """Read ``conf/features/<name>.yaml`` (or the YAML file ``name``); every option must be stated.

        ``settings`` are ``KEY=VALUE`` (VALUE in YAML) in place of what the file has.

        Raises:
            UserError: unknown kind, an option is missing, unknown, of the wrong type or out of range.
        """
        path = conf("features", name)
        facts = read_yaml(path)
        kind = KINDS.get(facts.pop("kind", None))
        if kind is None:
            raise UserError(f"{path}: kind: expected one of {', '.join(KINDS)}")
        types = get_type_hints(kind)
        names = ["trim_db", *(f.name for f in fields(kind))]
        if facts.keys() != set(names):
            wrong = ", ".join(sorted(facts.keys() ^ set(names)))
            raise UserError(f"{path}: expected exactly kind, {', '.join(names)}; missing or unknown: {wrong}")
        facts |= _parsed(settings, names)
        trim_db = facts.pop("trim_db")
        if not (trim_db is None or (type(trim_db) in (int, float) and trim_db > 0)):
            raise UserError(f"{path}: trim_db: expected null or decibels above 0, found {trim_db!r}")
        for option, value in facts.items():
            if types[option] is float and type(value) is int:
                value = facts[option] = float(value)
            if type(value) is not types[option] or (types[option] in (int, float) and value < 0):
                raise UserError(f"{path}: {option}: expected {types[option].__name__}, not negative; found {value!r}")
        kind_name = next(k for k, v in KINDS.items() if v is kind)
        try:
            return cls(path.stem, kind_name, trim_db, kind(**facts))
        except UserError as error:
            raise UserError(f"{path}: {error}") from None

    @property
    def options(self) -> dict[str, object]:
        """All options, as the YAML file has them."""
        return {"kind": self.kind, "trim_db": self.trim_db, **asdict(self.extractor)}

    @cached_property
    def hash(self) -> str:
        """Twelve hex digits that name the options."""
        return options_hash(self.options)


def options_hash(options: dict[str, object]) -> str:
    """Twelve hex digits that name a set of options."""
    return digest(options)[:12]


def _parsed(settings: Sequence[str], names: Sequence[str]) -> dict[str, object]:
    """Options and their values of ``KEY=VALUE`` words; only ``names`` are options."""
    values = {}
    for setting in settings:
        key, equals, text = setting.partition("=")
        key = key.replace("-", "_")
        if not equals or key not in names:
            near = difflib.get_close_matches(key, names, n=1)
            hint = f"did you mean {near[0]}=?" if near else f"known: {', '.join(names)}"
            raise UserError(f"--set {setting}: expected OPTION=VALUE; {hint}")
        try:
            values[key] = yaml.safe_load(text)
        except yaml.YAMLError:
            raise UserError(f"--set {setting}: the value is not YAML") from None
    return values
