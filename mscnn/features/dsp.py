"""Signal processing shared by several extractors."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

# windows of scipy.signal that have no parameters
Window: TypeAlias = Literal[
    "boxcar", "triang", "blackman", "hamming", "hann", "bartlett", "flattop", "parzen", "bohman", "blackmanharris",
    "nuttall", "barthann", "cosine", "lanczos",
]  # fmt: skip

if TYPE_CHECKING:
    from kaldi_native_fbank import OnlineFbank, OnlineMfcc

BLOCK = 64  # frames that are transformed at a time: they stay in the cache, and memory does not grow with the FFT
COSINES = {"boxcar": [1.0], "hann": [0.5, -0.5], "hamming": [0.54, -0.46], "blackman": [0.42, -0.5, 0.08]}


def frames(samples: np.ndarray, length: int, hop: int, *, tail: bool = False) -> np.ndarray:
    """Frames (T, length) of samples (n,), one every ``hop`` samples; a signal shorter than a frame is zero-padded.

    ``tail``: zero-pad the samples after the last whole frame to one more frame. The result is a read-only view.
    """
    beyond = max(len(samples) - length, 0)
    count = 1 + (-(-beyond // hop) if tail else beyond // hop)
    padded = np.pad(samples, (0, max((count - 1) * hop + length - len(samples), 0)))
    return sliding_window_view(padded, length)[: (count - 1) * hop + 1 : hop]


def power(framed: np.ndarray, window: np.ndarray | None, size: int, bands: np.ndarray | None = None) -> np.ndarray:
    """Power spectra (T, 1 + size // 2) of frames (T, n) times ``window`` (n,), by FFT of ``size`` points.

    With ``bands`` (1 + size // 2, m) the products with them, (T, m). The precision is that of frames times window.
    """
    from scipy.fft import rfft

    def block(part: np.ndarray) -> np.ndarray:
        spectrum = rfft(part if window is None else part * window, size)
        squares = spectrum.real**2 + spectrum.imag**2
        return squares if bands is None else squares @ bands

    return np.concatenate([block(framed[i : i + BLOCK]) for i in range(0, len(framed), BLOCK)])


@lru_cache(maxsize=32)
def window_of(name: str, length: int) -> np.ndarray:
    """Periodic window (length,) float64; ``name`` is one of scipy's."""
    if name not in COSINES:
        from scipy.signal import get_window  # its import takes half a second

        return get_window(name, length)
    angle = 2 * np.pi * np.arange(length) / length
    return np.sum([weight * np.cos(k * angle) for k, weight in enumerate(COSINES[name])], axis=0)


def preemphasised(samples: np.ndarray, coefficient: float) -> np.ndarray:
    """Samples y[t] = x[t] - coefficient * x[t - 1]; the first is unchanged."""
    return np.concatenate([samples[:1], samples[1:] - coefficient * samples[:-1]])


def kaldi_frames(computer: OnlineFbank | OnlineMfcc, rate: int, samples: np.ndarray) -> np.ndarray:
    """Features (T, D) float32 by kaldi-native-fbank of samples (n,) at ``rate`` Hz; T = 0 for less than a frame."""
    computer.accept_waveform(rate, samples.astype(np.float32))
    computer.input_finished()
    rows = [computer.get_frame(t) for t in range(computer.num_frames_ready)]
    return np.stack(rows) if rows else np.zeros((0, computer.dim), np.float32)


def add_deltas(static: np.ndarray, orders: int, width: int) -> np.ndarray:
    """Static features (T, D) and their deltas, static ‖ Δ ‖ ΔΔ ..., (T, D * (1 + orders)).

    A delta is the slope of the regression line through ``width`` frames on either side, edges repeated:
    sum n (x[t + n] - x[t - n]) / (2 sum n²), n = 1 .. ``width``, as HTK and python_speech_features compute it.
    """
    taps, parts = np.arange(-width, width + 1).astype(static.dtype), [static]
    for _ in range(orders):
        padded = np.pad(parts[-1], ((width, width), (0, 0)), mode="edge")
        rows = [tap * padded[i : i + len(static)] for i, tap in enumerate(taps) if tap]
        parts.append(sum(rows, np.zeros_like(static)) / (taps @ taps))
    return np.concatenate(parts, axis=1)


def mel(hertz: np.ndarray | float) -> np.ndarray:
    """Mels on the scale of HTK, Kaldi and openSMILE (O'Shaughnessy): 1127 ln(1 + f / 700)."""
    return 1127 * np.log1p(np.asarray(hertz) / 700)


def hertz(mels: np.ndarray | float) -> np.ndarray:
    """Inverse of :func:`mel`."""
    return 700 * np.expm1(np.asarray(mels) / 1127)
