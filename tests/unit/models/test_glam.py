"""GLAM family: parameter counts and fingerprints of the authors' code, their weights' names, gradients."""

import pytest
import torch

from mscnn.models.glam import GLAM
from mscnn.models.inputs import Inputs, Sizes
from tests.raises import fails
from tests.unit.models import systems
from tests.unit.models.fingerprint import filled, wave

COUNTS = {  # segments of 57 and of 63 frames
    "glam": (904_078, 940_283),
    "glam5": (904_142, 940_347),
    "res_multi_conv3": (686_820, 693_476),
    "res_multi_conv5": (686_884, 693_540),
    "mh_res_multi_conv3": (879_076, 892_388),
    "aa_res_multi_conv3": (686_820, 693_476),
    "gmlp_res_conv3": (818_062, 854_267),
    "gmlp_res_conv5": (990_094, 1_026_299),
    "gmlp_multi_conv": (904_078, 940_283),
}
FINGERPRINTS = {
    ("glam", 57): [[0.112285, -0.004617, 0.139164, 0.101007], [0.111974, -0.011355, 0.148792, 0.094433]],
    ("glam", 63): [[0.077307, 0.088151, 0.051672, 0.060460], [0.076406, 0.094361, 0.052975, 0.054335]],
    ("res_multi_conv3", 57): [[0.066350, 0.031502, 0.135159, 0.070426], [0.059923, 0.034190, 0.137870, 0.063990]],
    ("mh_res_multi_conv3", 57): [[0.029610, 0.084042, 0.099118, 0.067656], [0.029605, 0.084040, 0.099123, 0.067657]],
    ("aa_res_multi_conv3", 57): [[0.161307, -0.002846, 0.087694, 0.170402], [0.138119, -0.018407, 0.132397, 0.124154]],
}


def build(name: str, **changes) -> GLAM:
    """The network of a configuration, for 26 bins."""
    return systems.build(name, Sizes(classes=4, audio=26), **changes)


def segments(frames: int, bins: int = 26) -> Inputs:
    return Inputs(audio=wave(2, bins, frames), audio_len=torch.tensor([frames, frames]))


@pytest.mark.parametrize("name", COUNTS)
def test_parameter_counts(name):
    counts = tuple(sum(p.numel() for p in build(name, frames=frames).parameters()) for frames in (57, 63))
    assert counts == COUNTS[name]


@pytest.mark.parametrize(("name", "frames"), FINGERPRINTS)
def test_fingerprints(name, frames):
    logits = filled(build(name, frames=frames))(segments(frames))
    expected = torch.tensor(FINGERPRINTS[name, frames], dtype=torch.float64)
    torch.testing.assert_close(logits, expected, atol=1e-6, rtol=0)


@pytest.mark.parametrize("name", COUNTS)
def test_every_parameter_learns(name):
    torch.manual_seed(0)
    model = build(name).double().train()
    inputs = segments(57)
    model.loss(inputs, torch.tensor([1, 3])).backward()
    assert [n for n, p in model.named_parameters() if p.grad is None or not p.grad.any()] == []


def test_a_short_segment_is_padded_with_zeros():
    model, short = filled(build("glam")), segments(40)
    padded = Inputs(audio=torch.cat([short.audio, torch.zeros(2, 26, 17, dtype=torch.float64)], dim=2))
    assert torch.equal(model(short), model(padded))
    with fails("segment-too-long", 57, 58):
        model(segments(58))


def official_shapes(block: dict[str, tuple], stem: int, fusion: dict[str, tuple], features: int) -> dict[str, tuple]:
    """Names and shapes of the state dict of one of the authors' classes."""
    shapes = {"conv1a": (16, 1, stem, 1), "conv1b": (16, 1, 1, stem), "conv5": (128, 128, 5, 5), "fc": (4, features)}
    norms = {"bn1a": 16, "bn1b": 16, "bn5": 128}
    for i, channels in ((2, 16), (3, 32), (4, 64)):
        for name, (factor, *kernel) in block.items():
            shapes[f"conv{i}.{name}"] = (factor * channels, channels, *kernel)
        norms[f"conv{i}.bn"] = 2 * channels
    result = {f"{name}.weight": shape for name, shape in shapes.items()}
    result |= {f"{name}.bias": shape[:1] for name, shape in shapes.items()}
    for name, size in norms.items():
        result |= {f"{name}.{part}": (size,) for part in ("weight", "bias", "running_mean", "running_var")}
        result[f"{name}.num_batches_tracked"] = ()
    return result | fusion


