"""Audio-BRE, Text-BRE, MHA: parameter counts, encoder and hops by loop, padding, options."""

import pytest
import torch
from torch import nn

from mscnn.models.inputs import Sizes
from mscnn.models.yoon2019 import BRE, Encoded, Yoon2019, hop
from tests.raises import fails
from tests.unit.models import systems
from tests.unit.models.bimodal import batch, padded, parameters, unmoved

COUNTS = {"audio_bre": 669_144, "text_bre": 705_004, "mha1": 1_374_144, "mha2": 1_374_144, "mha3": 1_374_144}
FULL = Sizes(classes=4, audio=120, extra={"prosody": 35})
SMALL = Sizes(classes=4, audio=3, vocabulary=10, embedding=4, extra={"prosody": 5})
INPUTS = batch(3, vocabulary=10, prosody=5)


def build(name: str, sizes: Sizes = SMALL, **changes) -> Yoon2019:
    if sizes is SMALL:
        changes = {"hidden": 6, **changes}
    torch.manual_seed(0)
    return systems.build(name, sizes, **changes).double().eval()


def attend(query: torch.Tensor, states: torch.Tensor) -> torch.Tensor:
    """One utterance: sum_i softmax_i(q . o_i) o_i."""
    weights = torch.stack([query @ state for state in states]).exp()
    return sum(a * state for a, state in zip(weights / weights.sum(), states, strict=True))


@pytest.mark.parametrize("name", COUNTS)
def test_parameter_counts(name):
    assert parameters(build(name, FULL))[1] == COUNTS[name]


def test_mha2_without_prosody_or_residual():
    assert COUNTS["mha2"] - parameters(build("mha2", FULL, prosody=False))[1] == 4 * 35
    plain = parameters(build("mha2", FULL, residual=False))[1]
    lstms = [nn.LSTM(dim, 200, bidirectional=True) for dim in (120, 300)]
    assert plain == sum(p.numel() for lstm in lstms for p in lstm.parameters()) + 4 * 835 + 4


def test_encoder_adds_the_projected_input():
    torch.manual_seed(0)
    bre, x, length = BRE(3, 6, True, 0.3).double().eval(), torch.randn(1, 5, 3, dtype=torch.float64), 5
    nn.init.normal_(bre.project.weight)
    states, mask, end = bre(x, torch.tensor([length]))
    projected = x @ bre.project.weight.T + bre.project.bias
    lstm = nn.LSTM(6, 6, batch_first=True, bidirectional=True).double()
    for ours, suffix in ((bre.rnn.ahead, ""), (bre.rnn.back, "_reverse")):
        lstm.load_state_dict({name + suffix: p for name, p in ours.named_parameters()}, strict=False)
    ahead, back = lstm(projected)[0].chunk(2, dim=2)
    torch.testing.assert_close(states, torch.cat([ahead + projected, back + projected], dim=2))
    torch.testing.assert_close(end, torch.cat([(ahead + projected)[:, -1], (back + projected)[:, 0]], dim=1))
    assert mask.all()


@pytest.mark.parametrize("hops", [1, 2, 3])
def test_hops_by_hand(hops):
    torch.manual_seed(0)
    lengths = {"audio": (7, 4), "text": (3, 5)}
    states = {side: torch.randn(2, max(n), 6, dtype=torch.float64) for side, n in lengths.items()}
    audio, text = (
        Encoded(states[side], torch.arange(max(n)) < torch.tensor(n)[:, None], states[side][:, 0])
        for side, n in lengths.items()
    )
    of_text, of_audio = hop(audio, text, hops)
    for row in range(2):
        own_audio, own_text = (states[side][row, : lengths[side][row]] for side in ("audio", "text"))
        h1 = attend(audio.last[row], own_text)
        h2 = attend(h1, own_audio)
        h3 = attend(h2, own_text)
        expected = {1: (h1, audio.last[row]), 2: (h1, h2), 3: (h3, h2)}[hops]
        torch.testing.assert_close(torch.stack([of_text[row], of_audio[row]]), torch.stack(expected))


@pytest.mark.parametrize("name", COUNTS)
def test_the_classifier_takes_summaries_and_prosody(name):
    model, captured = build(name), {}
    model.output.register_forward_pre_hook(lambda _, args: captured.update(fused=args[0]))
    logits = model(INPUTS)
    torch.testing.assert_close(logits, captured["fused"] @ model.output.weight.T + model.output.bias)
    parts = []
    if name != "audio_bre":
        text = model.text_bre(model.embedding(INPUTS.tokens), INPUTS.token_len)
        parts.append(text.last)
    if name != "text_bre":
        audio = model.audio_bre(INPUTS.audio.transpose(1, 2), INPUTS.audio_len)
        parts.append(audio.last)
    if name.startswith("mha"):
        parts = hop(audio, text, int(name[-1]))
    if name != "text_bre":
        parts.append(INPUTS.extra["prosody"][:, :, 0])
    torch.testing.assert_close(captured["fused"], torch.cat(parts, dim=1))


@pytest.mark.parametrize("name", COUNTS)
def test_padding_changes_nothing(name):
    assert (build(name)(INPUTS) - build(name)(padded(INPUTS))).abs().max() < 1e-9


def test_no_more_than_max_frames_and_max_tokens_count():
    limited = build("mha3", max_frames=9, max_tokens=3)
    inputs = batch(3, vocabulary=10, prosody=5)
    inputs.audio[:, :, 9:], inputs.tokens[:, 3:] = 99.0, 4
    torch.testing.assert_close(limited(inputs), limited(INPUTS))


@pytest.mark.parametrize("name", COUNTS)
def test_every_parameter_learns(name):
    assert unmoved(build(name), INPUTS) == []


def test_initial_weights():
    bre = BRE(120, 200, True, 0.3)
    assert 0.009 < bre.project.weight.std() < 0.011
    for weight in bre.rnn.parameters():
        if weight.dim() == 2:
            torch.testing.assert_close(weight.T @ weight, torch.eye(200), atol=1e-4, rtol=0)
    bias = bre.rnn.back.bias_ih_l0 + bre.rnn.back.bias_hh_l0
    assert bias.view(4, 200).tolist() == [[0.0] * 200, [1.0] * 200, [0.0] * 200, [0.0] * 200]


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({"audio": False, "text": False, "prosody": False, "hops": 0}, ["audio", "text"]),
        ({"text": False}, ["audio=true", "text=true", "hops=0"]),
        ({"audio": False, "hops": 0}, ["prosody=false"]),
    ],
)
def test_contradictory_options_are_refused(changes, names):
    with fails("option-conflict", *names):
        build("mha2", **changes)
