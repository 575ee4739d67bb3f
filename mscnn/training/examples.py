"""Examples of one split of a fold, and batches of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from mscnn.config.segments import Segments
from mscnn.data.segments import aggregate_segments
from mscnn.models.inputs import Inputs

ONE_PER_UTTERANCE = np.empty(0, np.int64)
LENGTH_JITTER = 0.05  # relative noise of lengths before bucketing, so that batches differ between epochs


@dataclass(frozen=True)
class Stream:
    """One feature: ``frames`` (N, D) of all utterances; first frame and number of frames of each example (n,).

    ``relative``: batches have the values of each example less their maximum.
    """

    frames: np.ndarray
    starts: np.ndarray
    lengths: np.ndarray
    relative: bool = False

    def coverage(self) -> np.ndarray:
        """Number of examples that contain each of the N frames, (N,)."""
        edges = (self.starts, self.starts + self.lengths)
        begins, ends = (np.bincount(edge, minlength=len(self.frames) + 1) for edge in edges)
        return np.cumsum(begins - ends)[: len(self.frames)]

    def batch(self, index: np.ndarray) -> tuple[Tensor, Tensor]:
        """Frames (B, D, T) of the examples at ``index``, zero-padded, and their numbers (B,)."""
        lengths = self.lengths[index]
        frames = np.zeros((len(index), lengths.max(), self.frames.shape[1]), np.float32)
        for row, (start, n) in enumerate(zip(self.starts[index], lengths, strict=True)):
            frames[row, :n] = self.frames[start : start + n]
            if self.relative:
                frames[row, :n] -= frames[row, :n].max()
        return torch.from_numpy(frames).transpose(1, 2), torch.from_numpy(lengths)


@dataclass
class Examples:
    """Input of the model from n utterances: one example per utterance, or one per segment of it.

    Attributes:
        utts: utterance ids.
        streams: features by name; ``audio`` is the main one.
        tokens: token ids per utterance, or None.
        xvectors: (n, X), or None.
        labels: (n,) class indices; None for the test split, whose labels are not available to training.
        utterance: index of the utterance of each example.
        segments: the segmentation, or None.
    """

    utts: Sequence[str]
    streams: dict[str, Stream] = field(default_factory=dict)
    tokens: Sequence[Sequence[int]] | None = None
    xvectors: np.ndarray | None = None
    labels: np.ndarray | None = None
    utterance: np.ndarray = field(default_factory=lambda: ONE_PER_UTTERANCE)
    segments: Segments | None = None

    def __post_init__(self) -> None:
        if self.utterance is ONE_PER_UTTERANCE:
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
            TypeError: the split has no labels.
        """
        if self.labels is None:
            raise TypeError("examples without labels cannot be used for training or selection")
        return self.labels

    @property
    def lengths(self) -> np.ndarray:
        """Number of frames of each example, or of tokens where there is no audio."""
        if "audio" in self.streams:
            return self.streams["audio"].lengths
        return np.array([len(t) for t in self.tokens or [()] * len(self.utts)])[self.utterance]

    def aggregate(self, scores: np.ndarray) -> np.ndarray:
        """Scores of the utterances (n, K) from those of the examples."""
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
    """Shuffled batches of the indices 0 to n - 1, of similar lengths to reduce padding."""
    order = np.argsort(lengths * rng.uniform(1 - LENGTH_JITTER, 1 + LENGTH_JITTER, len(lengths)), kind="stable")
    ends = list(range(batch_size, len(order) - 1, batch_size))  # no batch of one: it cannot be batch-normalised
    batches = np.split(order, ends)
    for i in rng.permutation(len(batches)):
        yield batches[i]


def balanced(labels: np.ndarray, balance: str | int, rng: np.random.Generator, power: float = 1.0) -> np.ndarray:
    """Indices of examples with equally many of every class: as many as of the largest (``oversample``), or a number.

    With ``power`` < 1, ``oversample`` balances in part: a class of n examples has n (N / n)^power, N being the size of
    the largest class. Within a class no example is repeated before all were drawn.
    """
    classes = [np.flatnonzero(labels == k) for k in np.unique(labels)]
    largest = max(map(len, classes))
    numbers = [
        round(len(c) * (largest / len(c)) ** power) if balance == "oversample" else int(balance) for c in classes
    ]
    return np.concatenate(
        [
            np.concatenate([rng.permutation(c) for _ in range(-(-number // len(c)))])[:number]
            for c, number in zip(classes, numbers, strict=True)
        ]
    )


def padding(lengths: np.ndarray, batches: Sequence[np.ndarray]) -> float:
    """Share of padding in a set of batches, 0 to 1."""
    total = sum(lengths[b].max() * len(b) for b in batches)
    return 1 - sum(lengths[b].sum() for b in batches) / total
