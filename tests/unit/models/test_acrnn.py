"""ACRNN: counts, fingerprint, the TensorFlow code in NumPy style, effects of padding and of the legacy flag."""

import pytest
import torch
from torch.nn import functional as F

from tests.raises import fails
from tests.unit.models.conv_systems import (
    build,
    donghyun_weights,
    image_inputs,
    lstm_by_hand,
    padding_changes,
    segments,
    without_gradient,
)
from tests.unit.models.fingerprint import filled, wave
from tests.unit.models.systems import count

SMALL = {"filters": [4, 6, 6, 6, 6, 6], "project_dim": 8, "lstm_dim": 3, "fc_dim": 5, "frames": 40}
NAMES = ["acrnn_paper", "acrnn_code", "acrnn_donghyun"]


@pytest.mark.parametrize(("name", "expected"), [("acrnn_code", 7_334_726), ("acrnn_donghyun", 5_368_774)])
def test_parameter_counts(name, expected):
    assert count(build(name)) == expected


def test_parameter_count_of_the_paper():
    with_the_codes_norm_and_attention = build("acrnn_code", pool=[2, 2])
    assert count(with_the_codes_norm_and_attention) == 9_300_806
    # batch norm on the dense layer (64) instead of the linear one (768); a score without b and u
    assert count(build("acrnn_paper")) == 9_300_806 - 1536 + 128 - 2


def test_fingerprint():
    logits = filled(build("acrnn_donghyun"))(image_inputs((2, 3, 40, 300)))
    expected = torch.tensor([[0.624700, 0.502812, 0.076668, -0.381892]] * 2, dtype=torch.float64)
    torch.testing.assert_close(logits, expected, atol=1e-6, rtol=0)


@pytest.mark.parametrize(("name", "frame"), [("acrnn_paper", 20 * 256), ("acrnn_code", 10 * 256)])
def test_shapes(name, frame):
    model, captured = build(name, filters=[4, 256]).double(), {}
    model.project.register_forward_pre_hook(lambda _, args: captured.update(x=args[0]))
    assert model.eval()(segments()).shape == (2, 4)
    assert captured["x"].shape == (2, 150, frame)


@pytest.mark.parametrize("name", NAMES)
def test_padding_changes_nothing(name):
    model = filled(build(name, **SMALL | {"frames": 60}))
    assert padding_changes(model, frames=40, extra=20) < 1e-9


@pytest.mark.parametrize("name", NAMES)
def test_every_parameter_learns(name):
    torch.manual_seed(0)
    model = build(name, **SMALL).double()
    assert without_gradient(model, segments(4, frames=40)) == []


def tensorflow_variables() -> dict[str, torch.Tensor]:
    """Random variables of the code, with the names and shapes of TensorFlow, sizes as in SMALL."""
    shapes = {"linear1": (10 * 6, 8), "fully1": (6, 5), "fully2": (5, 4)}
    shapes = {f"{k}_weight": v for k, v in shapes.items()} | {f"{k}_bias": v[1:] for k, v in shapes.items()}
    channels = [3, *SMALL["filters"]]
    for n in range(6):
        shapes[f"layer{n + 1}_filter"] = (5, 3, channels[n], channels[n + 1])
        shapes[f"layer{n + 1}_bias"] = channels[n + 1 : n + 2]
    for n, shape in enumerate([(8,), (8,), (8,), (8,), (6, 1), (1,), (1,)]):
        shapes[f"Variable_{n}" if n else "Variable"] = shape
    for direction in ("fw", "bw"):
        shapes[f"LSTM1/{direction}/basic_lstm_cell/kernel"] = (8 + 3, 12)
        shapes[f"LSTM1/{direction}/basic_lstm_cell/bias"] = (12,)
    result = {name: 0.5 * wave(*shape, step=0.7, offset=0.1 * n) for n, (name, shape) in enumerate(shapes.items())}
    result["Variable_3"] = result["Variable_3"].abs() + 0.1  # a variance
    return result


def tensorflow_code(v: dict[str, torch.Tensor], x: torch.Tensor, batch_stats: bool = False) -> torch.Tensor:
    """acrnn1.py, inputs (B, T, F, C) as there: logits (B, 4)."""
    for n in range(6):
        x = F.conv2d(x.permute(0, 3, 1, 2), v[f"layer{n + 1}_filter"].permute(3, 2, 0, 1), padding=(2, 1))
        x = F.leaky_relu(x.permute(0, 2, 3, 1) + v[f"layer{n + 1}_bias"], 0.01)
        if n == 0:
            x = x.unfold(1, 2, 2).unfold(2, 4, 4).amax(dim=(-2, -1))
    x = x.reshape(len(x), x.shape[1], -1) @ v["linear1_weight"] + v["linear1_bias"]
    scale, shift, mean, variance, w, b, u = (v[f"Variable_{n}" if n else "Variable"] for n in range(7))
    if batch_stats:
        mean, variance = x.mean(dim=(0, 1)), x.var(dim=(0, 1), correction=0)
    x = F.leaky_relu((x - mean) / (variance + 1e-3).sqrt() * scale + shift, 0.01)
    outputs = []
    for direction, flip in (("fw", False), ("bw", True)):
        kernel, bias = (v[f"LSTM1/{direction}/basic_lstm_cell/{part}"] for part in ("kernel", "bias"))
        h = lstm_by_hand(x.flip(1) if flip else x, kernel.T, bias, "igfo", forget=1.0)
        outputs.append(h.flip(1) if flip else h)
    h = torch.cat(outputs, dim=2)
    alphas = (u * (h @ w + b).sigmoid()).softmax(dim=1)
    x = F.leaky_relu((alphas * h).sum(dim=1) @ v["fully1_weight"] + v["fully1_bias"], 0.01)
    return x @ v["fully2_weight"] + v["fully2_bias"]


