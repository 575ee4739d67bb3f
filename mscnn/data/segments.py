"""Utterances cut into segments of a fixed length, and the segments' scores put together again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from mscnn.errors import UserError


@dataclass(frozen=True)
class Cut:
    """Where the segments lie: ``owner`` (index of the utterance), first frame and number of frames, each (n,)."""

    owner: np.ndarray
    starts: np.ndarray
    lengths: np.ndarray


@dataclass(frozen=True)
class Segments:
    """The rule of a system.

    Attributes:
        frames: length of a segment; a shorter utterance is one segment, padded with zeros.
        hop, test_hop: frames from one segment to the next, in training and otherwise; 0: ``frames``, and ``hop``.
        long: of longer utterances take ``slide`` (every hop), ``ends`` (the first and the last) or ``first``.
        tail: what becomes of frames after the last whole segment: ``pad`` (a segment of their own) or ``drop``.
        slide_classes: classes whose training utterances slide all the same (Chen et al. 2018 balance classes so).
        pad_first: whether features are normalised as segments: short utterances are padded before, padding counts, and
            so does a frame as often as segments hold it.
        aggregate: an utterance scores the mean_logits, mean_logprob, mean_posterior, max_logits or max_posterior of
            its segments.
        streams: frames that the further features have in a segment; those not named are of the whole utterance.
    """

    frames: int = 0
    hop: int = 0
    test_hop: int = 0
    long: str = "slide"
    tail: str = "pad"
    slide_classes: tuple[str, ...] = ()
    pad_first: bool = False
    aggregate: str = "mean_logprob"
    streams: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if min(self.frames, self.hop, self.test_hop) < 0:
            raise UserError("segments: frames, hop and test_hop must not be negative")
        for name, known in (("long", LONG), ("tail", ("pad", "drop")), ("aggregate", AGGREGATE)):
            if getattr(self, name) not in known:
                raise UserError(f"segments: {name} {getattr(self, name)}: expected one of {', '.join(known)}")

    def cut(self, lengths: Sequence[int], *, train: bool, classes: Sequence[str] | None = None) -> Cut:
        """Segments of utterances of ``lengths`` frames; ``classes`` of the utterances matter in training only."""
        parts: list[tuple[int, int, int]] = []
        hop = self.hop or self.frames
        hop = hop if train else self.test_hop or hop
        for i, length in enumerate(lengths):
            slides = train and classes is not None and classes[i] in self.slide_classes
            starts = LONG["slide" if slides else self.long](int(length), self.frames, hop, self.tail)
            parts += [(i, start, min(self.frames, int(length) - start)) for start in starts]
        return Cut(*np.array(parts, np.int64).reshape(-1, 3).T)

    def gather(self, scores: np.ndarray, owner: np.ndarray, utterances: int) -> np.ndarray:
        """Scores of utterances (utterances, K) from those of segments (n, K)."""
        return np.stack([AGGREGATE[self.aggregate](scores[owner == i]) for i in range(utterances)])


def _slide(length: int, frames: int, hop: int, tail: str) -> list[int]:
    starts = list(range(0, max(length - frames, 0) + 1, hop))
    if tail == "pad" and starts[-1] + frames < length:
        starts.append(starts[-1] + hop)
    return [start for start in starts if start < length] or [0]


def _ends(length: int, frames: int, hop: int, tail: str) -> list[int]:
    return [0] if length <= frames else [0, length - frames]


def _first(length: int, frames: int, hop: int, tail: str) -> list[int]:
    return [0]


def _log_softmax(scores: np.ndarray) -> np.ndarray:
    shifted = scores - scores.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


LONG = {"slide": _slide, "ends": _ends, "first": _first}
AGGREGATE = {
    "mean_logits": lambda scores: scores.mean(axis=0),
    "mean_logprob": lambda scores: _log_softmax(scores).mean(axis=0),
    "mean_posterior": lambda scores: np.log(np.exp(_log_softmax(scores)).mean(axis=0)),
    "max_logits": lambda scores: scores.max(axis=0),
    "max_posterior": lambda scores: _log_softmax(scores).max(axis=0),
}
