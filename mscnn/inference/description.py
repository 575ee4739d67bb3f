"""Description of a trained system: all that a predictor needs to know besides weights; ``bundle.yaml`` of a bundle."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Annotated, Any, Literal

from pydantic import Field

from mscnn.config.model import ModelSpec
from mscnn.config.schema import Count, NotNegative, Positive, matching
from mscnn.errors import UserError

FORMAT = 1  # of bundle.yaml
PRETRAINED_KINDS = {"wav2vec2", "ssl_frames", "text_encoder"}  # kinds of features that are computed by a network
MAX_VALUE, MAX_TEXT, MAX_NUMBER = 1e7, 10_000, 1000  # of a number, of characters, of classes and networks
Share = Annotated[float, Field(ge=0, le=1)]
Name = Annotated[str, matching(r"[^\x00-\x1f\x7f]{1,200}", "a line of text")]


@dataclass(frozen=True)
class System:
    """The system as :meth:`ModelSpec.describe` gives it, without training."""

    model: Name
    family: Name
    normalise: Mapping[str, str]
    segments: Mapping[str, object] | None
    model_options: Mapping[str, object]
    xvec_norm: str


@dataclass(frozen=True)
class FeatureFacts:
    """A feature: its name, all its options with their digest, and values per frame."""

    name: Name
    options: Mapping[str, object]
    hash: str
    dim: Count


@dataclass(frozen=True)
class XvectorFacts:
    """The x-vector network, its options in stage 2, and the dimension of its vectors."""

    name: Name
    chunk_size: Count
    unvoiced: Literal["all-frames", "zero", "drop"]
    dim: Count


@dataclass(frozen=True)
class NetworkFacts:
    """One network: fold and run, temperature fitted on its dev part, and the calibration error there (percent)."""

    fold: Count
    run: Count
    temperature: Positive
    ece: NotNegative
    ece_calibrated: NotNegative

    @property
    def folder(self) -> str:
        """Folder of its vocabulary, and prefix of its weights."""
        return f"fold{self.fold:02d}/run{self.run}"


@dataclass(frozen=True)
class Lengths:
    """Seconds: the shortest and the longest recording in training, and the longest that is read as a whole."""

    shortest: Positive
    longest: Positive
    block: Positive


@dataclass(frozen=True)
class Reject:
    """Threshold of the confidence: on dev ``coverage`` percent of the predictions reach it, WA is ``wa`` among them."""

    confidence: Share
    coverage: Annotated[float, Field(gt=0, le=100)]
    wa: float | None = None


@dataclass(frozen=True)
class WithoutText:
    """UA on dev in percent, with the transcripts of training and without any."""

    ua: float
    ua_without: float


@dataclass(frozen=True)
class Corpus:
    """Where the training data come from: label map, facts of ``corpus.yaml``, and protocol as in score lines."""

    labels: Name
    protocol: str
    name: str = ""
    about: str = ""
    source: str = ""
    licence: str = ""
    synthetic: bool = False
    limits: tuple[str, ...] = ()


@dataclass(frozen=True)
class Description:
    """A trained system.

    Attributes:
        name: name of the experiment.
        classes: in the order of the outputs of the networks.
        features: by the names of the network; ``audio`` is the main one.
        text: source of the transcripts in training, or none.
        networks: their posteriors are averaged.
        seconds: None: unknown.
        without_text: what the system loses without transcripts; None: it takes none, or that was not measured.
        scores: lines of score_test.txt.
        changed: changes of the configuration, as on score lines.
        made_by: versions.
    """

    format: int
    name: Name
    classes: tuple[Name, ...]
    system: System
    features: Mapping[str, FeatureFacts]
    text: Name
    xvector: XvectorFacts | None
    networks: tuple[NetworkFacts, ...]
    seconds: Lengths | None
    reject: Reject
    corpus: Corpus
    without_text: WithoutText | None = None
    scores: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    legacy: tuple[str, ...] = ()
    made_by: Mapping[str, str] = field(default_factory=dict)

    def spec(self) -> ModelSpec:
        """Configuration of the model; raises UserError where it is malformed."""
        config: dict[str, Any] = {
            "model": self.system.model,
            "family": self.system.family,
            "features": {name: facts.name for name, facts in self.features.items()},
            "normalise": dict(self.system.normalise),
            "segments": self.system.segments,
            "model_options": self.system.model_options,
            "xvec_norm": self.system.xvec_norm,
            "text": self.text,
            "xvector": self.xvector.name if self.xvector else "none",
            "training": {},
        }
        return ModelSpec.of_config(config)


def check(description: Description) -> None:
    """Raise UserError where a system cannot be in a bundle.

    Code, pretrained weights and paths are outside a bundle: families of one's own (``bundle-family``), and features and
    options that name such weights (``bundle-pretrained``) are refused, as are values out of all proportion, and
    classes or networks that occur twice (``bundle-content``).
    """
    from mscnn import models
    from mscnn.models.families import FAMILIES

    family = description.system.family
    if family not in FAMILIES or family == "baseline":
        raise UserError(
            f"{description.name}: a bundle has no code, so that its family must be one of this package: {family} is "
            "not; use the experiment itself: mscnn predict exp/TAG",
            code="bundle-family",
        )
    spec = description.spec()
    kinds = {str(facts.options.get("kind")) for facts in description.features.values()}
    if PRETRAINED_KINDS & kinds or models.pretrained(spec):
        raise UserError(
            f"{description.name}: takes pretrained weights, which a bundle does not have; use the experiment itself: "
            "mscnn predict exp/TAG",
            code="bundle-pretrained",
        )
    for place, value in _values(asdict(description)):
        if isinstance(value, (int, float)) and not abs(value) <= MAX_VALUE:
            raise UserError(f"{place}: {value:g} is out of all proportion", code="bundle-content")
        if isinstance(value, str) and (len(value) > MAX_TEXT or "\0" in value):
            raise UserError(f"{place}: a text of {len(value)} characters", code="bundle-content")
    numbers = [(one.fold, one.run) for one in description.networks]
    for what, names in (("classes", description.classes), ("networks", numbers)):
        if len({*names}) < len(names) or not (2 if what == "classes" else 1) <= len(names) <= MAX_NUMBER:
            raise UserError(f"{what}: expected up to {MAX_NUMBER}, no two equal", code="bundle-content")


def _values(value: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    """Place and value of every leaf of mappings and lists."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _values(inner, f"{place}.{str(key)[:50]}" if place else str(key)[:50])
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from _values(inner, place)
    else:
        yield place, value
