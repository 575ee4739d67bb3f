"""The MSCNN-SPU-ATT networks layer by layer, as the paper states them, in plain PyTorch: a baseline of speed.

Convolutions are ``Conv2d`` with kernels (s, d) over images of one channel, statistics are three functions of the whole
feature maps. There are no masks: scores are those of ``mscnn.models.mscnn`` where all utterances are equally long.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mscnn.models.inputs import Inputs
from mscnn.models.mscnn import MSCNN


class AsWritten(nn.Module):
    """The network with the weights of ``model``, which has audio and all pools; with text, all branches."""

    def __init__(self, model: MSCNN) -> None:
        super().__init__()
        self.text = bool(model.options.text_pool)
        self.audio_cnn = _images(model.audio_cnn)
        if self.text:
            self.embedding, self.text_cnn = model.embedding, _images(model.text_cnn)
        self.head = model.head

    def forward(self, inputs: Inputs) -> Tensor:
        """Logits (B, classes)."""
        pools = _pools(_maps(self.audio_cnn, inputs.audio.transpose(1, 2)))
        if not self.text:
            return self.head(torch.cat(pools, dim=1))
        words = self.embedding(inputs.tokens)
        keys = _maps(self.text_cnn, words)  # (B, C, L)
        attended = []
        for query in pools:
            weights = torch.einsum("bc,bcl->bl", query, keys).softmax(dim=1)
            attended.append(torch.einsum("bl,bcl->bc", weights, keys))
        swem = [words.amax(dim=1), words.mean(dim=1)]
        return self.head(torch.cat([*pools, inputs.xvector, *_pools(keys), *swem, *attended], dim=1))

    def loss(self, inputs: Inputs, labels: Tensor) -> Tensor:
        """Cross entropy."""
        return F.cross_entropy(self(inputs), labels)


def _images(cnn: nn.Module) -> nn.ModuleList:
    """Convolutions of a MultiScaleConv as Conv2d of one channel."""
    layers = nn.ModuleList()
    for conv in cnn.get_submodule("convs").children():
        weight, bias = conv.get_parameter("weight"), conv.get_parameter("bias")
        filters, dim, width = weight.shape
        layer = nn.Conv2d(1, filters, (width, dim))
        layer.load_state_dict({"weight": weight.data.transpose(1, 2)[:, None], "bias": bias.data})
        layers.append(layer)
    return layers


def _maps(layers: nn.ModuleList, x: Tensor) -> Tensor:
    """Rows (B, T, D) -> feature maps (B, scales · filters, T)."""
    maps = []
    for layer in layers:
        width = layer.get_parameter("weight").shape[2]
        left = (width - 1) // 2
        maps.append(layer(F.pad(x[:, None], (0, 0, left, width - 1 - left))).squeeze(3).relu())
    return torch.cat(maps, dim=1)


def _pools(maps: Tensor) -> list[Tensor]:
    return [maps.amax(dim=2), maps.mean(dim=2), (maps.var(dim=2, correction=0) + 1e-8).sqrt()]
