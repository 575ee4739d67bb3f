"""Parts of recordings: whole ones, blocks of long ones, and the windows of a timeline, each read once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mscnn.audio.blocks import Recording
from mscnn.errors import UserError

if TYPE_CHECKING:
    import numpy as np

MIN_BLOCK = 0.5  # s; a shorter rest of a long recording is left to the block before it


@dataclass(frozen=True)
class Part:
    """Samples (n, channels) at ``rate`` Hz of a part of a recording; ``owner`` is the number of its answer."""

    owner: int
    samples: np.ndarray
    rate: int
    text: str | None

    @property
    def seconds(self) -> float:
        """Duration."""
        return len(self.samples) / self.rate


def blocks(recording: Recording, owner: int, text: str | None, longest: float) -> Iterator[Part]:
    """A recording as a whole, or where it is longer than ``longest`` seconds, as consecutive parts of that length."""
    size, total = round(longest * recording.rate), recording.frames
    starts = range(0, total, size) if total > size else range(1)
    edges = [*starts, total]
    if len(edges) > 2 and edges[-1] - edges[-2] < MIN_BLOCK * recording.rate:
        del edges[-2]
    for samples in recording.spans(zip(edges[:-1], edges[1:], strict=True)):
        yield Part(owner, samples, recording.rate, text)


def pieces(seconds: float, hop: float) -> list[tuple[float, float]]:
    """The parts of a timeline: ``hop`` seconds each, the last one shorter.

    Raises:
        UserError: ``hop`` is not above 0.
    """
    count = max(1, -int(-round(seconds / hop, 6) // 1))
    return [(i * hop, min((i + 1) * hop, seconds)) for i in range(count)]


def windows(
    recording: Recording, spans: Sequence[tuple[float, float]], window: float, chosen: Sequence[int]
) -> Iterator[Part]:
    """For each ``chosen`` span of a recording the ``window`` seconds around its middle, moved inside the recording."""
    size = min(max(round(window * recording.rate), 1), recording.frames)

    def edges() -> Iterable[tuple[int, int]]:
        for i in chosen:
            middle = sum(spans[i]) / 2
            start = min(max(round((middle - window / 2) * recording.rate), 0), recording.frames - size)
            yield start, start + size

    for i, samples in zip(chosen, recording.spans(edges()), strict=False):
        yield Part(i, samples, recording.rate, None)


def check_window(window: float, hop: float) -> None:
    """Raise UserError unless ``window`` and ``hop`` are seconds that a timeline can have."""
    if not (0.1 <= window <= 600 and 0.01 <= hop <= 600):
        raise UserError(
            f"window={window}, hop={hop}: expected seconds, a window from 0.1 to 600 and a hop from 0.01 to 600",
            code="window-value",
        )
