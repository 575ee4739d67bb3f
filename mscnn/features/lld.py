"""The 34 short-term features of pyAudioAnalysis (Giannakopoulos, PLOS ONE 2015), reimplemented."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from mscnn.errors import UserError
from mscnn.features.base import Extractor
from mscnn.features.dsp import frames, power

EPS = np.finfo(float).eps
ENTROPY_BLOCKS = 10  # blocks of a frame, or of its spectrum, over whose energies the entropy is computed
ROLLOFF = 0.9  # share of the energy
CEPSTRA = 13
LINEAR_BANDS, LOG_BANDS = 13, 27  # bands with equally spaced centres, and with centres at equal ratios
LOWEST_EDGE, LINEAR_SPACING, LOG_RATIO = 133.33, 200 / 3, 1.0711703  # Hz, Hz, -
NOTE_A = 27.5  # Hz


@dataclass(frozen=True)
class ShortTerm(Extractor):
    """Columns: zero crossings, energy, entropy of energy; centroid, spread, entropy, flux and roll-off of the spectrum;
    13 MFCC; 12 chroma and their standard deviation.

    ``rate`` in Hz; ``win_length`` and ``hop_length`` in samples (rectangular window; an incomplete last frame is
    dropped). The values are those of pyAudioAnalysis 0.3.14, including its peculiarities: the waveform is scaled to
    mean 0 and peak 1; there are win_length / 2 bins, without the last one; the mel bands assume that the bins extend to
    ``rate``; of the bins of the same note only the highest counts; a bin below the note A counts for the highest notes.
    """

    packages = ("numpy", "scipy")

    rate: int
    win_length: int
    hop_length: int

    def __post_init__(self) -> None:
        highest = round(12 * math.log2(self.rate / 2 / NOTE_A))
        if self.win_length // 2 <= highest:
            raise UserError(
                f"win_length: expected more than {2 * highest + 1}, for the {highest} notes up to {self.rate // 2} Hz, "
                f"found {self.win_length}",
                code="config-value",
            )

    @property
    def dim(self) -> int:
        """Values per frame."""
        return 8 + CEPSTRA + 13

    def __call__(self, samples: np.ndarray) -> np.ndarray:
        """Samples (n,) -> float32 (T, 34), T = 1 + (n - win_length) // hop_length, at least 1."""
        from scipy.fft import dct

        samples = samples - samples.mean(dtype=np.float64)
        framed = frames(samples / (np.abs(samples).max() + 1e-10), self.win_length, self.hop_length)
        bins = self.win_length // 2
        magnitude = np.sqrt(power(framed, None, self.win_length)[:, :bins]) / bins
        powers = magnitude**2
        crossings = np.abs(np.diff(np.sign(framed))).sum(axis=1) / 2 / (self.win_length - 1)
        time = [crossings, (framed**2).mean(axis=1), _entropy(framed**2)]
        spectrum = [*_centroid_spread(magnitude), _entropy(powers), _flux(magnitude), _rolloff(powers)]
        cepstra = dct(np.log10(magnitude @ self.bands().T + EPS), norm="ortho")[:, :CEPSTRA]
        total = powers.sum(axis=1, keepdims=True)
        chroma = powers @ self.notes() / np.where(total == 0, EPS, total)
        columns = [*time, *spectrum, cepstra, chroma, chroma.std(axis=1)]
        return np.column_stack(columns).astype(np.float32)

    @lru_cache(maxsize=4)  # noqa: B019  a frozen value
    def bands(self) -> np.ndarray:
        """Mel filterbank of the cepstra, (40, bins): triangles of equal area in Hz."""
        bins = self.win_length // 2
        linear = LOWEST_EDGE + np.arange(LINEAR_BANDS) * LINEAR_SPACING
        corners = np.concatenate([linear, linear[-1] * LOG_RATIO ** np.arange(1, LOG_BANDS + 3)])
        hertz = np.arange(bins) / bins * self.rate
        weights = np.zeros((LINEAR_BANDS + LOG_BANDS, bins))
        for row, (low, centre, high) in zip(weights, zip(corners, corners[1:], corners[2:], strict=False), strict=True):
            a, b, c = (int(edge * bins / self.rate) + 1 for edge in (low, centre, high))
            row[a:b] = (hertz[a:b] - low) / (centre - low)
            row[b:c] = (high - hertz[b:c]) / (high - centre)
            row *= 2 / (high - low)
        return weights

    @lru_cache(maxsize=4)  # noqa: B019
    def notes(self) -> np.ndarray:
        """Weights of the bins in the 12 chroma, (bins, 12); the first chroma is A."""
        bins = self.win_length // 2
        note = np.round(12 * np.log2(np.arange(1, bins + 1) * self.rate / (2 * bins) / NOTE_A)).astype(int)
        same_note = np.array([np.sum(note == n) for n in note])  # number of bins with the note of each bin
        highest = {n % bins: i for i, n in enumerate(note)}  # a later bin replaces an earlier one of its note
        weights = np.zeros((bins, 12))
        for n, i in highest.items():
            weights[i, n % 12] = 1 / same_note[note[n]]
        return weights


def _entropy(power: np.ndarray) -> np.ndarray:
    """Entropy (T,) in bits of the distribution of power (T, n) over ``ENTROPY_BLOCKS`` equal blocks of n."""
    size = power.shape[1] // ENTROPY_BLOCKS
    blocks = power[:, : size * ENTROPY_BLOCKS].reshape(-1, ENTROPY_BLOCKS, size).sum(axis=2)
    share = blocks / (power.sum(axis=1, keepdims=True) + EPS)
    return -(share * np.log2(share + EPS)).sum(axis=1)


def _centroid_spread(magnitude: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation (T,) of frequency, weighted by magnitudes (T, bins); 1 = the highest bin."""
    frequency = np.arange(1, magnitude.shape[1] + 1) / magnitude.shape[1]
    peak = magnitude.max(axis=1, keepdims=True)
    share = magnitude / np.where(peak == 0, EPS, peak)
    total = share.sum(axis=1, keepdims=True) + EPS
    centroid = (share * frequency).sum(axis=1, keepdims=True) / total
    spread = np.sqrt((share * (frequency - centroid) ** 2).sum(axis=1, keepdims=True) / total)
    return centroid[:, 0], spread[:, 0]


def _flux(magnitude: np.ndarray) -> np.ndarray:
    """Squared difference of the normalised spectrum from that of the previous frame, (T,); 0 in the first frame."""
    share = magnitude / (magnitude + EPS).sum(axis=1, keepdims=True)
    return (np.diff(share, axis=0, prepend=share[:1]) ** 2).sum(axis=1)


def _rolloff(power: np.ndarray) -> np.ndarray:
    """Share of the bins below which ``ROLLOFF`` of the power lies, (T,)."""
    above = np.cumsum(power, axis=1) + EPS > ROLLOFF * power.sum(axis=1, keepdims=True)
    return above.argmax(axis=1) / power.shape[1]
