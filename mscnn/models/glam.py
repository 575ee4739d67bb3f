"""GLAM: multi-scale convolutions fused by a gated MLP, and its ablations.

Zhu & Li, "Speech Emotion Recognition with Global-Aware Fusion on Multi-scale Feature Representation", ICASSP 2022;
the authors' code is lixiangucas01/GLAM. An utterance's score is the mean of its segments' logits.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from mscnn.config.schema import Length, Probability, Size, SizeList
from mscnn.errors import UserError
from mscnn.models.attention import AreaAttention, ChannelAttention, GatedMLP, conv_norm_relu
from mscnn.models.base import Classifier
from mscnn.models.inputs import Inputs, Sizes
from mscnn.models.layers import MaxPool2d, fixed_length, load_weights, renamed


@dataclass(frozen=True)
class Options:
    """Options of the family; conf/models/glam/glam.yaml explains each."""

    stem: Size
    kernels: SizeList
    residual: bool
    fusion: Literal["gmlp", "heads", "area", "none"]
    heads: Size
    head_dim: Size
    area_width: Size
    area_dropout: Probability
    frames: Length

    def __post_init__(self) -> None:
        """Raise UserError for invalid options."""
        if len(self.kernels) not in (1, 2) or not all(k % 2 for k in (self.stem, *self.kernels)):
            raise UserError(
                f"kernels {list(self.kernels)}, stem {self.stem}: expected one or two kernels, all odd",
                code="option-value",
            )
        if self.frames < 4:
            raise UserError(f"frames {self.frames}: two pooling layers need at least 4", code="option-value")


class ScaleBlock(nn.Module):
    """Parallel convolutions of several scales, C -> 2C channels; with ``residual`` each scale adds its input."""

    def __init__(self, channels: int, kernels: tuple[int, ...], residual: bool) -> None:
        super().__init__()
        self.residual = residual
        outputs = 2 * channels // len(kernels)
        self.convs = nn.ModuleList(nn.Conv2d(channels, outputs, k, padding="same") for k in kernels)
        self.norm = nn.BatchNorm2d(2 * channels)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, 2C, H, W)."""
        y = torch.cat([conv(x) for conv in self.convs], dim=1)
        if self.residual:
            y = (y.unflatten(1, (2, -1)) + x[:, None]).flatten(1, 2)
        return self.norm(y).relu_()


class GLAM(Classifier[Options]):
    """All systems of the family, which differ in their blocks and in the fusion."""

    def __init__(self, options: Options, sizes: Sizes) -> None:
        super().__init__(options, sizes)
        self.along_bins = conv_norm_relu(1, 16, (options.stem, 1))
        self.along_time = conv_norm_relu(1, 16, (1, options.stem))
        self.scales = nn.Sequential(
            ScaleBlock(16, options.kernels, options.residual),
            MaxPool2d(2),
            ScaleBlock(32, options.kernels, options.residual),
            MaxPool2d(2),
            ScaleBlock(64, options.kernels, options.residual),
        )
        self.deep = conv_norm_relu(128, 128, (5, 5))
        positions = (sizes.audio // 2) * (options.frames // 4)
        channels = 128
        if options.fusion == "gmlp":
            self.fusion: nn.Module = GatedMLP(positions, tokens=128)
        elif options.fusion == "heads":
            self.fusion = ChannelAttention(128, options.head_dim, options.heads)
            channels = options.heads * options.head_dim
        elif options.fusion == "area":
            self.fusion = AreaAttention(options.area_width, options.area_dropout)
        self.output = nn.Linear(channels * positions, sizes.classes)

    def forward(self, inputs: Inputs) -> Tensor:
        """Logits (B, classes) of segments (B, bins, T)."""
        image = fixed_length(inputs.audio, self.options.frames)[:, None]
        x = torch.cat([self.along_bins(image), self.along_time(image)], dim=2)  # stacked along the height: 2 · bins
        return self.output(self.fuse(self.deep(self.scales(x))).relu().flatten(1))

    def fuse(self, x: Tensor) -> Tensor:
        """Fuse features of the whole segment: (B, 128, H, W) -> feature maps or tokens."""
        if self.options.fusion == "gmlp":
            return self.fusion(x.flatten(2))  # a token is a channel, its features are the positions
        if self.options.fusion == "heads":
            return self.fusion(x)
        if self.options.fusion == "area":
            tokens = x.flatten(2).transpose(1, 2)  # a token is a position
            return self.fusion(tokens, tokens, tokens)
        return x

    def load_official(self, state: Mapping[str, Tensor]) -> None:
        """Load the weights of the authors' class for this configuration (state dict of lixiangucas01/GLAM).

        Their ``shape`` is (``sizes.audio``, ``options.frames``); their input (B, 1, bins, T) is our audio (B, bins, T).
        """
        names = self.official_names()
        load_weights(self, renamed(state, names), names)

    def official_names(self) -> dict[str, str]:
        """Names of the authors' modules -> ours."""
        names = {
            **{"conv1a": "along_bins.0", "bn1a": "along_bins.1", "conv1b": "along_time.0", "bn1b": "along_time.1"},
            **{"conv5": "deep.0", "bn5": "deep.1", "fc": "output"},
        }
        for block, ours in {"conv2": "scales.0", "conv3": "scales.2", "conv4": "scales.4"}.items():
            names |= {f"{block}.conv{k}": f"{ours}.convs.{i}" for i, k in enumerate(self.options.kernels)}
            names[f"{block}.bn"] = f"{ours}.norm"
        if self.options.fusion == "gmlp":  # g_mlp_pytorch: shortcut(norm(shift(block)))
            block = "gmlp.layers.0.fn.fn.fn"
            names |= {"gmlp.layers.0.fn.norm": "fusion.norm", f"{block}.proj_in.0": "fusion.expand"}
            names |= {f"{block}.sgu": "fusion.gate", f"{block}.proj_out": "fusion.contract"}
        if self.options.fusion == "heads":
            names |= {f"attention_{role}": f"fusion.{role}" for role in ("query", "key", "value")}
        return names


Model = GLAM
