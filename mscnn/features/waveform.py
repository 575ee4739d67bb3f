"""Raw waveform, for networks that learn their own front-end."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mscnn.features.base import Extractor
from mscnn.features.dsp import preemphasised


@dataclass(frozen=True)
class Waveform(Extractor):
    """One column, one row per sample: at 16 kHz 64 kB per second.

    ``rate`` in Hz; pre-emphasis (coefficient ``preemphasis``, 0: none) acts on the whole utterance.
    """

    rate: int
    preemphasis: float

    @property
    def dim(self) -> int:
        """Feature dimension, 1."""
        return 1

    @property
    def frame_shift(self) -> float:
        """Seconds from one sample to the next."""
        return 1 / self.rate

    def __call__(self, samples: np.ndarray) -> np.ndarray:
        """Samples (n,) -> float32 (n, 1)."""
        return preemphasised(samples.astype(np.float32), np.float32(self.preemphasis))[:, None]
