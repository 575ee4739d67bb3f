"""Mel-frequency cepstra as librosa 0.11 computes them, within 1e-3, in fewer operations and without its import.

Its parameters are the defaults: Slaney's normalisation of the bands, decibels of power with reference 1 and a range of
80 dB, orthonormal DCT-II. The import of librosa, or of scipy.signal, takes as long as the cepstra of five minutes.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from mscnn.features.dsp import frames, power, window_of

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
    """Cepstra (T, n_mfcc) float32 of samples (n,), n > 0; with ``center`` frame t is around sample t * hop_length.

    ``htk`` selects HTK's mel scale in place of Slaney's.
    """
    framed = frames(np.pad(samples, n_fft // 2) if center else samples, n_fft, hop_length)
    before = (n_fft - win_length) // 2
    size, bands = _bands(rate, n_fft, win_length, n_mels, htk)
    weights = window_of(window, win_length).astype(bands.dtype)
    mel = power(framed[:, before : before + win_length], weights, size, bands).astype(np.float32)
    decibels = np.log10(np.maximum(LEAST, mel, out=mel), out=mel)
    np.maximum(decibels, decibels.max() - RANGE / 10, out=decibels)
    return (decibels @ _dct(n_mels, n_mfcc)).astype(np.float32)


@lru_cache(maxsize=8)
def _bands(rate: int, n_fft: int, win_length: int, n_mels: int, htk: bool) -> tuple[int, np.ndarray]:
    """A size of the FFT, and the matrix from its powers to the bands (1 + size // 2, n_mels).

    The power spectrum of a frame is the transform of its autocorrelation, which ends at lag ``win_length``: where
    ``n_fft`` is more than twice that, a smaller FFT has all information, and the other bins follow by interpolation.
    Its weights are of both signs, which takes double precision; single suffices for the bands themselves.
    """
    from scipy.fft import next_fast_len

    bands, size = mel_bands(rate, n_fft, n_mels, htk), next_fast_len(2 * win_length - 1, real=True)
    if size >= n_fft:
        return n_fft, np.ascontiguousarray(bands.T)
    lags = np.fft.fft(bands.astype(float), n_fft).real[:, :win_length]
    lags[:, 0] /= 2
    weights = 2 / size * np.fft.fft(lags, size).real[:, : 1 + size // 2]
    weights[:, 1 : (size + 1) // 2] *= 2
    return size, np.ascontiguousarray(weights.T)


@lru_cache(maxsize=8)
def _dct(n_mels: int, n_mfcc: int) -> np.ndarray:
    """Orthonormal DCT-II of common logarithms, times 10: decibels to cepstra (n_mels, n_mfcc)."""
    angle = np.pi / n_mels * np.outer(np.arange(n_mels) + 0.5, np.arange(n_mfcc))
    matrix = 10 * np.sqrt(2 / n_mels) * np.cos(angle)
    matrix[:, 0] /= np.sqrt(2)
    return matrix


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
