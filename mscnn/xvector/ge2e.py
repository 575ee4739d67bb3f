"""Speaker encoder of Wan et al. 2018 (GE2E): an LSTM on mel spectra, with the weights and front-end of Resemblyzer.

Source: Wan, Wang, Papir, Lopez Moreno, "Generalized end-to-end loss for speaker verification", ICASSP 2018; the values
are those of Resemblyzer 0.1.4. Its voice activity detection is WebRTC's; here it is that of Kaldi, by energy.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from mscnn.errors import UserError
from mscnn.xvector.modeldir import XvectorModel

WEIGHTS = "model.safetensors"
RATE = 16000  # Hz
HOP, FFT, MELS = 160, 400, 40  # samples, samples, bands
WINDOW, STEP, COVERAGE = 160, 77, 0.75  # frames of a window, frames between windows, least share of audio in the last
LEVEL = -30.0  # dBFS; quieter recordings are amplified to it
VAD_WINDOW, VAD_AVERAGE, VAD_DILATION = 480, 8, 7  # samples, windows, windows
VAD_THRESHOLD, VAD_MEAN_SCALE = 5.5, 0.5  # of the log energy of samples of 16 bits, as conf/vad.conf of VoxCeleb
BATCH = 64  # windows at least


class SpeakerEncoder(nn.Module):
    """LSTM on windows of mel spectra; the last hidden state through a linear layer and ReLU, of length 1.

    Attributes:
        input_dim, dim: values of a frame and of the embedding.
    """

    def __init__(self, input_dim: int, hidden: int, layers: int, dim: int) -> None:
        super().__init__()
        self.input_dim, self.dim = input_dim, dim
        self.lstm = nn.LSTM(input_dim, hidden, layers, batch_first=True)
        self.linear = nn.Linear(hidden, dim)

    @classmethod
    def of(cls, weights: Mapping[str, Tensor]) -> SpeakerEncoder:
        """The network with ``weights``, in test mode; other tensors than its own are ignored.

        Raises:
            UserError: a tensor is missing, or has another shape than the others imply (``xvector-network``).
        """
        layers = sum(name.startswith("lstm.weight_hh_l") for name in weights)
        try:
            (rows, mels), (dim, hidden) = weights["lstm.weight_ih_l0"].shape, weights["linear.weight"].shape
            if mels != MELS or rows != 4 * hidden:
                raise ValueError(f"{rows} x {mels} weights of the input, expected {4 * hidden} x {MELS}")
            network = cls(mels, hidden, layers, dim)
            network.load_state_dict({name: weights[name] for name in network.state_dict()})
        except (KeyError, RuntimeError, ValueError) as error:
            reason = f"no tensor {error}" if isinstance(error, KeyError) else " ".join(str(error).split())[:300]
            raise UserError(f"not the weights of a GE2E speaker encoder: {reason}", code="xvector-network") from None
        if not all(parameter.isfinite().all() for parameter in network.parameters()):
            raise UserError("weights of the GE2E speaker encoder are not finite", code="xvector-network")
        return network.requires_grad_(False).eval()

    def forward(self, windows: Tensor) -> Tensor:
        """Embeddings (B, dim) of windows (B, T, input_dim)."""
        _, (hidden, _) = self.lstm(windows)
        return nn.functional.normalize(torch.relu(self.linear(hidden[-1])), dim=1)


@dataclass(frozen=True)
class SpeakerEncoderModel(XvectorModel):
    """A folder with ``model.safetensors``, which ``mscnn install-xvector-model`` writes."""

    libraries: ClassVar[tuple[str, ...]] = ("librosa", "numpy", "torch")
    rate: ClassVar[int] = RATE

    @property
    def members(self) -> Mapping[str, Path]:
        return {WEIGHTS: self.path / WEIGHTS}

    def network(self) -> SpeakerEncoder:
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            return SpeakerEncoder.of(load_file(self.path / WEIGHTS))
        except (SafetensorError, OSError, UserError) as error:
            raise UserError(f"{self.path / WEIGHTS}: {error}; install it again", code="xvector-network") from None

    def chunk(self, size: int) -> int:
        if size not in (0, WINDOW):
            raise UserError(f"--chunk-size {size}: windows of this model have {WINDOW} frames", code="chunk-fixed")
        return WINDOW

    def select(self, samples: np.ndarray, all_frames: bool) -> tuple[np.ndarray, bool, int]:
        """Windows (P, 160, 40) of the voiced audio; as :meth:`XvectorModel.select`."""
        samples = amplified(samples)
        voiced = samples[voiced_samples(samples)]
        used = voiced if len(voiced) else samples if all_frames else samples[:0]
        return windows(used), bool(len(voiced)), len(samples)

    def embed(
        self, network: nn.Module, frames: Mapping[str, np.ndarray], chunk_size: int, batch: int
    ) -> dict[str, np.ndarray]:
        """The mean over windows, of length 1; as :meth:`XvectorModel.embed`."""
        assert isinstance(network, SpeakerEncoder)
        device = next(network.parameters()).device
        flat = torch.from_numpy(np.concatenate([np.zeros((0, WINDOW, MELS), np.float32), *frames.values()]))
        with torch.inference_mode():
            parts = [network(part.to(device)).cpu() for part in flat.split(max(BATCH, batch // WINDOW)) if len(part)]
        rows = torch.cat([torch.zeros(0, network.dim), *parts]).split([len(one) for one in frames.values()])
        return {utt: _unit_mean(part) for utt, part in zip(frames, rows, strict=True)}


def _unit_mean(rows: Tensor) -> np.ndarray:
    """Mean of rows (P, D) in length 1; zeros without rows."""
    return nn.functional.normalize(rows.sum(dim=0), dim=0).numpy()


def amplified(samples: np.ndarray) -> np.ndarray:
    """Samples (n,) float32, amplified to a root mean square of -30 dBFS where they are quieter and not silent."""
    power = float(np.mean(np.square(samples, dtype=np.float64))) if len(samples) else 0.0
    gain = LEVEL - 10 * math.log10(power) if power > 0 else 0.0
    return samples * np.float32(10 ** (gain / 20)) if gain > 0 else samples


def voiced_samples(samples: np.ndarray) -> np.ndarray:
    """Which samples (n,) are kept: those in or near voiced windows of 30 ms; a rest below a window is not.

    A window is loud by its energy. The decisions are averaged over 8 windows, rounded, and spread by 3 windows on both
    sides, as Resemblyzer does with those of WebRTC.
    """
    count = len(samples) // VAD_WINDOW
    energy = np.square(32768.0 * samples[: count * VAD_WINDOW].reshape(count, VAD_WINDOW)).sum(axis=1)
    energy = np.log(np.maximum(energy, np.finfo(np.float32).eps))
    loud = energy > VAD_THRESHOLD + VAD_MEAN_SCALE * energy.mean() if count else np.zeros(0, bool)
    padded = np.pad(loud.astype(float), ((VAD_AVERAGE - 1) // 2, VAD_AVERAGE // 2))
    voiced = np.convolve(padded, np.ones(VAD_AVERAGE), "valid") > VAD_AVERAGE / 2  # half is rounded to even: to 0
    near = np.convolve(np.pad(voiced, VAD_DILATION // 2), np.ones(VAD_DILATION), "valid") > 0
    return np.pad(np.repeat(near[:count], VAD_WINDOW), (0, len(samples) - count * VAD_WINDOW))


def window_starts(samples: int) -> Sequence[int]:
    """First frames of the windows of a number of samples: every 77 frames; a last one needs three quarters of audio."""
    frames = math.ceil((samples + 1) / HOP)
    starts = range(0, max(1, frames - WINDOW + STEP + 1), STEP)
    last = (samples - starts[-1] * HOP) / (WINDOW * HOP)
    return starts[:-1] if last < COVERAGE and len(starts) > 1 else starts


def windows(samples: np.ndarray) -> np.ndarray:
    """Windows (P, 160, 40) float32 of the mel spectrum of samples (n,) at 16 kHz; none of no samples.

    The mel spectrum is of power, without logarithm; samples are padded with zeros to the end of the last window.
    """
    import librosa

    if not len(samples):
        return np.zeros((0, WINDOW, MELS), np.float32)
    starts = window_starts(len(samples))
    padded = np.pad(samples, (0, max((starts[-1] + WINDOW) * HOP - len(samples), 0)))
    mel = librosa.feature.melspectrogram(y=padded, sr=RATE, n_fft=FFT, hop_length=HOP, n_mels=MELS)
    return _stacked(mel.T.astype(np.float32), starts)


def _stacked(mel: np.ndarray, starts: Iterable[int]) -> np.ndarray:
    return np.stack([mel[start : start + WINDOW] for start in starts])


def convert(checkpoint: Path, folder: Path) -> None:
    """Write ``model.safetensors`` into ``folder`` from a checkpoint of Resemblyzer, read without pickles.

    Raises:
        UserError: the file is no checkpoint (``archive-unreadable``), or of another network (``xvector-network``).
    """
    from safetensors.torch import save_file

    try:
        content = torch.load(checkpoint, map_location="cpu", weights_only=True)
        state = dict(content["model_state"])
        tensors = {str(name): value for name, value in state.items() if isinstance(value, Tensor)}
    except Exception as error:  # torch raises many kinds
        reason = " ".join(str(error).split())[:200]
        raise UserError(
            f"{checkpoint}: cannot be read as a checkpoint of Resemblyzer ({type(error).__name__}: {reason}); take "
            "pretrained.pt from its package",
            code="archive-unreadable",
        ) from None
    network = SpeakerEncoder.of(tensors)
    folder.mkdir(parents=True)
    save_file({name: value.contiguous() for name, value in network.state_dict().items()}, folder / WEIGHTS)
    os.chmod(folder / WEIGHTS, 0o644)
