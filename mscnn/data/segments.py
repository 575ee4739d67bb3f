"""Segmentation of utterances into segments of a fixed length, and aggregation of the scores of segments."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mscnn.config.segments import Segments


@dataclass(frozen=True)
class Spans:
    """Positions of n segments: index of the utterance, first frame and number of frames, each (n,) int64."""

    utterance: np.ndarray
    starts: np.ndarray
    lengths: np.ndarray


def segment(
    rule: Segments, lengths: Sequence[int] | np.ndarray, *, train: bool, classes: Sequence[str] | None = None
) -> Spans:
    """Segments of utterances of ``lengths`` frames; the ``classes`` of utterances are used in training only."""
    firsts, counts = array("q"), array("q")
    hop = rule.hop or rule.frames
    hop = hop if train else rule.test_hop or hop
    for i, length in enumerate(lengths):
        slides = train and classes is not None and classes[i] in rule.slide_classes
        starts = STARTS["slide" if slides else rule.long](int(length), rule.frames, hop, rule.tail)
        firsts.extend(starts)
        counts.append(len(starts))
    utterance, first = np.repeat(np.arange(len(counts)), counts), np.array(firsts, np.int64)
    return Spans(utterance, first, np.minimum(rule.frames, np.asarray(lengths, np.int64)[utterance] - first))


def aggregate_segments(rule: Segments, scores: np.ndarray, utterance: np.ndarray, count: int) -> np.ndarray:
    """Scores of utterances (count, K) from those of their segments (n, K); ``utterance`` (n,) as in :class:`Spans`."""
    order = np.argsort(utterance, kind="stable")
    ends = np.searchsorted(utterance[order], np.arange(1, count))
    return np.stack([AGGREGATE[rule.aggregate](part) for part in np.split(scores[order], ends)])


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


STARTS = {"slide": _slide, "ends": _ends, "first": _first}
AGGREGATE = {
    "mean_logits": lambda scores: scores.mean(axis=0),
    "mean_logprob": lambda scores: _log_softmax(scores).mean(axis=0),
    "mean_posterior": lambda scores: np.log(np.exp(_log_softmax(scores)).mean(axis=0)),
    "max_logits": lambda scores: scores.max(axis=0),
    "max_posterior": lambda scores: _log_softmax(scores).max(axis=0),
}
