"""Batches of an epoch: which examples they have, and their way to the device of the network."""

import math
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from mscnn.config.training import Training
from mscnn.log import get_logger
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
    """Batches of examples on a device, in any order; making them waits for nothing that the device computes.

    On a GPU the features of the examples are copied there once, and batches are gathered there. Where they would take
    more than half of its free memory, batches are gathered on the processor while the GPU works on the one before.
    """

    def __init__(self, examples: Examples, device: str) -> None:
        self.examples, self.device = examples, device
        self.resident = device != "cuda" or _fits(examples)
        self._batches = examples.on(device if self.resident else "cpu")

    def inputs(self, batches: Sequence[np.ndarray]) -> Iterator[Inputs]:
        """The examples at each index of ``batches``, zero-padded; all indices are copied to the device at once."""
        indices = torch.from_numpy(np.concatenate(batches)).to(self.device if self.resident else "cpu")
        for index, at in zip(batches, indices.split([len(index) for index in batches]), strict=True):
            inputs = self._batches(at, self.examples.widths(index))
            yield inputs if self.resident else inputs.pinned().to(self.device)

    def labelled(self, batches: Sequence[np.ndarray]) -> Iterator[tuple[Inputs, Tensor]]:
        """The same, with their labels (B,)."""
        labels = torch.from_numpy(self.examples.targets[np.concatenate(batches)]).to(self.device)
        return zip(self.inputs(batches), labels.split([len(index) for index in batches]), strict=True)


def _fits(examples: Examples) -> bool:
    """Whether the features may be copied to the GPU; other trainings need memory as well."""
    needed, free = examples.nbytes, torch.cuda.mem_get_info()[0]
    if needed > free / 2:
        get_logger("train").warning(
            "the features take %.1f GB, and %.1f GB of the GPU are free: batches come from the memory of the machine",
            needed / 1e9,
            free / 1e9,
        )
    return needed <= free / 2
