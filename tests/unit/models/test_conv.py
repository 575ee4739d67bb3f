"""Layers of the convolutional-recurrent systems against loop implementations in float64."""

import pytest
import torch
from torch import nn

from mscnn import models
from mscnn.config.model import ModelSpec
from mscnn.models.conv import UFLB, CenterLoss, PerFrame, ScoreAttention, bins_per_channel, one_hot_mse, stack_channels
from mscnn.models.inputs import Inputs, Sizes
from mscnn.models.layers import load_weights, renamed
from tests.raises import fails
from tests.unit.models.conv_systems import segments
from tests.unit.models.fingerprint import wave


@pytest.mark.parametrize(("score", "f"), [("linear", None), ("sigmoid", torch.sigmoid), ("relu", torch.relu)])
@pytest.mark.parametrize("mean", [False, True])
def test_score_attention_by_loop(score, f, mean):
    layer, x = ScoreAttention(4, score, mean=mean).double(), wave(2, 5, 4)
    w = layer.weight.data = wave(4, 1, step=1.3)
    for b in range(2):
        scores = [x[b, t] @ w[:, 0] for t in range(5)]
        if f:
            scores = [layer.scale[0] * f(s + layer.bias[0]) for s in scores]
        weights = [s.exp() / sum(s.exp() for s in scores) for s in scores]
        expected = sum(a * x[b, t] for t, a in enumerate(weights)) / (5 if mean else 1)
        torch.testing.assert_close(layer(x)[b], expected)


def test_center_loss_value_and_gradient():
    loss, f, y = CenterLoss(3, 2, rate=0.5).double().eval(), wave(4, 2).requires_grad_(), torch.tensor([0, 2, 2, 1])
    loss.centers = wave(3, 2, step=0.9)
    value = 0.01 * loss(f, y)
    value.backward()
    expected = sum(0.5 * ((f[i] - loss.centers[y[i]]) ** 2).sum() for i in range(4)) / 4
    torch.testing.assert_close(value, 0.01 * expected)
    torch.testing.assert_close(f.grad, 0.01 * (f.detach() - loss.centers[y]) / 4)


def test_centers_move_in_training_only():
    loss, f, y = CenterLoss(3, 2, rate=0.5).double(), wave(4, 2), torch.tensor([0, 2, 2, 2])
    before = loss.centers = wave(3, 2, step=0.9)
    before = before.clone()
    loss.eval()(f, y)
    assert torch.equal(loss.centers, before)
    loss.train()(f, y)
    for c, members in ((0, [0]), (1, []), (2, [1, 2, 3])):
        change = sum((before[c] - f[i] for i in members), torch.zeros(2).double()) / (1 + len(members))
        torch.testing.assert_close(loss.centers[c], before[c] - 0.5 * change)


def test_one_hot_mse():
    scores = torch.tensor([[0.5, 2.0], [1.0, -1.0]])
    torch.testing.assert_close(one_hot_mse(scores, torch.tensor([1, 0])), torch.tensor((0.25 + 1 + 0 + 1) / 4))


@pytest.mark.parametrize("name", ["acrnn_donghyun", "adrnn_donghyun", "asrnn_donghyun"])
def test_initial_weights_of_donghyun(name):
    """Standard deviations by hand: sqrt(2 / fan in), LeakyReLU's slope is too small to matter; sqrt(2 / (64 + 4))."""
    torch.manual_seed(1)
    model = models.build(ModelSpec.load(name), Sizes(classes=4, audio=120))
    for layer in (model.project[0], model.head[0]):
        assert layer.weight.std().item() == pytest.approx((2 / layer.in_features) ** 0.5, rel=0.03)
    assert model.head[4].weight.std().item() == pytest.approx((2 / 68) ** 0.5, rel=0.15)
    assert model.attention.weight.std().item() == pytest.approx(2**0.5, rel=0.15)
    assert 0 < abs(model.attention.scale.item()) < 0.05


def test_uflb_has_dilation_two():
    block = UFLB(1, 1, activation=False).eval()
    nn.init.ones_(block[0].weight)
    nn.init.zeros_(block[0].bias)
    x = torch.zeros(1, 1, 9, 9)
    x[0, 0, 4, 4] = 1.0
    hit = block(x)[0, 0] > 0.5
    assert {tuple(i) for i in hit.nonzero().tolist()} == {(r, c) for r in (2, 4, 6) for c in (2, 4, 6)}
    assert isinstance(UFLB(1, 1)[2], nn.LeakyReLU) and UFLB(1, 1)[2].negative_slope == 0.01


def test_per_frame_layers_take_single_frames():
    layer, x = PerFrame(nn.Linear(3, 2)), torch.randn(2, 4, 3)
    torch.testing.assert_close(layer(x)[1, 3], layer[0](x[1, 3]))


def test_stack_channels_splits_rows_into_channels_of_bands():
    x = torch.arange(120.0)[None, :, None].expand(1, 120, 7)  # row r of the flattened feature holds r
    image = stack_channels(Inputs(audio=x, audio_len=torch.tensor([5])), 3, 9)
    assert image.shape == (1, 3, 40, 9)
    assert (image[0, 0, 7, 2], image[0, 1, 0, 4], image[0, 2, 39, 0]) == (7, 40, 119)
    assert image[..., 5:].abs().sum() == 0


def test_a_feature_that_does_not_divide_into_channels_is_refused():
    assert bins_per_channel(Sizes(classes=4, audio=120), 3) == 40
    with fails("feature-size", 96, 9):
        bins_per_channel(Sizes(classes=4, audio=96), 9)


def test_segments_that_are_too_long_are_refused():
    with fails("segment-too-long", 300, 301):
        stack_channels(segments(frames=301), 3, 300)


def test_renamed():
    theirs = {"cnn.0.weight": torch.ones(1), "cnn.0.bias": torch.ones(1), "attention.u": torch.ones(1)}
    table = {"cnn": "conv", "cnn.0": "first", "attention.u": "attention.scale"}
    assert list(renamed(theirs, table)) == ["first.weight", "first.bias", "attention.scale"]
    assert list(renamed({"cnn10.weight": torch.ones(1)}, table)) == ["cnn10.weight"]


def test_load_weights_lists_issues_by_the_names_of_the_other_code():
    def refused(code: str, *names: object, **changes: torch.Tensor | None) -> None:
        theirs = {"cnn.0.weight": torch.ones(2, 3), "cnn.0.bias": torch.ones(2), **norm, **changes}
        with fails("official-weights") as caught:
            load_weights(model, renamed({k: v for k, v in theirs.items() if v is not None}, table), table)
        (issue,) = caught.value.issues
        assert issue.code == code and all(str(name) in issue.message for name in names)

    table = {"cnn.0": "0", "bn": "1"}
    norm = {f"bn.{part}": torch.full((2,), 5.0) for part in ("weight", "bias", "running_mean", "running_var")}
    model = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    before = model[0].weight.clone()
    refused("weight-missing", "cnn.0.bias", **{"cnn.0.bias": None})
    refused("weight-unknown", "module.fc", **{"module.fc": torch.ones(1)})
    refused("weight-unknown", "cnn.0.scale", **{"cnn.0.scale": torch.ones(1)})
    refused("weight-shape", "bn.weight", [4], [2], **{"bn.weight": torch.ones(4)})
    assert torch.equal(model[0].weight, before)  # nothing is loaded in part
    load_weights(model, renamed({"cnn.0.weight": torch.ones(2, 3), "cnn.0.bias": torch.ones(2), **norm}, table), table)
    assert model[0].weight.unique() == 1 and model[1].running_var.unique() == 5
