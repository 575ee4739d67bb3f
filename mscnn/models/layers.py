"""Layers that several systems share: masks, pooling over time, multi-scale convolution."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mscnn.errors import DataErrors, Issue, UserError

EPSILON = 1e-8  # sqrt(0) has no finite gradient: a channel whose ReLU is never active would give NaN
CACHED = 2**20  # values of a feature map that are computed together on a CPU: 4 MB
ROUNDED = 25  # frames: on a CPU, lengths of maps of more than 2 · CACHED values are multiples of it


def length_mask(lengths: Tensor, size: int) -> Tensor:
    """(B,) lengths -> (B, size) booleans, false for frames (or tokens) of padding."""
    return torch.arange(size, device=lengths.device) < lengths[:, None]


def masked_max(x: Tensor, mask: Tensor) -> Tensor:
    """Maximum over time: x (B, C, T), mask (B, T) -> (B, C)."""
    return x.masked_fill(~mask[:, None], float("-inf")).amax(dim=2)


def masked_mean(x: Tensor, mask: Tensor) -> Tensor:
    """Mean over time: x (B, C, T), mask (B, T) -> (B, C)."""
    return (x * mask[:, None]).sum(dim=2) / mask.sum(dim=1)[:, None]


def masked_std(x: Tensor, mask: Tensor) -> Tensor:
    """Population standard deviation over time: x (B, C, T), mask (B, T) -> (B, C)."""
    centred = (x - masked_mean(x, mask)[:, :, None]) * mask[:, None]
    return (centred.square().sum(dim=2) / mask.sum(dim=1)[:, None] + EPSILON).sqrt()


def masked_softmax(scores: Tensor, mask: Tensor) -> Tensor:
    """Softmax over the last axis: scores (B, ..., T), mask (B, T); padding gets weight 0."""
    shape = (mask.shape[0], *[1] * (scores.dim() - 2), mask.shape[1])
    return scores.masked_fill(~mask.view(shape), float("-inf")).softmax(dim=-1)


POOLS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {"max": masked_max, "mean": masked_mean, "std": masked_std}


class ReluPools(torch.autograd.Function):
    """The POOLS of the ReLU of feature maps x (B, C, T), mask (B, T), in one pass forward and one backward.

    Returns maximum, mean and standard deviation, each (B, C), and the maps after ReLU and mask, which are kept for the
    gradient. It is that of the functions above: equal maxima share it, padding has none. Maps of half precision are
    pooled in single precision.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        valid = mask[:, None].to(x)
        kept = x.relu().mul_(valid)
        maps, valid = _single(kept), _single(valid)
        frames = valid.sum(dim=2)
        mean = maps.sum(dim=2) / frames
        top = maps.amax(dim=2)
        centred = maps - mean[..., None] if maps is kept else maps.sub_(mean[..., None])  # a copy of its own is reused
        std = (centred.mul_(valid).square_().sum(dim=2) / frames + EPSILON).sqrt()
        return top, mean, std, kept

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor], output: tuple[Tensor, ...]) -> None:
        ctx.save_for_backward(inputs[1], *output)
        ctx.set_materialize_grads(False)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Tensor, None]:
        mask, *pools, kept = ctx.saved_tensors
        given = [torch.zeros_like(pool) if grad is None else grad for pool, grad in zip(pools, grads[:3], strict=True)]
        top, mean, std, of_max, of_mean, of_std = (value[..., None] for value in (*pools, *given))
        maps, frames = _single(kept), mask.sum(dim=1)[:, None, None]
        slope = of_std / (frames * std)
        grad = torch.addcmul(of_mean / frames - slope * mean, slope, maps)
        peaks = (maps.clone() if maps is kept else maps).eq_(top)  # 1 or 0; booleans take five times as long
        grad.addcmul_(peaks, of_max / peaks.sum(dim=2, keepdim=True))
        if (of_maps := grads[3]) is not None:
            grad += of_maps
        return torch.ops.aten.threshold_backward(grad.to(kept.dtype), kept, 0), None  # 0 where the maps are


def _single(x: Tensor) -> Tensor:
    return x.to(torch.promote_types(x.dtype, torch.float32))


class MaxPool2d(nn.Module):
    """``nn.MaxPool2d`` of windows that do not overlap, with the same values and gradients.

    On a CPU with the channels last in memory, which takes a third of the time, conversion included.
    """

    def __init__(self, size: int | tuple[int, int]) -> None:
        super().__init__()
        self.size = [size, size] if isinstance(size, int) else [*size]

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H // height, W // width) of a window."""
        return ChannelsLastMax.apply(x, self.size)[0] if x.is_cpu else F.max_pool2d(x, self.size)


class ChannelsLastMax(torch.autograd.Function):
    """Maxima (B, C, H, W) of windows of ``size``, and their indices; the gradient has the layout of x."""

    @staticmethod
    def forward(x: Tensor, size: list[int]) -> tuple[Tensor, Tensor]:
        channels_last = x.contiguous(memory_format=torch.channels_last)
        maxima, indices = torch.ops.aten.max_pool2d_with_indices(channels_last, size, size)
        return maxima.contiguous(), indices.contiguous()

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, list[int]], output: tuple[Tensor, Tensor]) -> None:
        x, ctx.size = inputs
        ctx.mark_non_differentiable(output[1])
        ctx.save_for_backward(x, output[1])

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        x, indices = ctx.saved_tensors
        backward, size = torch.ops.aten.max_pool2d_with_indices_backward, ctx.size
        return backward(grads[0], x, size, size, [0, 0], [1, 1], False, indices), None


