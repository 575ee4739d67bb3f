"""Attention and gating layers against loop implementations in float64."""

import math

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from mscnn.models.attention import AreaAttention, ChannelAttention, GatedMLP, SpatialGatingUnit, area_sums
from mscnn.models.layers import fixed_length
from tests.raises import fails
from tests.unit.models.fingerprint import filled, wave


@pytest.mark.parametrize(("tokens", "width"), [(7, 3), (7, 1), (2, 3), (5, 5)])
def test_area_attention_equals_brute_force(tokens, width):
    queries, keys, values = wave(2, 4, 6), wave(2, tokens, 6, step=0.5), wave(2, tokens, 3, step=0.9)
    areas = [(i, j) for i in range(tokens) for j in range(i + 1, tokens + 1) if j - i <= width]
    expected = torch.zeros(2, 4, 3, dtype=torch.float64)
    for b in range(2):
        for q in range(4):
            scores = [sum(queries[b, q] * keys[b, i:j].mean(dim=0)).exp() for i, j in areas]
            for (i, j), score in zip(areas, scores, strict=True):
                expected[b, q] += score / sum(scores) * values[b, i:j].sum(dim=0)
    attention = AreaAttention(width, dropout=0.5).eval()
    torch.testing.assert_close(attention(queries, keys, values), expected, atol=1e-12, rtol=0)


def test_area_attention_has_543_areas_of_182_tokens():
    captured = {}
    attention = AreaAttention(3, dropout=0.5)
    attention.dropout.register_forward_pre_hook(lambda _, args: captured.update(weights=args[0]))
    x = wave(1, 182, 4)
    attention(x, x, x)
    assert captured["weights"].shape == (1, 182, 182 + 181 + 180)
    torch.testing.assert_close(captured["weights"].sum(dim=2), torch.ones(1, 182, dtype=torch.float64))


def test_area_sums_are_rounded_as_differences_of_cumulative_sums():
    x = 300 * wave(2, 168, 5, step=1.7).float().abs()
    running = np.cumsum(x.double().numpy(), axis=1).astype(np.float32)
    running = np.concatenate([np.zeros_like(running[:, :1]), running], axis=1)
    for n, sums in enumerate(area_sums(x, 3), start=1):
        assert np.array_equal(sums, running[:, n:] - running[:, :-n])
        exact = x.double().unfold(1, n, 1).sum(dim=3)
        assert 1e-4 < (sums - exact).abs().max() < 1e-1
        half = area_sums(x.bfloat16(), 3)[n - 1]
        assert half.dtype == torch.bfloat16
        torch.testing.assert_close(half.double(), exact, rtol=0.01, atol=0.05)


def test_channel_attention_by_loop():
    layer, x = filled(ChannelAttention(5, 3, heads=2)), wave(2, 5, 2, 4)
    out = layer(x)
    assert out.shape == (2, 3, 2 * 2, 4)
    for head in range(2):
        for row in range(2):
            for column in range(4):
                v = x[:, :, row, column]
                maps = [layer.query[head], layer.key[head], layer.value[head]]
                q, k, v = (v @ m.weight[:, :, 0, 0].T + m.bias for m in maps)
                scores = (q * k).exp()
                expected = scores / scores.sum(dim=1, keepdim=True) * v
                torch.testing.assert_close(out[:, :, 2 * head + row, column], expected)


def test_spatial_gating_by_loop():
    layer, x = filled(SpatialGatingUnit(8, tokens=3)), wave(2, 3, 8)
    out = layer(x)
    for b in range(2):
        gates = []
        for token in range(3):
            g = x[b, token, 4:]
            normal = (g - g.mean()) / (g.var(correction=0) + 1e-5).sqrt()
            gates.append(normal * layer.norm.weight + layer.norm.bias)
        for token in range(3):
            mixed = sum(layer.weight[0, token, other] * gates[other] for other in range(3)) + layer.bias[0, token]
            torch.testing.assert_close(out[b, token], x[b, token, :4] * mixed.tanh())


def test_gated_mlp_is_a_block_with_a_shortcut():
    layer, x = filled(GatedMLP(6, tokens=3)), wave(2, 3, 6)
    hidden = F.layer_norm(x, (6,), layer.norm.weight, layer.norm.bias) @ layer.expand.weight.T + layer.expand.bias
    hidden = hidden * 0.5 * (1 + torch.erf(hidden / 2**0.5))  # GELU
    expected = x + layer.gate(hidden) @ layer.contract.weight.T + layer.contract.bias
    torch.testing.assert_close(layer(x), expected)


def test_gates_are_nearly_open_initially():
    layer = SpatialGatingUnit(8, tokens=128)
    assert layer.weight.abs().max() <= 1e-3 / 128
    x = torch.randn(1, 128, 8, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(layer(x), x[..., :4] * math.tanh(1), atol=1e-2, rtol=0)


def test_fixed_length_appends_zeros_and_refuses_longer_segments():
    x = wave(2, 3, 4)
    out = fixed_length(x, 6)
    assert torch.equal(out[..., :4], x)
    assert out[..., 4:].abs().sum() == 0
    with fails("segment-too-long", 3, 4):
        fixed_length(x, 3)
