"""Batches on their way to a device: the same wherever the features lie."""

import numpy as np
import pytest
import torch

from mscnn.models.inputs import Inputs
from mscnn.training.feed import Feed
from tests.unit.training.test_loop import examples_of

BATCHES = [np.array([3, 8, 1]), np.array([59]), np.array([2, 2, 40, 7])]


@pytest.mark.parametrize(("free", "resident"), [(1 << 30, True), (100, False)])
def test_features_that_do_not_fit_are_gathered_on_the_processor(free, resident, monkeypatch, caplog):
    """A GPU that is the processor: what is copied to it, and what is pinned."""
    examples, moved, on = examples_of(1), [], type(examples_of(1)).on
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda: (free, 1 << 30))
    monkeypatch.setattr(Inputs, "pinned", lambda self: moved.append("pinned") or self)
    monkeypatch.setattr(Inputs, "to", lambda self, device: moved.append(device) or self)
    monkeypatch.setattr(type(examples), "on", lambda self, device: moved.append(f"all on {device}") or on(self, "cpu"))
    monkeypatch.setattr(torch.Tensor, "to", lambda self, device: self)
    feed = Feed(examples, "cuda")
    assert feed.resident is resident and bool(caplog.records) is not resident
    batches = list(feed.labelled(BATCHES))
    assert moved == (["all on cuda"] if resident else ["all on cpu", *["pinned", "cuda"] * len(BATCHES)])
    monkeypatch.undo()
    for index, (inputs, labels) in zip(BATCHES, batches, strict=True):
        expected = examples.batch(index)
        assert torch.equal(inputs.audio, expected.audio) and torch.equal(inputs.audio_len, expected.audio_len)
        assert labels.tolist() == examples.targets[index].tolist()


def test_the_bytes_of_the_features():
    examples = examples_of(1)
    assert examples.nbytes == 4 * 4 * examples.lengths.sum()
