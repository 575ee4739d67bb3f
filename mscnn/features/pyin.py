"""Fundamental frequency by probabilistic YIN, as librosa 0.11 computes it, in a tenth of its time.

Mauch and Dixon, "pYIN: A fundamental frequency estimator using probabilistic threshold distributions", ICASSP 2014;
YIN is that of de Cheveigné and Kawahara, JASA 111(4), 2002. What is not an option of :class:`Grid` has librosa's
default. Frames and troughs are computed together, and the steps of the Viterbi algorithm take only the transitions
that are possible: 17 to a bin, of 344.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from mscnn.features.dsp import BLOCK, frames

CHUNK = 512  # frames whose troughs are weighed at a time
# Thresholds of the normalised difference; their prior is the distribution beta(2, 18). Those from 0.8 have 4e-12 of it
# together, which goes to the last one here.
THRESHOLDS = np.linspace(0, 0.8, 81)
PRIOR = np.append(1 - (1 - THRESHOLDS[:-1]) ** 18 * (1 + 18 * THRESHOLDS[:-1]), 1)  # cumulative
LAST = len(PRIOR) - 1
COUNTED = 0.9  # troughs below it have a probability in double precision
DECAY = 2.0  # of the prior of troughs, from short to long periods
NO_TROUGH = 0.01  # share of the lowest trough in the thresholds below it
SWITCH = 0.01  # probability of a change between voiced and unvoiced
OCTAVES_PER_S = 35.92  # fastest change of the fundamental frequency
TINY = np.finfo(float).tiny  # added to probabilities before the logarithm
SWITCH_COST, JUMP_COST = np.log(SWITCH / (1 - SWITCH)), np.log(TINY)


@dataclass(frozen=True)
class Grid:
    """Bins of ``step`` semitones from ``low`` to ``high`` Hz, and frames of ``length`` samples, one every ``hop``.

    A state of the hidden Markov model is a bin, voiced or unvoiced.
    """

    rate: int
    low: float
    high: float
    step: float
    length: int
    hop: int

    @cached_property
    def bins_per_octave(self) -> int:
        """Bins per octave."""
        return 12 * int(np.ceil(1 / self.step))

    @cached_property
    def bins(self) -> int:
        """Number of bins."""
        return int(np.floor(self.bins_per_octave * np.log2(self.high / self.low))) + 1

    @cached_property
    def periods(self) -> tuple[int, int]:
        """Shortest and longest period in samples."""
        return int(self.rate // self.high), min(int(np.ceil(self.rate / self.low)), self.length - 1)

    @cached_property
    def reach(self) -> int:
        """Bins by which the frequency may change from a frame to the next."""
        return round(OCTAVES_PER_S * 12 * self.hop / self.rate) * (self.bins_per_octave // 12) // 2

    @cached_property
    def into(self) -> np.ndarray:
        """Logarithms of the probabilities to state (row) from state, (2 * bins, 2 * bins); the first are voiced."""
        return np.ascontiguousarray(self.transition.T)

    @cached_property
    def transition(self) -> np.ndarray:
        """Logarithms of the probabilities from state (row) to state, (2 * bins, 2 * bins); the first are voiced."""
        reach = self.reach
        distance = np.abs(np.subtract.outer(np.arange(self.bins), np.arange(self.bins)))
        weights = np.maximum(reach + 1 - distance, 0) / (reach + 1)
        within = weights / weights.sum(axis=1, keepdims=True)
        return np.log(np.kron([[1 - SWITCH, SWITCH], [SWITCH, 1 - SWITCH]], within) + TINY)

    @cached_property
    def band(self) -> np.ndarray:
        """Those without a switch from bin j + d - reach to bin j: row d, column j of (2 * reach + 1, 1, bins)."""
        within, beyond = self.transition[: self.bins, : self.bins], ((self.reach, self.reach), (0, 0))
        padded = np.pad(within, beyond, constant_values=-np.inf)
        columns = np.arange(self.bins)
        return np.stack([padded[columns + d, columns] for d in range(2 * self.reach + 1)])[:, None]


def pyin(samples: np.ndarray, grid: Grid) -> tuple[np.ndarray, np.ndarray]:
    """Fundamental frequency (T,) in Hz, 0 where unvoiced, and probability of voicing (T,) of samples (n,)."""
    framed = frames(samples, grid.length, grid.hop)
    parts = [_candidates(framed[i : i + CHUNK], grid) for i in range(0, len(framed), CHUNK)]
    voiced = np.concatenate(parts)
    voicing = np.clip(voiced.sum(axis=1), 0, 1)
    states = _viterbi(voiced, (1 - voicing) / grid.bins, grid)
    frequencies = grid.low * 2 ** (np.arange(grid.bins) / grid.bins_per_octave)
    return np.where(states < grid.bins, frequencies[states % grid.bins], 0), voicing


def _candidates(framed: np.ndarray, grid: Grid) -> np.ndarray:
    """Probability of each bin (T, bins) in frames (T, length)."""
    parts = [_all_troughs(framed[i : i + BLOCK], grid) for i in range(0, len(framed), BLOCK)]
    frame = np.concatenate([part[0] + i * BLOCK for i, part in enumerate(parts)])
    height, period = (np.concatenate([part[k] for part in parts]) for k in (1, 2))
    shares = _shares(frame, height, len(framed))
    place = np.rint(grid.bins_per_octave * np.log2(grid.rate / period / grid.low))
    inside = ((shares > 0) | (height < COUNTED)) & (place < grid.bins)
    probability = np.zeros((len(framed), grid.bins))
    # of several in one bin the last counts, that with the longest period, even where its probability is far lower
    probability[frame[inside], np.maximum(place[inside], 0).astype(int)] = shares[inside]
    return probability


def _all_troughs(framed: np.ndarray, grid: Grid) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Troughs of the difference function of frames (T, length): the frame, the height and the period of each."""
    difference = _difference(framed, *grid.periods)
    frame, lag = np.nonzero(_troughs(difference))
    return frame, difference[frame, lag], grid.periods[0] + lag + _shift(difference, frame, lag)


