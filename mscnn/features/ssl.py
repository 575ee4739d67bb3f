"""Hidden states of pretrained speech encoders: wav2vec 2.0, HuBERT, WavLM, data2vec, w2v-BERT, Whisper, emotion2vec."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated

import numpy as np

from mscnn.config.schema import matching
from mscnn.errors import UserError
from mscnn.features.base import Extractor
from mscnn.pretrained import speech
from mscnn.pretrained.layers import ALL, layer_numbers

if TYPE_CHECKING:
    from torch import Tensor

    from mscnn.pretrained.speech import Encoder, Facts

Layer = Annotated[str, matching(r"last|all|\d{1,3}|\d{1,3}-\d{1,3}", "last, a number, a range such as 4-8, or all")]
BATCH_SECONDS = {"cpu": 0, "cuda": 240}  # of recordings with their padding; 0: one recording, as on its own


@dataclass(frozen=True)
class SslFrames(Extractor):
    """Hidden states of a recording, a row per frame; of ``all`` layers, the mean over time of each.

    ``model`` is a folder or file (no internet access is needed then), or a name on the Hugging Face hub; see
    :mod:`mscnn.pretrained.speech`. ``layer`` is ``last``, a number (0: the input of the first layer), the mean of
    ``a-b``, or ``all``: then an utterance is one matrix (layers + 1, dim), whose row k is the mean over time of hidden
    state k. ``stack`` concatenates that many frames to one; the last frame is repeated where the last stack is
    incomplete. Samples are normalised as the encoder's own preprocessing does.

    ``window``: seconds that are encoded at a time; null: the whole recording, and 30 for Whisper, which was trained on
    that. A recording is split into windows from its beginning; a rest too short for a frame is dropped, unless it is
    the whole recording, which is padded to one frame. Whisper pads each window; frames beyond the end of the recording
    are dropped, which leaves n / 320 of n samples, rounded up. ``rate`` in Hz.
    """

    modules = tuple(
        f"mscnn.pretrained.{name}" for name in ("hub", "layers", "speech", "ctranslate2_whisper", "onnx_encoder")
    )
    on_gpu = True

    rate: int
    model: str
    layer: Layer
    stack: int
    window: int | None

    def __post_init__(self) -> None:
        """Raise UserError for contradictory options."""
        if self.rate != speech.RATE:
            raise UserError(f"rate {self.rate}: speech encoders take {speech.RATE} Hz", code="config-value")
        if self.layer == ALL and self.stack > 1:
            raise UserError("layer all has one row per layer: give stack 1", code="option-conflict")

    @property
    def used_packages(self) -> tuple[str, ...]:
        """Packages whose versions affect the features."""
        return ("numpy", "onnxruntime") if speech.is_onnx(self.model) else ("numpy", "torch", "transformers")

    @property
    def facts(self) -> Facts:
        """Facts of the encoder."""
        return speech.facts(self.model)

    @property
    def dim(self) -> int:
        """Values per row."""
        return self.facts.width * self.stack

    @property
    def frame_shift(self) -> float:
        """Seconds from one row to the next; 0 where rows are layers."""
        return 0.0 if self.layer == ALL else self.facts.hop * self.stack / self.rate

    @property
    def weights(self) -> str:
        """Revision of the model; it tells apart other weights under the same name."""
        return speech.revision(self.model)

    @property
    def states(self) -> list[int]:
        """Numbers of the hidden states that are used; raises UserError where the encoder lacks one."""
        return layer_numbers(self.layer, self.facts.layers, self.model)

    def available(self) -> None:
        """Raise UserError where package, folder or file is missing; nothing is downloaded."""
        speech.available(self.model)

    def check(self) -> None:
        """Download the model where needed; raise UserError where it cannot be read or lacks what the options say."""
        most = self.facts.most
        if self.window and most and self.window > most:
            raise UserError(f"window {self.window}: {self.model} takes {most} s at most", code="config-value")
        _ = self.states
        _encoder(self.model, self.window, "cpu")

    def __call__(self, samples: np.ndarray) -> np.ndarray:
        """Samples (n,) -> float32 (T, dim)."""
        return self.compute(samples, "cpu")

    def compute(self, samples: np.ndarray, device: str) -> np.ndarray:
        """The same on a device."""
        return self.compute_batch([samples], device)[0]

    def batch_seconds(self, device: str) -> float:
        """Seconds of recordings, with their padding, that are encoded at a time; 0: one recording."""
        return BATCH_SECONDS[device]

    def compute_batch(self, batch: Sequence[np.ndarray], device: str) -> list[np.ndarray]:
        """The same for each recording of a batch."""
        encoder, states = _encoder(self.model, self.window, device), self.states
        windows = [(i, window) for i, samples in enumerate(batch) for window in self._windows(samples)]
        made: list[list[Tensor]] = [[] for _ in batch]
        padded_to = self._window_samples if self.facts.most else 0  # by the network itself
        lengths = [padded_to or len(window) for _, window in windows]
        for group in self._groups(lengths, encoder.padded, device):
            hidden = encoder([windows[k][1] for k in group], states)
            for k, states_of in zip(group, hidden, strict=True):
                made[windows[k][0]].append(self._reduced(states_of))
        return [self._rows(parts) for parts in made]

    @property
    def _window_samples(self) -> int:
        """Samples that are encoded at a time; 0: the whole recording."""
        return (self.window or self.facts.most or 0) * self.rate

    def _windows(self, samples: np.ndarray) -> list[np.ndarray]:
        """The recording in windows; one that is too short for a frame is zero-padded."""
        facts, samples = self.facts, samples.astype(np.float32)
        size = self._window_samples or len(samples)
        windows = [samples[i : i + size] for i in range(0, len(samples), size)]
        windows = [window for window in windows if len(window) >= facts.shortest]
        return windows or [np.pad(samples, (0, facts.shortest - len(samples)))]

    def _groups(self, lengths: Sequence[int], padded: bool, device: str) -> Iterator[list[int]]:
        """Numbers of the windows that are encoded together: of one length, or any where padding is masked.

        ``lengths`` are in samples.
        """
        group: list[int] = []
        for k, length in enumerate(lengths):
            longest = max(length, *(lengths[i] for i in group)) if group else length
            fits = (len(group) + 1) * longest <= self.batch_seconds(device) * self.rate
            if group and not (fits and (padded or length == lengths[group[0]])):
                yield group
                group = []
            group.append(k)
        yield group

    def _reduced(self, hidden: Tensor) -> Tensor:
        """What is kept of the hidden states (K, T, width) of a window: sums over time and their number, or frames."""
        if self.layer == ALL:
            import torch

            sums = hidden.double().sum(dim=1)
            return torch.cat([sums, sums.new_full((len(sums), 1), hidden.shape[1])], dim=1)
        return hidden.mean(dim=0) if len(hidden) > 1 else hidden[0]

    def _rows(self, parts: Sequence[Tensor]) -> np.ndarray:
        """Rows of a recording, of what is kept of its windows."""
        import torch

        if self.layer == ALL:
            total = torch.stack(list(parts)).sum(dim=0)
            return (total[:, :-1] / total[:, -1:]).float().cpu().numpy()
        frames = torch.cat(list(parts)).float().cpu().numpy()
        if self.stack > 1:
            frames = np.pad(frames, ((0, -len(frames) % self.stack), (0, 0)), mode="edge")
        return frames.reshape(-1, self.dim)


@lru_cache(maxsize=1)
def _encoder(model: str, window: int | None, device: str) -> Encoder:
    return speech.load(model, window, device)
