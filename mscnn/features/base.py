"""What a kind of features is: a function of samples with options; of an utterance, or of its segments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mscnn.features.dsp import frames


class Extractor:
    """A kind of features: a frozen dataclass whose fields are its options.

    ``rate`` is the sampling rate that it wants, in Hz; ``packages`` are those that compute the numbers.
    """

    rate: int
    hop_length: int
    packages: ClassVar[tuple[str, ...]] = ("numpy",)
    on_gpu: ClassVar[bool] = False  # whether it can be computed there

    @property
    def used_packages(self) -> tuple[str, ...]:
        """Packages whose versions decide the numbers."""
        return self.packages

    @property
    def dim(self) -> int:
        """Values per row."""
        raise NotImplementedError

    @property
    def frame_shift(self) -> float:
        """Seconds from one row to the next; 0 where there is one row per utterance."""
        return self.hop_length / self.rate

    @property
    def short(self) -> int:
        """Rows below which the log says that an utterance is very short."""
        return 1

    @property
    def weights(self) -> str:
        """What names the trained network behind the numbers; empty where there is none."""
        return ""

    def check(self) -> None:
        """Raise UserError where something that it needs is not available; called once, before any file is read."""

    def __call__(self, samples: np.ndarray) -> np.ndarray:
        """Samples (n,), n > 0, -1 to 1 -> float32 matrix (T, dim), T > 0."""
        raise NotImplementedError

    def compute(self, samples: np.ndarray, device: str) -> np.ndarray:
        """The same on a device, cpu or cuda; other kinds than those ``on_gpu`` take the CPU."""
        return self(samples)


@dataclass(frozen=True)
class Segmented(Extractor):
    """Mixed into a kind (before it) so that it works on segments of the utterance, one after the other.

    Segments have ``segment`` samples, one begins each ``segment_hop`` samples, and only whole ones count; an utterance
    that is shorter than a segment is zero-padded to one. Rows of all segments are joined end to end: T is a multiple of
    ``segment_frames``, and every k-th segment is what a system with k times the hop would see.
    """

    segment: int
    segment_hop: int

    @property
    def segment_frames(self) -> int:
        """Rows of a segment."""
        return len(super().__call__(np.zeros(self.segment, np.float32)))

    def __call__(self, samples: np.ndarray) -> np.ndarray:
        """Samples (n,) -> float32 (segments * segment_frames, dim)."""
        whole = super().__call__
        return np.concatenate([whole(part) for part in frames(samples, self.segment, self.segment_hop)])
