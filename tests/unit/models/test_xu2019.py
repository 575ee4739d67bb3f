"""Learning alignment: parameter counts, both alignments by loop, DELTA's model in NumPy, padding, dropout."""

import numpy as np
import pytest
import torch
from torch import nn

from mscnn.models.inputs import Sizes
from mscnn.models.xu2019 import AdditiveAlignment, MultiHeadAlignment, Xu2019
from tests.raises import fails
from tests.unit.models import systems
from tests.unit.models.bimodal import batch, padded, parameters, unmoved
from tests.unit.models.test_recurrent import old_keras_gru

FULL = {"xu2019_paper": Sizes(classes=4, audio=34), "xu2019_delta": Sizes(classes=4, audio=257, vocabulary=2570)}
SMALL = Sizes(classes=4, audio=3, vocabulary=10, embedding=4)
INPUTS = batch(3, vocabulary=10)
SHAPES = {  # of DELTA's variables, for SMALL: dense layer of 7 units, 6 units per direction, 4 heads
    **{f"align_attn_layer/{name}": (12, 12) for name in ("wq", "wk", "wv", "dense")},
    "speech_dense": (3, 7),
    "final_dense": (12, 4),
}
GRUS = {"speech_enc_layer/sen_encoder": 7, "text_enc_layer/sen_encoder": 4, "align_enc_layer/sen_encoder/bi_rnn": 24}


def build(name: str, sizes: Sizes = SMALL, **changes) -> Xu2019:
    if sizes is SMALL:
        small = {"hidden": 6} | ({"heads": 4, "dense": 7} if name == "xu2019_delta" else {})
        changes = {**changes, **small}
    torch.manual_seed(0)
    return systems.build(name, sizes, **changes).double().eval()


def delta_variables() -> dict[str, torch.Tensor]:
    """A random checkpoint of DELTA's model."""
    torch.manual_seed(0)
    shapes = {f"{layer}/kernel": shape for layer, shape in SHAPES.items()}
    shapes |= {f"{layer}/bias": shape[1:] for layer, shape in SHAPES.items()}
    for layer, dim in GRUS.items():
        for direction in ("forward_layer", "backward_layer"):
            cell = f"{layer}/{direction}/cell"
            shapes |= {f"{cell}/kernel": (dim, 18), f"{cell}/recurrent_kernel": (6, 18), f"{cell}/bias": (18,)}
    shapes |= {"embed/embeddings": (10, 4), "align_enc_layer/sen_att/W": (12, 12), "align_enc_layer/sen_att/b": (12,)}
    shapes["align_enc_layer/sen_att/attention_context_vector"] = (12,)
    return {name: torch.randn(shape, dtype=torch.float64) for name, shape in shapes.items()}


def softmax(x: np.ndarray) -> np.ndarray:
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def run_delta(weights: dict[str, np.ndarray], speech: np.ndarray, tokens: np.ndarray, token_len: int) -> np.ndarray:
    """DELTA's AlignClassModel for one utterance: frames (T, D), tokens (L,), ``token_len`` of them no padding."""

    def dense(layer, x):
        return x @ weights[f"{layer}/kernel"] + weights[f"{layer}/bias"]

    def bigru(layer, x):
        ahead, back = (
            [weights[f"{layer}/{direction}/cell/{w}"] for w in ("kernel", "recurrent_kernel", "bias")]
            for direction in ("forward_layer", "backward_layer")
        )
        return np.concatenate([old_keras_gru(x, *ahead), old_keras_gru(x[::-1], *back)[::-1]], axis=1)

    speech = bigru("speech_enc_layer/sen_encoder", np.maximum(dense("speech_dense", speech), 0))
    words = bigru("text_enc_layer/sen_encoder", weights["embed/embeddings"][tokens])
    q, k, v = (
        np.stack(np.split(dense(f"align_attn_layer/{name}", x), 4, axis=1))
        for name, x in (("wq", words), ("wk", speech), ("wv", speech))
    )
    heads = softmax(q @ k.transpose(0, 2, 1) / np.sqrt(3)) @ v
    aligned = dense("align_attn_layer/dense", np.concatenate(list(heads), axis=1))
    joint = bigru("align_enc_layer/sen_encoder/bi_rnn", np.concatenate([aligned, words], axis=1))
    scores = np.tanh(joint @ weights["align_enc_layer/sen_att/W"] + weights["align_enc_layer/sen_att/b"])
    scores = scores @ weights["align_enc_layer/sen_att/attention_context_vector"]
    return dense("final_dense", softmax(scores[:token_len]) @ joint[:token_len])


def test_parameter_counts():
    assert parameters(build("xu2019_paper", FULL["xu2019_paper"]))[1] == 833_205
    assert parameters(build("xu2019_delta", FULL["xu2019_delta"])) == (2_014_100, 2_014_100 - 771_000)


@pytest.mark.parametrize("legacy", [False, True])
def test_is_delta(legacy):
    """Padding counts in the authors' code; with masks, an utterance has the output of their code without padding."""
    model = build("xu2019_delta", max_frames=30, max_tokens=10, legacy_no_mask=legacy)
    variables = delta_variables()
    model.load_official(variables)
    logits, weights = model(INPUTS).detach(), {name: v.numpy() for name, v in variables.items()}
    for row in range(3):
        frames, token_count = (30, 10) if legacy else (int(INPUTS.audio_len[row]), int(INPUTS.token_len[row]))
        speech = nn.functional.pad(INPUTS.audio[row], (0, 30))[:, :frames].numpy().T
        tokens = nn.functional.pad(INPUTS.tokens[row], (0, 10))[:token_count].numpy()
        expected = run_delta(weights, speech, tokens, int(INPUTS.token_len[row]))
        np.testing.assert_allclose(logits[row], expected, atol=1e-10)


