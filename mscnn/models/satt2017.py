"""Convolutions and a BLSTM on linear-frequency spectrograms.

Satt, Rozenberg, Hoory, "Efficient Emotion Recognition from Speech Using Deep Learning on Spectrograms", Interspeech
2017, pp. 1089-1093. The full text of the paper was not available; sizes that its abstract does not state are options.
"""

from dataclasses import dataclass

from torch import Tensor, nn

from mscnn.config.schema import Length, Probability, Size, SizeList
from mscnn.errors import UserError
from mscnn.models.base import Classifier
from mscnn.models.conv import stack_channels
from mscnn.models.inputs import Inputs, Sizes
from mscnn.models.layers import MaxPool2d


@dataclass(frozen=True)
class Options:
    """Options of the family; conf/models/satt2017/satt2017.yaml explains each."""

    frames: Length
    filters: SizeList
    kernel_frames: SizeList
    kernel_bins: SizeList
    lstm_dim: Size
    fc_dim: Size
    dropout: Probability

    def __post_init__(self) -> None:
        """Raise UserError for contradictory options."""
        if not len(self.filters) == len(self.kernel_frames) == len(self.kernel_bins):
            raise UserError(
                "filters, kernel_frames and kernel_bins: expected lists of the same length, one value per convolution",
                code="option-conflict",
            )


class Satt2017(Classifier[Options]):
    """Segments (B, 200, 300) -> logits (B, classes)."""

    def __init__(self, options: Options, sizes: Sizes) -> None:
        super().__init__(options, sizes)
        kernels = zip(options.kernel_frames, options.kernel_bins, strict=True)
        layers: list[nn.Module] = []
        channels = 1
        for filters, (time, width) in zip(options.filters, kernels, strict=True):
            # 'same' padding; an even kernel has one frame less on the left, as in TensorFlow
            layers.append(nn.ZeroPad2d(((width - 1) // 2, width // 2, (time - 1) // 2, time // 2)))
            layers.append(nn.Conv2d(channels, filters, (time, width)))
            layers += [nn.BatchNorm2d(filters), nn.ReLU(), MaxPool2d(2)]
            channels = filters
        self.convs = nn.Sequential(*layers)
        bins = sizes.audio // 2 ** len(options.filters)
        self.lstm = nn.LSTM(channels * bins, options.lstm_dim, bidirectional=True, batch_first=True)
        self.head = nn.Sequential(
            nn.Dropout(options.dropout),
            nn.Linear(2 * options.lstm_dim, options.fc_dim),
            nn.ReLU(),
            nn.Linear(options.fc_dim, sizes.classes),
        )

    def forward(self, inputs: Inputs) -> Tensor:
        """Logits (B, classes)."""
        x = stack_channels(inputs, 1, self.options.frames).transpose(2, 3)
        x = self.convs(x)  # (B, 32, 37, 25): channels, T, F
        states = self.lstm(x.transpose(1, 2).flatten(2))[1][0]
        return self.head(states.transpose(0, 1).flatten(1))  # last state of each direction


Model = Satt2017
