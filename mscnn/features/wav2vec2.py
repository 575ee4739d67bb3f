"""Hidden states of wav2vec 2.0, by the package transformers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from mscnn.features.base import Extractor
from mscnn.features.dsp import preemphasised
from mscnn.pretrained.hub import WAV2VEC2, available, configuration, network, revision, steps

if TYPE_CHECKING:
    from transformers import Wav2Vec2Model

BATCH_SIZE = {"cpu": 1, "cuda": 32}  # segments


@dataclass(frozen=True)
class Wav2Vec2(Extractor):
    """Last hidden states of each segment of an utterance, concatenated.

    The input of CA-MSER (Zou et al., ICASSP 2022; Vincent-ZHQ/CA-MSER): after pre-emphasis the utterance is split into
    segments of ``segment`` samples, the last one zero-padded; there are n // segment + 1, as many as the spectrogram
    (1 + n // 160 frames) has segments of segment / 160 frames. Each segment is normalised to mean 0 and variance 1,
    padding included. ``model`` is a folder with config.json and weights (no internet access is needed then), or the
    name of a model on the Hugging Face hub. ``rate`` in Hz.
    """

    packages = ("numpy", "torch", "transformers")
    on_gpu = True

    rate: int
    preemphasis: float
    segment: int
    model: str

    @property
    def dim(self) -> int:
        """Size of the hidden states."""
        return configuration(self.model, WAV2VEC2).hidden_size

    @property
    def segment_frames(self) -> int:
        """Rows per segment."""
        return steps(configuration(self.model, WAV2VEC2), self.segment)

    @property
    def frame_shift(self) -> float:
        """Seconds from one row to the next within a segment."""
        return float(np.prod(configuration(self.model, WAV2VEC2).conv_stride)) / self.rate

    @property
    def weights(self) -> str:
        """Revision of the model; it tells apart other weights under the same name."""
        return revision(self.model, WAV2VEC2)

    def available(self) -> None:
        """Raise UserError where the package or the folder is missing; nothing is downloaded."""
        available(self.model, WAV2VEC2)

    def check(self) -> None:
        """Download the model where needed; raise UserError where it cannot be read or a package is not installed."""
        _cached(self.model, "cpu")

    def __call__(self, samples: np.ndarray) -> np.ndarray:
        """Samples (n,) -> float32 (segments * segment_frames, dim)."""
        return self.compute(samples, "cpu")

    def compute(self, samples: np.ndarray, device: str) -> np.ndarray:
        """The same on a device, in batches of segments."""
        import torch

        model = _cached(self.model, device)
        samples = preemphasised(samples.astype(np.float32), np.float32(self.preemphasis))
        count = len(samples) // self.segment + 1
        segments = np.pad(samples, (0, count * self.segment - len(samples))).reshape(count, self.segment)
        segments = (segments - segments.mean(axis=1, keepdims=True)) / np.sqrt(
            segments.var(axis=1, keepdims=True) + 1e-7
        )
        with torch.inference_mode():
            batches = torch.from_numpy(segments).to(device).split(BATCH_SIZE[device])
            states = torch.cat([model(batch).last_hidden_state for batch in batches])
        return states.flatten(0, 1).cpu().numpy().astype(np.float32)


@lru_cache(maxsize=1)
def _cached(model: str, device: str) -> Wav2Vec2Model:
    from torch.nn import Module

    loaded = network(model, WAV2VEC2)
    Module.to(loaded, device)  # the method of transformers has no type annotations
    return loaded
