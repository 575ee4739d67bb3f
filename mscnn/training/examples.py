"""Examples of one part of a fold, and batches of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from mscnn.models.inputs import Inputs

JITTER = 0.05  # lengths are blurred by this much before bucketing, so that batches differ from epoch to epoch


@dataclass
class Examples:
    """Inputs of n utterances, and their labels where the part may show them.

    Attributes:
        utts: utterance ids.
        frames: (N, D) normalised frames of all utterances in a row, or None.
        offsets: (n + 1,) where each utterance's frames begin and end.
        tokens: token ids of each utterance, or None.
        xvectors: (n, X), or None.
        labels: (n,) class indices; None for the test part, which training never sees the labels of.
    """

    utts: Sequence[str]
    frames: np.ndarray | None = None
    offsets: np.ndarray | None = None
    tokens: Sequence[Sequence[int]] | None = None
    xvectors: np.ndarray | None = None
    labels: np.ndarray | None = None
    max_frames: int = 750
    lengths: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        if self.frames is not None:
            self.lengths = np.minimum(np.diff(self.offsets), self.max_frames)
        else:
            self.lengths = np.array([len(t) for t in self.tokens or [()] * len(self.utts)])

    def __len__(self) -> int:
        return len(self.utts)

    def batch(self, index: Sequence[int]) -> Inputs:
        """The utterances at ``index`` as one zero-padded batch."""
        inputs = Inputs()
        if self.frames is not None:
            lengths = self.lengths[index]
            audio = np.zeros((len(index), lengths.max(), self.frames.shape[1]), np.float32)
            for row, (i, n) in enumerate(zip(index, lengths, strict=True)):
                audio[row, :n] = self.frames[self.offsets[i] : self.offsets[i] + n]
            inputs.audio, inputs.audio_len = torch.from_numpy(audio).transpose(1, 2), torch.from_numpy(lengths)
        if self.tokens is not None:
            rows = [torch.tensor(self.tokens[i]) for i in index]
            inputs.tokens = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)
            inputs.token_len = torch.tensor([len(r) for r in rows])
        if self.xvectors is not None:
            inputs.xvector = torch.from_numpy(self.xvectors[index])
        return inputs


def bucketed(lengths: np.ndarray, batch_size: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Cut 0..n-1 into shuffled batches of similar length, so that little of a batch is padding."""
    order = np.argsort(lengths * rng.uniform(1 - JITTER, 1 + JITTER, len(lengths)), kind="stable")
    batches = [order[i : i + batch_size] for i in range(0, len(order), batch_size)]
    for i in rng.permutation(len(batches)):
        yield batches[i]


def padding(lengths: np.ndarray, batches: Sequence[np.ndarray]) -> float:
    """Share of a set of batches that is padding, 0 to 1."""
    total = sum(lengths[b].max() * len(b) for b in batches)
    return 1 - sum(lengths[b].sum() for b in batches) / total
