"""Modulation spectrogram: energy over time, auditory frequency and modulation frequency."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mscnn.errors import UserError
from mscnn.features.base import Extractor

ENVELOPE_RATE = 400  # Hz; more than twice the cut-off of the low-pass
FILTER_ORDER = 2  # of the Butterworth filters
ERB = (24.7, 24.7 * 0.00437)  # Hz; bandwidth at f is ERB[0] + ERB[1] f (Glasberg and Moore 1990)
RESPONSE_S = 0.05  # length of impulse responses; the longest is then 90 dB below its peak


@dataclass(frozen=True)
class Modulation(Extractor):
    """``modulations`` times ``bands`` columns, modulation by modulation: ``x.T.reshape(modulations, bands, T)``.

    After the front-end of Peng et al., "Speech Emotion Recognition Using 3D Convolutions and Attention-Based Sliding
    Recurrent Networks With Auditory Front-Ends", IEEE Access 2020, of which we know only the outline: auditory
    filterbank of gammachirps, Hilbert envelope, low-pass, modulation filterbank. OURS are: ``order``, ``bandwidth`` (in
    ERBs) and ``chirp`` of the gammachirps, as we recall those of Irino and Patterson (1997) at 50 dB; their peaks,
    equally spaced on the ERB-rate scale from ``low_hz`` to ``high_hz``; and the edges of the modulation bands: the
    first is a low-pass up to ``modulation_low_hz``, the others are band-passes at equal ratios from there to
    ``modulation_high_hz``. ``envelope_hz`` is the cut-off of the low-pass of the envelopes. Rows are samples of the
    filter outputs, ``frame_rate`` per second, a divisor of 400. Frequencies and rates are in Hz.
    """

    packages = ("numpy", "scipy")

    rate: int
    bands: int
    order: int
    bandwidth: float
    chirp: float
    low_hz: float
    high_hz: float
    envelope_hz: float
    modulations: int
    modulation_low_hz: float
    modulation_high_hz: float
    frame_rate: int

    def __post_init__(self) -> None:
        if self.order < 1 or self.bandwidth <= 0:
            raise UserError("order must be at least 1, and bandwidth above 0", code="config-value")
        if self.rate % ENVELOPE_RATE or not self.frame_rate or ENVELOPE_RATE % self.frame_rate:
            raise UserError(
                f"rate must be a multiple of {ENVELOPE_RATE} Hz, and frame_rate a divisor of {ENVELOPE_RATE} Hz",
                code="config-value",
            )

    @property
    def dim(self) -> int:
        """Feature dimension."""
        return self.modulations * self.bands

    @property
    def frame_shift(self) -> float:
        """Seconds from one row to the next."""
        return 1 / self.frame_rate

    def __call__(self, samples: np.ndarray) -> np.ndarray:
        """Samples (n,) -> float32 (T, modulations * bands), T = ceil(n * frame_rate / rate)."""
        from scipy.signal import sosfilt

        envelopes = np.stack([self._envelope(samples.astype(np.float64), centre) for centre in self.centres()])
        filtered = np.stack([sosfilt(sos, envelopes) for sos in self._modulation_filters()])
        rows = filtered.reshape(self.dim, -1)[:, :: ENVELOPE_RATE // self.frame_rate].T
        return np.ascontiguousarray(rows, dtype=np.float32)

    def centres(self) -> np.ndarray:
        """Peaks of the auditory bands in Hz; ERB-rate = 21.4 log10(1 + 0.00437 f) (Glasberg and Moore 1990)."""
        low, high = (np.log1p(0.00437 * f) for f in (self.low_hz, self.high_hz))
        return np.expm1(np.linspace(low, high, self.bands)) / 0.00437

    def gammachirp(self, centre: float) -> np.ndarray:
        """Impulse response t^(n-1) exp(-2 pi b ERB(f) t) cos(2 pi f t - c ln t) with a peak of gain 1 at ``centre``.

        Irino and Patterson, "A time-domain, level-dependent auditory filter: The gammachirp", JASA 101(1), 1997. The
        peak is at f - c b ERB(f) / n (``chirp`` is c; theirs is negative).
        """
        shift = self.chirp * self.bandwidth / self.order
        carrier = (centre + shift * ERB[0]) / (1 - shift * ERB[1])
        t = np.arange(1, round(RESPONSE_S * self.rate)) / self.rate
        decay = 2 * np.pi * self.bandwidth * (ERB[0] + ERB[1] * carrier)
        wave = t ** (self.order - 1) * np.exp(-decay * t) * np.cos(2 * np.pi * carrier * t - self.chirp * np.log(t))
        return wave / np.abs(wave @ np.exp(-2j * np.pi * centre * t))

    def _envelope(self, samples: np.ndarray, centre: float) -> np.ndarray:
        """Low-passed Hilbert envelope of the band at ``centre``, ``ENVELOPE_RATE`` values per second."""
        from scipy.fft import next_fast_len
        from scipy.signal import butter, fftconvolve, hilbert, sosfilt

        band = fftconvolve(samples, self.gammachirp(centre))[: len(samples)]
        envelope = np.abs(hilbert(band, next_fast_len(len(band))))[: len(band)]
        low_pass = butter(2 * FILTER_ORDER, self.envelope_hz, fs=self.rate, output="sos")
        return sosfilt(low_pass, envelope)[:: self.rate // ENVELOPE_RATE]

    def _modulation_filters(self) -> list[np.ndarray]:
        from scipy.signal import butter

        edges = np.geomspace(self.modulation_low_hz, self.modulation_high_hz, self.modulations)
        low_pass = butter(FILTER_ORDER, edges[0], fs=ENVELOPE_RATE, output="sos")
        pairs = zip(edges, edges[1:], strict=False)
        return [low_pass, *(butter(FILTER_ORDER, pair, "bandpass", fs=ENVELOPE_RATE, output="sos") for pair in pairs)]
