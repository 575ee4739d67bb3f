"""Normalisation of features and x-vectors: statistics of the training split are applied to every split.

The statistics are saved with the weights, by names of feature and statistic such as ``audio.mean``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import TypeAlias

import numpy as np
import torch

from mscnn.config.model import ModelSpec
from mscnn.features.store import Frames
from mscnn.training.examples import Examples
from mscnn.training.gather import Scaling

EPSILON = 1e-8
Blocks: TypeAlias = "Callable[[], Iterable[tuple[np.ndarray, np.ndarray | None]]]"
# Rows (N, D) in parts, from the first at every call, and how often each counts (N,); None: once


class Normaliser:
    """No normalisation; the base class of normalisers of rows (N, D).

    Attributes:
        names: names of the statistics.
        statistics: values of :meth:`fit`, each (D,).
    """

    names: tuple[str, ...] = ()

    def __init__(self) -> None:
        self.statistics: dict[str, np.ndarray] = {}

    def fit(self, blocks: Blocks) -> None:
        """Compute the statistics of rows."""

    @property
    def scaling(self) -> Scaling | None:
        """The normalisation; None: there is none."""
        return None

    def apply(self, rows: np.ndarray) -> np.ndarray:
        """Normalised rows (N, D), in place."""
        if scaling := self.scaling:
            scaling.apply(torch.from_numpy(rows))
        return rows


class ZScore(Normaliser):
    """Mean 0 and standard deviation 1 over the rows of the training split."""

    names = ("mean", "std")

    def fit(self, blocks: Blocks) -> None:
        mean, std = moments(blocks)
        self.statistics = {"mean": mean, "std": std}

    @property
    def scaling(self) -> Scaling:
        mean, std = (torch.from_numpy(self.statistics[name]) for name in self.names)
        return Scaling(mean, std)


class MinMax(Normaliser):
    """Range 0 to 1 between minimum and maximum of the training split, clipped."""

    names = ("min", "max")

    def fit(self, blocks: Blocks) -> None:
        extremes = [(rows.min(axis=0), rows.max(axis=0)) for rows, _ in blocks()]
        low, high = zip(*extremes, strict=True)
        self.statistics = {"min": np.min(low, axis=0), "max": np.max(high, axis=0)}

    @property
    def scaling(self) -> Scaling:
        low, high = (self.statistics[name] for name in self.names)
        return Scaling(torch.from_numpy(low), torch.from_numpy(np.maximum(high - low, EPSILON)), clip=True)


class VectorZScore(ZScore):
    """Mean 0 and standard deviation 1 over vectors, one per utterance."""

    def fit(self, blocks: Blocks) -> None:
        rows = np.concatenate([rows for rows, _ in blocks()])
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
                normaliser.fit(stream.coverage if as_segments else partial(_once, stream.frames))
            elif train.xvectors is not None:
                normaliser.fit(whole(train.xvectors))

    def apply(self, examples: Examples) -> None:
        """Normalise a split: its x-vectors now, its features when they are gathered in batches."""
        for name, normaliser in self._normaliser.items():
            if name in examples.streams:
                examples.streams[name] = replace(examples.streams[name], scaling=normaliser.scaling)
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


def whole(rows: np.ndarray, counts: np.ndarray | None = None) -> Blocks:
    """Rows (N, D) in one part."""
    return lambda: [(rows, counts)]


def _once(frames: Frames) -> Iterator[tuple[np.ndarray, None]]:
    return ((rows, None) for _, rows in frames.blocks())


def moments(blocks: Blocks) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation (D,) float32 of rows, in two passes of float64 sums over the blocks."""
    total, sums, squares = 0, np.float64(0), np.float64(0)
    for rows, counts in blocks():
        total += len(rows) if counts is None else counts.sum()
        sums = sums + (rows.sum(axis=0, dtype=np.float64) if counts is None else counts @ rows.astype(np.float64))
    mean = sums / total
    for rows, counts in blocks():
        square = np.square(rows - mean)
        squares = squares + (square.sum(axis=0) if counts is None else counts @ square)
    return mean.astype(np.float32), np.maximum(np.sqrt(squares / total), EPSILON).astype(np.float32)