def _difference(framed: np.ndarray, shortest: int, longest: int) -> np.ndarray:
    """Cumulative mean normalised difference (T, longest - shortest + 1) of frames (T, n); equation 8 of YIN."""
    from scipy.fft import irfft, next_fast_len, rfft

    size = next_fast_len(framed.shape[1] + longest, real=True)
    spectrum = rfft(framed, size)
    correlation = irfft(spectrum.real**2 + spectrum.imag**2, size)
    energy = np.cumsum(np.square(framed[:, :longest], dtype=np.float64), axis=1)
    difference = 2 * (correlation[:, :1] - correlation[:, 1 : longest + 1]) - energy
    mean = np.cumsum(difference, axis=1)[:, shortest - 1 :] / np.arange(shortest, longest + 1)
    return (difference[:, shortest - 1 :] / (mean + np.finfo(np.float32).tiny)).astype(np.float32)


def _troughs(x: np.ndarray) -> np.ndarray:
    """Whether each value of (T, n) is lower than the one before and not higher than the one after it."""
    falls = x[:, 1:] < x[:, :-1]
    found = np.empty(x.shape, bool)
    found[:, 0] = x[:, 0] < x[:, 1]
    found[:, 1:] = falls
    found[:, 1:-1] &= ~(x[:, 2:] < x[:, 1:-1])
    return found


def _shift(x: np.ndarray, frame: np.ndarray, lag: np.ndarray) -> np.ndarray:
    """Distance of the vertex of the parabola through three values from the middle one; 0 where it is 1 or more."""
    inside = np.clip(lag, 1, x.shape[1] - 2)
    before, here, after = (x[frame, inside + k] for k in (-1, 0, 1))
    curvature, slope = after + before - 2 * here, (after - before) / 2
    usable = (np.abs(slope) < np.abs(curvature)) & (inside == lag)
    return np.where(usable, -slope / np.where(usable, curvature, 1), 0)