def test_official_weights_must_be_complete():
    variables = delta_variables()
    del variables["align_enc_layer/sen_att/b"]
    with fails("official-weights", "align_enc_layer/sen_att/b"):
        build("xu2019_delta").load_official(variables)


def test_additive_alignment_by_loop():
    torch.manual_seed(0)
    layer, lengths = AdditiveAlignment(4).double(), (6, 3)
    words, speech = torch.randn(2, 5, 4, dtype=torch.float64), torch.randn(2, 6, 4, dtype=torch.float64)
    mask = torch.arange(6) < torch.tensor(lengths)[:, None]
    weights, aligned = layer.weights(words, speech, mask), layer(words, speech, mask)
    torch.testing.assert_close(weights.sum(dim=2), torch.ones(2, 5, dtype=torch.float64))
    u, v, b = layer.speech.weight[0], layer.word.weight[0], layer.word.bias[0]
    for row, n in enumerate(lengths):
        for j in range(5):
            e = torch.stack([(u @ speech[row, i] + v @ words[row, j] + b).tanh() for i in range(n)]).exp()
            a = e / e.sum()
            torch.testing.assert_close(weights[row, j, :n], a)
            torch.testing.assert_close(aligned[row, j], sum(a[i] * speech[row, i] for i in range(n)))
    assert weights[1, :, 3:].abs().sum() == 0


def test_multi_head_alignment_ignores_padding():
    torch.manual_seed(0)
    layer = MultiHeadAlignment(4, 2).double()
    words, speech = torch.randn(1, 5, 4, dtype=torch.float64), torch.randn(1, 6, 4, dtype=torch.float64)
    masked = layer(words, speech, torch.arange(6)[None] < 4)
    torch.testing.assert_close(masked, layer(words, speech[:, :4], torch.ones(1, 4, dtype=torch.bool)))


@pytest.mark.parametrize("name", FULL)
def test_padding_changes_nothing(name):
    assert (build(name)(INPUTS) - build(name)(padded(INPUTS))).abs().max() < 1e-9


@pytest.mark.parametrize("name", FULL)
def test_legacy_no_mask_counts_padding(name):
    legacy = build(name, legacy_no_mask=True, max_frames=40, max_tokens=12)
    assert (legacy(INPUTS) - build(name)(INPUTS)).abs().max() > 1e-4
    longer = build(name, legacy_no_mask=True, max_frames=60, max_tokens=12)
    assert (legacy(INPUTS) - longer(INPUTS)).abs().max() > 1e-6


@pytest.mark.parametrize("name", FULL)
def test_no_more_than_max_frames_and_max_tokens_count(name):
    limited, inputs = build(name, max_frames=9, max_tokens=3), batch(3, vocabulary=10)
    inputs.audio[:, :, 9:], inputs.tokens[:, 3:] = 99.0, 4
    torch.testing.assert_close(limited(inputs), limited(INPUTS))


@pytest.mark.parametrize("name", FULL)
def test_every_parameter_learns(name):
    assert unmoved(build(name), INPUTS) == []


@pytest.mark.parametrize(("name", "times"), [("xu2019_paper", 5), ("xu2019_delta", 7)])
def test_dropout_is_applied_as_in_the_code(name, times):
    model, captured = build(name), []
    model.dropout.register_forward_hook(lambda *args: captured.append(args[1][0].shape))
    model(INPUTS)
    assert len(captured) == times
    assert sum(len(shape) == 2 for shape in captured) == (2 if name == "xu2019_delta" else 1)


def test_pooling_of_the_paper_is_a_maximum_without_padding():
    model, captured = build("xu2019_paper"), {}
    model.joint_rnn.register_forward_hook(lambda _, args, out: captured.update(joint=out))
    model.output.register_forward_pre_hook(lambda _, args: captured.update(pooled=args[0]))
    model(INPUTS)
    for row, n in enumerate(INPUTS.token_len):
        torch.testing.assert_close(captured["pooled"][row], captured["joint"][row, :n].amax(dim=0))


def test_initial_weights_of_delta_are_those_of_keras():
    model = build("xu2019_delta", FULL["xu2019_delta"])
    for kernel in (*model.align.in_proj_weight.chunk(3), model.align.out_proj.weight, model.dense.weight):
        bound = (6 / sum(kernel.shape)) ** 0.5
        assert 0.99 * bound < kernel.abs().max() <= bound
    assert not any(b.any() for b in (model.align.in_proj_bias, model.align.out_proj.bias, model.dense.bias))


@pytest.mark.parametrize(
    ("changes", "code", "names"),
    [
        ({"cell": "gru"}, "config-value", ["cell", "lstm", "keras_gru"]),
        ({"pool": "mean"}, "config-value", ["pool", "max", "han"]),
        ({"heads": 7}, "option-conflict", ["heads 7", 200]),
    ],
)
def test_invalid_options_are_refused(changes, code, names):
    with fails(code, *names):
        build("xu2019_delta", FULL["xu2019_delta"], **changes)
