"""The loop: learns, selects on dev, resumes as if it had never stopped, and cannot see test labels."""

import json

import numpy as np
import pytest
import torch
from torch import nn

from mscnn.errors import UserError
from mscnn.models import Training
from mscnn.training import loop
from mscnn.training.examples import Examples


class Tiny(nn.Module):
    """Mean of the frames, dropout, one linear layer."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Dropout(0.3), nn.Linear(4, 3))

    def forward(self, inputs):
        return self.net(inputs.audio.sum(dim=2) / inputs.audio_len[:, None])


def part(seed: int, n: int = 60, labelled: bool = True) -> Examples:
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 3
    lengths = rng.integers(2, 9, n)
    frames = np.repeat(np.eye(4, dtype=np.float32)[labels], lengths, axis=0)
    frames += rng.normal(scale=0.8, size=frames.shape).astype(np.float32)
    return Examples([f"u{i:02d}" for i in range(n)], frames, np.concatenate([[0], lengths.cumsum()]),
                    labels=labels if labelled else None)  # fmt: skip


def train(directory, epochs: int, **options):
    torch.manual_seed(5)
    model = Tiny()
    state = loop.fit(model, part(1), part(2), Training(lr=0.05, batch_size=16, max_epochs=epochs, **options), seed=9,
                     device="cpu", directory=directory)  # fmt: skip
    return model, state


def test_it_learns_and_keeps_the_best_epoch(tmp_path):
    model, state = train(tmp_path, 12, patience=12)
    entries = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    scores = [(e["dev_wa"] + e["dev_ua"]) / 2 for e in entries]
    assert state.best_epoch == 1 + int(np.argmax(scores))  # the first of equals
    accuracy = (loop.predict(model, part(2), "cpu").argmax(axis=1) == part(2).labels).mean()
    assert accuracy == pytest.approx(max(e["dev_wa"] for e in entries) / 100, abs=1e-4)
    assert accuracy > 0.6


def test_patience_stops(tmp_path):
    _, state = train(tmp_path, 100, patience=3)
    assert state.epoch == state.best_epoch + 3 < 100


def test_resuming_is_exact(tmp_path):
    whole, _ = train(tmp_path / "whole", 8, patience=99)
    train(tmp_path / "broken", 3, patience=99)
    resumed, _ = train(tmp_path / "broken", 8, patience=99)
    for a, b in zip(whole.parameters(), resumed.parameters(), strict=True):
        assert torch.equal(a, b)
    assert (tmp_path / "whole/metrics.jsonl").read_bytes() == (tmp_path / "broken/metrics.jsonl").read_bytes()


def test_predictions_are_in_the_order_of_the_examples():
    model, examples = Tiny(), part(3)
    together = loop.predict(model, examples, "cpu")
    alone = np.concatenate([loop.predict(model, _one(examples, i), "cpu") for i in range(len(examples))])
    np.testing.assert_allclose(together, alone, atol=1e-6)


def _one(examples: Examples, i: int) -> Examples:
    frames = examples.frames[examples.offsets[i] : examples.offsets[i + 1]]
    return Examples([examples.utts[i]], frames, np.array([0, len(frames)]))


def test_selection_cannot_use_unlabelled_examples(tmp_path):
    with pytest.raises(TypeError):
        loop.fit(
            Tiny(), part(1), part(2, labelled=False), Training(max_epochs=1), seed=0, device="cpu", directory=tmp_path
        )


def test_a_loss_that_is_not_finite_is_an_error(tmp_path):
    broken = part(1)
    broken.frames[:] = np.nan
    with pytest.raises(UserError, match="the loss is nan"):
        loop.fit(Tiny(), broken, part(2), Training(max_epochs=1), seed=0, device="cpu", directory=tmp_path)
