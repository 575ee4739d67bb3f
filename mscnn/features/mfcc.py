"""MFCC with deltas, as librosa computes them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from mscnn.errors import UserError
from mscnn.features.base import Extractor, Segmented
from mscnn.features.cepstra import mfcc
from mscnn.features.dsp import Window, preemphasised


@dataclass(frozen=True)
class Mfcc(Extractor):
    """``n_mfcc`` cepstra and their deltas up to order ``deltas``; one row per frame.

    Units: ``rate`` in Hz; ``n_fft``, ``win_length`` and ``hop_length`` in samples; ``delta_width`` in frames (odd).
    All else is librosa's default: Slaney mel scale, decibels of power with reference 1 and a range of 80 dB,
    orthonormal DCT-II, zero padding at both ends where ``center`` is true.
    """

    packages = ("numpy", "scipy")
    modules = ("mscnn.features.cepstra",)

    rate: int
    n_mfcc: int
    n_mels: int
    n_fft: int
    win_length: int
    hop_length: int
    window: Window
    center: bool
    deltas: int
    delta_width: int

    def __post_init__(self) -> None:
        """Raise UserError for a width that has no middle, or too few frames for a polynomial of the highest order."""
        if self.deltas and (self.delta_width % 2 == 0 or self.delta_width <= self.deltas):
            raise UserError(
                f"delta_width {self.delta_width}: expected an odd number above deltas ({self.deltas})",
                code="config-value",
            )

    @property
    def dim(self) -> int:
        """Values per frame."""
        return self.n_mfcc * (1 + self.deltas)

    @property
    def min_frames(self) -> int:
        """Width of the deltas; shorter utterances are padded with their edge frames."""
        return self.delta_width if self.deltas else 1

    def __call__(self, samples: np.ndarray) -> np.ndarray:
        """Samples (n,) -> float32 matrix (T, dim): static ‖ Δ ‖ ΔΔ, T = 1 + n // hop_length (``center``)."""
        static = self._static(samples)
        deltas = [derivative(static, self.delta_width, order) for order in range(1, self.deltas + 1)]
        return np.concatenate([static, *deltas], axis=1)

    def _static(self, samples: np.ndarray, htk: bool = False) -> np.ndarray:
        """Cepstra (T, n_mfcc) float32; ``htk`` selects HTK's mel scale."""
        return mfcc(
            samples,
            rate=self.rate,
            n_mfcc=self.n_mfcc,
            n_mels=self.n_mels,
            n_fft=self.n_fft,
            win_length=self.win_length,
            hop_length=self.hop_length,
            window=self.window,
            center=self.center,
            htk=htk,
        )


@dataclass(frozen=True)
class HtkMelMfcc(Mfcc):
    """MFCC on HTK's mel scale, after pre-emphasis (coefficient ``preemphasis``) of the whole utterance."""

    preemphasis: float

    def _static(self, samples: np.ndarray, htk: bool = True) -> np.ndarray:
        return super()._static(preemphasised(samples, self.preemphasis), htk)


@dataclass(frozen=True)
class SegmentMfcc(Segmented, Mfcc):
    """MFCC of each segment of an utterance."""


def derivative(static: np.ndarray, width: int, order: int) -> np.ndarray:
    """Derivative of ``order`` of columns (T, D), by a polynomial of that degree fitted to ``width`` rows around each.

    At the edges it is that of the first and the last ``width`` rows, where the polynomial has one derivative of this
    order; fewer rows are padded with their edges. librosa's ``delta`` with mode interp, or nearest.
    """
    taps, half = _taps(width, order), width // 2
    if len(static) < width:
        static, half = np.pad(static, ((half, half), (0, 0)), mode="edge"), 0
    count = len(static) - width + 1
    inner = sum(tap * static[i : i + count] for i, tap in enumerate(taps))
    return np.pad(inner, ((half, half), (0, 0)), mode="edge")


@lru_cache(maxsize=8)
def _taps(width: int, order: int) -> np.ndarray:
    fit = np.linalg.pinv(np.vander(np.arange(width) - width // 2, order + 1, increasing=True).astype(float))
    return (math.factorial(order) * fit[order]).astype(np.float32)
