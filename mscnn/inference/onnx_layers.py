"""Layers that the export to ONNX puts in place of PyTorch's, and operators that PyTorch's exporter lacks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mscnn.config.model import ModelSpec
from mscnn.models.base import Classifier
from mscnn.models.inputs import Inputs
from mscnn.models.layers import POOLS, MultiScaleConv, length_mask, masked_softmax
from mscnn.models.recurrent import GRU, KerasGRU
from mscnn.models.xu2019 import MultiHeadAlignment
from mscnn.training.normalise import EPSILON

Module = TypeVar("Module", bound=nn.Module)


class Graph(nn.Module):
    """Features as they are extracted, (B, T, D), tokens (B, L) and x-vectors (B, X) -> scores (B, classes)."""

    def __init__(
        self, model: Classifier, spec: ModelSpec, statistics: Mapping[str, np.ndarray], names: Sequence[str]
    ) -> None:
        super().__init__()
        self.model, self.names = model, names
        self.features = [*spec.features]
        self.kinds = {name: spec.normalise.get(name, "none") for name in self.features}
        self.kinds["xvector"] = spec.xvec_norm
        self.statistics = {name: torch.from_numpy(np.asarray(value)) for name, value in statistics.items()}

    def forward(self, *values: Tensor) -> Tensor:
        given, inputs = dict(zip(self.names, values, strict=True)), Inputs()
        for name in self.features:
            lengths, frames = given[f"{name}_len"], self.normalised(name, given[name])
            frames = (frames * length_mask(lengths, frames.shape[1])[:, :, None]).transpose(1, 2)
            if name == "audio":
                inputs.audio, inputs.audio_len = frames, lengths
            else:
                inputs.extra[name], inputs.extra_len[name] = frames, lengths
        if "tokens" in given:
            inputs.tokens, inputs.token_len = given["tokens"], given["token_len"]
        if "xvector" in given:
            inputs.xvector = self.normalised("xvector", given["xvector"])
        return self.model(inputs)

    def normalised(self, name: str, x: Tensor) -> Tensor:
        """Rows normalised as by :mod:`mscnn.training.normalise`."""
        return NORMALISE[self.kinds[name]](x, lambda key: self.statistics[f"{name}.{key}"])


Statistic = Callable[[str], Tensor]


def _minmax(x: Tensor, of: Statistic) -> Tensor:
    return ((x - of("min")) / (of("max") - of("min")).clamp(min=EPSILON)).clamp(0, 1)


def _length(x: Tensor, of: Statistic) -> Tensor:
    return x * x.shape[-1] ** 0.5 / x.square().sum(dim=-1, keepdim=True).sqrt().clamp(min=EPSILON)


NORMALISE: dict[str, Callable[[Tensor, Statistic], Tensor]] = {
    "none": lambda x, of: x,
    "zscore": lambda x, of: (x - of("mean")) / of("std"),
    "minmax": _minmax,
    "length": _length,
}


def exportable(model: Module) -> Module:
    """The network with layers that ONNX has in place of its own, changed in place."""
    for name, child in model.named_children():
        if isinstance(child, GRU):
            setattr(model, name, OnnxGRU(child))
        elif isinstance(child, MultiHeadAlignment):
            setattr(model, name, OnnxAlignment(child))
        elif isinstance(child, MultiScaleConv):
            setattr(model, name, OnnxMultiScaleConv(child))
        elif isinstance(child, nn.Conv1d | nn.Conv2d) and child.padding == "same":
            child.padding = tuple(d * (k - 1) // 2 for d, k in zip(child.dilation, child.kernel_size, strict=True))
        else:
            exportable(child)
    return model


class OnnxMultiScaleConv(nn.Module):
    """A :class:`MultiScaleConv` whose pools are single operators."""

    def __init__(self, layer: MultiScaleConv) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """x (B, D, T), mask (B, T) -> (B, scales · filters, T)."""
        return self.layer(x, mask)

    def pooled(self, x: Tensor, mask: Tensor, pools: Sequence[str]) -> list[Tensor]:
        """The POOLS of these names, each (B, scales · filters), and the outputs for the name ``maps``."""
        maps = self.layer(x, mask)
        return [maps if name == "maps" else POOLS[name](maps, mask) for name in pools]


class OnnxAlignment(nn.Module):
    """A :class:`MultiHeadAlignment` in single operators: PyTorch's own fixes the size of the batch in a graph."""

    def __init__(self, layer: MultiHeadAlignment) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, words: Tensor, speech: Tensor, mask: Tensor) -> Tensor:
        """words (B, L, C), speech (B, T, C), mask (B, T) -> (B, L, C)."""
        layer = self.layer
        weights, biases = layer.in_proj_weight.chunk(3), layer.in_proj_bias.chunk(3)
        projected = map(F.linear, (words, speech, speech), weights, biases)
        query, key, value = (x.unflatten(2, (layer.num_heads, -1)).transpose(1, 2) for x in projected)
        scores = query @ key.transpose(2, 3) / layer.head_dim**0.5
        summary = masked_softmax(scores, mask) @ value
        return layer.out_proj(summary.transpose(1, 2).flatten(2))


