"""MSCNN family: parameter counts, fingerprints of an independent implementation, independence of padding."""

import pytest
import torch
from torch import nn

from mscnn import models
from mscnn.config.model import ModelSpec
from mscnn.models.inputs import Inputs, Sizes
from mscnn.models.layers import MultiScaleConv, masked_std
from tests.raises import fails
from tests.unit.models.systems import count, spec_of

COUNTS = {  # without the embedding table; dense layer of 128 and of 256 units
    "audio_cnn": (590_980, 788_228),
    "audio_cnn_xvector": (656_516, 919_300),
    "text_cnn": (735_364, 932_612),
    "text_cnn_swem": (812_164, 1_086_212),
    "mscnn_spu": (1_468_036, 2_004_228),
    "mscnn_spu_att": (1_664_644, 2_397_444),
    "mscnn_no_xvector": (1_402_500, 1_873_156),
    "mscnn_no_xvector_text_max": (1_271_428, 1_611_012),
    "mscnn_no_xvector_no_swem_text_max": (1_194_628, 1_457_412),
    "mscnn_no_xvector_no_swem_max": (1_063_556, 1_195_268),
    "mscnn_text_max": (1_336_964, None),
    "mscnn_no_swem": (1_391_236, None),
    "mscnn_audio_max": (1_336_964, None),
}
FINGERPRINTS = {
    ("mscnn_spu_att", "concat"): [[0.301029, 0.078097, -0.171530, 0.108551], [0.299948, 0.069602, -0.169351, 0.116765]],
    ("mscnn_spu_att", "per_scale"): [
        [0.301841, 0.077493, -0.172263, 0.109250],
        [0.300626, 0.069225, -0.169981, 0.117223],
    ],
    ("mscnn_spu", "concat"): [[0.298416, 0.064198, -0.167121, 0.121881], [0.309816, 0.046665, -0.176257, 0.140594]],
}


def wave(*shape: int, step: float = 0.37, offset: float = 0.1) -> torch.Tensor:
    """The fingerprint protocol's input: sin(step·i + offset) over the flat index, float64."""
    return torch.sin(step * torch.arange(torch.Size(shape).numel(), dtype=torch.float64) + offset).view(shape)


def fingerprint_model(name: str, *settings: str) -> nn.Module:
    model = models.build(ModelSpec.load(name, settings), Sizes(classes=4)).double().eval()
    for p in model.parameters():
        x = wave(*p.shape, step=0.7, offset=0.3)
        p.data = x / (p.numel() / p.shape[0]) ** 0.5 if p.dim() >= 2 else 0.1 * x
    return model


@pytest.mark.parametrize("name", COUNTS)
def test_parameter_counts(name):
    for fc_dim, expected in zip((128, 256), COUNTS[name], strict=True):
        with torch.device("meta"):
            model = models.build(spec_of(name, fc_dim=fc_dim), Sizes(classes=4))
        assert expected in (None, model.num_parameters())


@pytest.mark.parametrize(("name", "mode"), FINGERPRINTS)
def test_fingerprints(name, mode):
    model = fingerprint_model(name, f"att_mode={mode}")
    logits = model.classify(
        wave(2, 96, 60), torch.tensor([60, 41]), wave(2, 300, 20), torch.tensor([20, 13]), wave(2, 512)
    )
    torch.testing.assert_close(logits, torch.tensor(FINGERPRINTS[name, mode], dtype=torch.float64), atol=1e-6, rtol=0)


@pytest.mark.parametrize("name", ["mscnn_spu_att", "audio_cnn", "text_cnn_swem", "mscnn_no_xvector_no_swem_max"])
def test_padding_changes_nothing(name):
    model = fingerprint_model(name)
    tokens = torch.arange(26).view(2, 13) + 1
    short = Inputs(wave(2, 96, 40), torch.tensor([40, 31]), tokens, torch.tensor([13, 9]), wave(2, 512))
    padded = Inputs(
        torch.cat([short.audio, 99.0 * torch.ones(2, 96, 33, dtype=torch.float64)], dim=2),
        short.audio_len,
        torch.cat([tokens, torch.full((2, 7), 5)], dim=1),
        short.token_len,
        short.xvector,
    )
    assert (model(short) - model(padded)).abs().max() < 1e-9


@pytest.mark.parametrize("name", ["mscnn_ssl", "mscnn_ssl_att"])
def test_wide_frames_are_projected_one_by_one_and_then_the_system_is_the_same(name):
    wide = models.build(ModelSpec.load(name), Sizes(classes=4, audio=384)).double().eval()
    narrow = models.build(spec_of(name, project=0), Sizes(classes=4, audio=96)).double().eval()
    project, rest = wide.project.requires_grad_(False), wide.state_dict()
    narrow.load_state_dict({key: value for key, value in rest.items() if not key.startswith("project.")})
    lengths = torch.tensor([40, 31])
    frames = [wave(384, n, step=0.2 * n) for n in lengths.tolist()]
    audio = torch.full((2, 384, 73), 99.0, dtype=torch.float64)
    projected = torch.zeros(2, 96, 40, dtype=torch.float64)
    for row, one in enumerate(frames):
        audio[row, :, : one.shape[1]] = one
        projected[row, :, : one.shape[1]] = torch.stack([project.weight @ x + project.bias for x in one.T], dim=1)
    text = torch.arange(26).view(2, 13) + 1, torch.tensor([13, 9]), wave(2, 512)
    scores = narrow(Inputs(projected, lengths, *text))
    torch.testing.assert_close(wide(Inputs(audio, lengths, *text)), scores, atol=1e-12, rtol=1e-12)
    assert count(wide) - count(narrow) == 384 * 96 + 96


