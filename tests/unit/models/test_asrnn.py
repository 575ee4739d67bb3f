"""ASRNN: counts, fingerprint, windows and their vectors, names of the official weights."""

import pytest
import torch

from tests.unit.models.conv_systems import (
    build,
    donghyun_weights,
    image_inputs,
    padding_changes,
    segments,
    without_gradient,
)
from tests.unit.models.fingerprint import filled, wave
from tests.unit.models.systems import count

SMALL = {"filters": [4, 4, 6], "project_dim": 8, "lstm_dim": 3, "window_lstm_dim": 4, "fc_dim": 5, "frames": 40}


@pytest.mark.parametrize("name", ["asrnn", "asrnn_donghyun"])
def test_parameter_counts(name):
    assert count(build(name)) == 3_670_982


def test_auditory_input():
    model = build("asrnn_auditory", audio=9 * 32)
    assert model.convs[0][0].in_channels == 9 and model.project[0].in_features == 16 * 128
    assert count(model) == 3_670_982 + 9 * 64 * (9 - 3) - 768 * 128 * (20 - 16)
    assert model.double().eval()(segments(dim=9 * 32)).shape == (2, 4)


def test_fingerprint():
    logits = filled(build("asrnn_donghyun", legacy_shift1=True))(image_inputs((2, 3, 40, 300)))
    expected = [[0.566657, 0.470719, 0.090815, -0.330450], [0.566653, 0.470718, 0.090816, -0.330446]]
    torch.testing.assert_close(logits, torch.tensor(expected, dtype=torch.float64), atol=1e-6, rtol=0)


def test_windows():
    frames = torch.arange(150.0)[None, :, None]
    right = build("asrnn").windows(frames)[0, :, :, 0]
    assert right.tolist() == [list(range(5 * i, 5 * i + 10)) for i in range(29)]
    assert right[-1].tolist() == list(range(140, 150))


def test_legacy_shift1_starts_windows_at_frame_i():
    frames = torch.arange(150.0)[None, :, None]
    legacy = build("asrnn", legacy_shift1=True).windows(frames)[0, :, :, 0]
    assert legacy.tolist() == [list(range(i, i + 10)) for i in range(28)] + [list(range(140, 150))]


def test_legacy_shift1_has_one_frame_backwards():
    right, legacy = (filled(build("asrnn", **SMALL, legacy_shift1=flag)) for flag in (False, True))
    windows = wave(2, 3, 10, 8)
    ahead, back = right.encode_windows(windows).chunk(2, dim=2)
    ahead_legacy, back_legacy = legacy.encode_windows(windows).chunk(2, dim=2)
    outputs = right.lstm(windows[1, 2][None])[0][0]
    torch.testing.assert_close(ahead[1, 2], outputs[-1, :3])
    torch.testing.assert_close(back[1, 2], outputs[0, 3:])
    torch.testing.assert_close(ahead_legacy, ahead)
    torch.testing.assert_close(back_legacy, legacy.encode_windows(windows[:, :, -1:]).chunk(2, dim=2)[1])


def test_padding_changes_nothing():
    assert padding_changes(filled(build("asrnn", **SMALL | {"frames": 60})), frames=40, extra=20) < 1e-9


@pytest.mark.parametrize("legacy", [False, True])
def test_every_parameter_learns(legacy):
    torch.manual_seed(0)
    model = build("asrnn", **SMALL, legacy_shift1=legacy).double()
    without = without_gradient(model, segments(4, frames=40))
    assert without == (["lstm.weight_hh_l0_reverse"] if legacy else [])  # one frame: no state to multiply


def test_official_weights_by_name():
    model = build("asrnn_donghyun", **SMALL)
    pairs = {f"convs.{n}.0": f"cnn{n + 1}.cnn.0" for n in range(3)}
    pairs |= {f"convs.{n}.{2 if n == 0 else 1}": f"cnn{n + 1}.cnn.2" for n in range(3)}
    pairs |= {"project.0": "linear1", "project.2": "batch1", "lstm": "bilstm", "window_lstm": "lstm"}
    pairs |= {"head.0": "linear2", "head.2": "batch2", "head.4": "linear3"}
    theirs = donghyun_weights(model, pairs)
    model.load_official(theirs)
    assert torch.equal(model.convs[2][1].running_mean, theirs["cnn3.cnn.2.running_mean"])
    assert torch.equal(model.window_lstm.weight_ih_l0, theirs["lstm.weight_ih_l0"])
    assert torch.equal(model.lstm.weight_ih_l0, theirs["bilstm.weight_ih_l0"])