def _shares(frame: np.ndarray, heights: np.ndarray, count: int) -> np.ndarray:
    """Probability of each trough, from its frame (ascending) and its height.

    For a threshold, the troughs below it share its probability, more of it the shorter their period; the lowest has a
    part where none is below. Between two neighbouring heights of a frame all thresholds have the same troughs below.
    """
    level = np.searchsorted(THRESHOLDS[1:], heights, side="right")  # the first threshold that is higher
    shares = np.zeros(len(heights))
    lowest = _first_minimum(frame, heights)
    shares[lowest] = NO_TROUGH * PRIOR[level[lowest]]
    (low,) = np.nonzero(level < LAST)
    number = np.bincount(frame[low], minlength=count)  # of them in each frame
    start, width = np.cumsum(number) - number, 1
    while width < 2 * number.max():
        (rows,) = np.nonzero((number > width // 2) & (number <= width))
        place, real = start[rows, None] + np.arange(width), np.arange(width) < number[rows, None]
        of = low[np.minimum(place, len(low) - 1)]
        levels = np.where(real, level[of], LAST)  # (frames, width), filled up with troughs below no threshold
        edges = np.sort(levels, axis=1)
        mass = np.diff(PRIOR[edges], axis=1, append=1)
        mass *= (1 - np.exp(-DECAY)) / (1 - np.exp(-DECAY * np.arange(1, width + 1)))
        below = levels[:, :, None] <= edges[:, None, :]  # trough, thresholds
        decay = np.cumprod(np.where(below, np.exp(-DECAY), 1), axis=1)
        shares[of[real]] += (np.exp(DECAY) * below * decay @ mass[:, :, None])[:, :, 0][real]
        width *= 2
    return shares


def _first_minimum(frame: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Index of the first minimum of the values of each frame; frames are ascending."""
    if not len(frame):
        return np.zeros(0, int)
    starts = np.diff(frame, prepend=-1) > 0
    group = np.cumsum(starts) - 1
    least = np.minimum.reduceat(values, np.flatnonzero(starts))
    (equal,) = np.nonzero(values == least[group])
    return equal[np.diff(frame[equal], prepend=-1) > 0]


def _viterbi(voiced: np.ndarray, unvoiced: np.ndarray, grid: Grid) -> np.ndarray:
    """Most probable states (T,) from the probabilities of voiced bins (T, bins), and of each unvoiced one (T,)."""
    values = _forward(voiced, unvoiced, grid, jumps=False)
    lowest = (values[1:, 1].min(axis=1) - np.log(unvoiced[1:] + TINY)) + SWITCH_COST  # of the sums over transitions
    if (values[:-1].max(axis=(1, 2)) + JUMP_COST >= lowest).any():
        values = _forward(voiced, unvoiced, grid, jumps=True)
    into, rows = grid.into, values.reshape(len(values), -1)
    states = np.empty(len(values), int)
    states[-1] = state = int(rows[-1].argmax())
    for t in range(len(values) - 2, -1, -1):
        states[t] = state = int((rows[t] + into[state]).argmax())
    return states


def _forward(voiced: np.ndarray, unvoiced: np.ndarray, grid: Grid, *, jumps: bool) -> np.ndarray:
    """Logarithm of the probability of the best path to each state, (T, 2, bins): voiced, unvoiced.

    The transitions within reach are added; with ``jumps`` also those beyond it, to any bin, of probability ``TINY``.
    """
    band, bins, reach = grid.band, grid.bins, len(grid.band) // 2
    padded = np.full((len(voiced), 2, bins + 2 * reach), -np.inf)
    values = padded[:, :, reach : reach + bins]
    values[:, 0], values[:, 1] = np.log(voiced + TINY), np.log(unvoiced + TINY)[:, None]
    values[0] += np.log(1 / (2 * bins) + TINY)
    windows = np.moveaxis(sliding_window_view(padded, bins, axis=2), 2, 1)  # (T, 2 * reach + 1, 2, bins)
    sums, best, other = np.empty((len(band), 2, bins)), np.empty((2, bins)), np.empty((2, bins))
    swapped, add, maximum = best[::-1], np.add, np.maximum
    for t in range(1, len(values)):
        add(windows[t - 1], band, out=sums)
        maximum.reduce(sums, axis=0, out=best)
        add(swapped, SWITCH_COST, out=other)
        maximum(best, other, out=best)
        if jumps:
            maximum(best, values[t - 1].max() + JUMP_COST, out=best)
        values[t] += best
    return values
