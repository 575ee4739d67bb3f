"""CNN + BLSTM on spectrograms: count, shapes, padding."""

import torch

from tests.unit.models.conv_systems import build, padding_changes, segments, without_gradient
from tests.unit.models.fingerprint import filled
from tests.unit.models.systems import count

SMALL = {"filters": [3, 4, 5], "lstm_dim": 3, "fc_dim": 5, "frames": 64}


def test_parameter_count():
    assert count(build("satt2017", audio=200)) == 1_036_060


def test_shapes():
    model, captured = build("satt2017", audio=200).double().eval(), {}
    model.convs.register_forward_hook(lambda _, args, output: captured.update(x=args[0], y=output))
    model.lstm.register_forward_pre_hook(lambda _, args: captured.update(frames=args[0]))
    assert model(segments(1, dim=200)).shape == (1, 4)
    assert captured["x"].shape == (1, 1, 300, 200) and captured["y"].shape == (1, 32, 37, 25)
    assert captured["frames"].shape == (1, 37, 800)
    torch.testing.assert_close(captured["frames"][0, 5], captured["y"][0, :, 5].flatten())


def test_even_kernel_pads_less_on_the_left():
    pad, conv = build("satt2017", audio=200).convs[:2]
    assert conv.kernel_size == (12, 16)  # frames, bins
    conv.weight.data.zero_()
    conv.bias.data.zero_()
    conv.weight.data[:, :, 0, 0] = 1.0
    x = torch.zeros(1, 1, 30, 30)
    x[0, 0, 10, 10] = 1.0
    assert conv(pad(x))[0, 0].nonzero().tolist() == [[15, 17]]  # 5 of 11 frames and 7 of 15 bins are on the left


def test_head_takes_the_last_state_of_each_direction():
    model, captured = build("satt2017", audio=24, **SMALL).double().eval(), {}
    model.lstm.register_forward_hook(lambda _, args, output: captured.update(outputs=output[0]))
    model.head.register_forward_pre_hook(lambda _, args: captured.update(states=args[0]))
    model(segments(2, dim=24, frames=64))
    ahead, back = captured["outputs"].chunk(2, dim=2)
    torch.testing.assert_close(captured["states"], torch.cat([ahead[:, -1], back[:, 0]], dim=1))


def test_padding_changes_nothing():
    model = filled(build("satt2017", audio=24, **SMALL))
    assert padding_changes(model, frames=40, dim=24, extra=20) < 1e-9


def test_every_parameter_learns():
    torch.manual_seed(0)
    model = build("satt2017", audio=24, **SMALL).double()
    assert without_gradient(model, segments(4, dim=24, frames=64)) == []
