"""Examples of one part of a fold, and batches of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from mscnn.config.segments import Segments
from mscnn.data.segments import aggregate_segments
from mscnn.models.inputs import Inputs

ONE_EACH = np.empty(0, np.int64)  # one example per utterance
JITTER = 0.05  # lengths are blurred by this much before bucketing, so that batches differ from epoch to epoch


@dataclass(frozen=True)
class Stream:
    """One feature: ``frames`` (N, D) of all utterances in a row; each example's first one, and their number (n,)."""

    frames: np.ndarray
    starts: np.ndarray
    lengths: np.ndarray

    def coverage(self) -> np.ndarray:
        """In how many examples each of the N frames lies (N,)."""
        edges = (self.starts, self.starts + self.lengths)
        begins, ends = (np.bincount(edge, minlength=len(self.frames) + 1) for edge in edges)
        return np.cumsum(begins - ends)[: len(self.frames)]

    def batch(self, index: np.ndarray) -> tuple[Tensor, Tensor]:
        """(B, D, T), zero beyond each example's own frames, and their number (B,)."""
        lengths = self.lengths[index]
        frames = np.zeros((len(index), lengths.max(), self.frames.shape[1]), np.float32)
        for row, (start, n) in enumerate(zip(self.starts[index], lengths, strict=True)):
            frames[row, :n] = self.frames[start : start + n]
        return torch.from_numpy(frames).transpose(1, 2), torch.from_numpy(lengths)


@dataclass
class Examples:
    """What n utterances give the model: one example per utterance, or several where a system takes segments.

    Attributes:
        utts: utterance ids.
        streams: features by name; ``audio`` is the main one.
        tokens: token ids of each utterance, or None.
        xvectors: (n, X), or None.
        labels: (n,) class indices; None for the test part, which training never sees the labels of.
        utterance: index of each example's utterance.
        segments: the rule by which utterances were segmented, or None.
    """

    utts: Sequence[str]
    streams: dict[str, Stream] = field(default_factory=dict)
    tokens: Sequence[Sequence[int]] | None = None
    xvectors: np.ndarray | None = None
    labels: np.ndarray | None = None
    utterance: np.ndarray = field(default_factory=lambda: ONE_EACH)
    segments: Segments | None = None

    def __post_init__(self) -> None:
        if self.utterance is ONE_EACH:
            self.utterance = np.arange(len(self.utts))

    def __len__(self) -> int:
        return len(self.utterance)

    @property
    def targets(self) -> np.ndarray:
        """Class index of each example; raises as :meth:`require_labels`."""
        return self.require_labels()[self.utterance]

    def require_labels(self) -> np.ndarray:
        """Class index of each utterance.

        Raises:
            TypeError: the part has no labels.
        """
        if self.labels is None:
            raise TypeError("examples without labels: nothing is learnt from them, nor selected on them")
        return self.labels

    @property
    def lengths(self) -> np.ndarray:
        """Frames of each example, or tokens where there is no audio."""
        if "audio" in self.streams:
            return self.streams["audio"].lengths
        return np.array([len(t) for t in self.tokens or [()] * len(self.utts)])[self.utterance]

    def gather(self, scores: np.ndarray) -> np.ndarray:
        """Scores of the utterances from those of the examples, (n, K) both."""
        if self.segments is None:
            return scores
        return aggregate_segments(self.segments, scores, self.utterance, len(self.utts))

    def batch(self, index: np.ndarray) -> Inputs:
        """The examples at ``index`` as one zero-padded batch."""
        inputs, utts = Inputs(), self.utterance[index]
        for name, stream in self.streams.items():
            if name == "audio":
                inputs.audio, inputs.audio_len = stream.batch(index)
            else:
                inputs.extra[name], inputs.extra_len[name] = stream.batch(index)
        if self.tokens is not None:
            rows = [torch.tensor(self.tokens[i]) for i in utts]
            inputs.tokens = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)
            inputs.token_len = torch.tensor([len(r) for r in rows])
        if self.xvectors is not None:
            inputs.xvector = torch.from_numpy(self.xvectors[utts])
        return inputs


def bucketed(lengths: np.ndarray, batch_size: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Split 0..n-1 into shuffled batches of similar length, so that little of a batch is padding."""
    order = np.argsort(lengths * rng.uniform(1 - JITTER, 1 + JITTER, len(lengths)), kind="stable")
    ends = list(range(batch_size, len(order) - 1, batch_size))  # one example alone cannot be normalised by its batch
    batches = np.split(order, ends)
    for i in rng.permutation(len(batches)):
        yield batches[i]


def balanced(labels: np.ndarray, balance: str | int, rng: np.random.Generator, power: float = 1.0) -> np.ndarray:
    """Examples with every class equally often: as often as the largest (``oversample``), or a given number of times.

    With a ``power`` below 1, ``oversample`` goes a part of the way: a class of n examples comes n (N / n)^power times,
    N those of the largest. Within a class nobody is taken twice before everybody was taken once.
    """
    classes = [np.flatnonzero(labels == k) for k in np.unique(labels)]
    most = max(map(len, classes))
    numbers = [round(len(c) * (most / len(c)) ** power) if balance == "oversample" else int(balance) for c in classes]
    return np.concatenate(
        [
            np.concatenate([rng.permutation(c) for _ in range(-(-number // len(c)))])[:number]
            for c, number in zip(classes, numbers, strict=True)
        ]
    )


def padding(lengths: np.ndarray, batches: Sequence[np.ndarray]) -> float:
    """Share of a set of batches that is padding, 0 to 1."""
    total = sum(lengths[b].max() * len(b) for b in batches)
    return 1 - sum(lengths[b].sum() for b in batches) / total
