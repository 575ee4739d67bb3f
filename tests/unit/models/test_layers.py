"""ReLU, mask and statistics in one function, against the functions of POOLS and their gradients, in float64."""

import pytest
import torch
from torch import Tensor, nn

from mscnn.models import layers
from mscnn.models.layers import EPSILON, POOLS, MultiScaleConv, ReluPools, length_mask
from tests.unit.models.fingerprint import wave

LENGTHS = torch.tensor([7, 5, 1])


def maps() -> Tensor:
    """Maps (3, 5, 7): a channel without positive values, equal maxima within and beyond the length, a constant one."""
    x = torch.randn(3, 5, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    x[:, 1] = -x[:, 1].abs()
    x[:, 2, [0, 3, 4, 6]] = 4.0
    x[:, 3] = 0.7
    x[:, 4, 1] = 0.0
    return x.requires_grad_()


def plain(x: Tensor, mask: Tensor) -> list[Tensor]:
    rectified = x.relu() * mask[:, None]
    return [pool(rectified, mask) for pool in POOLS.values()]


def test_pools_and_their_gradients_are_those_of_plain_functions():
    mask, weights = length_mask(LENGTHS, 7), wave(3, 3, 5, step=1.1)
    results, gradients = [], []
    for function in (plain, ReluPools.apply):
        x = maps()
        pools = torch.stack([*function(x, mask)][:3])
        (pools * weights).sum().backward()
        results.append(pools.detach())
        gradients.append(x.grad)
    torch.testing.assert_close(*results, atol=1e-12, rtol=0)
    torch.testing.assert_close(*gradients, atol=1e-12, rtol=0)
    assert not gradients[1].mT[~mask].any() and not gradients[1][:, 1].any()
    assert gradients[1][0, 2, 0] == gradients[1][0, 2, 6] != 0, "equal maxima share the gradient"
    assert (results[1][2, :, 1] == EPSILON**0.5).all(), "a channel without positive values does not vary"


@pytest.mark.parametrize("pool", range(4))
def test_gradcheck(pool):
    x = torch.randn(2, 3, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(2), requires_grad=True)
    mask = length_mask(torch.tensor([6, 4]), 6)
    assert torch.autograd.gradcheck(lambda values: ReluPools.apply(values, mask)[pool], x)


def test_maps_in_bfloat16_are_pooled_in_single_precision():
    x, mask = maps().detach().bfloat16().requires_grad_(), length_mask(LENGTHS, 7)
    expected = plain(x.float(), mask)
    top, mean, std, kept = ReluPools.apply(x, mask)
    for found, value in zip((top, mean, std), expected, strict=True):
        torch.testing.assert_close(found, value)
    (top.sum() + std.sum()).backward()
    assert x.grad.dtype == kept.dtype == torch.bfloat16


@pytest.mark.filterwarnings("ignore:There is a performance drop")
@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_vmap_of_networks(dtype):
    """``torch.func`` trains several networks together."""
    mask, x = length_mask(LENGTHS, 7), torch.stack([maps().detach(), maps().detach() + 0.1]).to(dtype)
    gradient = torch.func.grad(lambda values: sum(pool.square().sum() for pool in ReluPools.apply(values, mask)[:3]))
    torch.testing.assert_close(torch.func.vmap(gradient)(x), torch.stack([gradient(values) for values in x]))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("size", [2, (2, 4), (1, 2)])
def test_max_pooling_is_that_of_pytorch(size, dtype):
    """Values and gradients of every bit, with equal maxima, and with sizes that windows do not divide."""
    x = torch.randn(3, 5, 7, 9, generator=torch.Generator().manual_seed(3)).relu().to(dtype)
    results = []
    for pool in (nn.MaxPool2d(size), layers.MaxPool2d(size)):
        values = x.clone().requires_grad_()
        pooled = pool(values)
        (pooled * wave(*pooled.shape)).sum().backward()
        results.append((pooled, values.grad))
    for ours, theirs in zip(*results, strict=True):
        assert torch.equal(ours, theirs) and ours.stride() == theirs.stride()


@pytest.mark.parametrize("names", [["std", "maps", "max"], ["max", "mean", "std"]])
@pytest.mark.parametrize("cached", [1, 60, 200, 10**6])
def test_pooled_maps_of_all_widths(cached, names, monkeypatch):
    """Whatever the number of utterances that are computed together, and with more padding; even widths too."""
    monkeypatch.setattr(layers, "CACHED", cached)
    torch.manual_seed(0)
    conv, x, mask = MultiScaleConv(6, [2, 3, 4, 5], 8).double(), wave(3, 6, 7).requires_grad_(), length_mask(LENGTHS, 7)
    found = conv.pooled(x, mask, names)
    maps = conv(x, mask)
    expected = [{**POOLS, "maps": lambda x, _: x}[name](maps, mask) for name in names]
    for ours, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-12, rtol=0)
    of = (x, *conv.parameters())
    gradients = [torch.autograd.grad(sum(pool.square().sum() for pool in pools), of) for pools in (found, expected)]
    for ours, theirs in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-12, rtol=0)
    assert not gradients[0][0].mT[~mask].any(), "padding has no gradient"


def test_large_maps_have_few_lengths(monkeypatch):
    """Batches of 26 to 60 frames: maps above twice the limit are of 50 or 75 frames, others as long as they are."""
    monkeypatch.setattr(layers, "CACHED", 2 * 3 * 40)
    conv, lengths = MultiScaleConv(6, [3], 4), set()
    convolve = torch.nn.functional.conv2d
    monkeypatch.setattr(
        layers.F, "conv2d", lambda x, *rest, **more: lengths.add(x.shape[3]) or convolve(x, *rest, **more)
    )
    for size in range(26, 61):
        conv.pooled(torch.zeros(3, 6, size), torch.ones(3, size, dtype=torch.bool), ["max"])
    assert lengths == {*range(26, 41), 50, 75}
