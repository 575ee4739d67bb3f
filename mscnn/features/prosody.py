"""Prosody of an utterance: 7 functionals of 5 contours, by openSMILE or by a substitute."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np

from mscnn.audio.pcm import FULL_SCALE, pcm16
from mscnn.features.base import Extractor
from mscnn.features.dsp import BLOCK, frames, hertz, mel, power
from mscnn.features.kaldi import mel_bands, window_of
from mscnn.features.pyin import Grid, pyin
from mscnn.packages import require
from mscnn.paths import CONF

CONFIG = CONF / "opensmile" / "prosody.conf"
HOP_S = 0.010
PITCH_WINDOW_S = 0.055  # frames of F0, voicing and HNR
LOUDNESS_WINDOW_S = 0.020  # frames of loudness
WINDOW_STD = 0.4  # standard deviation of the Gaussian window, half a frame = 1
F0_MIN, F0_MAX = 52, 620  # Hz
F0_RESOLUTION = 0.25  # semitones
MIN_VOICED_RMS = 0.0008  # of a windowed frame, full scale = 1; frames below are unvoiced
NOTE_A = 27.5  # Hz


@dataclass(frozen=True)
class Prosody(Extractor):
    """One row of 35: standard deviation, mean, slope (per frame), centroid (share of the length), 10th percentile, 90th
    percentile and their difference, of each of five contours: F0 in Hz, F0 in semitones above 27.5 Hz, probability of
    voicing, harmonics-to-noise ratio in dB, loudness. Unvoiced frames count in loudness only. Contours have one value
    per 10 ms and are smoothed over 3 values.

    ``backend`` opensmile: the package opensmile (free for research only) with conf/opensmile/prosody.conf, the
    settings of Yoon et al. 2018 (prosodyShsViterbiLoudness). substitute: OURS. Loudness, harmonics-to-noise ratio,
    smoothing and functionals follow openSMILE's formulas, but F0 and voicing come from pYIN (as of librosa) instead of
    subharmonic summation with Viterbi smoothing. On 60 utterances of RAVDESS its correlation with openSMILE is 1.0
    for loudness, 0.92 for mean F0, 0.84 for mean voicing and 0.90 for mean harmonics-to-noise ratio. ``rate`` in Hz.
    """

    modules = ("mscnn.features.kaldi", "mscnn.features.pyin")

    rate: int
    backend: Literal["opensmile", "substitute"]

    @property
    def dim(self) -> int:
        """Feature dimension, 35."""
        return 35

    @property
    def frame_shift(self) -> float:
        """0: there is one row per utterance."""
        return 0.0

    @property
    def used_packages(self) -> tuple[str, ...]:
        """Packages of the backend."""
        return ("opensmile",) if self.backend == "opensmile" else ("numpy", "scipy")

    def check(self) -> None:
        """Raise UserError where the backend opensmile is not installed."""
        if self.backend == "opensmile":
            require("opensmile", "backend opensmile (licensed for research)", "use --set backend=substitute")

    def __call__(self, samples: np.ndarray) -> np.ndarray:
        """Samples (n,) -> float32 (1, 35)."""
        samples = np.pad(samples, (0, max(round((PITCH_WINDOW_S + 2 * HOP_S) * self.rate) - len(samples), 0)))
        return BACKENDS[self.backend](samples, self.rate).astype(np.float32)[None]


def _opensmile(samples: np.ndarray, rate: int) -> np.ndarray:
    opensmile = require("opensmile", "backend opensmile")
    smile = opensmile.Smile(str(CONFIG), "features")
    return np.nan_to_num(smile(pcm16(samples) / np.float32(FULL_SCALE), rate)).reshape(-1)


def _substitute(samples: np.ndarray, rate: int) -> np.ndarray:
    contours = [_smoothed(c, voiced=True) for c in voice(samples, rate)]
    rows = [functionals(c[c != 0]) for c in contours]
    return np.concatenate([*rows, functionals(_smoothed(loudness(samples, rate)))])


BACKENDS = {"opensmile": _opensmile, "substitute": _substitute}


def voice(samples: np.ndarray, rate: int) -> list[np.ndarray]:
    """F0 in Hz and in semitones, probability of voicing and harmonics-to-noise ratio in dB, each (T,); 0: unvoiced."""
    length, hop = round(PITCH_WINDOW_S * rate), round(HOP_S * rate)
    f0, voicing = pyin(samples, _grid(rate, length, hop))
    weights = _window(length)
    loud = np.sqrt(frames(samples**2, length, hop) @ weights**2 / length) >= MIN_VOICED_RMS
    (some,) = np.nonzero(loud & (f0 > 0))
    ratio = np.full(len(f0), 1e-10)
    ratio[some] = _periodicity(frames(samples, length, hop)[some] * weights, rate / f0[some])
    voiced = ratio > 0.5  # pYIN also calls many frames voiced whose HNR is below 0 dB
    semitones = np.maximum(12 * np.log2(np.maximum(f0, F0_MIN) / NOTE_A), 1)
    return [f0 * voiced, semitones * voiced, voicing * loud, 10 * np.log10(ratio / (1 - ratio)) * voiced]


@lru_cache(maxsize=4)
def _grid(rate: int, length: int, hop: int) -> Grid:
    return Grid(rate, F0_MIN, F0_MAX, F0_RESOLUTION, length, hop)


@lru_cache(maxsize=4)
def _window(length: int) -> np.ndarray:
    return np.exp(-0.5 * (np.linspace(-1, 1, length) / WINDOW_STD) ** 2)


def _periodicity(windowed: np.ndarray, lag: np.ndarray) -> np.ndarray:
    """Autocorrelation (T,) of frames (T, n) near their ``lag`` (T,) in samples, as a share of their power."""
    from scipy.fft import irfft

    size = 1 << (windowed.shape[1] - 1).bit_length()
    near = np.rint(lag).astype(int)[:, None] + np.arange(-3, 4)
    shares = [np.zeros(0)]
    for i in range(0, len(windowed), BLOCK):
        correlation = irfft(power(windowed[i : i + BLOCK], None, size), size)
        peak = np.take_along_axis(correlation, near[i : i + BLOCK], axis=1).max(axis=1)
        shares.append(peak / np.maximum(correlation[:, 0], 1e-30))
    return np.clip(np.concatenate(shares), 1e-10, 1 - 1e-10)


def loudness(samples: np.ndarray, rate: int) -> np.ndarray:
    """Loudness (T,): mean over 26 mel bands of (power times equal-loudness weight)^0.33, as openSMILE's cPlp.

    The weight is Hermansky's (JASA 1990) with openSMILE's constants.
    """
    length, hop = round(LOUDNESS_WINDOW_S * rate), round(HOP_S * rate)
    size = 1 << (length - 1).bit_length()
    bands = mel_bands(rate, size, 26, 20, 8000)
    powers = power(frames(samples, length, hop), window_of("hamming", length), size, bands)
    w = 2 * np.pi * hertz(np.linspace(mel(20), mel(8000), 28))[1:-1]
    weight = 1e32 * (w**2 + 56.8e6) * w**4 / ((w**2 + 6.3e6) ** 2 * (w**2 + 0.38e9) * (w**7 + 1.7e31))
    return ((powers * weight) ** 0.33).mean(axis=1)


def _smoothed(contour: np.ndarray, voiced: bool = False) -> np.ndarray:
    """Mean of each value and its two neighbours; with ``voiced`` zeros are excluded and stay zero."""
    padded = np.concatenate([contour[:1], contour, contour[-1:]])
    total = padded[:-2] + contour + padded[2:]
    if not voiced:
        return total / 3
    number = np.sum([padded[i : i + len(contour)] != 0 for i in range(3)], axis=0)
    return np.where(contour == 0, 0, total / np.maximum(number, 1))


def functionals(contour: np.ndarray) -> np.ndarray:
    """Standard deviation, mean, slope, centroid, 10th and 90th percentile and their difference; 0 for no values."""
    if not len(contour):
        return np.zeros(7)
    time = np.arange(len(contour))
    centred = time - time.mean()
    slope = centred @ contour / max(centred @ centred, 1)
    total = contour.sum()
    centroid = time @ contour / total / len(contour) if total else 0
    low, high = np.interp([0.1 * (len(contour) - 1), 0.9 * (len(contour) - 1)], time, np.sort(contour))
    return np.array([contour.std(), contour.mean(), slope, centroid, low, high, high - low])
