"""Common interface of networks and baselines, and the selection of the system of a configuration."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from mscnn import models
from mscnn.config.model import ModelSpec
from mscnn.training.network import Network
from mscnn.training.sources import Sources
from mscnn.training.task import Outcome, Task

if TYPE_CHECKING:
    from mscnn.training.task import Scores


class System(Protocol):
    """Interface of systems for training and prediction.

    Attributes:
        refitted: it has no weights; prediction fits it again on the transcripts of training.
        learns_tokens: its vocabulary and word vectors depend on the text options.
    """

    refitted: bool
    learns_tokens: bool

    def train(self, task: Task) -> Outcome:
        """Train, select on dev; returns the scores of dev and test, and files in ``task.directory``."""
        ...

    def predict(self, task: Task, text: str) -> Scores:
        """Scores of dev and test; ``text`` is the source of the transcripts."""
        ...

    def parameters(self, sources: Sources, classes: Sequence[str]) -> int | None:
        """Number of parameters, excluding word vectors; None where it depends on the size of the data."""
        ...

    def pretrained(self) -> Mapping[str, str]:
        """Identities of the pretrained weights in its options, by option."""
        ...


class Baseline:
    """A system of scikit-learn, without a network."""

    refitted = True
    learns_tokens = False

    def __init__(self, spec: ModelSpec) -> None:
        self.spec = spec

    def train(self, task: Task) -> Outcome:
        """Fit the baseline; returns the scores of dev and test, and no files."""
        return Outcome(self.predict(task, task.sources.text.source))

    def predict(self, task: Task, text: str) -> Scores:
        """Fit the baseline on the transcripts of training; returns the scores of dev and test on those of ``text``."""
        from mscnn.baselines.classify import scores

        options, sources = models.options(self.spec), task.sources
        feature = next(iter(self.spec.features), "")
        return scores(
            options,
            sources.data,
            task.fold,
            task.classes,
            text=sources.text.source,
            features=sources.features.get(feature),
            tested_on=text,
            tested_features=sources.of_text(text).features.get(feature),
        )

    def parameters(self, sources: Sources, classes: Sequence[str]) -> None:
        """None: the number depends on the vocabulary of the data."""

    def pretrained(self) -> Mapping[str, str]:
        """Empty: there are no pretrained weights."""
        return {}


SYSTEMS: dict[str, Callable[[ModelSpec], System]] = {"baseline": Baseline}  # by family; all others have a network


def system_of(spec: ModelSpec) -> System:
    """The system that a configuration describes."""
    return SYSTEMS.get(spec.family, Network)(spec)
