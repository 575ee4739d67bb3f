"""ARE, TRE, MDRE, MDREA: parameter counts, the authors' graph in NumPy, padding, dropout, loss."""

import numpy as np
import pytest
import torch

from mscnn.models.inputs import Sizes
from mscnn.models.yoon2018 import Yoon2018
from tests.raises import fails
from tests.unit.models import systems
from tests.unit.models.bimodal import batch, padded, parameters, unmoved
from tests.unit.models.test_recurrent import tf_gru

COUNTS = {"are": (144_941, 144_941), "tre": (1_425_501, 301_401), "mdre": (1_617_066, 492_966),
          "mdrea": (1_617_302, 493_202)}  # fmt: skip
FULL = Sizes(classes=4, audio=39, extra={"prosody": 35})
SMALL = Sizes(classes=4, audio=3, vocabulary=10, embedding=4, extra={"prosody": 5})
INPUTS = batch(3, vocabulary=10, prosody=5)


def build(name: str, sizes: Sizes = SMALL, **changes) -> Yoon2018:
    if sizes is SMALL:
        changes = {"hidden": 6, **changes}
    torch.manual_seed(0)
    return systems.build(name, sizes, **changes).double().eval()


def graph(name: str, prosody: bool = True) -> dict[str, torch.Tensor]:
    """Variables of the authors' TensorFlow graph, by name, with random values; hidden size 6."""
    shapes, sound = {}, 6 + (5 if prosody else 0)
    for side, dim in (("audio", 3), ("text", 4)):
        cell = f"{side}_GRU/rnn/multi_rnn_cell/cell_0/gru_cell"
        if {"are": "audio", "tre": "text"}.get(name, side) == side:
            shapes[f"{cell}/gates/kernel"], shapes[f"{cell}/gates/bias"] = (dim + 6, 12), (12,)
            shapes[f"{cell}/candidate/kernel"], shapes[f"{cell}/candidate/bias"] = (dim + 6, 6), (6,)
    if name != "are":
        shapes["embed_layer/embed_matrix"] = (10, 4)
    linear = {
        "are": {"audio": (sound, 4)},
        "tre": {"text": (6, 4)},
        "mdre": {"audio": (sound, sound // 2), "text": (6, 3), "multi": (sound // 2 + 3, 4)},
        "mdrea": {"multi": (12, 4)},
    }
    for side, shape in linear[name].items():
        shapes[f"{side}_output_layer/similarity_matrix"], shapes[f"{side}_output_layer/output_bias"] = shape, (1,)
    if name == "mdrea":
        shapes["attn_projection_helper"], shapes["attn_bias"] = (sound, 6), (1,)
    return {key: torch.randn(shape, dtype=torch.float64) for key, shape in shapes.items()}


def run_graph(name: str, weights: dict[str, np.ndarray], row: int) -> np.ndarray:
    """The authors' graph for one utterance of INPUTS, from their code."""

    def encode(side, x):
        cell = f"{side}_GRU/rnn/multi_rnn_cell/cell_0/gru_cell"
        return tf_gru(x, *(weights[f"{cell}/{w}"] for w in
                           ("gates/kernel", "gates/bias", "candidate/kernel", "candidate/bias")))  # fmt: skip

    def linear(side, x):
        return x @ weights[f"{side}_output_layer/similarity_matrix"] + weights[f"{side}_output_layer/output_bias"]

    frames = INPUTS.audio[row, :, : INPUTS.audio_len[row]].numpy().T
    tokens = INPUTS.tokens[row, : INPUTS.token_len[row]].numpy()
    if name != "tre":
        audio = np.concatenate([encode("audio", frames)[-1], INPUTS.extra["prosody"][row, :, 0].numpy()])
    if name != "are":
        text = encode("text", weights["embed_layer/embed_matrix"][tokens])
    if name in ("are", "tre"):
        return linear("audio", audio) if name == "are" else linear("text", text[-1])
    if name == "mdre":
        return linear("multi", np.concatenate([linear("audio", audio), linear("text", text[-1])]))
    query = audio @ weights["attn_projection_helper"] + weights["attn_bias"]
    scores = np.exp(text @ query)
    return linear("multi", np.concatenate([scores / scores.sum() @ text, query]))


@pytest.mark.parametrize("name", COUNTS)
def test_parameter_counts(name):
    assert parameters(build(name, FULL)) == COUNTS[name]


@pytest.mark.parametrize("name", COUNTS)
def test_is_the_official_graph(name):
    variables, model = graph(name), build(name)
    model.load_official(variables)
    scores, weights = model(INPUTS).detach(), {key: v.numpy() for key, v in variables.items()}
    for row in range(3):
        np.testing.assert_allclose(scores[row], run_graph(name, weights, row), atol=1e-10)


def test_official_weights_must_be_complete():
    variables = graph("mdre")
    del variables["text_output_layer/output_bias"]
    with fails("official-weights", "text_output_layer/output_bias"):
        build("mdre").load_official(variables)


@pytest.mark.parametrize("name", COUNTS)
def test_padding_changes_nothing(name):
    assert (build(name)(INPUTS) - build(name)(padded(INPUTS))).abs().max() < 1e-9


@pytest.mark.parametrize("name", ["mdre", "mdrea"])
def test_no_more_than_max_frames_and_max_tokens_count(name):
    limited = build(name, max_frames=9, max_tokens=3)
    inputs = batch(3, vocabulary=10, prosody=5)
    inputs.audio[:, :, 9:], inputs.tokens[:, 3:] = 99.0, 4
    torch.testing.assert_close(limited(inputs), limited(INPUTS))
    assert not torch.allclose(limited(INPUTS), build(name)(INPUTS))


@pytest.mark.parametrize("name", COUNTS)
def test_every_parameter_learns(name):
    assert unmoved(build(name), INPUTS) == []


def test_prosody_is_optional():
    sizes = Sizes(classes=4, audio=3, vocabulary=10, embedding=4)
    model = build("mdre", sizes, prosody=False, hidden=6)
    assert model.audio_half.weight.shape == (3, 6)
    assert model(INPUTS).shape == (3, 4)


def test_loss_is_the_mean_of_binary_cross_entropies():
    model, labels = build("mdre"), torch.tensor([2, 0, 3])
    scores, one_hot = model(INPUTS), torch.eye(4, dtype=torch.float64)[labels]
    expected = torch.clamp(scores, min=0) - scores * one_hot + torch.log1p(torch.exp(-scores.abs()))
    torch.testing.assert_close(model.loss(INPUTS, labels), expected.mean())
    paper = build("mdre", loss="softmax_ce")
    torch.testing.assert_close(paper.loss(INPUTS, labels), -scores.log_softmax(1)[range(3), labels].mean())


def test_dropout_does_not_apply_to_the_final_state():
    model = build("mdre", hidden=50).train()
    states, mask, final = model.encode_text(INPUTS)
    assert 0.5 < (states[mask] == 0).double().mean() < 0.9  # probability 0.7
    assert (final == 0).sum() == 0


def test_linear_layers_share_one_bias():
    model = build("mdrea", FULL)
    assert model.output.bias.shape == model.query.bias.shape == (1,)
    assert model.output.weight.abs().max() <= 0.25 and model.query.weight.abs().max() > 0.24


@pytest.mark.parametrize(
    ("changes", "code", "names"),
    [
        ({"audio": False, "text": False, "prosody": False}, "option-conflict", ["audio", "text"]),
        ({"attention": True, "text": False}, "option-conflict", ["audio=true", "text=true", "attention=false"]),
        ({"audio": False}, "option-conflict", ["prosody=false"]),
        ({"loss": "mse"}, "config-value", ["loss", "sigmoid_bce", "softmax_ce"]),
    ],
)
def test_contradictory_options_are_refused(changes, code, names):
    with fails(code, *names):
        build("mdre", **changes)


def test_prosody_must_be_among_the_inputs():
    with fails("input-missing", "prosody"):
        build("are", Sizes(classes=4, audio=39))
