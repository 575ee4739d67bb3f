"""Hidden states of wav2vec 2.0, by the package transformers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from mscnn.features.base import Extractor
from mscnn.features.dsp import preemphasised
from mscnn.pretrained.wav2vec2 import configuration, network, revision, steps

if TYPE_CHECKING:
    from transformers import Wav2Vec2Model

BATCH = {"cpu": 1, "cuda": 32}  # segments computed together


@dataclass(frozen=True)
class Wav2Vec2(Extractor):
    """Last hidden states of each segment of an utterance, joined end to end.

    The input of CA-MSER (Zou et al., ICASSP 2022; Vincent-ZHQ/CA-MSER): pre-emphasis over the utterance, which is cut
    into segments of ``segment`` samples, the last one padded with zeros at its end; there are n // segment + 1, as many
    as the spectrogram (1 + n // 160 frames) has segments of segment / 160. Each segment is brought to mean 0 and
    variance 1, padding included. ``model`` is a folder with config.json and weights (no network is needed then), or the
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
        return configuration(self.model).hidden_size

    @property
    def segment_frames(self) -> int:
        """Rows of a segment."""
        return steps(configuration(self.model), self.segment)

    @property
    def frame_shift(self) -> float:
        """Seconds from one row to the next within a segment."""
        return float(np.prod(configuration(self.model).conv_stride)) / self.rate

    @property
    def weights(self) -> str:
        """The revision of the model, so that other weights under the same name are noticed."""
        return revision(self.model)

    def check(self) -> None:
        """Raise UserError where the package is not installed, or the model cannot be read; a model is fetched."""
        _cached(self.model, "cpu")

    def __call__(self, samples: np.ndarray) -> np.ndarray:
        """Samples (n,) -> float32 (segments * segment_frames, dim)."""
        return self.compute(samples, "cpu")

    def compute(self, samples: np.ndarray, device: str) -> np.ndarray:
        """The same on a device, where segments are computed together."""
        import torch

        model = _cached(self.model, device)
        samples = preemphasised(samples.astype(np.float32), np.float32(self.preemphasis))
        count = len(samples) // self.segment + 1
        parts = np.pad(samples, (0, count * self.segment - len(samples))).reshape(count, self.segment)
        parts = (parts - parts.mean(axis=1, keepdims=True)) / np.sqrt(parts.var(axis=1, keepdims=True) + 1e-7)
        with torch.inference_mode():
            batches = torch.from_numpy(parts).to(device).split(BATCH[device])
            states = torch.cat([model(batch).last_hidden_state for batch in batches])
        return states.flatten(0, 1).cpu().numpy().astype(np.float32)


@lru_cache(maxsize=1)
def _cached(model: str, device: str) -> Wav2Vec2Model:
    from torch.nn import Module

    loaded = network(model)
    Module.to(loaded, device)  # transformers' own has no type
    return loaded