class MultiScaleConv(nn.Module):
    """Parallel convolutions over time with kernels of several widths, ReLU, outputs concatenated.

    Every kernel spans all D features, so it is a 1-D convolution. 'Same' padding in time: an even width pads one frame
    less on the left (the TensorFlow convention). (B, D, T) -> (B, scales · filters, T).
    """

    def __init__(self, dim: int, widths: Sequence[int], filters: int) -> None:
        super().__init__()
        self.widths, self.filters = widths, filters
        self.convs = nn.ModuleList(nn.Conv1d(dim, filters, width) for width in widths)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """x (B, D, T), mask (B, T); masked frames have no influence, and outputs for them are 0."""
        return torch.cat([*self.convolved(x * mask[:, None], self.weights())], dim=1).relu() * mask[:, None]

    def pooled(self, x: Tensor, mask: Tensor, pools: Sequence[str]) -> list[Tensor]:
        """The POOLS of these names of the outputs, each (B, scales · filters); the name ``maps``: the outputs.

        On a CPU a few utterances at a time, whose maps stay in its cache. Large maps that are only pooled get more
        padding: for each other length oneDNN makes and keeps convolutions, and these leave gaps between arrays that
        no array of another length fills. A training on IEMOCAP took a third more memory without.
        """
        chosen, size = [(*POOLS, "maps").index(name) for name in pools], x.shape[2]
        large = x.is_cpu and len(x) * self.filters * size > 2 * CACHED and "maps" not in pools
        missing = -size % ROUNDED if large else 0
        rows = max(1, CACHED // (self.filters * (size + missing))) if x.is_cpu else len(x)
        weights, parts = self.weights(), []
        for block, valid in zip(x.split(rows), mask.split(rows), strict=True):
            block = block * valid[:, None]
            if missing:  # frame after frame in memory, as they are stored
                block, valid = F.pad(block.mT, (0, 0, 0, missing)).mT, F.pad(valid, (0, missing))
            scales = [ReluPools.apply(maps, valid) for maps in self.convolved(block, weights)]
            parts.append([torch.cat([scale[i] for scale in scales], dim=1) for i in chosen])
        return [*map(torch.cat, zip(*parts, strict=True))]

    def weights(self) -> list[Tensor]:
        """Weights (filters, D, 1, width) of the convolutions, on a CPU with D last in memory (see ``convolved``)."""
        weights = [conv.get_parameter("weight").unsqueeze(2) for conv in self.convs]
        return [w.contiguous(memory_format=torch.channels_last) if w.is_cpu else w for w in weights]

    def convolved(self, x: Tensor, weights: Sequence[Tensor]) -> Iterator[Tensor]:
        """Outputs (B, filters, T) of the convolutions before the ReLU.

        On a CPU frame after frame in memory, as features are stored: oneDNN is then up to 1.6 times as fast, and
        pooling over time too. PyTorch does so for images only.
        """
        for conv, weight, width in zip(self.convs, weights, self.widths, strict=True):
            frames = F.pad(x, (0, 1)) if width % 2 == 0 else x
            bias = conv.get_parameter("bias")
            yield F.conv2d(frames.unsqueeze(2), weight, bias, padding=(0, (width - 1) // 2)).squeeze(2)


def fixed_length(x: Tensor, frames: int) -> Tensor:
    """Append zeros to segments (B, D, T) until they have ``frames`` frames.

    Raises:
        UserError: the segments are longer.
    """
    missing = frames - x.shape[-1]
    if missing < 0:
        raise UserError(
            f"the network takes segments of {frames} frames, found {x.shape[-1]}: set segments.frames to {frames}, or "
            "the option for the input length of the network",
            code="segment-too-long",
        )
    return F.pad(x, (0, missing))


def renamed(weights: Mapping[str, Tensor], table: Mapping[str, str]) -> dict[str, Tensor]:
    """``weights`` under our names; ``table`` maps names or prefixes, {theirs: ours}, and the longest one applies.

    A name that the table does not cover is kept: ``load_weights`` refuses it.
    """
    return {_translated(name, table): value for name, value in weights.items()}


def load_weights(model: nn.Module, weights: Mapping[str, Tensor], table: Mapping[str, str] | None = None) -> None:
    """Give a network all of its weights, which come from another code (``renamed`` by ``table``, if by any).

    Raises:
        UserError: weights are missing, unknown or of another shape; they are called by their names in ``table``.
    """
    expected = model.state_dict()
    absent = [name for name in expected if name not in weights and not name.endswith("num_batches_tracked")]
    shapes = {name: (w.shape, expected[name].shape) for name, w in weights.items() if name in expected}
    issues = [("weight-unknown", name, "unknown here") for name in weights if name not in expected]
    issues += [("weight-shape", name, f"{[*a]}, expected {[*b]}") for name, (a, b) in shapes.items() if a != b]
    issues += [("weight-missing", name, "missing") for name in absent]
    if issues:
        original_names = {ours: theirs for theirs, ours in (table or {}).items()}
        raise DataErrors(
            "official weights: they do not fit this configuration; choose the configuration of the trained class, and "
            "its options (docs/howto/official_weights.md)",
            [Issue(code, f"{_translated(name, original_names)}: {what}") for code, name, what in issues],
            code="official-weights",
        )
    model.load_state_dict(weights)


def _translated(name: str, table: Mapping[str, str]) -> str:
    prefixes = [prefix for prefix in table if f"{name}.".startswith(f"{prefix}.")]
    if not prefixes:
        return name
    longest = max(prefixes, key=len)
    return table[longest] + name.removeprefix(longest)
