"""Interface of feature extractors: a function of the samples of an utterance, or of its segments, with options."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mscnn.features.dsp import frames


class Extractor:
    """Base class of feature extractors: frozen dataclasses whose fields are their options.

    ``rate`` is the sampling rate of the input, in Hz; ``packages`` are those that compute the features, ``modules``
    the modules that do so besides that of the class, this one and ``dsp``.
    """

    rate: int
    hop_length: int
    packages: ClassVar[tuple[str, ...]] = ("numpy",)
    modules: ClassVar[tuple[str, ...]] = ()
    source: ClassVar[str] = "audio"  # what the features are made of: audio, or the text of the utterance
    on_gpu: ClassVar[bool] = False  # whether the features can be computed on a GPU

    @property
    def used_packages(self) -> tuple[str, ...]:
        """Packages whose versions affect the features."""
        return self.packages

    @property
    def dim(self) -> int:
        """Feature dimension."""
        raise NotImplementedError

    @property
    def frame_shift(self) -> float:
        """Seconds from one row to the next; 0 where there is one row per utterance."""
        return self.hop_length / self.rate

    @property
    def min_frames(self) -> int:
        """Frames below which the log reports an utterance as very short."""
        return 1

    @property
    def weights(self) -> str:
        """Identity of the pretrained network that computes the features; empty where there is none."""
        return ""

    def check(self) -> None:
        """Raise UserError where a requirement is not available; called once, before any file is read."""

    def available(self) -> None:
        """Raise UserError where a package, folder or file is missing; the plan calls it, and nothing is downloaded."""
        self.check()

    def __call__(self, samples: np.ndarray) -> np.ndarray:
        """Samples (n,), n > 0, -1 to 1 -> float32 matrix (T, dim), T > 0."""
        raise NotImplementedError

    def compute(self, samples: np.ndarray, device: str) -> np.ndarray:
        """The same on a device, cpu or cuda; extractors that are not ``on_gpu`` use the CPU."""
        return self(samples)

    def batch_seconds(self, device: str) -> float:
        """Seconds of recordings, padded to the longest, that are computed at a time; 0: one recording."""
        return 0

    def compute_batch(self, batch: Sequence[np.ndarray], device: str) -> list[np.ndarray]:
        """The features of each recording of a batch."""
        return [self.compute(samples, device) for samples in batch]


@dataclass(frozen=True)
class Segmented(Extractor):
    """Mixin, to be named before an extractor, that computes features of each segment of an utterance.

    Segments have ``segment`` samples; one begins every ``segment_hop`` samples. An incomplete last segment is dropped;
    an utterance shorter than a segment is zero-padded to one. The rows of all segments are concatenated: T is a
    multiple of ``segment_frames``, and every k-th segment is that of a system with k times the hop.
    """

    segment: int
    segment_hop: int

    @property
    def segment_frames(self) -> int:
        """Rows per segment."""
        return len(super().__call__(np.zeros(self.segment, np.float32)))

    def __call__(self, samples: np.ndarray) -> np.ndarray:
        """Samples (n,) -> float32 (segments * segment_frames, dim)."""
        compute = super().__call__
        return np.concatenate([compute(segment) for segment in frames(samples, self.segment, self.segment_hop)])
