"""Hidden states of wav2vec 2.0, by the package transformers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np

from mscnn.errors import UserError
from mscnn.features.base import Extractor
from mscnn.features.signal import preemphasised

if TYPE_CHECKING:
    from transformers import Wav2Vec2Config, Wav2Vec2Model


@dataclass(frozen=True)
class Wav2Vec2(Extractor):
    """Last hidden states of each segment of an utterance, joined end to end.

    The input of CA-MSER (Zou et al., ICASSP 2022; Vincent-ZHQ/CA-MSER): pre-emphasis over the utterance, which is cut
    into segments of ``segment`` samples, the last one padded with zeros at its end; there are n // segment + 1, as many
    as the spectrogram (1 + n // 160 frames) has segments of segment / 160. Each segment is brought to mean 0 and
    variance 1, padding included. ``model`` is the name of a model on the Hugging Face hub, or a folder with config.json
    and weights (no network is needed then); only that name is recorded: give other weights another name.
    ``rate`` in Hz.
    """

    packages = ("numpy", "torch", "transformers")

    rate: int
    preemphasis: float
    segment: int
    model: str

    @property
    def dim(self) -> int:
        """Size of the hidden states."""
        return config(self.model).hidden_size

    @property
    def segment_frames(self) -> int:
        """Rows of a segment: what its convolutions leave of ``segment`` samples."""
        length, shape = self.segment, config(self.model)
        for kernel, stride in zip(shape.conv_kernel, shape.conv_stride, strict=True):
            length = (length - kernel) // stride + 1
        return length

    @property
    def frame_shift(self) -> float:
        """Seconds from one row to the next within a segment."""
        return float(np.prod(config(self.model).conv_stride)) / self.rate

    def check(self) -> None:
        """Raise UserError where no model is named, the package is not installed, or the model cannot be read."""
        config(self.model)

    def __call__(self, samples: np.ndarray) -> np.ndarray:
        """Samples (n,) -> float32 (segments * segment_frames, dim)."""
        import torch

        model = network(self.model)
        samples = preemphasised(samples.astype(np.float32), np.float32(self.preemphasis))
        count = len(samples) // self.segment + 1
        parts = np.pad(samples, (0, count * self.segment - len(samples))).reshape(count, self.segment)
        parts = (parts - parts.mean(axis=1, keepdims=True)) / np.sqrt(parts.var(axis=1, keepdims=True) + 1e-7)
        with torch.inference_mode():
            states = [model(torch.from_numpy(part)[None]).last_hidden_state[0] for part in parts]
        return torch.cat(states).numpy().astype(np.float32)


@lru_cache(maxsize=1)
def config(model: str) -> Wav2Vec2Config:
    """Configuration of the model of that name, or in that folder.

    Raises:
        UserError: no model is named, the package is not installed, or the model cannot be read.
    """
    if not model:
        raise UserError(
            "model: name a wav2vec 2.0 model on the Hugging Face hub, or a folder that holds one, for example "
            "--set model=facebook/wav2vec2-base-960h"
        )
    if find_spec("transformers") is None:
        raise UserError("wav2vec 2.0: the package transformers is not installed; pip install transformers")
    from transformers import AutoConfig

    try:
        found = AutoConfig.from_pretrained(model)
    except (OSError, ValueError) as error:
        raise UserError(f"model {model}: no folder with a model, and no name that the hub knows: {error}") from None
    if found.model_type != "wav2vec2":
        raise UserError(f"model {model}: expected wav2vec 2.0, found {found.model_type}")
    return found


@lru_cache(maxsize=1)
def network(model: str) -> Wav2Vec2Model:
    """The model itself, once a process; raises as :func:`config`."""
    config(model)
    from transformers import Wav2Vec2Model

    try:
        return Wav2Vec2Model.from_pretrained(model).eval()
    except (OSError, ValueError) as error:
        raise UserError(f"model {model}: its weights cannot be read: {error}") from None
