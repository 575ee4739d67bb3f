"""The loop: learning, selection on dev, exact resume, no access to test labels."""

import json
import math

import numpy as np
import pytest
import torch
from sklearn.metrics import f1_score
from torch import nn

from mscnn.config import schema
from mscnn.config.training import Training
from mscnn.evaluation.metrics import METRICS
from mscnn.features.store import Frames
from mscnn.models.base import Classifier
from mscnn.models.inputs import Inputs, Sizes
from mscnn.training import loop
from mscnn.training.augment import mixup, spec_augment
from mscnn.training.examples import Examples, Stream
from mscnn.training.feed import sample_batches
from mscnn.training.optimizer import class_weights, clip_gradients, learning_rate, make_optimizer
from mscnn.training.outputs import write_predictions
from tests.raises import fails


class Tiny(Classifier):
    """Mean of the frames, dropout, one linear layer."""

    def __init__(self) -> None:
        super().__init__(None, Sizes(classes=3))
        self.net = nn.Sequential(nn.Dropout(0.3), nn.Linear(4, 3))

    def forward(self, inputs):
        return self.net(inputs.audio.sum(dim=2) / inputs.audio_len[:, None])


def examples_of(seed: int, n: int = 60, labelled: bool = True) -> Examples:
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 3
    lengths = rng.integers(2, 9, n)
    frames = np.repeat(np.eye(4, dtype=np.float32)[labels], lengths, axis=0)
    frames += rng.normal(scale=0.8, size=frames.shape).astype(np.float32)
    audio = Stream.whole(Frames.flat(frames, lengths))
    return Examples([f"u{i:02d}" for i in range(n)], {"audio": audio}, labels=labels if labelled else None)


def train(directory, epochs: int, **options):
    torch.manual_seed(5)
    model = Tiny()
    state = loop.fit(
        model,
        examples_of(1),
        examples_of(2),
        Training(lr=0.05, batch_size=16, max_epochs=epochs, **options),
        seed=9,
        device="cpu",
        directory=directory,
    )
    return model, state


def test_loop_learns_and_keeps_the_best_epoch(tmp_path):
    model, state = train(tmp_path, 12, patience=12)
    entries = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    scores = [(e["dev_wa"] + e["dev_ua"]) / 2 for e in entries]
    assert state.best_epoch == 1 + int(np.argmax(scores))  # the first of equal scores
    accuracy = (loop.predict(model, examples_of(2), "cpu").argmax(axis=1) == examples_of(2).labels).mean()
    assert accuracy == pytest.approx(max(e["dev_wa"] for e in entries) / 100, abs=1e-4)
    assert accuracy > 0.6


@pytest.mark.parametrize(("select", "average"), [("wf1", "weighted"), ("f1", "macro")])
def test_selection_by_another_metric(tmp_path, select, average):
    model, state = train(tmp_path, 12, patience=12, select=select)
    entries = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert {*entries[0]} == {"epoch", "train_loss", "dev_loss", *(f"dev_{name}" for name in METRICS)}
    assert state.best_epoch == 1 + int(np.argmax([e[f"dev_{select}"] for e in entries]))
    predicted = loop.predict(model, examples_of(2), "cpu").argmax(axis=1)
    assert state.best_score == pytest.approx(
        100 * f1_score(examples_of(2).labels, predicted, average=average), abs=1e-4
    )


@pytest.mark.parametrize(("select", "shown"), [("wf1", "wf1"), ("wa_ua", None)])
def test_the_log_has_the_score_that_selects(tmp_path, caplog, select, shown):
    caplog.set_level("INFO")
    _, state = train(tmp_path, 1, select=select)
    (line,) = [record.getMessage() for record in caplog.records if record.getMessage().startswith("epoch 1 ")]
    assert (f" {shown} {state.best_score:.2f} " in line) if shown else ("wa_ua" not in line and " UA " in line)


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
    model, examples = Tiny(), examples_of(3)
    together = loop.predict(model, examples, "cpu")
    alone = np.concatenate([loop.predict(model, _one(examples, i), "cpu") for i in range(len(examples))])
    np.testing.assert_allclose(together, alone, atol=1e-6)


def _one(examples: Examples, i: int) -> Examples:
    one = Frames.of([examples.streams["audio"].frames.matrix(i)])
    return Examples([examples.utts[i]], {"audio": Stream.whole(one)})


def test_selection_cannot_use_unlabelled_examples(tmp_path):
    with pytest.raises(TypeError):
        loop.fit(
            Tiny(),
            examples_of(1),
            examples_of(2, labelled=False),
            Training(max_epochs=1),
            seed=0,
            device="cpu",
            directory=tmp_path,
        )


def test_a_loss_that_is_not_finite_is_an_error(tmp_path):
    broken = examples_of(1)
    broken.streams["audio"].frames.rows.values[:] = np.nan
    with fails("loss-not-finite", "epoch 1", "nan"):
        loop.fit(Tiny(), broken, examples_of(2), Training(max_epochs=1), seed=0, device="cpu", directory=tmp_path)


