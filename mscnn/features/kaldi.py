"""Log-mel energies, and MFCC of Kaldi and of HTK: kaldi-native-fbank's within 1e-3, all frames at a time."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np

from mscnn.audio.pcm import pcm16
from mscnn.errors import UserError
from mscnn.features.base import Extractor
from mscnn.features.dsp import add_deltas, frames, mel, power

EPSILON = np.finfo(np.float32).eps  # least power and energy whose logarithm is taken


@dataclass(frozen=True)
class _Kaldi(Extractor):
    """Base class; frame t begins at sample t * hop_length, and an incomplete last frame is dropped.

    Units: ``rate``, ``low_hz`` and ``high_hz`` in Hz; ``win_length`` and ``hop_length`` in samples (the FFT has the
    next power of two); ``delta_width`` in frames on either side; ``deltas`` is the highest order of deltas. ``window``
    is a name of Kaldi's. Pre-emphasis and ``remove_dc`` act on each frame. There is no dither, so that the features
    are reproducible.
    """

    packages = ("numpy", "scipy")

    rate: int
    n_mels: int
    win_length: int
    hop_length: int
    window: Literal["hanning", "sine", "hamming", "povey", "rectangular", "blackman"]
    preemphasis: float
    remove_dc: bool
    low_hz: float
    high_hz: float
    deltas: int
    delta_width: int

    @property
    def dim(self) -> int:
        """Values per frame."""
        return self._static_dim * (1 + self.deltas)

    @property
    def _static_dim(self) -> int:
        raise NotImplementedError

    def _static(self, samples: np.ndarray) -> np.ndarray:
        raise NotImplementedError

    def __call__(self, samples: np.ndarray) -> np.ndarray:
        """Samples (n,) -> float32 (T, dim): static ‖ Δ ‖ ΔΔ ..., T = 1 + (n - win_length) // hop_length, at least 1."""
        samples = np.pad(samples, (0, max(self.win_length - len(samples), 0)))
        return add_deltas(self._static(samples), self.deltas, self.delta_width).astype(np.float32)

    def _bands(self, samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Power in the mel bands (T, n_mels), and energy (T,) of the frames before pre-emphasis and window."""
        framed = frames(samples.astype(np.float32), self.win_length, self.hop_length)
        if self.remove_dc:
            framed = framed - framed.mean(axis=1, keepdims=True)
        energy = np.einsum("tn,tn->t", framed, framed)
        if self.preemphasis:
            before = np.concatenate([framed[:, :1], framed[:, :-1]], axis=1)
            framed = framed - np.float32(self.preemphasis) * before
        size = 1 << (self.win_length - 1).bit_length()
        bands = mel_bands(self.rate, size, self.n_mels, self.low_hz, self.high_hz)
        return power(framed, window_of(self.window, self.win_length), size, bands), energy


@lru_cache(maxsize=8)
def mel_bands(rate: int, size: int, n_mels: int, low_hz: float, high_hz: float) -> np.ndarray:
    """Kaldi's triangles in mels, (1 + size // 2, n_mels) float32; ``high_hz`` 0 stands for half of ``rate``."""
    bins = mel(np.arange(1 + size // 2) * rate / size)[:, None]
    corners = np.linspace(mel(low_hz), mel(high_hz or rate / 2), n_mels + 2)
    rising, falling = bins - corners[:-2], corners[2:] - bins
    bands = np.maximum(np.minimum(rising, falling) / (corners[1] - corners[0]), 0).astype(np.float32)
    bands[-1] = 0  # the bin of half of the rate has no part
    return bands


@lru_cache(maxsize=8)
def window_of(name: str, length: int) -> np.ndarray:
    """Kaldi's window (length,) float32, which is symmetric."""
    angle = 2 * np.pi * np.arange(length) / (length - 1)
    window = {
        "rectangular": np.ones(length),
        "hanning": 0.5 - 0.5 * np.cos(angle),
        "povey": (0.5 - 0.5 * np.cos(angle)) ** 0.85,
        "hamming": 0.54 - 0.46 * np.cos(angle),
        "sine": np.sin(angle / 2),
        "blackman": 0.42 - 0.5 * np.cos(angle) + 0.08 * np.cos(2 * angle),
    }[name]
    return window.astype(np.float32)


@lru_cache(maxsize=8)
def cepstral(n_mels: int, orders: range, lifter: float) -> np.ndarray:
    """Cepstra of these ``orders`` from logarithms of bands, (n_mels, len(orders)): orthonormal DCT-II and lifter."""
    order = np.array(orders)
    matrix = np.sqrt(2 / n_mels) * np.cos(np.pi / n_mels * np.outer(np.arange(n_mels) + 0.5, order))
    matrix[:, order == 0] /= np.sqrt(2)
    return matrix * (1 + lifter / 2 * np.sin(np.pi * order / lifter) if lifter else 1)


@dataclass(frozen=True)
class LogMel(_Kaldi):
    """Natural logarithms of the power in ``n_mels`` mel bands, with deltas.

    ``scale`` of the samples: int16, or unit_variance (mean 0 and standard deviation 1 over the utterance).
    """

    scale: Literal["int16", "unit_variance"]

    @property
    def _static_dim(self) -> int:
        return self.n_mels

    def _static(self, samples: np.ndarray) -> np.ndarray:
        if self.scale == "int16":
            scaled = pcm16(samples)
        else:
            centred = samples - samples.mean(dtype=np.float64)
            scaled = centred / max(centred.std(), 1e-8)
        return np.log(np.maximum(self._bands(scaled)[0], EPSILON))


@dataclass(frozen=True)
class KaldiMfcc(_Kaldi):
    """``n_mfcc`` cepstra as computed by Kaldi's compute-mfcc-feats from 16-bit samples, with deltas.

    ``lifter`` is Kaldi's --cepstral-lifter; ``use_energy`` replaces coefficient 0 by the log energy of the frame.
    """

    n_mfcc: int
    lifter: float
    use_energy: bool

    @property
    def _static_dim(self) -> int:
        return self.n_mfcc

    def _static(self, samples: np.ndarray) -> np.ndarray:
        bands, energy = self._bands(pcm16(samples))
        cepstra = np.log(np.maximum(bands, EPSILON)) @ cepstral(self.n_mels, range(self.n_mfcc), self.lifter)
        if self.use_energy:
            cepstra[:, 0] = np.log(np.maximum(energy, EPSILON))
        return cepstra


@dataclass(frozen=True)
class HtkMfcc(_Kaldi):
    """Cepstra 1 to ``n_mfcc`` and the log energy, with deltas: HTK's MFCC_E_D_A, openSMILE's MFCC12_E_D_A.

    Kaldi and HTK have the same mel bands. As in HTK, power is floored at 1 (16-bit scale) before the logarithm, and
    the energy is that of the frame before pre-emphasis and window and follows the cepstra. ``lifter`` 0: none.
    openSMILE agrees to 6e-4, except for ΔΔ of the last two frames.
    """

    n_mfcc: int
    lifter: float

    def __post_init__(self) -> None:
        if self.n_mfcc >= self.n_mels:
            raise UserError(f"n_mfcc {self.n_mfcc}: expected fewer than n_mels, {self.n_mels}", code="config-value")

    @property
    def _static_dim(self) -> int:
        return self.n_mfcc + 1

    def _static(self, samples: np.ndarray) -> np.ndarray:
        bands, energy = self._bands(pcm16(samples))
        cepstra = np.log(np.maximum(bands, 1)) @ cepstral(self.n_mels, range(1, self.n_mfcc + 1), self.lifter)
        return np.column_stack([cepstra, np.log(np.maximum(energy, 1))])
