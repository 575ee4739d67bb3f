"""The convolutional systems that GLAM is compared with: MHCNN, AACNN and CNN_AttnPooling (APCNN).

MHCNN: Xu et al., "Improve Accuracy of Speech Emotion Recognition with Attention Head Fusion", 2020. AACNN: Xu et al.,
"Speech Emotion Recognition with Multiscale Area Attention and Data Augmentation", ICASSP 2021. APCNN: Li et al., "An
Attention Pooling Based Representation Learning Method for Speech Emotion Recognition", Interspeech 2018. All three as
rebuilt in the code of GLAM (lixiangucas01/GLAM). An utterance's score is the mean of its segments' logits.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from mscnn.config.schema import Length, Probability, Size, SizeOr0
from mscnn.errors import UserError
from mscnn.models.attention import AreaAttention, ChannelAttention, conv_norm_relu
from mscnn.models.base import Classifier
from mscnn.models.inputs import Inputs, Sizes
from mscnn.models.layers import fixed_length, load_weights, renamed


@dataclass(frozen=True)
class Options:
    """Options of the family; conf/models/head_fusion/mhcnn.yaml explains each."""

    readout: Literal["heads", "area", "pooling"]
    heads: Size
    head_dim: Size
    area_width: Size
    area_dropout: Probability
    frames: Length
    bins: SizeOr0

    def __post_init__(self) -> None:
        """Raise UserError for invalid options."""
        if self.frames < 5:
            raise UserError(
                f"frames {self.frames}: a convolution and two pooling layers need at least 5", code="option-value"
            )


class HeadFusion(Classifier[Options]):
    """A trunk of five convolutional layers; the systems differ in how its feature maps become class scores."""

    def __init__(self, options: Options, sizes: Sizes) -> None:
        super().__init__(options, sizes)
        area = options.readout == "area"
        bins = min(options.bins or sizes.audio, sizes.audio)
        first = 16 if area else 8  # area stacks the two maps in height, the others in channels
        self.along_bins = conv_norm_relu(1, first, (10, 2), padding=(4, 0))
        self.along_time = conv_norm_relu(1, first, (2, 8), padding=(0, 3))
        self.trunk = nn.Sequential(
            conv_norm_relu(16, 32, (3, 3)),
            nn.MaxPool2d(2),
            conv_norm_relu(32, 48, (3, 3)),
            nn.MaxPool2d(2),
            conv_norm_relu(48, 64, (3, 3)),
            conv_norm_relu(64, 80, (3, 3)),
        )
        if area:
            self.attention: nn.Module = AreaAttention(options.area_width, options.area_dropout)
            positions = ((bins - 1) // 2) * ((options.frames - 1) // 4)
            self.output = nn.Linear(80 * positions, sizes.classes)
        elif options.readout == "heads":
            self.attention = ChannelAttention(80, options.head_dim, options.heads)
            self.output = nn.Linear(options.head_dim, sizes.classes)
        else:
            self.top_down = nn.Conv2d(80, sizes.classes, 1)
            self.bottom_up = nn.Conv2d(80, 1, 1)

    def forward(self, inputs: Inputs) -> Tensor:
        """Logits (B, classes) of segments (B, bins, T); further values of their frames are not used."""
        area = self.options.readout == "area"
        image = fixed_length(inputs.audio, self.options.frames)[:, None, : self.options.bins or None]
        x = torch.cat([self.along_bins(image), self.along_time(image)], dim=2 if area else 1)
        if x.is_cpu:  # pooling and batch normalisation are faster with the channels of a position side by side
            x = x.contiguous(memory_format=torch.channels_last)
        x = self.trunk(x)
        if area:
            tokens = x.flatten(2).transpose(1, 2)  # a token is a position
            return self.output(self.attention(tokens, tokens, tokens).relu().flatten(1))
        if self.options.readout == "heads":
            return self.output(self.attention(x).relu().mean(dim=(2, 3)))
        return (self.top_down(x).softmax(dim=1) * self.bottom_up(x)).mean(dim=(2, 3))  # softmax over the classes

    def load_official(self, state: Mapping[str, Tensor]) -> None:
        """Load the weights of the authors' class for this configuration (state dict of lixiangucas01/GLAM).

        Their ``shape`` is (``sizes.audio``, ``options.frames``); their input (B, 1, bins, T) is our audio (B, bins, T).
        """
        names = self.official_names()
        load_weights(self, renamed(state, names), names)

    def official_names(self) -> dict[str, str]:
        """Names of the authors' modules -> ours."""
        layers = {"1a": "along_bins", "1b": "along_time"}
        layers |= {"2": "trunk.0", "3": "trunk.2", "4": "trunk.4", "5": "trunk.5"}
        names = {f"conv{theirs}": f"{ours}.0" for theirs, ours in layers.items()}
        names |= {f"bn{theirs}": f"{ours}.1" for theirs, ours in layers.items()}
        if self.options.readout == "heads":
            names |= {f"attention_{role}": f"attention.{role}" for role in ("query", "key", "value")}
        if self.options.readout == "pooling":
            return names | {"top_down": "top_down", "bottom_up": "bottom_up"}
        return names | {"fc": "output"}


Model = HeadFusion