def test_what_is_not_finite_is_named(tmp_path):
    def fit(examples, model=None, **options):
        options = Training(max_epochs=1, **options)
        return loop.fit(model or Tiny(), examples, examples_of(2), options, seed=0, device="cpu", directory=tmp_path)

    examples = examples_of(1)
    frames = examples.streams["audio"].frames
    frames.rows.values[frames.starts[7] + 1, 2] = np.inf
    with fails("loss-not-finite", "feature audio of u07", "stage 3"):
        fit(examples)
    examples = examples_of(1)
    examples.streams["audio"].frames.rows.values[:] *= 1000
    with fails("loss-not-finite", "learning rate below 1e+37"):
        fit(examples, lr=1e37, batch_size=16)
    model = Tiny()
    torch.nn.init.constant_(model.net[1].weight, math.nan)
    with fails("checkpoint-not-finite", tmp_path / "checkpoint.pt", "delete"):
        fit(examples_of(1), model)


def test_no_prediction_is_nan(tmp_path):
    logits = np.array([[0.0, 1.0], [np.nan, 1.0]])
    with fails("prediction-not-finite", "predictions_dev.tsv", "b, one of 1"):
        write_predictions(tmp_path / "predictions_dev.tsv", ["a", "b"], logits, {"a": "x", "b": "x"}, ["x", "y"])
    assert not [*tmp_path.iterdir()]


def test_learning_rates():
    rates = [learning_rate(Training(lr=1.0, schedule="exponential", gamma=0.5, min_lr=0.2), e) for e in (1, 2, 3, 4)]
    assert rates == [1, 0.5, 0.25, 0.2]
    assert [learning_rate(Training(lr=1.0, schedule="step", gamma=0.5, step_epochs=2), e) for e in (1, 2, 3)] == [
        1,
        1,
        0.5,
    ]
    linear = Training(lr=1.0, schedule="linear", warmup_epochs=2, max_epochs=6)
    assert [learning_rate(linear, e) for e in range(1, 7)] == [0.5, 1.0, 0.8, 0.6, 0.4, 0.2]


def test_cyclic_rates_and_rmsprop_are_those_of_pytorch():
    options = Training(optimizer="rmsprop", momentum=0.9, lr=5e-4, schedule="cyclic", max_lr=1e-3, step_epochs=10)
    optimizer = make_optimizer(torch.nn.Linear(2, 2), options)
    assert isinstance(optimizer, torch.optim.RMSprop) and optimizer.defaults["momentum"] == 0.9
    schedule = torch.optim.lr_scheduler.CyclicLR(optimizer, base_lr=5e-4, max_lr=1e-3, step_size_up=10)
    for epoch in range(1, 45):
        assert learning_rate(options, epoch) == pytest.approx(optimizer.param_groups[0]["lr"], rel=1e-9)
        optimizer.step()
        schedule.step()


def test_batches_of_an_epoch():
    train, rng = examples_of(1), np.random.default_rng(0)  # 60 examples
    subset = np.arange(60)
    batches = sample_batches(train, subset, Training(batch_size=16, replacement=True, eval_every=0.3), rng)
    assert [len(b) for b in batches] == [16, 16]  # floor(0.3 * 60 / 16) + 1
    assert len(sample_batches(train, subset, Training(batch_size=16, eval_every=0.5), rng)) == 2
    twice = np.concatenate(sample_batches(train, subset, Training(batch_size=16, eval_every=2), rng))
    assert np.bincount(twice).tolist() == [2] * 60
    sampled = np.concatenate(sample_batches(train, subset[40:], Training(batch_size=16), rng))
    assert sorted(sampled) == list(range(40, 60))


def test_a_number_of_examples_per_class_is_sampled_once(tmp_path, monkeypatch):
    """As in Chen et al. and donghyun, who write 300 segments per class to a file before training."""
    seen, widths = [], Examples.widths
    monkeypatch.setattr(Examples, "widths", lambda self, index: seen.append(index) or widths(self, index))
    monkeypatch.setattr(loop, "_evaluate", lambda *given: {"dev_wa": 0.0, "dev_ua": 0.0, "dev_loss": 0.0})
    train(tmp_path, 3, patience=3, balance="5")
    epochs = np.concatenate(seen).reshape(3, 15)
    assert (epochs[0] != epochs[1]).any()  # another order
    assert len({tuple(sorted(epoch)) for epoch in epochs}) == 1
    assert np.bincount(examples_of(1).labels[epochs[0]]).tolist() == [5, 5, 5]


@pytest.mark.parametrize(("mode", "expected"), [("norm", [0.6, 0.8]), ("per_tensor", [1, 1]), ("value", [1, 1])])
def test_clipping(mode, expected):
    model = nn.ParameterList([torch.zeros(1), torch.zeros(1)])
    model[0].grad, model[1].grad = torch.tensor([3.0]), torch.tensor([4.0])
    clip_gradients(model, Training(clip=1.0, clip_mode=mode))
    assert [p.grad.item() for p in model] == pytest.approx(expected, abs=1e-5)
    clip_gradients(model, Training(clip=0.0))


