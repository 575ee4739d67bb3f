"""Components of an nnet3 network as PyTorch layers, in test mode.

A value is (N, D): the concatenated frames of several utterances, whose lengths are known, or one row per utterance.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mscnn.errors import UserError
from mscnn.xvector.description import MAX_DIM
from mscnn.xvector.nnet3 import Component


@dataclass(frozen=True)
class Shape:
    """Output of a node: ``dim`` values per frame from ``lo`` to T - 1 - ``hi``, or per utterance (``segment``)."""

    dim: int
    lo: int = 0
    hi: int = 0
    segment: bool = False


class Layer(nn.Module):
    """One component; ``dims`` are the dimensions of its input and output."""

    dims: tuple[int, int]

    def output_shape(self, shape: Shape) -> Shape:
        """Shape of the output for an input of the given shape."""
        return Shape(self.dims[1], shape.lo, shape.hi, shape.segment)


class Affine(Layer):
    """``W x + b``."""

    def __init__(self, component: Component) -> None:
        super().__init__()
        weight, bias = component.array("LinearParams"), component.array("BiasParams")
        if weight.ndim != 2 or bias.shape != weight.shape[:1] or not weight.size:
            raise UserError(
                f"component {component.name!r}: weights {weight.shape} do not match biases {bias.shape}",
                code="xvector-network",
            )
        self.weight, self.bias = (nn.Parameter(torch.from_numpy(array)) for array in (weight, bias))
        self.dims = weight.shape[1], weight.shape[0]

    def forward(self, x: Tensor, lengths: Sequence[int]) -> Tensor:
        return F.linear(x, self.weight, self.bias)


class Pointwise(Layer):
    """An elementwise function."""

    def __init__(self, component: Component) -> None:
        super().__init__()
        self.function = FUNCTIONS[component.type]
        self.dims = (component.integer("Dim"),) * 2

    def forward(self, x: Tensor, lengths: Sequence[int]) -> Tensor:
        return self.function(x)


class BatchNorm(Layer):
    """``target_rms (x - mean) / sqrt(variance + epsilon)`` with the statistics of training, of a block of values."""

    def __init__(self, component: Component) -> None:
        super().__init__()
        name, count = f"component {component.name!r}", component.number("Count")
        dim, block = component.integer("Dim"), component.integer("BlockDim")
        mean, variance, floor = component.array("StatsMean"), component.array("StatsVar"), component.number("Epsilon")
        if not count > 0:
            raise UserError(
                f"{name}: BatchNorm without statistics (<Count> {count:g}): the model is not trained",
                code="xvector-network",
            )
        blocks_fit = 0 < dim < MAX_DIM and block > 0 and dim % block == 0
        if not (blocks_fit and mean.shape == variance.shape == (block,) and floor > 0):
            raise UserError(
                f"{name}: {dim} values in blocks of {block}, {mean.shape} means, {variance.shape} variances",
                code="xvector-network",
            )
        with np.errstate(over="ignore"):  # vectors that are not finite are refused after extraction
            scale = component.fields["TargetRms"] / np.sqrt(np.maximum(variance, 0) + floor, dtype=np.float32)
            offset = -mean * scale
        self.scale, self.offset = (
            nn.Parameter(torch.from_numpy(np.tile(array, dim // block))) for array in (scale, offset)
        )
        self.dims = dim, dim

    def forward(self, x: Tensor, lengths: Sequence[int]) -> Tensor:
        return torch.addcmul(self.offset, x, self.scale)


class Extraction(Layer):
    """Placeholder for the statistics of frames, which are computed in ``Pooling``, their only reader."""

    def __init__(self, component: Component) -> None:
        super().__init__()
        self.period, self.step = component.integer("OutputPeriod"), component.integer("InputPeriod")
        self.variance = bool(component.fields["IncludeVarinance"])
        dim = component.integer("InputDim")
        if dim < 1 or self.step < 1 or self.period < 1 or self.period % self.step:
            raise UserError(
                f"component {component.name!r}: {dim} values every {self.step} of {self.period} frames",
                code="xvector-network",
            )
        self.dims = dim, 1 + dim * (1 + self.variance)

    def forward(self, x: Tensor, lengths: Sequence[int]) -> Tensor:
        return x


class Pooling(Layer):
    """Log counts, mean and standard deviation over the frames from ``-left`` to ``right``, relative to frame 0.

    Snyder et al. 2018, section 2; Kaldi's StatisticsPoolingComponent.
    """

    def __init__(self, component: Component, extraction: Extraction, shape: Shape) -> None:
        super().__init__()
        left, right = component.integer("LeftContext"), component.integer("RightContext")
        self.stddev, self.floor = bool(component.fields["OutputStddevs"]), component.number("VarianceFloor")
        self.counts, self.extraction = component.integer("NumLogCountFeatures"), extraction
        period = component.integer("InputPeriod")
        self.first, self.last = -left, right + period - 1
        if (
            period != extraction.period
            or min(left, right, self.counts) < 0
            or left % period
            or right % period
            or self.counts > shape.dim
            or self.last < shape.lo
            or not 0 < self.floor < 1
            or (self.stddev and not extraction.variance)
        ):
            raise UserError(
                f"component {component.name!r}: impossible options: statistics every {period} frames from -{left} to "
                f"{right}, extracted every {extraction.period} from frame {shape.lo}, variance floor {self.floor:g}",
                code="xvector-network",
            )
        self.lo, self.hi = shape.lo, shape.hi
        self.context = shape.lo + shape.hi + extraction.step
        dim = extraction.dims[0]
        self.dims = component.integer("InputDim"), self.counts + dim * (1 + extraction.variance)

    def output_shape(self, shape: Shape) -> Shape:
        """Shape of the output: one row per utterance."""
        return Shape(self.dims[1], segment=True)

    def forward(self, x: Tensor, lengths: Sequence[int]) -> Tensor:
        utterances = x.split([length - self.lo - self.hi for length in lengths])
        return torch.stack([self._pool(frames) for frames in utterances])

    def _pool(self, x: Tensor) -> Tensor:
        first = max(0, self.first - self.lo)
        first += -(self.lo + first) % self.extraction.step
        x = x[first : self.last - self.lo + 1 : self.extraction.step]
        mean = x.mean(0)
        log_count = mean.new_full((self.counts,), float(np.log(len(x))))
        if not self.extraction.variance:
            return torch.cat([log_count, mean])
        square = x.square().mean(0)
        if self.stddev:
            square = (square - mean.square()).clamp_min(self.floor).sqrt()
        return torch.cat([log_count, mean, square])


def _log_softmax(x: Tensor) -> Tensor:
    return F.log_softmax(x, -1)


FUNCTIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "RectifiedLinearComponent": F.relu,
    "LogSoftmaxComponent": _log_softmax,
}
LAYERS: dict[str, type[Affine | Pointwise | BatchNorm | Extraction]] = {
    "AffineComponent": Affine,
    "NaturalGradientAffineComponent": Affine,
    "FixedAffineComponent": Affine,
    "RectifiedLinearComponent": Pointwise,
    "LogSoftmaxComponent": Pointwise,
    "BatchNormComponent": BatchNorm,
    "StatisticsExtractionComponent": Extraction,
}
