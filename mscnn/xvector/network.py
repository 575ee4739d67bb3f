"""PyTorch network of a Kaldi nnet3 file, from frames to the embedding, in test mode.

The frames of several utterances are concatenated, ``(N, D)`` with the lengths of the utterances, so that no padding is
computed. The value of a node is defined for the frames ``lo`` to ``T - 1 - hi`` of an utterance of T frames. Contexts
reduce that range, since there is no padding; both numbers are known when the network is built.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor, nn

from mscnn.errors import UserError
from mscnn.xvector.description import Descriptor, Node, parse_nodes
from mscnn.xvector.layers import LAYERS, Extraction, Layer, Pooling, Shape
from mscnn.xvector.nnet3 import Nnet


class Network(nn.Module):
    """Network from frames to embeddings.

    Attributes:
        input_dim, dim: dimensions of a frame and of the embedding.
        context: minimum number of frames of an utterance.
    """

    def __init__(self, nnet: Nnet, config: str = "") -> None:
        """Build the nodes that ``output`` depends on.

        Args:
            nnet: content of the file.
            config: lines that replace nodes, as ``extract.config``: ``output-node name=output input=tdnn6.affine``.

        Raises:
            UserError: a line or a component cannot be used.
        """
        super().__init__()
        self.layers = nn.ModuleDict()
        self._nodes = parse_nodes([*nnet.lines, *config.splitlines()])
        self._components = nnet.components
        self._shapes: dict[str, Shape] = {}
        if self._nodes.get("output", Node("", "")).kind != "output-node":
            raise UserError(
                "the network has no output-node 'output'; add one to extract.config",
                code="xvector-network",
            )
        self._steps = [(node, node.input) for node in self._in_order() if node.input]
        self._needed = [{"output"}]  # after each step, the values that later ones need; the others are freed
        for _, descriptor in reversed(self._steps[1:]):
            self._needed.insert(0, self._needed[0] | descriptor.names)
        shape = self._shapes["output"]
        if not shape.segment:
            raise UserError(
                "the network's output is one vector per frame, not per utterance; extract.config must name a node "
                "after statistics pooling, as 'output-node name=output input=tdnn6.affine'",
                code="xvector-network",
            )
        self.dim, self.input_dim = shape.dim, self._shapes["input"].dim
        self.context = max(layer.context for layer in self.layers.values() if isinstance(layer, Pooling))
        self.requires_grad_(False).eval()

    def _in_order(self) -> Iterator[Node]:
        """Nodes that the output depends on, each after its inputs; creates their shapes and layers."""
        path = ["output"]
        while path:
            node = self._nodes[path[-1]]
            missing = sorted(node.input.names - self._shapes.keys()) if node.input else []
            if not missing:
                self._shapes[node.name] = self._add(node)
                yield self._nodes[path.pop()]
            elif missing[0] in path:
                raise UserError(
                    f"node {missing[0]!r} of the network depends on itself: {' <- '.join([*path, missing[0]][-9:])}",
                    code="xvector-network",
                )
            elif missing[0] not in self._nodes:
                raise UserError(
                    f"input {missing[0]!r} of {node.name!r} is not a node of the network", code="xvector-network"
                )
            else:
                path.append(missing[0])

    def _add(self, node: Node) -> Shape:
        """Create the layer of a node, if it has one; returns the shape of its output."""
        if node.input is None:
            if node.name != "input":
                raise UserError(
                    f"the network has an input node {node.name!r}; x-vector networks have only 'input'",
                    code="xvector-network",
                )
            return Shape(node.dim)
        shape = self._shape(node.input, node.name)
        if node.kind == "output-node":
            return shape
        component = self._components.get(node.component)
        if component is None:
            raise UserError(
                f"node {node.name!r} of the network refers to component {node.component!r}, which the file lacks",
                code="xvector-network",
            )
        if component.type == "StatisticsPoolingComponent":
            layer: Layer = Pooling(component, self._extraction(node.input), shape)
        else:
            layer = LAYERS[component.type](component)
        if layer.dims[0] != shape.dim:
            raise UserError(
                f"component {component.name!r} takes {layer.dims[0]} values, its input at node {node.name!r} has "
                f"{shape.dim}",
                code="xvector-network",
            )
        self.layers[_key(node.name)] = layer
        return layer.output_shape(shape)

    def _extraction(self, descriptor: Descriptor) -> Extraction:
        layer = dict(self.layers.items()).get(_key(descriptor.name))
        if descriptor.kind != "node" or not isinstance(layer, Extraction):
            raise UserError(
                "the input of a StatisticsPoolingComponent must be a StatisticsExtractionComponent",
                code="xvector-network",
            )
        return layer

    def _shape(self, descriptor: Descriptor, node: str) -> Shape:
        """Shape of the value of a descriptor."""
        if descriptor.kind == "node":
            return self._shapes[descriptor.name]
        parts = [self._shape(part, node) for part in descriptor.parts]
        if descriptor.kind == "Append":
            if len({part.segment for part in parts}) > 1:
                raise UserError(
                    f"node {node!r} of the network appends frames to vectors of utterances",
                    code="xvector-network",
                )
            return Shape(
                sum(p.dim for p in parts), max(p.lo for p in parts), max(p.hi for p in parts), parts[0].segment
            )
        shape, number = parts[0], descriptor.number
        if descriptor.kind == "Round":  # after pooling only frame 0 is used, and any rounding of it is frame 0
            if not shape.segment and number != 1:
                raise UserError(
                    f"node {node!r} of the network rounds frames to every {number}th, which is not supported",
                    code="xvector-network",
                )
            return shape
        if shape.segment and number:
            raise UserError(
                f"node {node!r} of the network uses the statistics of another frame ({number}), which is not supported",
                code="xvector-network",
            )
        return Shape(shape.dim, shape.lo - number, shape.hi + number, shape.segment)

    def forward(self, frames: Tensor, lengths: Sequence[int]) -> Tensor:
        """Embeddings.

        Args:
            frames: (N, input_dim) float32, the concatenated utterances.
            lengths: frames of each of the B utterances, N in all, none shorter than ``context``.

        Returns:
            (B, dim)
        """
        if len(frames) != sum(lengths) or min(lengths) < self.context:
            raise ValueError(f"{len(frames)} frames for utterances of {list(lengths)}, each at least {self.context}")
        values = {"input": frames}
        for (node, descriptor), needed in zip(self._steps, self._needed, strict=True):
            value = self._read(descriptor, values, self._shape(descriptor, node.name), lengths)
            values[node.name] = self.layers[_key(node.name)](value, lengths) if node.component else value
            values = {name: value for name, value in values.items() if name in needed}
        return values["output"]

    def _read(
        self, descriptor: Descriptor, values: Mapping[str, Tensor], wanted: Shape, lengths: Sequence[int]
    ) -> Tensor:
        """Value of a descriptor for the frames of the shape ``wanted``."""
        if descriptor.kind == "Append":
            return torch.cat([self._read(part, values, wanted, lengths) for part in descriptor.parts], 1)
        shift = 0
        while descriptor.kind != "node":
            if descriptor.kind == "Append":
                raise UserError(
                    "the network has Append within Offset or Round; write Offset or Round within Append",
                    code="xvector-network",
                )
            shift += descriptor.number if descriptor.kind == "Offset" else 0
            descriptor = descriptor.parts[0]
        value, shape = values[descriptor.name], self._shapes[descriptor.name]
        first, last = wanted.lo + shift - shape.lo, wanted.hi - shift - shape.hi  # rows dropped per utterance
        if shape.segment or (first == last == 0):
            return value
        utterances = value.split([length - shape.lo - shape.hi for length in lengths])
        return torch.cat([rows[first : len(rows) - last] for rows in utterances])


def _key(name: str) -> str:
    """Name of a node that PyTorch accepts; the prefix avoids names of attributes of a module."""
    return "node:" + name.replace(".", "/")
