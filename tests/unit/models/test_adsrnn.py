"""ADSRNN: counts, fingerprint with all defects of the code, and the effect of each."""

import math

import pytest
import torch
from torch.nn import functional as F

from mscnn.models.adsrnn import ADSRNN
from mscnn.models.inputs import Inputs
from tests.raises import fails
from tests.unit.models.conv_systems import build, image_inputs, padding_changes, segments, without_gradient
from tests.unit.models.fingerprint import filled, wave
from tests.unit.models.systems import count

LEGACY = ["scrambled_frames", "batch_recurrence", "test_dropout", "index_slips", "double_softmax"]
SMALL = {"filters": 4, "dilated_filters": 3, "lstm_dim": 3, "frames": 40, "slice": 4}


def small(**changes: object) -> ADSRNN:
    torch.manual_seed(0)
    return build("adsrnn_code64", **SMALL | changes).double().eval()


@pytest.mark.parametrize(("name", "expected"), [("adsrnn_fig128", 9_155_752), ("adsrnn_code64", 6_164_904)])
def test_parameter_counts(name, expected):
    assert count(build(name)) == expected


def test_fingerprint_with_all_legacy_flags():
    flags = {f"legacy_{name}": True for name in LEGACY}
    model = filled(build("adsrnn_code64", dropout=0.0, **flags))
    posteriors = model(image_inputs((2, 3, 300, 40), time_first=True)).exp()
    expected = [[0.234897, 0.251513, 0.259034, 0.254556], [0.235222, 0.251942, 0.259077, 0.253759]]
    torch.testing.assert_close(posteriors, torch.tensor(expected, dtype=torch.float64), atol=1e-6, rtol=0)


def test_frames_are_channels_by_bands():
    model = small()
    x = wave(2, 3, 40, 40)
    frames = model.convolve(x)
    y = F.max_pool2d(model.convs(x), (1, 2))
    y = model.dilated(y) + model.skip(y)
    assert frames.shape == (2, 40, 3 * 20)
    torch.testing.assert_close(frames[1, 17], y[1, :, 17].flatten())


def test_legacy_scrambled_frames_mixes_channels_and_frames():
    model = small(legacy_scrambled_frames=True)
    x = wave(2, 3, 40, 40)
    y = F.max_pool2d(model.convs(x), (1, 2))
    y = model.dilated(y) + model.skip(y)
    rows = model.convolve(x)
    torch.testing.assert_close(rows[1, 17], y[1].flatten()[17 * 60 : 18 * 60])
    torch.testing.assert_close(rows[1, 1], y[1, 0].flatten()[60:120])  # three frames of one channel
    assert not torch.allclose(rows, small().convolve(x))


def test_a_slice_starts_from_the_state_of_the_last():
    model = small()
    x = wave(1, 40, 60)
    means = model.encode_slices(x)
    ahead, back = model.lstm(x)[0][..., :3], []
    torch.testing.assert_close(means[0, :, :3], ahead[0].unflatten(0, (10, 4)).mean(dim=1))  # as one long sequence
    state = None  # the backward direction starts each slice from the state it had at the first frame of the last one
    for part in x.split(4, dim=1):
        outputs, state = model.lstm(part, state)
        back.append(outputs[0, :, 3:].mean(dim=0))
    torch.testing.assert_close(means[0, :, 3:], torch.stack(back))


@pytest.mark.parametrize("legacy", [False, True])
def test_legacy_batch_recurrence_makes_utterances_depend_on_each_other(legacy):
    model, pair = small(legacy_batch_recurrence=legacy), segments(2, frames=40)
    pair.audio[1] *= 3
    single = Inputs(audio=pair.audio[:1], audio_len=pair.audio_len[:1])
    assert torch.allclose(model(pair)[:1], model(single), atol=1e-9) is not legacy


def test_legacy_test_dropout_is_active_at_test():
    inputs = segments(2, frames=40)
    right, legacy = small(), small(legacy_test_dropout=True)
    assert torch.equal(right(inputs), right(inputs))
    assert not torch.equal(legacy(inputs), legacy(inputs))


