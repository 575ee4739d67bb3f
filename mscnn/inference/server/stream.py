"""The windows of a stream: those of :meth:`mscnn.Predictor.timeline`, each as soon as its samples have arrived."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

RATES = (8000, 192000)  # Hz


class Window(NamedTuple):
    """A segment of the timeline, seconds from ``start`` to ``end``, and the samples (n,) of the window around it."""

    start: float
    end: float
    samples: np.ndarray


class Windows:
    """Segments a stream at ``rate`` Hz. Only the samples of windows to come are kept.

    A segment has ``hop`` seconds; its window of ``window`` seconds lies around its middle, moved inside the recording.
    So its result is known window / 2 seconds after its middle.
    """

    def __init__(self, rate: int, window: float, hop: float) -> None:
        self.rate, self.window, self.hop = rate, window, hop
        self._size, self._held = round(window * rate), np.zeros(0, np.float32)
        self._first = self._number = 0  # first sample that is held; next segment

    @property
    def total(self) -> int:
        """Samples so far."""
        return self._first + len(self._held)

    def push(self, samples: np.ndarray) -> Iterator[Window]:
        """Windows that are complete with these further samples (n,)."""
        self._held = np.concatenate([self._held, samples])
        while True:
            start, end = self._number * self.hop, (self._number + 1) * self.hop
            first = max(self._begin(start, end), 0)
            if max(first + self._size, end * self.rate) > self.total:
                return
            yield self._take(start, end, first, self._size)

    def finish(self) -> Iterator[Window]:
        """The remaining windows, at the end of the stream."""
        seconds = self.total / self.rate
        size = min(self._size, self.total)
        while self._number * self.hop < round(seconds, 6):
            start, end = self._number * self.hop, min((self._number + 1) * self.hop, seconds)
            yield self._take(start, end, min(max(self._begin(start, end), 0), self.total - size), size)

    def _begin(self, start: float, end: float) -> int:
        return round(((start + end) / 2 - self.window / 2) * self.rate)

    def _take(self, start: float, end: float, first: int, size: int) -> Window:
        window = self._held[first - self._first : first - self._first + size].copy()
        self._number += 1
        # a window at the end may be moved back by its whole length
        keep = max(min(first, self.total - self._size), self._first)
        self._held, self._first = self._held[keep - self._first :], keep
        return Window(start, end, window)