def test_legacy_no_mask_counts_padding():
    inputs = Inputs(wave(1, 96, 40), torch.tensor([40]))
    masked, legacy = (fingerprint_model("audio_cnn", f"legacy_no_mask={f}") for f in ("false", "true"))
    mean = legacy.audio_cnn(nn.functional.pad(inputs.audio, (0, 710)), torch.ones(1, 750, dtype=torch.bool)).mean(dim=2)
    captured = {}
    legacy.head.register_forward_pre_hook(lambda _, args: captured.update(fused=args[0]))
    assert not torch.allclose(masked(inputs), legacy(inputs), atol=1e-3)
    torch.testing.assert_close(captured["fused"][:, 512:1024], mean)


def test_attention_by_loop():
    model = fingerprint_model("mscnn_spu_att")
    queries, keys, lengths = wave(2, 3, 512), wave(2, 512, 6, step=0.11), [6, 4]
    summary, weights = model.attend(queries, keys, torch.arange(6) < torch.tensor(lengths)[:, None])
    for b, n in enumerate(lengths):
        for q in range(3):
            scores = torch.stack([queries[b, q] @ keys[b, :, k] for k in range(n)])
            s = scores.exp() / scores.exp().sum()
            expected = sum(s[k] * keys[b, :, k] for k in range(n))
            torch.testing.assert_close(summary[b, q], expected)
            assert weights[b, q, 0, n:].abs().sum() == 0


def test_even_kernel_pads_less_on_the_left():
    layer = MultiScaleConv(1, [2], 1)
    layer.convs[0].weight.data = torch.tensor([[[0.0, 1.0]]])  # output at t is input at t+1
    layer.convs[0].bias.data.zero_()
    out = layer(torch.tensor([[[1.0, 2.0, 3.0]]]), torch.ones(1, 3, dtype=torch.bool))
    assert out.flatten().tolist() == [2.0, 3.0, 0.0]


def test_std_of_dead_channel_has_a_gradient():
    x = torch.zeros(1, 2, 5, requires_grad=True)
    masked_std(x, torch.ones(1, 5, dtype=torch.bool)).sum().backward()
    assert torch.isfinite(x.grad).all()


@pytest.mark.parametrize(
    ("changes", "code", "names"),
    [
        ({"att_mode": "x"}, "config-value", ["att_mode", "concat", "per_scale"]),
        ({"audio_pool": ["max", "median"]}, "config-value", ["audio_pool", "median", "std"]),
        ({"audio_pool": [], "text_pool": []}, "option-conflict", ["audio_pool", "text_pool"]),
        ({"text_pool": []}, "option-conflict", ["attention=false", "swem=false"]),
        ({"audio_pool": []}, "option-conflict", ["attention=false"]),
        ({"text_widths": [2, 3]}, "option-conflict", ["audio_widths", "text_widths"]),
    ],
)
def test_invalid_options_are_refused(changes, code, names):
    with fails(code, *names):
        models.options(spec_of("mscnn_spu_att", **changes))


@pytest.mark.parametrize(
    ("name", "words"), [("mscnn_text_encoder", "text_cnn"), ("mscnn_spu_att_text_encoder", "mscnn_spu_att")]
)
def test_vectors_of_a_text_encoder_take_the_place_of_word_embeddings(name, words):
    """The rest of the network is the same: with the embeddings of the words as vectors, so are the scores."""
    torch.manual_seed(0)
    own, encoded = ModelSpec.load(words), ModelSpec.load(name)
    plain = models.build(own, Sizes(classes=4, vocabulary=9, embedding=12, xvector=5)).double().eval()
    model = models.build(encoded, Sizes(classes=4, xvector=5, extra={"text_encoder": 12})).double().eval()
    weights = {key: value for key, value in plain.state_dict().items() if key != "embedding.weight"}
    assert weights.keys() == model.state_dict().keys()
    model.load_state_dict(weights)
    tokens, lengths = torch.tensor([[3, 4, 5, 6], [7, 8, 0, 0]]), torch.tensor([4, 2])
    audio = {"audio": wave(2, 96, 30), "audio_len": torch.tensor([30, 20]), "xvector": wave(2, 5)}
    vectors = plain.embedding(tokens).transpose(1, 2)
    expected = plain(Inputs(**audio, tokens=tokens, token_len=lengths))
    got = model(Inputs(**audio, extra={"text_encoder": vectors}, extra_len={"text_encoder": lengths}))
    torch.testing.assert_close(got, expected)
    vectors[1, :, 2:] = 7  # of padding
    again = model(Inputs(**audio, extra={"text_encoder": vectors}, extra_len={"text_encoder": lengths}))
    torch.testing.assert_close(again, expected)