def test_mixup():
    batch = examples_of(1).batch([0, 4])
    mixture = mixup(batch, 0.25)
    torch.testing.assert_close(mixture.audio[0], 0.25 * batch.audio[0] + 0.75 * batch.audio[1])
    assert mixture.audio_len.tolist() == [int(batch.audio_len.max())] * 2
    torch.testing.assert_close(mixup(batch, 1.0).audio, batch.audio)


@pytest.mark.parametrize(
    "options",
    [
        {"mixup": 0.5},
        {"optimizer": "sgd", "momentum": 0.9, "nesterov": True},
        {"optimizer": "nadam"},
        {"optimizer": "adamw", "weight_decay": 0.01},
        {"select": "loss"},
        {"replacement": True, "eval_every": 0.5},
    ],
)
def test_all_options_of_training_learn(tmp_path, options):
    model, state = train(tmp_path, 12, patience=12, **options)
    assert (loop.predict(model, examples_of(2), "cpu").argmax(axis=1) == examples_of(2).labels).mean() > 0.55


def test_the_number_of_steps_can_be_limited(tmp_path):
    _, state = train(tmp_path, 50, patience=50, max_steps=9)  # four steps per epoch
    assert (state.steps, state.epoch) == (9, 3)


@pytest.mark.parametrize("options", [{"optimizer": "lamb"}, {"balance": "some"}, {"mixup": -1.0}, {"lr": 0.0}])
def test_wrong_options(options):
    with fails("config-value", *options):
        schema.build(Training, options, "training")


def test_bf16_trains_weights_of_single_precision(tmp_path):
    single, _ = train(tmp_path / "single", 3)
    half, _ = train(tmp_path / "half", 3, precision="bf16")
    for a, b in zip(single.parameters(), half.parameters(), strict=True):
        assert b.dtype == torch.float32 and not torch.equal(a, b)
        torch.testing.assert_close(a, b, atol=0.05, rtol=0)


def test_masks_are_one_band_and_one_interval_of_limited_width():
    generator = torch.Generator().manual_seed(0)
    audio, lengths = torch.rand(200, 10, 20, generator=generator), torch.arange(1, 201).clamp(max=20)
    before = audio.clone()
    torch.manual_seed(0)
    masked = spec_augment(Inputs(audio=audio, audio_len=lengths), Training(mask_bins=4, mask_frames=6))
    assert torch.equal(audio, before)  # the examples are unchanged
    widths = []
    for row, old, length in zip(masked.audio, audio, lengths.tolist(), strict=True):
        means, changed = old[:, :length].mean(dim=1, keepdim=True), row != old
        torch.testing.assert_close(row[changed], means.expand_as(row)[changed])
        bins, frames = changed[:, :length].all(dim=1), changed.all(dim=0)
        if length < 7:  # a short example may be masked completely
            continue
        assert torch.equal(changed, bins[:, None] & (torch.arange(20) < length) | frames)
        for mask in (bins, frames):  # contiguous
            assert mask.int().diff(prepend=torch.zeros(1), append=torch.zeros(1)).abs().sum() <= 2
        widths.append((int(bins.sum()), int(frames.sum())))
    assert [{w for w, _ in widths}, {w for _, w in widths}] == [set(range(5)), set(range(7))]


def test_class_weights_are_those_of_cross_entropy():
    """The weighted mean by hand, that of torch, and the weights that training computes."""
    scores, labels = torch.tensor([[1.0, 0.5, -1.0], [0.2, 0.1, 2.0], [0.0, 3.0, 1.0]]), torch.tensor([0, 2, 2])
    model, classes = Tiny(), ["a", "b", "c"]
    plain = model.criterion(scores, labels)
    targets = np.array([0, 0, 0, 0, 1, 2, 2, 2])
    model.class_weights = class_weights(Training(class_weights="balanced"), targets, classes)
    weights = [8 / (3 * 4), 8 / (3 * 1), 8 / (3 * 3)]
    torch.testing.assert_close(model.class_weights, torch.tensor(weights))
    losses = [
        -math.log(math.exp(row[k]) / sum(map(math.exp, row)))
        for row, k in zip(scores.tolist(), labels.tolist(), strict=True)
    ]
    by_hand = (weights[0] * losses[0] + weights[2] * (losses[1] + losses[2])) / (weights[0] + 2 * weights[2])
    assert model.criterion(scores, labels).item() == pytest.approx(by_hand, abs=1e-6)
    torch.testing.assert_close(
        model.criterion(scores, labels), torch.nn.functional.cross_entropy(scores, labels, torch.tensor(weights))
    )
    assert class_weights(Training(), targets, classes) is None
    given = schema.build(Training, {"class_weights": {"c": "2.5"}}, "test")
    assert class_weights(given, targets, classes).tolist() == [1.0, 1.0, 2.5]
    model.class_weights = torch.ones(3)
    torch.testing.assert_close(model.criterion(scores, labels), plain)
    assert "class_weights" not in model.state_dict()


@pytest.mark.parametrize("value", ["some", {"a": "0"}, {"a": "x"}, ["a"]])
def test_wrong_class_weights(value):
    with fails("config-value", "class_weights"):
        schema.build(Training, {"class_weights": value}, "test")
