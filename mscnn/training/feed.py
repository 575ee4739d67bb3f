"""Batches of an epoch: which examples they have, and their way to the device of the network."""

import math
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from mscnn.config.training import Training
from mscnn.models.inputs import Inputs
from mscnn.training.examples import Examples, balanced, bucketed


def sample_subset(train: Examples, options: Training, seed: int) -> np.ndarray:
    """Indices of the examples used in every epoch: all, or ``balance`` examples per class."""
    if not options.balance.isdecimal():
        return np.arange(len(train))
    return balanced(train.targets, options.balance, np.random.default_rng(seed))


def sample_batches(
    train: Examples, subset: np.ndarray, options: Training, rng: np.random.Generator
) -> list[np.ndarray]:
    """Batches of an epoch, as indices of examples, from ``subset`` unless ``replacement`` or oversampling is on."""
    size = options.batch_size
    if options.replacement:  # evaluated every floor(eval_every * n / size) + 1 steps, as in Yoon et al. 2018
        return [rng.integers(len(train), size=size) for _ in range(int(options.eval_every * len(train) / size) + 1)]
    order = subset
    if options.balance == "oversample":
        order = balanced(train.targets, options.balance, rng, options.balance_power)
    passes = [list(bucketed(train.lengths[order], size, rng)) for _ in range(math.ceil(options.eval_every))]
    batches = [order[batch] for batch in sum(passes, [])]
    return batches[: max(1, round(len(batches) * options.eval_every / math.ceil(options.eval_every)))]


class Feed:
    """Batches of examples on a device, in any order; nothing waits for the device.

    Batches are made in pinned memory while the device works on the one before.
    """

    def __init__(self, examples: Examples, device: str) -> None:
        self.examples, self.device = examples, device

    def inputs(self, batches: Sequence[np.ndarray]) -> Iterator[Inputs]:
        """The examples at each index of ``batches``, zero-padded."""
        for index in batches:
            yield _moved(self.examples.batch(index), self.device)

    def labelled(self, batches: Sequence[np.ndarray]) -> Iterator[tuple[Inputs, Tensor]]:
        """The same, with their labels (B,)."""
        labels = torch.from_numpy(self.examples.targets[np.concatenate(batches)]).to(self.device)
        return zip(self.inputs(batches), labels.split([len(index) for index in batches]), strict=True)


def _moved(inputs: Inputs, device: str) -> Inputs:
    return (inputs.pinned() if device == "cuda" else inputs).to(device)
