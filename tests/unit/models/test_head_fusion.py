"""MHCNN, AACNN, CNN_AttnPooling: counts and fingerprints of the authors' code, their weights' names, gradients."""

import pytest
import torch

from mscnn.models.head_fusion import HeadFusion
from mscnn.models.inputs import Inputs, Sizes
from tests.raises import fails
from tests.unit.models import systems
from tests.unit.models.fingerprint import filled, wave

COUNTS = {  # segments of 57 and of 63 frames
    "mhcnn": (155_636, 155_636),
    "aacnn": (147_268, 151_108),
    "cnn_attn_pooling": (93_573, 93_573),
}
FINGERPRINTS = {
    ("mhcnn", 26, 63): [[0.038835, 0.088703, 0.096115, 0.058816], [0.038714, 0.088679, 0.096203, 0.058962]],
    ("aacnn", 26, 57): [[-0.408372, 0.658131, -0.014079, -0.397693], [-0.084995, 0.545728, -0.229522, -0.078411]],
    ("cnn_attn_pooling", 400, 198): [
        [0.140256, 0.138144, 0.116828, 0.088746],
        [0.140255, 0.138145, 0.116830, 0.088747],
    ],
}


def build(name: str, bins: int = 26, **changes) -> HeadFusion:
    """The network of a configuration."""
    return systems.build(name, Sizes(classes=4, audio=bins), **changes)


def segments(bins: int, frames: int) -> Inputs:
    return Inputs(audio=wave(2, bins, frames), audio_len=torch.tensor([frames, frames]))


@pytest.mark.parametrize("name", COUNTS)
def test_parameter_counts(name):
    counts = tuple(sum(p.numel() for p in build(name, frames=frames).parameters()) for frames in (57, 63))
    assert counts == COUNTS[name]


@pytest.mark.parametrize(("name", "bins", "frames"), FINGERPRINTS)
def test_fingerprints(name, bins, frames):
    logits = filled(build(name, bins, frames=frames))(segments(bins, frames))
    expected = torch.tensor(FINGERPRINTS[name, bins, frames], dtype=torch.float64)
    torch.testing.assert_close(logits, expected, atol=1e-6, rtol=0)


@pytest.mark.parametrize("name", COUNTS)
def test_every_parameter_learns(name):
    torch.manual_seed(0)
    model = build(name, frames=63).double().train()
    model.loss(segments(26, 63), torch.tensor([1, 3])).backward()
    assert [n for n, p in model.named_parameters() if p.grad is None or not p.grad.any()] == []


def test_attention_pooling_by_loop():
    model, inputs = filled(build("cnn_attn_pooling", frames=30)), segments(26, 30)
    captured = {}
    model.trunk.register_forward_hook(lambda *args: captured.update(maps=args[2]))
    logits = model(inputs)
    expected = torch.zeros(2, 4, dtype=torch.float64)
    positions = captured["maps"].flatten(2).unbind(dim=2)
    for x in positions:
        top_down = (x @ model.top_down.weight[:, :, 0, 0].T + model.top_down.bias).exp()
        bottom_up = x @ model.bottom_up.weight[:, :, 0, 0].T + model.bottom_up.bias
        expected += top_down / top_down.sum(dim=1, keepdim=True) * bottom_up / len(positions)
    torch.testing.assert_close(logits, expected)


def official_shapes(first: int, rest: dict[str, tuple]) -> dict[str, tuple]:
    """Names and shapes of the state dict of one of the authors' classes."""
    shapes = {"conv1a": (first, 1, 10, 2), "conv1b": (first, 1, 2, 8)}
    shapes |= {f"conv{i}": (n, m, 3, 3) for i, m, n in ((2, 16, 32), (3, 32, 48), (4, 48, 64), (5, 64, 80))} | rest
    result = {f"{name}.weight": shape for name, shape in shapes.items()}
    result |= {f"{name}.bias": shape[:1] for name, shape in shapes.items()}
    for name, size in {"1a": first, "1b": first, "2": 32, "3": 48, "4": 64, "5": 80}.items():
        result |= {f"bn{name}.{part}": (size,) for part in ("weight", "bias", "running_mean", "running_var")}
        result[f"bn{name}.num_batches_tracked"] = ()
    return result


HEADS = {f"attention_{role}.{head}": (64, 80, 1, 1) for role in ("query", "key", "value") for head in range(4)}
OFFICIAL = {
    "mhcnn": official_shapes(8, HEADS | {"fc": (4, 64)}),
    "aacnn": official_shapes(16, {"fc": (4, 14_400)}),
    "cnn_attn_pooling": official_shapes(8, {"top_down": (4, 80, 1, 1), "bottom_up": (1, 80, 1, 1)}),
}


@pytest.mark.parametrize("name", OFFICIAL)
def test_official_weights(name):
    state = {key: torch.full(shape, float(i)) for i, (key, shape) in enumerate(OFFICIAL[name].items())}
    model = build(name)
    model.load_official(state)
    assert sum(value.numel() for value in state.values()) == sum(v.numel() for v in model.state_dict().values())
    assert torch.equal(model.along_time[0].weight, state["conv1b.weight"])
    assert torch.equal(model.trunk[4][0].weight, state["conv4.weight"])
    assert torch.equal(model.trunk[5][1].running_var, state["bn5.running_var"])


def test_invalid_options_are_refused():
    for changes, code in (({"readout": "x"}, "config-value"), ({"frames": 4}, "option-value")):
        with fails(code, *changes, *changes.values()):
            build("mhcnn", **changes)
