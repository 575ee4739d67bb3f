"""Options of a recipe, and a list of what is wrong with them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from mscnn.errors import DataErrors, Issue, UserError

T = TypeVar("T")


@dataclass(frozen=True)
class Options:
    """What the options of a recipe say. Fields that :class:`Row` has as well mean the same.

    Attributes:
        corpus: parser whose label maps are expected; empty: any.
        models, texts, protocols: every combination is an experiment, unless a ``grid`` says which are.
        engines: ASR engines of stage 4 besides those that texts name; those that a grid calls asr.
        usual: data set of the recipe; experiments on others have its name in their tag.
        xvector: extract (stage 2 makes them), none, or an xvector.scp.
        wav2vec2: the speech model in place of those that configurations name; none: its features are there already.
        trim: ``trim_db`` of all features, or empty.
        first, last: stages that will run.
    """

    labels: str
    corpus: str = ""
    models: tuple[str, ...] = ()
    texts: tuple[str, ...] = ("gt",)
    protocols: tuple[str, ...] = ()
    grid: str = ""
    engines: tuple[str, ...] = ()
    subset: str = "all"
    usual: str = ""
    set: tuple[str, ...] = ()
    folds: int = 0
    runs: int = 1
    seed: int = 0
    tokens: str = "word"
    embeddings: str = "none"
    emb_dim: int = 300
    pieces: int = 1000
    xvector: str = "extract"
    xvector_model: str = "espeak"
    wav2vec2: str = ""
    trim: str = ""
    device: str = "auto"
    tensorboard: bool = False
    tag: str = ""
    first: int = 0
    last: int = 6

    def runs_stage(self, number: int) -> bool:
        """Whether a stage will run; preflight alone is asked about all of them."""
        return self.first <= number <= (self.last or 6)


@dataclass
class Issues:
    """What is wrong, each once."""

    found: dict[str, Issue] = field(default_factory=dict)

    def add(self, code: str, message: str) -> None:
        """Note an issue."""
        self.found.setdefault(message, Issue(code, message))

    def attempt(self, call: Callable[..., T], *args: object) -> T | None:
        """What a call returns, or None where it raises an error of the user's, which is noted."""
        try:
            return call(*args)
        except DataErrors as error:
            for issue in error.issues:
                self.add(getattr(issue, "code", error.code), str(issue))
        except UserError as error:
            self.add(error.code, str(error))
        return None
