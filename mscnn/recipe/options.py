"""Options of a recipe, and the issues found in them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from mscnn.config.embeddings import WORD2VEC
from mscnn.errors import DataErrors, Issue, UserError
from mscnn.paths import stem

T = TypeVar("T")


@dataclass(frozen=True)
class Options:
    """Options of a recipe. Fields with a name of :class:`Row` have the meaning that they have there.

    Attributes:
        corpus: parser of the corpus, which label maps must be for; empty: any.
        models, texts, protocols: one experiment per combination, unless ``grid`` lists the experiments.
        engines: ASR engines of stage 4 in addition to those in ``texts``; the text asr of a grid stands for them.
        asr_model: model of the ASR engines; empty: the default of each.
        language: tag of the spoken language; empty: that of the corpus, as far as it is known.
        on_bad: what stage 1 does where the corpus has issues.
        usual: data set of the recipe; tags of experiments on other data sets end with the name of the data set.
        xvector: extract (stage 2 makes them), none, or an xvector.scp.
        xvector_backend, unvoiced: how stage 2 makes x-vectors.
        wav2vec2: speech model that replaces those of the configurations; none: its features exist already.
        pretrained: feature (of a file: without folder and .yaml) -> network that replaces that of its configuration;
            none: the feature exists already.
        trim: ``trim_db`` of all features, or empty.
        nj, jobs_per_device: processes at a time; trainings at a time on each GPU, 0: what fits.
        overwrite: experiments of the same name that have other options will be replaced.
        first, last: first and last stage that will run.
        given: names of the options that the user gave; a grid refuses those that it would ignore.
    """

    labels: str
    corpus: str = ""
    models: tuple[str, ...] = ()
    texts: tuple[str, ...] = ("gt",)
    protocols: tuple[str, ...] = ()
    grid: str = ""
    engines: tuple[str, ...] = ()
    asr_model: str = ""
    language: str = ""
    subset: str = "all"
    on_bad: str = "stop"
    usual: str = ""
    set: tuple[str, ...] = ()
    folds: int = 0
    runs: int = 1
    seed: int = 0
    tokens: str = "word"
    embeddings: str = WORD2VEC
    emb_dim: int = 300
    emb_words: int = 50_000
    pieces: int = 1000
    xvector: str = "extract"
    xvector_model: str = "espeak"
    xvector_backend: str = "auto"
    unvoiced: str = "all-frames"
    wav2vec2: str = ""
    pretrained: Mapping[str, str] = field(default_factory=dict)
    trim: str = ""
    device: str = "auto"
    tensorboard: bool = False
    nj: int = 1
    jobs_per_device: int = 0
    tag: str = ""
    overwrite: bool = False
    first: int = 0
    last: int = 6
    given: tuple[str, ...] = ()

    def network(self, feature: str) -> str:
        """Network that the user gave for a feature, none, or empty; ``wav2vec2`` is one of ``pretrained``."""
        return self.pretrained.get(stem(feature), self.wav2vec2 if feature == "wav2vec2" else "")

    def runs_stage(self, number: int) -> bool:
        """Whether a stage will run; preflight on its own checks all stages."""
        return self.first <= number <= (self.last or 6)


def networks(settings: Sequence[str], file: Callable[[str], str]) -> dict[str, str]:
    """Network of each feature, of options ``FEATURE=MODEL``; ``file`` makes the path of a folder or file.

    Raises:
        UserError: one has another form (``option-syntax``), or a feature is given twice (``option-conflict``).
    """
    found: dict[str, str] = {}
    for setting in settings:
        feature, _, model = setting.partition("=")
        feature = stem(feature)
        if not feature or not model:
            example = "hubert_base=/path/to/folder, or none in place of the folder"
            raise UserError(f"--pretrained {setting}: expected FEATURE=MODEL, as {example}", code="option-syntax")
        if feature in found:
            raise UserError(f"--pretrained {setting}: {feature} is given twice", code="option-conflict")
        found[feature] = file(model)
    return found


def with_paths(settings: Sequence[str], conf: Callable[[str], str]) -> tuple[str, ...]:
    """Settings ``KEY=VALUE``; of values that are YAML files, ``conf`` makes the path."""
    parts = (setting.partition("=") for setting in settings)
    return tuple(f"{key}{equals}{conf(value)}" for key, equals, value in parts)


@dataclass
class Issues:
    """Issues by their message, each once."""

    by_message: dict[str, Issue] = field(default_factory=dict)

    def add(self, code: str, message: str) -> None:
        """Add an issue."""
        self.by_message.setdefault(message, Issue(code, message))

    def attempt(self, call: Callable[..., T], *args: object) -> T | None:
        """The result of a call; None where it raises UserError, which is added to the issues."""
        try:
            return call(*args)
        except DataErrors as error:
            for issue in error.issues:
                self.add(getattr(issue, "code", error.code), str(issue))
        except UserError as error:
            self.add(error.code, str(error))
        return None