MULTI = {"conv3": (1, 3, 3), "conv5": (1, 5, 5)}
GMLP = {
    "gmlp.layers.0.fn.norm.weight": (182,),
    "gmlp.layers.0.fn.norm.bias": (182,),
    "gmlp.layers.0.fn.fn.fn.proj_in.0.weight": (728, 182),
    "gmlp.layers.0.fn.fn.fn.proj_in.0.bias": (728,),
    "gmlp.layers.0.fn.fn.fn.sgu.weight": (1, 128, 128),
    "gmlp.layers.0.fn.fn.fn.sgu.bias": (1, 128),
    "gmlp.layers.0.fn.fn.fn.sgu.norm.weight": (364,),
    "gmlp.layers.0.fn.fn.fn.sgu.norm.bias": (364,),
    "gmlp.layers.0.fn.fn.fn.proj_out.weight": (182, 364),
    "gmlp.layers.0.fn.fn.fn.proj_out.bias": (182,),
}
HEADS = {
    f"attention_{role}.{head}.{part}": shape
    for role in ("query", "key", "value")
    for head in range(4)
    for part, shape in (("weight", (64, 128, 1, 1)), ("bias", (64,)))
}
OFFICIAL = {
    "glam": official_shapes(MULTI, 3, GMLP, 23_296),
    "glam5": official_shapes(MULTI, 5, GMLP, 23_296),
    "gmlp_multi_conv": official_shapes(MULTI, 3, GMLP, 23_296),
    "gmlp_res_conv3": official_shapes({"conv3": (2, 3, 3)}, 3, GMLP, 23_296),
    "gmlp_res_conv5": official_shapes({"conv5": (2, 5, 5)}, 3, GMLP, 23_296),
    "res_multi_conv3": official_shapes(MULTI, 3, {}, 23_296),
    "res_multi_conv5": official_shapes(MULTI, 5, {}, 23_296),
    "aa_res_multi_conv3": official_shapes(MULTI, 3, {}, 23_296),
    "mh_res_multi_conv3": official_shapes(MULTI, 3, HEADS, 46_592),
}


@pytest.mark.parametrize("name", OFFICIAL)
def test_official_weights(name):
    state = {key: torch.full(shape, float(i)) for i, (key, shape) in enumerate(OFFICIAL[name].items())}
    model = build(name)
    model.load_official(state)
    assert sum(value.numel() for value in state.values()) == sum(v.numel() for v in model.state_dict().values())
    last = max(key for key in state if key.startswith("conv3.conv"))
    assert torch.equal(model.along_time[0].weight, state["conv1b.weight"])
    assert torch.equal(model.scales[2].convs[-1].weight, state[last])
    assert torch.equal(model.scales[4].norm.running_var, state["conv4.bn.running_var"])
    if model.options.fusion == "gmlp":
        assert torch.equal(model.fusion.gate.norm.bias, state["gmlp.layers.0.fn.fn.fn.sgu.norm.bias"])


@pytest.mark.parametrize(
    ("given", "name", "changes", "code", "weight"),
    [
        ("glam", "res_multi_conv3", {}, "weight-unknown", "gmlp.layers.0.fn.norm.weight"),
        ("glam", "gmlp_res_conv3", {}, "weight-unknown", "conv2.conv5.weight"),
        ("glam", "glam5", {}, "weight-shape", "conv1a.weight: [16, 1, 3, 1], expected [16, 1, 5, 1]"),
        ("glam", "glam", {"frames": 63}, "weight-shape", "fc.weight: [4, 23296], expected [4, 24960]"),
        ("res_multi_conv3", "glam", {}, "weight-missing", "gmlp.layers.0.fn.norm.weight"),
        ("res_multi_conv3", "mh_res_multi_conv3", {}, "weight-missing", "attention_query.0.weight"),
    ],
)
def test_official_weights_of_another_configuration_are_refused(given, name, changes, code, weight):
    state = {key: torch.zeros(shape) for key, shape in OFFICIAL[given].items()}
    with fails("official-weights") as caught:
        build(name, **changes).load_official(state)
    assert [issue for issue in caught.value.issues if issue.code == code and issue.message.startswith(weight)]


def test_invalid_options_are_refused():
    for changes, code in (
        ({"fusion": "x"}, "config-value"),
        ({"kernels": [4]}, "option-value"),
        ({"frames": 3}, "option-value"),
    ):
        with fails(code, *changes, *changes.values()):
            build("glam", **changes)
