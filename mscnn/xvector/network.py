"""The PyTorch network that a Kaldi nnet3 file describes, from the frames to the embedding (test mode).

Frames of several utterances stand one after another, ``(N, D)`` with the utterances' lengths, so that no padding is
computed. A node's value is known for the frames ``lo`` to ``T - 1 - hi`` of an utterance of T frames; contexts only
shrink that range (nothing is padded), and both numbers are known when the network is built.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor, nn

from mscnn.errors import UserError
from mscnn.xvector.description import Descriptor, Node, parse_nodes
from mscnn.xvector.layers import LAYERS, Extraction, Form, Layer, Pooling
from mscnn.xvector.nnet3 import Nnet


class Network(nn.Module):
    """From frames to embeddings.

    Attributes:
        input_dim, dim: values per frame, and of the embedding.
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
            raise UserError(
                "the network has no output-node of the name 'output'; extract.config should name one",
                code="xvector-network",
            )
        self._steps = [(node, node.reads) for node in self._in_order() if node.reads]
        self._needed = [{"output"}]  # after each step, the values that later ones read: the others are let go
        for _, reads in reversed(self._steps[1:]):
            self._needed.insert(0, self._needed[0] | reads.names)
        form = self._forms["output"]
        if not form.segment:
            raise UserError(
                "the network's output is one vector per frame, not per utterance; extract.config should name a node "
                "after the pooling of statistics, as 'output-node name=output input=tdnn6.affine'",
                code="xvector-network",
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
                    f"the network's node {missing[0]!r} reads itself: {' <- '.join([*path, missing[0]][-9:])}",
                    code="xvector-network",
                )
            elif missing[0] not in self._nodes:
                raise UserError(
                    f"{node.name!r} reads {missing[0]!r}, which is no node of the network", code="xvector-network"
                )
            else:
                path.append(missing[0])

    def _add(self, node: Node) -> Form:
        """Make the layer of a node, if it has one; returns what the node yields."""
        if node.reads is None:
            if node.name != "input":
                raise UserError(
                    f"the network reads {node.name!r} beside its frames; x-vector networks read 'input' alone",
                    code="xvector-network",
                )
            return Form(node.dim)
        form = self._form(node.reads, node.name)
        if node.kind == "output-node":
            return form
        component = self._components.get(node.component)
        if component is None:
            raise UserError(
                f"the network's node {node.name!r} wants a component {node.component!r}, which the file has not",
                code="xvector-network",
            )
        if component.type == "StatisticsPoolingComponent":
            layer: Layer = Pooling(component, self._extraction(node.reads), form)
        else:
            layer = LAYERS[component.type](component)
        if layer.dims[0] != form.dim:
            raise UserError(
                f"component {component.name!r} reads {layer.dims[0]} values, node {node.name!r} gives it {form.dim}",
                code="xvector-network",
            )
        self.layers[_key(node.name)] = layer
        return layer.form(form)

    def _extraction(self, descriptor: Descriptor) -> Extraction:
        layer = dict(self.layers.items()).get(_key(descriptor.name))
        if descriptor.kind != "node" or not isinstance(layer, Extraction):
            raise UserError(
                "a StatisticsPoolingComponent that does not read a StatisticsExtractionComponent directly",
                code="xvector-network",
            )
        return layer

    def _form(self, descriptor: Descriptor, node: str) -> Form:
        """Form of what a descriptor yields."""
        if descriptor.kind == "node":
            return self._forms[descriptor.name]
        parts = [self._form(part, node) for part in descriptor.parts]
        if descriptor.kind == "Append":
            if len({part.segment for part in parts}) > 1:
                raise UserError(
                    f"the network's node {node!r} appends values of frames to values of utterances",
                    code="xvector-network",
                )
            return Form(sum(p.dim for p in parts), max(p.lo for p in parts), max(p.hi for p in parts), parts[0].segment)
        form, number = parts[0], descriptor.number
        if descriptor.kind == "Round":  # of frame 0, the one asked for after the pooling, every rounding is frame 0
            if not form.segment and number != 1:
                raise UserError(
                    f"the network's node {node!r} rounds frames to every {number}th, which is not known here",
                    code="xvector-network",
                )
            return form
        if form.segment and number:
            raise UserError(
                f"the network's node {node!r} wants the statistics of another frame ({number})", code="xvector-network"
            )
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
        for (node, reads), needed in zip(self._steps, self._needed, strict=True):
            value = self._read(reads, values, self._form(reads, node.name), lengths)
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
                raise UserError(
                    "a network with Append within Offset or Round; write it the other way round", code="xvector-network"
                )
            shift += descriptor.number if descriptor.kind == "Offset" else 0
            descriptor = descriptor.parts[0]
        value, form = values[descriptor.name], self._forms[descriptor.name]
        first, last = wanted.lo + shift - form.lo, wanted.hi - shift - form.hi  # rows to leave out of each utterance
        if form.segment or (first == last == 0):
            return value
        parts = value.split([length - form.lo - form.hi for length in lengths])
        return torch.cat([part[first : len(part) - last] for part in parts])


def _key(name: str) -> str:
    """A node's name as PyTorch allows it; with the prefix it is no attribute of a module."""
    return "node:" + name.replace(".", "/")
