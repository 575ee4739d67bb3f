"""Normalisation of features and x-vectors: what is learnt from the training part is applied to every part.

The statistics are saved with the weights, under the name of the feature and their own: ``audio.mean``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from mscnn.config.model import ModelSpec
from mscnn.training.examples import Examples

EPSILON = 1e-8
BLOCK = 1 << 16  # rows of which sums are made at a time


class Normaliser:
    """Leaves rows (N, D) as they are; the interface of those that do not.

    Attributes:
        names: what its statistics are called.
        statistics: what :meth:`fit` has learnt, each (D,).
    """

    names: tuple[str, ...] = ()

    def __init__(self) -> None:
        self.statistics: dict[str, np.ndarray] = {}

    def fit(self, rows: np.ndarray, counts: np.ndarray | None = None) -> None:
        """Learn the statistics of rows (N, D); ``counts`` (N,) says how often each row occurs, None: once."""

    def apply(self, rows: np.ndarray) -> np.ndarray:
        """The rows normalised; in place, as a large set is a memory map."""
        return rows


class ZScore(Normaliser):
    """Mean 0 and standard deviation 1 over the rows of the training part."""

    names = ("mean", "std")

    def fit(self, rows: np.ndarray, counts: np.ndarray | None = None) -> None:
        mean, std = moments(rows, counts)
        self.statistics = {"mean": mean, "std": std}

    def apply(self, rows: np.ndarray) -> np.ndarray:
        rows -= self.statistics["mean"]
        rows /= self.statistics["std"]
        return rows


class MinMax(Normaliser):
    """0 to 1 between the smallest and the largest value of the training part, clipped."""

    names = ("min", "max")

    def fit(self, rows: np.ndarray, counts: np.ndarray | None = None) -> None:
        self.statistics = {"min": rows.min(axis=0), "max": rows.max(axis=0)}

    def apply(self, rows: np.ndarray) -> np.ndarray:
        rows -= self.statistics["min"]
        rows /= np.maximum(self.statistics["max"] - self.statistics["min"], EPSILON)
        return np.clip(rows, 0, 1, out=rows)


class VectorZScore(ZScore):
    """Mean 0 and standard deviation 1 over the few rows of a set of vectors, one per utterance."""

    def fit(self, rows: np.ndarray, counts: np.ndarray | None = None) -> None:
        self.statistics = {"mean": rows.mean(axis=0), "std": rows.std(axis=0) + EPSILON}


class VectorLength(Normaliser):
    """Every row to the length sqrt(D), as Kaldi's ivector-normalize-length."""

    def apply(self, rows: np.ndarray) -> np.ndarray:
        return rows * math.sqrt(rows.shape[1]) / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), EPSILON)


FEATURES: dict[str, type[Normaliser]] = {"zscore": ZScore, "minmax": MinMax, "none": Normaliser}
XVECTORS: dict[str, type[Normaliser]] = {"zscore": VectorZScore, "length": VectorLength, "none": Normaliser}


class Normalisers:
    """The normaliser of each feature of a system, and of its x-vectors."""

    def __init__(self, spec: ModelSpec) -> None:
        self._normaliser = {name: FEATURES[spec.normalise.get(name, "none")]() for name in spec.features}
        if spec.xvector:
            self._normaliser["xvector"] = XVECTORS[spec.xvec_norm]()

    def fit(self, train: Examples) -> None:
        """Learn from the training part, of which nothing is normalised yet."""
        for name, normaliser in self._normaliser.items():
            if name in train.streams:
                stream = train.streams[name]
                as_segments = name == "audio" and train.segments is not None and train.segments.pad_first
                normaliser.fit(stream.frames, stream.coverage() if as_segments else None)
            elif train.xvectors is not None:
                normaliser.fit(train.xvectors)

    def apply(self, examples: Examples) -> None:
        """Normalise a part."""
        for name, normaliser in self._normaliser.items():
            if name in examples.streams:
                normaliser.apply(examples.streams[name].frames)
            elif examples.xvectors is not None:
                examples.xvectors = normaliser.apply(examples.xvectors)

    @property
    def statistics(self) -> dict[str, np.ndarray]:
        """What was learnt, under the names that ``model.safetensors`` has."""
        return {
            f"{name}.{key}": value
            for name, normaliser in self._normaliser.items()
            for key, value in normaliser.statistics.items()
        }

    def restore(self, saved: Mapping[str, np.ndarray]) -> None:
        """Take the statistics from what ``model.safetensors`` has.

        Raises:
            KeyError: one is not there.
        """
        for name, normaliser in self._normaliser.items():
            normaliser.statistics = {key: saved[f"{name}.{key}"] for key in normaliser.names}


def moments(rows: np.ndarray, counts: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation (D,) float32 of rows (N, D), in two passes of float64 sums over blocks.

    ``counts`` (N,) says how often each row occurs; None: once.
    """
    blocks = [slice(i, i + BLOCK) for i in range(0, len(rows), BLOCK)]
    if counts is None:
        mean = sum(rows[b].sum(axis=0, dtype=np.float64) for b in blocks) / len(rows)
        variance = sum(np.square(rows[b] - mean).sum(axis=0) for b in blocks) / len(rows)
    else:
        mean = sum(counts[b] @ rows[b].astype(np.float64) for b in blocks) / counts.sum()
        variance = sum(counts[b] @ np.square(rows[b] - mean) for b in blocks) / counts.sum()
    return mean.astype(np.float32), np.maximum(np.sqrt(variance), EPSILON).astype(np.float32)
