"""Description of a trained system: all that a predictor needs to know besides weights; ``bundle.yaml`` of a bundle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import Field

from mscnn.config.model import ModelSpec
from mscnn.config.schema import Count, NotNegative, Positive, matching

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
