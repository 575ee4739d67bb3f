"""Heads on frozen encoders: equal to the published formulas, written out for one utterance after another."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from mscnn.models.inputs import Inputs, Sizes
from tests.raises import fails
from tests.unit.models.fingerprint import filled, wave
from tests.unit.models.systems import build, count

DIM, CLASSES, LENGTHS = 12, 4, (9, 5, 1)


def head(name, **changes):
    """A head with deterministic weights; weights of layers that are not equal."""
    return filled(build(name, Sizes(classes=CLASSES, audio=DIM), **changes))


def padded(utterances: list[Tensor], padding: float = 0.0) -> Inputs:
    """Utterances (T, D) as a batch."""
    lengths = torch.tensor([len(x) for x in utterances])
    batch = torch.full((len(utterances), DIM, int(lengths.max())), padding, dtype=torch.float64)
    for row, x in enumerate(utterances):
        batch[row, :, : len(x)] = x.T
    return Inputs(batch, lengths)


def frames(scale: float = 1.0) -> list[Tensor]:
    return [scale * wave(n, DIM, step=0.37 + 0.1 * n, offset=0.1 * n) for n in LENGTHS]


def weight(model, name: str) -> tuple[Tensor, Tensor]:
    state = model.state_dict()
    return state[f"{name}.weight"], state[f"{name}.bias"]


def superb(model, layers: Tensor) -> Tensor:
    """All hidden states of an utterance, (layers, T, D) -> logits, by s3prl's order: sum, projector, mean, output."""
    shares = model.layer_weights.detach().exp() / model.layer_weights.detach().exp().sum()
    x = sum(share * layer for share, layer in zip(shares, layers, strict=True))
    w, b = weight(model, "project")
    x = torch.stack([w @ frame + b for frame in x])
    w, b = weight(model, "output")
    return w @ (x.sum(dim=0) / len(x)) + b


def emobox(model, x: Tensor) -> Tensor:
    return emotion2vec(model, F.layer_norm(x, x.shape))


def emotion2vec(model, x: Tensor) -> Tensor:
    w, b = weight(model, "project")
    x = torch.stack([(w @ frame + b).clamp(min=0) for frame in x])
    w, b = weight(model, "output")
    return w @ (x.sum(dim=0) / len(x)) + b


def attentive(model, x: Tensor) -> Tensor:
    """Eq. 1-6 of Okabe et al. 2018, then dense layer, layer norm, ReLU and output."""
    w, b = weight(model, "attention.hidden")
    scores = torch.stack([model.attention.vector @ torch.tanh(w @ frame + b) for frame in x])
    alpha = scores.exp() / scores.exp().sum()
    mean = sum(a * frame for a, frame in zip(alpha, x, strict=True))
    second = sum(a * frame * frame for a, frame in zip(alpha, x, strict=True))
    pooled = torch.cat([mean, (second - mean * mean).clamp(min=1e-5).sqrt()])
    w, b = weight(model, "dense.1")
    hidden = w @ pooled + b
    w, b = weight(model, "dense.2")
    hidden = (hidden - hidden.mean()) / (hidden.var(unbiased=False) + 1e-5).sqrt() * w + b
    w, b = weight(model, "output")
    return w @ hidden.clamp(min=0) + b


@pytest.mark.parametrize(
    ("name", "formula"), [("emobox_head", emobox), ("emotion2vec_head", emotion2vec), ("attentive_stats", attentive)]
)
@pytest.mark.parametrize("padding", [0.0, 99.0])
def test_scores_are_those_of_the_published_formula(name, formula, padding):
    model = head(name)
    expected = torch.stack([formula(model, x) for x in frames(3.0)])
    torch.testing.assert_close(model(padded(frames(3.0), padding)), expected, atol=1e-12, rtol=1e-12)
    assert (expected[0] - expected[1]).abs().max() > 1e-3


def test_superb_takes_means_and_has_the_scores_of_all_frames_of_all_layers():
    model = head("superb_head", layers=5)
    hidden = [wave(5, n, DIM, step=0.23 + 0.1 * n) for n in LENGTHS]
    expected = torch.stack([superb(model, x) for x in hidden])
    means = padded([x.mean(dim=1) for x in hidden])
    assert means.audio.shape == (3, DIM, 5) and model.layer_weights.std() > 0
    torch.testing.assert_close(model(means), expected, atol=1e-12, rtol=1e-12)


def test_weights_of_layers_that_an_encoder_lacks_play_no_part():
    many, few = head("superb_head", layers=40), head("superb_head", layers=5)
    many.layer_weights.data[:5] = few.layer_weights.data
    inputs = padded([wave(5, DIM), wave(5, DIM, step=0.5)])
    torch.testing.assert_close(many(inputs), few(inputs))
    assert torch.equal(build("superb_head", Sizes(classes=4, audio=DIM)).layer_weights.data, torch.zeros(128))


def test_a_number_is_the_layer_that_is_probed():
    model = head("superb_head", layer="3")
    assert not hasattr(model, "layer_weights")
    hidden = wave(5, 7, DIM)
    inputs = padded([hidden.mean(dim=1)])
    expected = head("superb_head", layer="frames")(padded([hidden[3]]))
    torch.testing.assert_close(model(inputs), expected, atol=1e-12, rtol=1e-12)


def test_a_layer_that_does_not_exist_is_refused():
    inputs = padded([wave(5, DIM)])
    with fails("layer-absent", "5"):
        head("superb_head", layer="5")(inputs)
    with fails("layers-too-many", "5", "4"):
        head("superb_head", layers=4)(inputs)
    with fails("option-conflict", "layers"):
        head("superb_head", layers=0)
    with fails("config-value", "layer"):
        head("superb_head", layer="last")


@pytest.mark.parametrize(
    ("name", "dim", "expected"),
    [
        ("superb_head", 768, 128 + (768 * 256 + 256) + (256 * 4 + 4)),
        ("emobox_head", 1280, (1280 * 256 + 256) + (256 * 4 + 4)),
        ("emotion2vec_head", 768, (768 * 256 + 256) + (256 * 4 + 4)),
        ("attentive_stats", 1024, 1024 * 1024 + 2 * 1024 + (2048 * 1024 + 1024) + 2 * 1024 + (1024 * 4 + 4)),
    ],
)
def test_parameter_counts(name, dim, expected):
    with torch.device("meta"):
        assert count(build(name, Sizes(classes=4, audio=dim))) == expected
