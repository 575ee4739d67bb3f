"""Networks and baselines behind one interface: what trains and predicts is chosen here, and nowhere else."""

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
    """What can be trained, and predict.

    Attributes:
        refitted: it leaves no weights; prediction fits it again, to the transcripts that it was trained on.
        learns_tokens: its vocabulary and word vectors follow from the options of text.
    """

    refitted: bool
    learns_tokens: bool

    def train(self, task: Task) -> Outcome:
        """Learn from the training part, select on dev, score dev and test; files lie in ``task.directory``."""
        ...

    def predict(self, task: Task, text: str) -> Scores:
        """Score dev and test again; ``text`` is the source of the transcripts that are read."""
        ...

    def parameters(self, sources: Sources, classes: Sequence[str]) -> int | None:
        """Number of parameters without the word vectors; None where it grows with the data."""
        ...

    def pretrained(self) -> Mapping[str, str]:
        """What names the weights that its options bring along, by option."""
        ...


class Baseline:
    """A system without a network: scikit-learn's."""

    refitted = True
    learns_tokens = False

    def __init__(self, spec: ModelSpec) -> None:
        self.spec = spec

    def train(self, task: Task) -> Outcome:
        """Fit it and score dev and test; it writes nothing."""
        return Outcome(self.predict(task, task.sources.text.source))

    def predict(self, task: Task, text: str) -> Scores:
        """Fit it to the transcripts of training, score dev and test on those of the source ``text``."""
        from mscnn.baselines.classify import scores

        sources = task.sources
        return scores(
            models.options(self.spec),
            sources.data,
            task.fold,
            task.classes,
            text=sources.text.source,
            features=sources.features.get("audio"),
            tested_on=text,
        )

    def parameters(self, sources: Sources, classes: Sequence[str]) -> None:
        """None: as many as the data have tokens."""

    def pretrained(self) -> Mapping[str, str]:
        """Nothing."""
        return {}


SYSTEMS: dict[str, Callable[[ModelSpec], System]] = {"baseline": Baseline}  # by family; all others have a network


def system_of(spec: ModelSpec) -> System:
    """The system that a configuration describes."""
    return SYSTEMS.get(spec.family, Network)(spec)
