"""One run of one system on one fold, and its outcome."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from mscnn.config.model import ModelSpec
from mscnn.data.protocols import Fold
from mscnn.training.sources import Sources

if TYPE_CHECKING:
    import numpy as np

    Scores = dict[str, np.ndarray]  # of dev and test: (utterances, classes), logits or log posteriors


@dataclass(frozen=True)
class Task:
    """Options of a run, sent to a worker process.

    Attributes:
        directory: folder of the run, written by training and read by prediction.
        cache: folder of the cache of word vectors.
        device: cpu or cuda.
        tensorboard: whether TensorBoard events are written.
    """

    spec: ModelSpec
    sources: Sources
    fold: Fold
    classes: Sequence[str]
    directory: Path
    cache: Path
    device: str = "cpu"
    seed: int = 0
    tensorboard: bool = False


@dataclass(frozen=True)
class Outcome:
    """Scores of dev and test, and the files that training wrote."""

    scores: Scores
    files: list[Path] = field(default_factory=list)
