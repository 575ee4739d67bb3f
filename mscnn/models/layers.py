"""Layers that several systems share: masks, pooling over time, multi-scale convolution."""

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mscnn.errors import DataErrors, Issue, UserError

EPSILON = 1e-8  # sqrt(0) has no finite gradient: a channel whose ReLU is never active would give NaN


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


class MultiScaleConv(nn.Module):
    """Parallel convolutions over time with kernels of several widths, ReLU, outputs concatenated.

    Every kernel spans all D features, so it is a 1-D convolution. 'Same' padding in time: an even width pads one frame
    less on the left (the TensorFlow convention). (B, D, T) -> (B, scales · filters, T).
    """

    def __init__(self, dim: int, widths: Sequence[int], filters: int) -> None:
        super().__init__()
        self.widths = widths
        self.convs = nn.ModuleList(nn.Conv1d(dim, filters, width) for width in widths)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """x (B, D, T), mask (B, T); masked frames have no influence, and outputs for them are 0."""
        x = x * mask[:, None]
        maps = []
        for conv, width in zip(self.convs, self.widths, strict=True):
            left = (width - 1) // 2
            maps.append(conv(F.pad(x, (left, width - 1 - left))))
        return torch.cat(maps, dim=1).relu() * mask[:, None]


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
