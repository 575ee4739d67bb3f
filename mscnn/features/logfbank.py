"""Log-mel energies of the package python_speech_features (James Lyons), in numpy."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np

from mscnn.audio.pcm import FULL_SCALE
from mscnn.features.base import Extractor
from mscnn.features.dsp import add_deltas, frames, hertz, mel, power, preemphasised


@dataclass(frozen=True)
class LogFbank(Extractor):
    """Its ``logfbank`` and ``delta``: rectangular window, triangles whose corners are rounded down to bins of the FFT.

    Units: ``rate``, ``low_hz`` and ``high_hz`` in Hz; ``n_fft``, ``win_length`` and ``hop_length`` in samples;
    ``delta_width`` in frames on either side; ``deltas`` is the highest order of deltas. ``scale`` of the samples:
    int16, or peak (the largest is 1). Pre-emphasis acts on the whole utterance.
    """

    rate: int
    scale: Literal["int16", "peak"]
    n_mels: int
    n_fft: int
    win_length: int
    hop_length: int
    preemphasis: float
    low_hz: float
    high_hz: float
    deltas: int
    delta_width: int

    @property
    def dim(self) -> int:
        """Values per frame."""
        return self.n_mels * (1 + self.deltas)

    def __call__(self, samples: np.ndarray) -> np.ndarray:
        """Samples (n,) -> float32 (T, dim): static ‖ Δ ‖ ΔΔ; frame t begins at t * hop_length; the last is padded."""
        samples = samples.astype(np.float64)
        scale = FULL_SCALE if self.scale == "int16" else 1 / max(np.abs(samples).max(), 1 / FULL_SCALE)
        framed = frames(preemphasised(scale * samples, self.preemphasis), self.win_length, self.hop_length, tail=True)
        bands = power(framed, None, self.n_fft, self.triangles().T / self.n_fft)
        static = np.log(np.where(bands == 0, np.finfo(float).eps, bands))
        return add_deltas(static, self.deltas, self.delta_width).astype(np.float32)

    @lru_cache(maxsize=4)  # noqa: B019  a frozen value
    def triangles(self) -> np.ndarray:
        """Mel filterbank: weights of the bins in each band, (n_mels, n_fft // 2 + 1)."""
        corners = hertz(np.linspace(mel(self.low_hz), mel(self.high_hz), self.n_mels + 2))
        corners = np.floor((self.n_fft + 1) * corners / self.rate)[:, None]
        left, centre, right = corners[:-2], corners[1:-1], corners[2:]
        bins = np.arange(self.n_fft // 2 + 1)
        rising = (bins - left) / np.maximum(centre - left, 1)
        falling = (right - bins) / np.maximum(right - centre, 1)
        return np.where(bins < centre, rising * (bins >= left), falling * (bins < right))
