"""Normalisation of features and x-vectors: statistics of the training split are applied to every split.

The statistics are saved with the weights, by names of feature and statistic such as ``audio.mean``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from mscnn.config.model import ModelSpec
from mscnn.training.examples import Examples

EPSILON = 1e-8
BLOCK_SIZE = 1 << 16  # rows summed at a time


class Normaliser:
    """No normalisation; the base class of normalisers of rows (N, D).

    Attributes:
        names: names of the statistics.
        statistics: values of :meth:`fit`, each (D,).
    """

    names: tuple[str, ...] = ()

    def __init__(self) -> None:
        self.statistics: dict[str, np.ndarray] = {}

    def fit(self, rows: np.ndarray, counts: np.ndarray | None = None) -> None:
        """Compute the statistics of rows (N, D); ``counts`` (N,) are the frequencies of the rows, None: 1."""

    def apply(self, rows: np.ndarray) -> np.ndarray:
        """Normalised rows, in place where possible, since a large set is a memory map."""
        return rows


class ZScore(Normaliser):
    """Mean 0 and standard deviation 1 over the rows of the training split."""

    names = ("mean", "std")

    def fit(self, rows: np.ndarray, counts: np.ndarray | None = None) -> None:
        mean, std = moments(rows, counts)
        self.statistics = {"mean": mean, "std": std}

    def apply(self, rows: np.ndarray) -> np.ndarray:
        rows -= self.statistics["mean"]
        rows /= self.statistics["std"]
        return rows


class MinMax(Normaliser):
    """Range 0 to 1 between minimum and maximum of the training split, clipped."""

    names = ("min", "max")

    def fit(self, rows: np.ndarray, counts: np.ndarray | None = None) -> None:
        self.statistics = {"min": rows.min(axis=0), "max": rows.max(axis=0)}

    def apply(self, rows: np.ndarray) -> np.ndarray:
        rows -= self.statistics["min"]
        rows /= np.maximum(self.statistics["max"] - self.statistics["min"], EPSILON)
        return np.clip(rows, 0, 1, out=rows)


class VectorZScore(ZScore):
    """Mean 0 and standard deviation 1 over vectors, one per utterance."""

    def fit(self, rows: np.ndarray, counts: np.ndarray | None = None) -> None:
        self.statistics = {"mean": rows.mean(axis=0), "std": rows.std(axis=0) + EPSILON}


class VectorLength(Normaliser):
    """Length sqrt(D) of every row, as Kaldi's ivector-normalize-length."""

    def apply(self, rows: np.ndarray) -> np.ndarray:
        return rows * math.sqrt(rows.shape[1]) / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), EPSILON)


FEATURES: dict[str, type[Normaliser]] = {"zscore": ZScore, "minmax": MinMax, "none": Normaliser}
XVECTORS: dict[str, type[Normaliser]] = {"zscore": VectorZScore, "length": VectorLength, "none": Normaliser}


class Normalisers:
    """The normalisers of the features and x-vectors of a system."""

    def __init__(self, spec: ModelSpec) -> None:
        self._normaliser = {name: FEATURES[spec.normalise.get(name, "none")]() for name in spec.features}
        if spec.xvector:
            self._normaliser["xvector"] = XVECTORS[spec.xvec_norm]()

    def fit(self, train: Examples) -> None:
        """Compute the statistics of the training split, before normalisation."""
        for name, normaliser in self._normaliser.items():
            if name in train.streams:
                stream = train.streams[name]
                as_segments = name == "audio" and train.segments is not None and train.segments.pad_first
                normaliser.fit(stream.frames, stream.coverage() if as_segments else None)
            elif train.xvectors is not None:
                normaliser.fit(train.xvectors)

    def apply(self, examples: Examples) -> None:
        """Normalise a split in place."""
        for name, normaliser in self._normaliser.items():
            if name in examples.streams:
                normaliser.apply(examples.streams[name].frames)
            elif examples.xvectors is not None:
                examples.xvectors = normaliser.apply(examples.xvectors)

    @property
    def statistics(self) -> dict[str, np.ndarray]:
        """All statistics, by their names in ``model.safetensors``."""
        return {
            f"{name}.{key}": value
            for name, normaliser in self._normaliser.items()
            for key, value in normaliser.statistics.items()
        }

    def restore(self, saved: Mapping[str, np.ndarray]) -> None:
        """Set the statistics from the content of ``model.safetensors``.

        Raises:
            KeyError: one is missing.
        """
        for name, normaliser in self._normaliser.items():
            normaliser.statistics = {key: saved[f"{name}.{key}"] for key in normaliser.names}


def moments(rows: np.ndarray, counts: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation (D,) float32 of rows (N, D), in two passes of float64 sums over blocks.

    ``counts`` (N,) are the frequencies of the rows; None: 1.
    """
    blocks = [slice(i, i + BLOCK_SIZE) for i in range(0, len(rows), BLOCK_SIZE)]
    if counts is None:
        mean = sum(rows[b].sum(axis=0, dtype=np.float64) for b in blocks) / len(rows)
        variance = sum(np.square(rows[b] - mean).sum(axis=0) for b in blocks) / len(rows)
    else:
        mean = sum(counts[b] @ rows[b].astype(np.float64) for b in blocks) / counts.sum()
        variance = sum(counts[b] @ np.square(rows[b] - mean) for b in blocks) / counts.sum()
    return mean.astype(np.float32), np.maximum(np.sqrt(variance), EPSILON).astype(np.float32)