class OnnxGRU(nn.Module):
    """A :class:`GRU` as the operator of ONNX, whose reset gate acts before the product too."""

    def __init__(self, cell: GRU) -> None:
        super().__init__()
        hidden = len(cell.candidate_bias)
        reset, update = cell.gate_weight.data.chunk(2)  # ONNX: update, reset, candidate
        weight = torch.cat([update, reset, cell.candidate_weight.data])[None]
        reset_bias, update_bias = cell.gate_bias.data.chunk(2)
        bias = torch.cat([update_bias, reset_bias, cell.candidate_bias.data])
        self.weights = weight[:, :, :-hidden], weight[:, :, -hidden:], torch.cat([bias, torch.zeros_like(bias)])[None]
        self.hard, self.hidden = isinstance(cell, KerasGRU), hidden

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """(B, T, D), lengths (B,) -> (B, T, H); outputs for padding are 0."""
        return _GRU.apply(x.transpose(0, 1), *self.weights, lengths.int(), self.hard, self.hidden).transpose(0, 1)


class _GRU(torch.autograd.Function):
    """(T, B, D), weights and biases of ONNX, lengths (B,) -> states (T, B, H); a node of a graph, without values."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, *rest: Any) -> Tensor:
        return x.new_zeros(x.shape[0], x.shape[1], rest[-1])

    @staticmethod
    def symbolic(g: Any, x: Any, w: Any, r: Any, b: Any, lengths: Any, hard: bool, h: int) -> Any:
        gates: dict[str, Any] = {"activations_s": ["HardSigmoid" if hard else "Sigmoid", "Tanh"]}
        if hard:
            gates |= {"activation_alpha_f": [0.2], "activation_beta_f": [0.5]}
        states = g.op("GRU", x, w, r, b, lengths, hidden_size_i=h, linear_before_reset_i=0, outputs=2, **gates)[0]
        axis = g.op("Constant", value_t=torch.tensor([1]))
        return g.op("Squeeze", states, axis)  # (T, 1, B, H): one direction


def _logaddexp(g: Any, a: Any, b: Any) -> Any:
    """max + log(1 + exp(-|a - b|))."""
    one = g.op("Constant", value_t=torch.tensor(1.0))
    smaller = g.op("Neg", g.op("Abs", g.op("Sub", a, b)))
    return g.op("Add", g.op("Max", a, b), g.op("Log", g.op("Add", one, g.op("Exp", smaller))))


def _unfold(g: Any, x: Any, dim: Any, size: Any, step: Any) -> Any:
    """Windows of dimension 1 of three, as the last of four."""
    from torch.onnx.symbolic_helper import _get_const

    axis, width, hop = (_get_const(value, "i", "unfold") for value in (dim, size, step))
    if axis != 1:
        raise RuntimeError("unfold: expected dimension 1")

    def constant(value: Any) -> Any:
        return g.op("Constant", value_t=torch.tensor(value))

    frames = g.op("Gather", g.op("Shape", x), constant(1))
    end = g.op("Add", g.op("Sub", frames, constant(width)), constant(1))
    starts = g.op("Unsqueeze", g.op("Range", constant(0), end, constant(hop)), constant([1]))
    index = g.op("Add", starts, constant([[*range(width)]]))
    return g.op("Transpose", g.op("Gather", x, index, axis_i=1), perm_i=[0, 1, 3, 2])


SYMBOLICS = {"aten::logaddexp": _logaddexp, "aten::unfold": _unfold}


@contextmanager
def symbolics(torch: Any, opset: int) -> Iterator[None]:
    """Within the block PyTorch's exporter knows SYMBOLICS."""
    for name, function in SYMBOLICS.items():
        torch.onnx.register_custom_op_symbolic(name, function, opset)
    try:
        yield
    finally:
        for name in SYMBOLICS:
            torch.onnx.unregister_custom_op_symbolic(name, opset)
