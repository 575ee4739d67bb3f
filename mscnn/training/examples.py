"""Examples of one split of a fold, and batches of them."""

from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from mscnn.config.model import TEXT_ENCODER
from mscnn.config.segments import Segments
from mscnn.data.segments import aggregate_segments
from mscnn.features.store import Frames, Rows
from mscnn.models.inputs import Inputs
from mscnn.training.gather import Batches, Ragged, Scaling, copied

ONE_PER_UTTERANCE = np.empty(0, np.int64)
LENGTH_JITTER = 0.05  # relative noise of lengths before bucketing, so that batches differ between epochs


@dataclass(frozen=True)
class Stream:
    """One feature of n examples, which are utterances or parts of them.

    Attributes:
        frames: frames of the utterances.
        utterance: index of the utterance of each example, (n,).
        first: its first frame in the utterance, (n,).
        lengths: its number of frames, (n,).
        relative: batches have the values of each example less their maximum.
        scaling: normalisation of batches, or None.
    """

    frames: Frames
    utterance: np.ndarray
    first: np.ndarray
    lengths: np.ndarray
    relative: bool = False
    scaling: Scaling | None = None

    @classmethod
    def whole(cls, frames: Frames, lengths: np.ndarray | None = None) -> "Stream":
        """One example per utterance: all its frames, or the first ``lengths``."""
        count = len(frames)
        return cls(frames, np.arange(count), np.zeros(count, np.int64), frames.lengths if lengths is None else lengths)

    def coverage(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """All frames of the utterances in blocks: rows (N, D), and the number of examples that contain each, (N,)."""
        starts = self.frames.offsets[self.utterance] + self.first
        begins, ends = np.sort(starts), np.sort(starts + self.lengths)
        for start, rows in self.frames.blocks():
            position = np.arange(start, start + len(rows))
            yield rows, np.searchsorted(begins, position, "right") - np.searchsorted(ends, position, "right")

    def on(self, device: str) -> Ragged:
        """The examples for batches on a device; frames are copied to one that is not the CPU."""
        return self._cpu if device == "cpu" else self._ragged(*copied(self.frames, device)).to(device)

    @cached_property
    def _cpu(self) -> Ragged:
        return self._ragged(self.frames.rows, self.frames.rows.pitch, self.frames.starts)

    def _ragged(self, rows: Rows | Tensor, pitch: int, starts: np.ndarray) -> Ragged:
        addresses = starts[self.utterance] + pitch * self.first
        stored = self.frames.stored[self.utterance] - self.first
        present = torch.from_numpy(stored) if (stored < self.lengths).any() else None
        tables = torch.from_numpy(addresses), torch.from_numpy(self.lengths), present
        return Ragged(rows, pitch, *tables, self.scaling, self.relative)


class TokenIds(Sequence[list[int]]):
    """Token ids of utterances: one array (N,), and the number of tokens of each utterance (n,), at least 1."""

    def __init__(self, values: np.ndarray, lengths: np.ndarray) -> None:
        self.values, self.lengths = values, lengths
        self._ends = np.cumsum(lengths)

    @classmethod
    def of(cls, utterances: Iterable[Sequence[int]]) -> "TokenIds":
        """Those of sequences, which are read one by one."""
        values, lengths = array("q"), array("q")
        for one in utterances:
            values.extend(one)
            lengths.append(len(one))
        return cls(np.array(values, np.int64), np.array(lengths, np.int64))

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, i):
        end = self._ends[i]
        return self.values[end - self.lengths[i] : end].tolist()

    def on(self, device: str) -> Ragged:
        """The token ids for batches on a device."""
        starts = self._ends - self.lengths
        return Ragged(torch.from_numpy(self.values), 1, torch.from_numpy(starts), torch.from_numpy(self.lengths)).to(
            device
        )


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
    tokens: TokenIds | None = None
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
        for name in ("audio", TEXT_ENCODER):
            if name in self.streams:
                return self.streams[name].lengths
        if self.tokens is None:
            return np.zeros(len(self), np.int64)
        return self.tokens.lengths[self.utterance]

    @property
    def nbytes(self) -> int:
        """Bytes of the features, as single-precision numbers."""
        return sum(4 * int(one.frames.stored.sum()) * one.frames.rows.dim for one in self.streams.values())

    def aggregate(self, scores: np.ndarray) -> np.ndarray:
        """Scores of the utterances (n, K) from those of the examples."""
        if self.segments is None:
            return scores
        return aggregate_segments(self.segments, scores, self.utterance, len(self.utts))

    def widths(self, index: np.ndarray) -> dict[str, int]:
        """Lengths to which a batch of the examples at ``index`` is padded: of the features, and of ``tokens``."""
        widths = {name: int(stream.lengths[index].max()) for name, stream in self.streams.items()}
        if self.tokens is not None:
            widths["tokens"] = int(self.tokens.lengths[self.utterance[index]].max())
        return widths

    def on(self, device: str) -> Batches:
        """The examples for batches on a device."""
        return Batches(
            {name: stream.on(device) for name, stream in self.streams.items()},
            None if self.tokens is None else self.tokens.on(device),
            None if self.xvectors is None else torch.from_numpy(self.xvectors).to(device),
            torch.from_numpy(self.utterance).to(device),
        )

    def batch(self, index: Sequence[int] | np.ndarray) -> Inputs:
        """The examples at ``index`` as one zero-padded batch on the CPU."""
        index = np.asarray(index)
        return self.on("cpu")(torch.from_numpy(index), self.widths(index))


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
