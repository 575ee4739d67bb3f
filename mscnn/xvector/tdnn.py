"""The x-vector network for training, and its export to Kaldi's nnet3.

Snyder et al., "X-Vectors: Robust DNN Embeddings for Speaker Recognition", ICASSP 2018, Table 1, as in Kaldi's
egs/voxceleb/v2/local/nnet3/xvector/run_xvector.sh.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from mscnn.xvector import components
from mscnn.xvector.nnet3 import Component, Nnet

CONTEXTS = ((-2, -1, 0, 1, 2), (-2, 0, 2), (-3, 0, 3), (0,), (0,))  # input frames of tdnn1 to tdnn5
CONTEXT = 1 + sum(offsets[-1] - offsets[0] for offsets in CONTEXTS)  # 15 frames
WIDTHS, EMBEDDING = (512, 512, 512, 512, 1500), 512
EPSILON, VARIANCE_FLOOR = 1e-3, 1e-10
POOLING = "0-10000"  # range of frames of statistics pooling: the maximum of a chunk
EXTRACT_CONFIG = "output-node name=output input=tdnn6.affine\n"
MIN_CHUNK, MAX_CHUNK = 25, 10000  # frames, at extraction


class Tdnn(nn.Module):
    """Frames -> tdnn1 … tdnn5 -> mean and standard deviation -> tdnn6 (the x-vector) -> tdnn7 -> speakers.

    Each layer is affine -> ReLU -> batch normalisation without scale and offset.
    """

    def __init__(self, dim: int, speakers: int, widths: Sequence[int] = WIDTHS, embedding: int = EMBEDDING) -> None:
        """``dim`` is that of a frame, ``widths`` those of tdnn1 to tdnn5, ``embedding`` that of tdnn6 and tdnn7."""
        super().__init__()
        self.widths, self.dim = tuple(widths), dim
        self.frames = nn.Sequential()
        for offsets, inputs, outputs in zip(CONTEXTS, (dim, *widths), widths, strict=False):
            step = offsets[1] - offsets[0] if len(offsets) > 1 else 1
            self.frames.extend([nn.Conv1d(inputs, outputs, len(offsets), dilation=step), *_normalised(outputs)])
        self.tdnn6 = nn.Linear(2 * widths[-1], embedding)
        self.tdnn7 = nn.Sequential(*_normalised(embedding), nn.Linear(embedding, embedding), *_normalised(embedding))
        self.output = nn.Linear(embedding, speakers)

    def forward(self, frames: Tensor) -> Tensor:
        """Speaker logits (B, speakers) of ``frames`` (B, T, dim), T at least 15."""
        return self.output(self.tdnn7(self.embed(frames)))

    def embed(self, frames: Tensor) -> Tensor:
        """x-vectors (B, embedding) of ``frames`` (B, T, dim)."""
        x = self.frames(frames.transpose(1, 2))
        mean = x.mean(2)
        variance = (x - mean[:, :, None]).square().mean(2)
        return self.tdnn6(torch.cat([mean, variance.clamp_min(VARIANCE_FLOOR).sqrt()], 1))

    def export(self) -> Nnet:
        """The network in Kaldi's format, batch normalisation with the statistics of ``eval`` mode."""
        lines, exported = [f"input-node name=input dim={self.dim}"], {}
        for component, descriptor in self._components():
            exported[component.name] = component
            lines.append(f"component-node name={component.name} component={component.name} input={descriptor}")
        lines.append(f"output-node name=output input={component.name} objective=linear")
        return Nnet(tuple(lines), exported)

    def _components(self) -> Iterator[tuple[Component, str]]:
        """Components in order, each with the descriptor of its input."""
        below, stats = "input", (f"stats-extraction-{POOLING}", f"stats-pooling-{POOLING}")
        convolutions = [layer for layer in self.frames if isinstance(layer, nn.Conv1d)]
        for i, (offsets, conv, norm) in enumerate(zip(CONTEXTS, convolutions, _norms(self.frames), strict=True), 1):
            weight = conv.weight.permute(0, 2, 1).flatten(1)  # (out, in, offset) -> (out, offset x in)
            yield from _layer(f"tdnn{i}", weight, conv.bias, norm, _append(below, offsets))
            below = f"tdnn{i}.batchnorm"
        width = self.widths[-1]
        yield components.stats_extraction(stats[0], width), below
        yield components.stats_pooling(stats[1], width, int(POOLING[2:]), VARIANCE_FLOOR), stats[0]
        norm6, norm7 = _norms(self.tdnn7)
        (affine7,) = (layer for layer in self.tdnn7 if isinstance(layer, nn.Linear))
        yield from _layer("tdnn6", self.tdnn6.weight, self.tdnn6.bias, norm6, f"Round({stats[1]}, 1)")
        yield from _layer("tdnn7", affine7.weight, affine7.bias, norm7, "tdnn6.batchnorm")
        yield _affine("output.affine", self.output.weight, self.output.bias), "tdnn7.batchnorm"
        yield components.log_softmax("output.log-softmax", self.output.out_features), "output.affine"


def _normalised(dim: int) -> list[nn.Module]:
    return [nn.ReLU(), nn.BatchNorm1d(dim, eps=EPSILON, affine=False)]


def _norms(layers: nn.Sequential) -> list[nn.BatchNorm1d]:
    return [layer for layer in layers if isinstance(layer, nn.BatchNorm1d)]


def _layer(
    name: str, weight: Tensor, bias: Tensor | None, norm: nn.BatchNorm1d, descriptor: str
) -> Iterator[tuple[Component, str]]:
    yield _affine(f"{name}.affine", weight, bias), descriptor
    yield components.relu(f"{name}.relu", len(weight)), f"{name}.affine"
    statistics = _array(norm.running_mean), _array(norm.running_var)
    # minibatches, where Kaldi has frames: the count only weights the statistics in further training
    count = max(1.0, float(_array(norm.num_batches_tracked)))
    yield components.batchnorm(f"{name}.batchnorm", *statistics, count, EPSILON), f"{name}.relu"


def _affine(name: str, weight: Tensor, bias: Tensor | None) -> Component:
    return components.affine(name, _array(weight), _array(bias))


def _array(tensor: Tensor | None) -> np.ndarray:
    """Values of a tensor; it is never None in these layers, though the types of torch allow it."""
    assert tensor is not None
    return tensor.detach().numpy()


def _append(node: str, offsets: Sequence[int]) -> str:
    """Descriptor of the frames of a node at ``offsets`` from the current one."""
    if len(offsets) == 1:
        return node
    return f"Append({', '.join(f'Offset({node}, {o})' if o else node for o in offsets)})"
