"""Spectrograms: power or decibels of a short-time Fourier transform."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from mscnn.errors import UserError
from mscnn.features.base import Extractor
from mscnn.features.dsp import Window, frames, power, preemphasised, window_of


@dataclass(frozen=True)
class Spectrogram(Extractor):
    """The lowest ``bins`` bins, ``rate`` / ``n_fft`` Hz apart, from 0 Hz.

    Units: ``rate`` in Hz; ``n_fft``, ``win_length`` and ``hop_length`` in samples. Pre-emphasis (coefficient
    ``preemphasis``) acts on the whole utterance. ``window`` is a name of scipy's (boxcar: none). Frame t is centred on
    sample t * hop_length, with zeros beyond the edges (``center``), or begins there.

    ``scale`` power: squared magnitudes. decibel: 10 log10 of the power, floored at ``floor``; with ``relative`` 0 dB
    is the maximum over all bins. Values more than ``range_db`` dB below the maximum are raised to that level (0: off).
    """

    packages = ("numpy", "scipy")

    rate: int
    preemphasis: float
    n_fft: int
    win_length: int
    hop_length: int
    window: Window
    center: bool
    bins: int
    scale: Literal["power", "decibel"]
    floor: float
    relative: bool
    range_db: float

    def __post_init__(self) -> None:
        if not self.win_length <= self.n_fft or not 1 <= self.bins <= self.n_fft // 2 + 1:
            raise UserError("expected win_length up to n_fft, and bins up to n_fft / 2 + 1", code="config-value")

    @property
    def dim(self) -> int:
        """Values per frame."""
        return self.bins

    def __call__(self, samples: np.ndarray) -> np.ndarray:
        """Samples (n,) -> float32 (T, bins); T = 1 + n // hop_length (``center``), or the whole frames, at least 1."""
        return self._spectrum(samples)[:, : self.bins].astype(np.float32)

    def _spectrum(self, samples: np.ndarray) -> np.ndarray:
        """As the spectrogram, with all n_fft // 2 + 1 bins, float64."""
        samples = preemphasised(samples.astype(np.float64), self.preemphasis)
        padded = np.pad(samples, self.win_length // 2) if self.center else samples
        framed = frames(padded, self.win_length, self.hop_length)
        spectrum = power(framed, window_of(self.window, self.win_length), self.n_fft)
        return self._decibel(spectrum) if self.scale == "decibel" else spectrum

    def _decibel(self, spectrum: np.ndarray) -> np.ndarray:
        decibel = 10 * np.log10(np.maximum(spectrum, self.floor))
        if self.range_db:
            decibel = np.maximum(decibel, decibel.max() - self.range_db)
        return decibel - decibel.max() if self.relative else decibel


@dataclass(frozen=True)
class PeakSpectrogram(Spectrogram):
    """Spectrogram whose frames end with one more value, their maximum over all n_fft // 2 + 1 bins.

    With it, decibels below the maximum of a segment follow from those of the utterance (``relative`` of
    :class:`mscnn.config.segments.Segments`). Utterances shorter than ``segment`` samples are zero-padded.
    """

    segment: int

    @property
    def dim(self) -> int:
        """Values per frame."""
        return self.bins + 1

    def __call__(self, samples: np.ndarray) -> np.ndarray:
        """Samples (n,) -> float32 (T, bins + 1)."""
        spectrum = self._spectrum(np.pad(samples, (0, max(self.segment - len(samples), 0))))
        return np.column_stack([spectrum[:, : self.bins], spectrum.max(axis=1)]).astype(np.float32)
