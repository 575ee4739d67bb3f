"""Mel-frequency cepstra with their derivatives, by librosa."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Mfcc:
    """``n_mfcc`` cepstra and their time derivatives up to order ``deltas``; one row a frame.

    Units: ``rate`` in Hz; ``n_fft``, ``win_length`` and ``hop_length`` in samples; ``delta_width`` in frames (odd).
    What is not an option here is librosa's default: Slaney mel scale, decibels of power with reference 1 and a range of
    80 dB, orthonormal DCT-II, zero padding at both ends where ``center`` is true.
    """

    rate: int
    n_mfcc: int
    n_mels: int
    n_fft: int
    win_length: int
    hop_length: int
    window: str
    center: bool
    deltas: int
    delta_width: int

    @property
    def dim(self) -> int:
        """Values a frame."""
        return self.n_mfcc * (1 + self.deltas)

    @property
    def frame_shift(self) -> float:
        """Seconds from one frame to the next."""
        return self.hop_length / self.rate

    @property
    def short(self) -> int:
        """Utterances with fewer frames have their derivatives taken with the edge frames repeated."""
        return self.delta_width if self.deltas else 1

    def __call__(self, samples: np.ndarray) -> np.ndarray:
        """Samples (n,) -> float32 matrix (T, dim): static ‖ Δ ‖ ΔΔ, T = 1 + n // hop_length (``center``)."""
        import librosa
        import numpy as np

        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="n_fft=.* is too large")  # short utterances are zero-padded
            static = librosa.feature.mfcc(
                y=samples,
                sr=self.rate,
                n_mfcc=self.n_mfcc,
                n_mels=self.n_mels,
                n_fft=self.n_fft,
                win_length=self.win_length,
                hop_length=self.hop_length,
                window=self.window,
                center=self.center,
            )
        mode = "interp" if static.shape[1] >= self.delta_width else "nearest"
        derivatives = [
            librosa.feature.delta(static, order=order, width=self.delta_width, mode=mode)
            for order in range(1, self.deltas + 1)
        ]
        return np.ascontiguousarray(np.concatenate([static, *derivatives]).T, dtype=np.float32)
