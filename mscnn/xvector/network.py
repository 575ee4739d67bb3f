"""The PyTorch network that a Kaldi nnet3 file describes, from the frames to the embedding (test mode).

Frames of several utterances stand one after another, ``(N, D)`` with the utterances' lengths, so that no padding is
computed. A node's value is known for the frames ``lo`` to ``T - 1 - hi`` of an utterance of T frames; contexts only
shrink that range (nothing is padded), and both numbers are known when the network is built.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mscnn.errors import UserError
from mscnn.xvector.description import LARGEST, Descriptor, Node, parse_nodes
from mscnn.xvector.nnet3 import Component, Nnet


@dataclass(frozen=True)
class Form:
    """What a node yields: ``dim`` values for each frame within [lo, T - 1 - hi], or once an utterance (``segment``)."""

    dim: int
    lo: int = 0
    hi: int = 0
    segment: bool = False


class Network(nn.Module):
    """From frames to embeddings.

    Attributes:
        input_dim, dim: values a frame, and of the embedding.
        context: frames that the shortest utterance must have.
    """

    def __init__(self, nnet: Nnet, config: str = "") -> None:
        """Build what the node ``output`` needs.

        Args:
            nnet: the file.
            config: lines that replace nodes, as ``extract.config``: ``output-node name=output input=tdnn6.affine``.

        Raises:
            UserError: a line or a component that cannot be used, with its name.
        """
        super().__init__()
        self.layers = nn.ModuleDict()
        self._nodes = parse_nodes([*nnet.lines, *config.splitlines()])
        self._components = nnet.components
        self._forms: dict[str, Form] = {}
        if self._nodes.get("output", Node("", "")).kind != "output-node":
            raise UserError("the network has no output-node of the name 'output'; extract.config should name one")
        self._steps = [node for node in self._in_order() if node.kind != "input-node"]
        self._needed = [{"output"}]  # after each step, the values that later ones read: the others are let go
        for node in reversed(self._steps[1:]):
            self._needed.insert(0, self._needed[0] | node.reads.names)
        form = self._forms["output"]
        if not form.segment:
            raise UserError(
                "the network's output is one vector a frame, not one an utterance; extract.config should name a node "
                "after the pooling of statistics, as 'output-node name=output input=tdnn6.affine'"
            )
        self.dim, self.input_dim = form.dim, self._forms["input"].dim
        self.context = max(layer.context for layer in self.layers.values() if isinstance(layer, Pooling))
        self.requires_grad_(False).eval()

    def _in_order(self) -> Iterator[Node]:
        """The nodes that the output needs, each after those that it reads; makes their forms and layers on the way."""
        path = ["output"]
        while path:
            node = self._nodes[path[-1]]
            missing = sorted(node.reads.names - self._forms.keys()) if node.reads else []
            if not missing:
                self._forms[node.name] = self._add(node)
                yield self._nodes[path.pop()]
            elif missing[0] in path:
                raise UserError(
                    f"the network's node {missing[0]!r} reads itself: {' <- '.join([*path, missing[0]][-9:])}"
                )
            elif missing[0] not in self._nodes:
                raise UserError(f"{node.name!r} reads {missing[0]!r}, which is no node of the network")
            else:
                path.append(missing[0])

    def _add(self, node: Node) -> Form:
        """Make the layer of a node, if it has one; returns what the node yields."""
        if node.kind == "input-node":
            if node.name != "input":
                raise UserError(
                    f"the network reads {node.name!r} beside its frames; x-vector networks read 'input' alone"
                )
            return Form(node.dim)
        form = self._form(node.reads, node.name)
        if node.kind == "output-node":
            return form
        component = self._components.get(node.component)
        if component is None:
            raise UserError(
                f"the network's node {node.name!r} wants a component {node.component!r}, which the file has not"
            )
        if component.type == "StatisticsPoolingComponent":
            layer = Pooling(component, self._extraction(node.reads), form)
        else:
            layer = LAYERS[component.type](component)
        if layer.dims[0] != form.dim:
            raise UserError(
                f"component {component.name!r} reads {layer.dims[0]} values, its node {node.name!r} gives it {form.dim}"
            )
        self.layers[_key(node.name)] = layer
        return layer.form(form)

    def _extraction(self, descriptor: Descriptor) -> Extraction:
        layer = dict(self.layers.items()).get(_key(descriptor.name))
        if descriptor.kind != "node" or not isinstance(layer, Extraction):
            raise UserError("a StatisticsPoolingComponent that does not read a StatisticsExtractionComponent directly")
        return layer

    def _form(self, descriptor: Descriptor, node: str) -> Form:
        """Form of what a descriptor yields."""
        if descriptor.kind == "node":
            return self._forms[descriptor.name]
        parts = [self._form(part, node) for part in descriptor.parts]
        if descriptor.kind == "Append":
            if len({part.segment for part in parts}) > 1:
                raise UserError(f"the network's node {node!r} appends values of frames to values of utterances")
            return Form(sum(p.dim for p in parts), max(p.lo for p in parts), max(p.hi for p in parts), parts[0].segment)
        form, number = parts[0], descriptor.number
        if descriptor.kind == "Round":  # of frame 0, the one asked for after the pooling, every rounding is frame 0
            if not form.segment and number != 1:
                raise UserError(
                    f"the network's node {node!r} rounds frames to every {number}th, which is not known here"
                )
            return form
        if form.segment and number:
            raise UserError(f"the network's node {node!r} wants the statistics of another frame ({number})")
        return Form(form.dim, form.lo - number, form.hi + number, form.segment)

    def forward(self, frames: Tensor, lengths: Sequence[int]) -> Tensor:
        """Embeddings.

        Args:
            frames: (N, input_dim) float32, utterance after utterance.
            lengths: frames of each of the B utterances, N in all, none shorter than ``context``.

        Returns:
            (B, dim)
        """
        if len(frames) != sum(lengths) or min(lengths) < self.context:
            raise ValueError(f"{len(frames)} frames for utterances of {list(lengths)}, each at least {self.context}")
        values = {"input": frames}
        for node, needed in zip(self._steps, self._needed, strict=True):
            value = self._read(node.reads, values, self._form(node.reads, node.name), lengths)
            values[node.name] = self.layers[_key(node.name)](value, lengths) if node.component else value
            values = {name: value for name, value in values.items() if name in needed}
        return values["output"]

    def _read(
        self, descriptor: Descriptor, values: Mapping[str, Tensor], wanted: Form, lengths: Sequence[int]
    ) -> Tensor:
        """Value of a descriptor for the frames that ``wanted`` tells."""
        if descriptor.kind == "Append":
            return torch.cat([self._read(part, values, wanted, lengths) for part in descriptor.parts], 1)
        shift = 0
        while descriptor.kind != "node":
            if descriptor.kind == "Append":
                raise UserError("a network with Append within Offset or Round; write it the other way round")
            shift += descriptor.number if descriptor.kind == "Offset" else 0
            descriptor = descriptor.parts[0]
        value, form = values[descriptor.name], self._forms[descriptor.name]
        first, last = wanted.lo + shift - form.lo, wanted.hi - shift - form.hi  # rows to leave out of each utterance
        if form.segment or (first == last == 0):
            return value
        parts = value.split([length - form.lo - form.hi for length in lengths])
        return torch.cat([part[first : len(part) - last] for part in parts])


class Layer(nn.Module):
    """One component; ``dims`` are its input's and output's."""

    dims: tuple[int, int]

    def form(self, form: Form) -> Form:
        """What it makes of its input."""
        return Form(self.dims[1], form.lo, form.hi, form.segment)


class Affine(Layer):
    """``W x + b``."""

    def __init__(self, component: Component) -> None:
        super().__init__()
        weight, bias = component.fields["LinearParams"], component.fields["BiasParams"]
        if weight.ndim != 2 or bias.shape != weight.shape[:1] or not weight.size:
            raise UserError(f"component {component.name!r}: weights {weight.shape} do not go with biases {bias.shape}")
        self.weight, self.bias = (nn.Parameter(torch.from_numpy(array)) for array in (weight, bias))
        self.dims = weight.shape[1], weight.shape[0]

    def forward(self, x: Tensor, lengths: Sequence[int]) -> Tensor:
        return F.linear(x, self.weight, self.bias)


class Pointwise(Layer):
    """A function of each frame that keeps the number of values."""

    def __init__(self, component: Component) -> None:
        super().__init__()
        self.function = {"RectifiedLinearComponent": F.relu, "LogSoftmaxComponent": _log_softmax}[component.type]
        self.dims = (int(component.fields["Dim"]),) * 2

    def forward(self, x: Tensor, lengths: Sequence[int]) -> Tensor:
        return self.function(x)


class BatchNorm(Layer):
    """``target_rms (x - mean) / sqrt(variance + epsilon)`` with the training's statistics, one a value of a block."""

    def __init__(self, component: Component) -> None:
        super().__init__()
        fields, who = component.fields, f"component {component.name!r}"
        dim, block = int(fields["Dim"]), int(fields["BlockDim"])
        mean, variance, floor = fields["StatsMean"], fields["StatsVar"], float(fields["Epsilon"])
        if not fields["Count"] > 0:
            raise UserError(
                f"{who}: BatchNorm without statistics (<Count> {fields['Count']}): the model is not trained"
            )
        blocks_fit = 0 < dim < LARGEST and block > 0 and dim % block == 0
        if not (blocks_fit and mean.shape == variance.shape == (block,) and floor > 0):
            raise UserError(f"{who}: {dim} values in blocks of {block}, {mean.shape} means, {variance.shape} variances")
        with np.errstate(over="ignore"):  # vectors that are not finite are refused where they are made
            scale = fields["TargetRms"] / np.sqrt(np.maximum(variance, 0) + floor, dtype=np.float32)
            offset = -mean * scale
        self.scale, self.offset = (
            nn.Parameter(torch.from_numpy(np.tile(array, dim // block))) for array in (scale, offset)
        )
        self.dims = dim, dim

    def forward(self, x: Tensor, lengths: Sequence[int]) -> Tensor:
        return torch.addcmul(self.offset, x, self.scale)


class Extraction(Layer):
    """Stands for the statistics of frames; they are summed in ``Pooling``, which alone can read them."""

    def __init__(self, component: Component) -> None:
        super().__init__()
        fields = component.fields
        self.period, self.step = int(fields["OutputPeriod"]), int(fields["InputPeriod"])
        self.variance = bool(fields["IncludeVarinance"])
        dim = int(fields["InputDim"])
        if dim < 1 or self.step < 1 or self.period < 1 or self.period % self.step:
            raise UserError(f"component {component.name!r}: {dim} values every {self.step} of {self.period} frames")
        self.dims = dim, 1 + dim * (1 + self.variance)

    def forward(self, x: Tensor, lengths: Sequence[int]) -> Tensor:
        return x


class Pooling(Layer):
    """Mean, and standard deviation, over the frames ``-left`` to ``right``, seen from frame 0; log counts before them.

    Snyder et al. 2018, section 2; Kaldi's StatisticsPoolingComponent.
    """

    def __init__(self, component: Component, extraction: Extraction, form: Form) -> None:
        super().__init__()
        fields = component.fields
        left, right = int(fields["LeftContext"]), int(fields["RightContext"])
        self.stddev, self.floor = bool(fields["OutputStddevs"]), float(fields["VarianceFloor"])
        self.counts, self.extraction = int(fields["NumLogCountFeatures"]), extraction
        period = int(fields["InputPeriod"])
        self.first, self.last = -left, right + period - 1
        if (
            period != extraction.period
            or min(left, right, self.counts) < 0
            or left % period
            or right % period
            or self.counts > form.dim
            or self.last < form.lo
            or not 0 < self.floor < 1
            or (self.stddev and not extraction.variance)
        ):
            raise UserError(
                f"component {component.name!r}: statistics every {period} frames from -{left} to {right}, made every "
                f"{extraction.period} from frame {form.lo} on, variances floored at {self.floor:g}: this cannot be"
            )
        self.lo, self.hi = form.lo, form.hi
        self.context = form.lo + form.hi + extraction.step
        dim = extraction.dims[0]
        self.dims = int(fields["InputDim"]), self.counts + dim * (1 + extraction.variance)

    def form(self, form: Form) -> Form:
        """Once an utterance."""
        return Form(self.dims[1], segment=True)

    def forward(self, x: Tensor, lengths: Sequence[int]) -> Tensor:
        parts = x.split([length - self.lo - self.hi for length in lengths])
        return torch.stack([self._pool(part) for part in parts])

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


LAYERS = {
    "AffineComponent": Affine,
    "NaturalGradientAffineComponent": Affine,
    "FixedAffineComponent": Affine,
    "RectifiedLinearComponent": Pointwise,
    "LogSoftmaxComponent": Pointwise,
    "BatchNormComponent": BatchNorm,
    "StatisticsExtractionComponent": Extraction,
}


def _log_softmax(x: Tensor) -> Tensor:
    return F.log_softmax(x, -1)


def _key(name: str) -> str:
    """A node's name as PyTorch allows it; with the prefix it is no attribute of a module."""
    return "node:" + name.replace(".", "/")
