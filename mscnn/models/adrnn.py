"""ADRNN: dilated convolutions with a skip connection, a BLSTM and attention over its frames.

Meng, Yan, Yuan, Wei, "Speech Emotion Recognition From 3D Log-Mel Spectrograms With Deep Learning Network", IEEE
Access 7, 2019, pp. 125868-125881. ``adrnn_donghyun`` is the re-implementation of ADSRNN's author
(donghyun1234/speech_emotion_recognition), ``adrnn`` the same network with another pooling, a sum of frames as
attention, and the paper's center loss.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional as F

from mscnn.config.schema import Length, NotNegative, Size, SizeList
from mscnn.models.base import Classifier
from mscnn.models.conv import (
    DONGHYUN_SHARED,
    UFLB,
    CenterLoss,
    ScoreAttention,
    bins_per_channel,
    dense_head,
    frame_layer,
    he_init,
    one_hot_mse,
    stack_channels,
)
from mscnn.models.inputs import Inputs, Sizes
from mscnn.models.layers import MaxPool2d, load_weights, renamed


@dataclass(frozen=True)
class Options:
    """Options of the family; conf/models/adrnn/adrnn.yaml explains each."""

    channels: Size
    frames: Length
    filters: Size
    dilated_filters: SizeList
    pool: tuple[Size, Size]
    project_dim: Size
    lstm_dim: Size
    mean_attention: bool
    fc_dim: Size
    mse: NotNegative
    center: NotNegative
    center_rate: NotNegative
    he_init: bool


class ADRNN(Classifier[Options]):
    """Segments (B, 3 · 40, 300) -> logits (B, classes)."""

    def __init__(self, options: Options, sizes: Sizes) -> None:
        super().__init__(options, sizes)
        time, band = options.pool
        self.conv = nn.Sequential(
            nn.Conv2d(options.channels, options.filters, 3, padding=1), MaxPool2d((band, time)), nn.LeakyReLU()
        )
        inputs = (options.filters, *options.dilated_filters)
        self.dilated = nn.Sequential(*map(UFLB, inputs, options.dilated_filters))
        self.skip = UFLB(options.filters, options.dilated_filters[-1], activation=False)
        size = options.dilated_filters[-1] * (bins_per_channel(sizes, options.channels) // band)
        self.project = frame_layer(size, options.project_dim)
        self.lstm = nn.LSTM(options.project_dim, options.lstm_dim, bidirectional=True, batch_first=True)
        self.attention = ScoreAttention(2 * options.lstm_dim, "relu", mean=options.mean_attention)
        self.head = dense_head(2 * options.lstm_dim, options.fc_dim, sizes.classes)
        if options.center:
            self.center = CenterLoss(sizes.classes, options.fc_dim, options.center_rate)
        if options.he_init:
            he_init(self)

    def forward(self, inputs: Inputs) -> Tensor:
        """Logits (B, classes)."""
        return self.head[-1](self.features(inputs))

    def features(self, inputs: Inputs) -> Tensor:
        """Input of the classifier (B, fc_dim)."""
        x = self.conv(stack_channels(inputs, self.options.channels, self.options.frames))
        x = self.dilated(x) + self.skip(x)
        x = self.project(x.flatten(1, 2).transpose(1, 2))  # a frame's vector: channels, then bands
        return self.head[:-1](self.attention(self.lstm(x)[0]))

    def loss(self, inputs: Inputs, labels: Tensor) -> Tensor:
        """Cross entropy + mse · squared error of the logits + center · center loss, for labels (B,)."""
        features = self.features(inputs)
        logits = self.head[-1](features)
        loss = F.cross_entropy(logits, labels)
        if self.options.mse:
            loss = loss + self.options.mse * one_hot_mse(logits, labels)
        if self.options.center:
            loss = loss + self.options.center * self.center(features, labels)
        return loss

    def load_official(self, weights: Mapping[str, Tensor]) -> None:
        """Load a state dict of donghyun's adrnn.py; the centers, which it lacks, are kept."""
        table = DONGHYUN_SHARED | {"cnn.cnn": "conv", "skipped.uflb": "skip"}
        table |= {f"uflb{n + 1}.uflb": f"dilated.{n}" for n in range(3)}
        centers = {k: v for k, v in self.state_dict().items() if k.startswith("center.")}
        load_weights(self, centers | renamed(weights, table), table)


Model = ADRNN
