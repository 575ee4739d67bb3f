"""ADRNN: counts, fingerprint, loss, names of the official weights."""

import pytest
import torch
from torch.nn import functional as F

from tests.unit.models.conv_systems import (
    build,
    donghyun_weights,
    image_inputs,
    padding_changes,
    segments,
    without_gradient,
)
from tests.unit.models.fingerprint import filled
from tests.unit.models.systems import count

SMALL = {"filters": 4, "dilated_filters": [4, 4, 6], "project_dim": 8, "lstm_dim": 3, "fc_dim": 5, "frames": 40}
NAMES = ["adrnn", "adrnn_donghyun"]


@pytest.mark.parametrize("name", NAMES)
def test_parameter_counts(name):
    assert count(build(name)) == 5_761_734


def test_fingerprint():
    logits = filled(build("adrnn_donghyun"))(image_inputs((2, 3, 40, 300)))
    expected = torch.tensor([[0.624738, 0.502804, 0.076618, -0.381952]] * 2, dtype=torch.float64)
    torch.testing.assert_close(logits, expected, atol=1e-6, rtol=0)


@pytest.mark.parametrize(("name", "frames"), [("adrnn", 150), ("adrnn_donghyun", 75)])
def test_shapes(name, frames):
    model, captured = build(name, filters=4, dilated_filters=[4, 4, 256]).double().eval(), {}
    model.project.register_forward_pre_hook(lambda _, args: captured.update(x=args[0]))
    assert model(segments()).shape == (2, 4)
    assert captured["x"].shape == (2, frames, 256 * 20)


def test_padding_changes_nothing():
    assert padding_changes(filled(build("adrnn", **SMALL | {"frames": 60})), frames=40, extra=20) < 1e-9


@pytest.mark.parametrize("name", NAMES)
def test_every_parameter_learns(name):
    torch.manual_seed(0)
    assert without_gradient(build(name, **SMALL).double(), segments(4, frames=40)) == []


def test_loss_adds_center_loss_and_squared_error():
    model = filled(build("adrnn", **SMALL, mse=0.5, center=0.25))
    model.center.centers += 0.3
    inputs, labels = segments(3, frames=40), torch.tensor([0, 3, 1])
    logits, features = model(inputs), model.features(inputs)
    expected = F.cross_entropy(logits, labels)
    expected = expected + 0.5 * ((logits - torch.eye(4)[labels]) ** 2).mean()
    expected = expected + 0.25 * 0.5 * ((features - 0.3) ** 2).sum(dim=1).mean()
    torch.testing.assert_close(model.loss(inputs, labels), expected)


def test_centers_follow_the_training():
    model = build("adrnn", **SMALL).double().train()
    model.loss(segments(4, frames=40), torch.arange(4)).backward()
    assert (model.center.centers.abs().sum(dim=1) > 0).all() and not model.center.centers.requires_grad


def test_official_weights_by_name():
    model = build("adrnn_donghyun", **SMALL)
    pairs = {"conv.0": "cnn.cnn.0", "skip.0": "skipped.uflb.0", "skip.1": "skipped.uflb.1", "project.0": "linear1"}
    pairs |= {f"dilated.{n}.{m}": f"uflb{n + 1}.uflb.{m}" for n in range(3) for m in range(2)}
    pairs |= {"project.2": "batch1", "lstm": "bilstm", "head.0": "linear2", "head.2": "batch2", "head.4": "linear3"}
    theirs = donghyun_weights(model, pairs)
    model.load_official(theirs)
    assert torch.equal(model.dilated[2][1].running_var, theirs["uflb3.uflb.1.running_var"])
    assert torch.equal(model.skip[0].weight, theirs["skipped.uflb.0.weight"])
    with_centers = build("adrnn_donghyun", **SMALL, center=0.01)
    with_centers.load_official(theirs)
    assert with_centers.center.centers.abs().sum() == 0