@pytest.mark.parametrize("legacy", [False, True])
def test_attention_by_loop(legacy):
    model, x = small(legacy_index_slips=legacy), wave(2, 10, 6)
    queries, weights = list(range(10)), list(range(10))
    if legacy:
        queries[8], weights[8:] = 7, [7, 8]
    result = model.attend(x)
    for m in range(10):
        for b in range(2):
            scores = [x[b, queries[m]] @ (model.attentions[weights[m]].weight @ x[b, k]) for k in range(m + 1)]
            total = sum(s.exp() for s in scores)
            summary = sum(s.exp() / total * x[b, k] for k, s in enumerate(scores))
            torch.testing.assert_close(result[m][b].exp(), model.classifiers[m](summary).softmax(dim=0))


def test_combination():
    slices = [wave(2, 4, step=0.5 + m).log_softmax(dim=1) for m in range(10)]
    p = slices[0].exp()
    for log_p in slices[1:]:
        p = (p + log_p.exp()) / 2
    torch.testing.assert_close(small().combine(slices).exp(), p)
    mean = sum(s.exp() for s in slices) / 10
    torch.testing.assert_close(small(combine="sum").combine(slices).exp(), mean)


def test_loss():
    inputs, labels = segments(2, frames=40), torch.tensor([2, 0])
    for legacy in (False, True):
        model = small(legacy_double_softmax=legacy)
        p = model(inputs).exp()
        torch.testing.assert_close(p.sum(dim=1), torch.ones(2).double())
        logs = (p.exp() / p.exp().sum(dim=1, keepdim=True)).log() if legacy else p.log()
        expected = -(logs[0, 2] + logs[1, 0]) / 2 + 0.01 * ((p - torch.eye(4)[labels]) ** 2).mean()
        torch.testing.assert_close(model.loss(inputs, labels), expected)
    assert small(legacy_double_softmax=True).loss(inputs, labels) > math.log(1 + 3 / math.e)  # cannot fall below


def test_padding_changes_nothing():
    assert padding_changes(small(frames=60), frames=40, extra=20) < 1e-9


@pytest.mark.parametrize("name", ["adsrnn_fig128", "adsrnn_code64"])
@pytest.mark.parametrize("legacy", [False, True])
def test_every_parameter_learns(name, legacy):
    torch.manual_seed(0)
    model = build(name, **SMALL | {"dilated_filters": 3}, legacy_index_slips=legacy).double()
    without = without_gradient(model, segments(4, frames=40))
    expected = ["attentions.0.weight"]  # a softmax over one slice is 1 whatever the score
    assert without == expected + (["attentions.9.weight"] if legacy else [])


def test_official_weights_by_name():
    model = small()
    pairs = {"convs.0": "cnn.0", "convs.2": "cnn.2", "skip.0": "skip_connection.0", "skip.1": "skip_connection.1"}
    pairs |= {"lstm": "LSTM.LSTM"}
    pairs |= {f"dilated.{n}.{m}": f"UFLB.{3 * n + m}" for n in range(3) for m in range(2)}
    pairs |= {f"attentions.{n}": f"w_t{n}" for n in range(10)} | {f"classifiers.{n}": f"out{n}" for n in range(10)}
    theirs = {}
    for name, value in model.state_dict().items():
        module, leaf = name.rsplit(".", 1)
        theirs[f"{pairs[module]}.{leaf}"] = torch.randn(value.shape) if value.is_floating_point() else value
    model.load_official(theirs)
    assert torch.equal(model.dilated[1][1].running_var.float(), theirs["UFLB.4.running_var"])
    assert torch.equal(model.attentions[9].weight.float(), theirs["w_t9.weight"])


@pytest.mark.parametrize(("option", "code"), [({"combine": "max"}, "config-value"), ({"slice": 7}, "option-conflict")])
def test_invalid_options_are_refused(option, code):
    with fails(code, *option, *option.values()):
        small(**option)
