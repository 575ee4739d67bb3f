"""Mel-frequency cepstra as librosa 0.11 computes them, to the last bit, without its import.

librosa compiles code when it is imported (numba), which took a third of the time to the first answer of a new process.
Its parameters are the defaults: Slaney's normalisation of the bands, decibels of power with reference 1 and a range of
80 dB, orthonormal DCT-II.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from mscnn.features.dsp import frames

BLOCK = 128  # frames that are transformed at a time, so that memory does not grow with the FFT
LEAST, RANGE = 1e-10, 80.0  # power, dB
LINEAR_HZ, LINEAR_MEL = 1000.0, 200.0 / 3  # Slaney's scale is linear up to the one, with so many Hz per mel
LOG_STEP = np.log(6.4) / 27.0


def mfcc(
    samples: np.ndarray,
    *,
    rate: int,
    n_mfcc: int,
    n_mels: int,
    n_fft: int,
    win_length: int,
    hop_length: int,
    window: str,
    center: bool,
    htk: bool,
) -> np.ndarray:
    """Cepstra (n_mfcc, T) of samples (n,), n > 0; with ``center`` frame t is around sample t * hop_length.

    ``htk`` selects HTK's mel scale in place of Slaney's.
    """
    from scipy.fft import dct

    power = spectrogram(samples, n_fft, win_length, hop_length, window, center)
    mel = np.einsum("...ft,mf->...mt", power, mel_bands(rate, n_fft, n_mels, htk), optimize=True)
    decibels = 10.0 * np.log10(np.maximum(LEAST, mel))
    decibels = np.maximum(decibels, decibels.max() - RANGE)
    return dct(decibels, axis=-2, type=2, norm="ortho")[:n_mfcc]


def spectrogram(
    samples: np.ndarray, n_fft: int, win_length: int, hop_length: int, window: str, center: bool
) -> np.ndarray:
    """Power (1 + n_fft // 2, T) of frames of samples (n,), zero-padded where ``center`` is true or they are few."""
    from scipy.fft import rfft
    from scipy.signal import get_window

    before = (n_fft - win_length) // 2
    weights = np.pad(get_window(window, win_length, fftbins=True), (before, n_fft - win_length - before))
    framed = frames(np.pad(samples, n_fft // 2) if center else samples, n_fft, hop_length)
    kind = np.complex64 if samples.dtype == np.float32 else np.complex128
    spectrum = np.zeros((len(framed), 1 + n_fft // 2), kind)
    for i in range(0, len(framed), BLOCK):
        spectrum[i : i + BLOCK] = rfft(weights * framed[i : i + BLOCK], axis=-1)
    return np.abs(spectrum.T) ** 2.0


@lru_cache(maxsize=8)
def mel_bands(rate: int, n_fft: int, n_mels: int, htk: bool) -> np.ndarray:
    """Triangles of equal area (n_mels, 1 + n_fft // 2) float32, from 0 Hz to half of ``rate``."""
    bins = np.fft.rfftfreq(n_fft, 1.0 / rate)
    corners = _hertz(np.linspace(_mel(0.0, htk), _mel(float(rate) / 2, htk), n_mels + 2), htk)
    widths, ramps = np.diff(corners), np.subtract.outer(corners, bins)
    bands = np.zeros((n_mels, len(bins)), np.float32)
    for i in range(n_mels):
        bands[i] = np.maximum(0, np.minimum(-ramps[i] / widths[i], ramps[i + 2] / widths[i + 1]))
    bands *= (2.0 / (corners[2:] - corners[:-2]))[:, np.newaxis]
    return bands


def _mel(hertz: float, htk: bool) -> float:
    if htk:
        return 2595.0 * np.log10(1.0 + hertz / 700.0)
    if hertz < LINEAR_HZ:
        return hertz / LINEAR_MEL
    return LINEAR_HZ / LINEAR_MEL + np.log(hertz / LINEAR_HZ) / LOG_STEP


def _hertz(mels: np.ndarray, htk: bool) -> np.ndarray:
    if htk:
        return 700.0 * (10.0 ** (mels / 2595.0) - 1.0)
    hertz, above = LINEAR_MEL * mels, mels >= LINEAR_HZ / LINEAR_MEL
    hertz[above] = LINEAR_HZ * np.exp(LOG_STEP * (mels[above] - LINEAR_HZ / LINEAR_MEL))
    return hertz
