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
        _cached(self.model)

    def __call__(self, samples: np.ndarray) -> np.ndarray:
        """Samples (n,) -> float32 (segments * segment_frames, dim)."""
        import torch

        model = _cached(self.model)
        samples = preemphasised(samples.astype(np.float32), np.float32(self.preemphasis))
        count = len(samples) // self.segment + 1
        parts = np.pad(samples, (0, count * self.segment - len(samples))).reshape(count, self.segment)
        parts = (parts - parts.mean(axis=1, keepdims=True)) / np.sqrt(parts.var(axis=1, keepdims=True) + 1e-7)
        with torch.inference_mode():
            states = [model(torch.from_numpy(part)[None]).last_hidden_state[0] for part in parts]
        return torch.cat(states).numpy().astype(np.float32)


@lru_cache(maxsize=1)
def _cached(model: str) -> Wav2Vec2Model:
    return network(model)