def test_tensorflow_weights_give_the_output_of_tensorflow():
    variables = tensorflow_variables()
    model = build("acrnn_code", **SMALL).double().eval()
    model.load_official(variables)
    inputs = image_inputs((2, 3, 40, 40), time_first=True)
    expected = tensorflow_code(variables, wave(2, 3, 40, 40).permute(0, 2, 3, 1))
    torch.testing.assert_close(model(inputs), expected)


def test_tensorflow_weights_with_the_batch_statistics_of_the_code():
    """The code normalises by the batch at test too: its variables hold moving averages that have no effect."""
    variables, x = tensorflow_variables(), wave(2, 3, 40, 40)
    model = build("acrnn_code", **SMALL, legacy_batch_stats=True).double().eval()
    model.load_official(variables | {"layer1_filter/Adam": torch.ones(1)})
    y = tensorflow_code(variables, x.permute(0, 2, 3, 1), batch_stats=True)
    torch.testing.assert_close(model(image_inputs((2, 3, 40, 40), time_first=True)), y)
    assert not torch.allclose(y, tensorflow_code(variables, x.permute(0, 2, 3, 1)), atol=1e-3)


def test_official_weights_must_fit():
    variables = {name: value.numpy() for name, value in tensorflow_variables().items()}  # as in a checkpoint
    build("acrnn_code", **SMALL).load_official(variables)
    with fails("official-weights", "project.0.weight", [8, 60], [8, 120]):
        build("acrnn_code", **SMALL | {"pool": [2, 2]}).load_official(variables)
    with fails("official-weights", "head.2.weight"):
        build("acrnn_paper", **SMALL | {"pool": [2, 4]}).load_official(variables)
    del variables["LSTM1/bw/basic_lstm_cell/bias"]
    with fails("official-weights", "LSTM1/bw/basic_lstm_cell/bias"):
        build("acrnn_code", **SMALL).load_official(variables)


def test_donghyun_weights_by_name():
    model = build("acrnn_donghyun", **SMALL | {"filters": [4, 6]})
    pairs = {"convs.0": "cnn1.cnn.0", "convs.1": "cnn2.cnn.0", "project.0": "linear1", "project.2": "batch1"}
    pairs |= {"lstm": "bilstm", "head.0": "linear2", "head.2": "batch2", "head.4": "linear3"}
    theirs = donghyun_weights(model, pairs)
    model.load_official(theirs)
    assert torch.equal(model.convs[1].weight, theirs["cnn2.cnn.0.weight"])
    assert torch.equal(model.attention.weight, theirs["attention.W_omega"])
    assert torch.equal(model.lstm.weight_hh_l0_reverse, theirs["bilstm.weight_hh_l0_reverse"])


def test_initial_weights_of_the_code():
    model = build("acrnn_code")
    weights = model.convs[1].weight
    assert weights.abs().max() <= 0.2 and 0.08 < weights.std() < 0.1  # truncated at two standard deviations
    assert (model.head[0].bias == 0.1).all()
    biases = model.lstm.weight_ih_l0[:, -1]
    assert biases.tolist() == [0.0] * 128 + [1.0] * 128 + [0.0] * 256


def test_legacy_batch_stats_normalises_by_the_batch_at_test():
    torch.manual_seed(0)
    right, legacy = (build("acrnn_code", **SMALL, legacy_batch_stats=flag).double().eval() for flag in (False, True))
    pair, single = segments(2, frames=40), segments(1, frames=40)
    pair.audio[1] *= 3
    torch.testing.assert_close(right(pair)[:1], right(single))
    assert not torch.allclose(legacy(pair)[:1], legacy(single), atol=1e-4)
    x = wave(2, 20, 60)
    y = legacy.project[0](x)
    z = (y - y.mean(dim=(0, 1))) / (y.var(dim=(0, 1), unbiased=False) + 1e-3).sqrt()
    torch.testing.assert_close(legacy.project(x), F.leaky_relu(z + legacy.project[1].bias, 0.01))


@pytest.mark.parametrize(
    ("option", "code", "names"),
    [
        ({"project": "norm"}, "config-value", ["project", "linear", "norm_relu", "relu_norm"]),
        ({"score": "tanh"}, "config-value", ["score", "linear", "sigmoid", "relu"]),
        ({"pool": [2]}, "config-missing-key", ["pool.1"]),
        ({"legacy_batch_stats": True}, "option-conflict", ["legacy_batch_stats", "project=norm_relu"]),
        ({"he_init": True}, "option-conflict", ["he_init", "score=sigmoid"]),
    ],
)
def test_invalid_options_are_refused(option, code, names):
    with fails(code, *names):
        build("acrnn_paper", **option)
