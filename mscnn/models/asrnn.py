"""ASRNN: three convolutions, a BLSTM over short windows, and attention parallel to an LSTM over the windows.

Peng, Li, Zhu, Unoki, Dang, Akagi, "Speech Emotion Recognition Using 3D Convolutions and Attention-Based Sliding
Recurrent Networks With Auditory Front-Ends", IEEE Access 8, 2020, pp. 16560-16572. ``asrnn_donghyun`` is its
re-implementation for log-mels (donghyun1234/speech_emotion_recognition); ``asrnn_auditory`` takes the paper's
modulation spectrogram.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from mscnn.config.schema import Length, Size, SizeList
from mscnn.models.base import Classifier
from mscnn.models.conv import (
    DONGHYUN_SHARED,
    ScoreAttention,
    bins_per_channel,
    dense_head,
    frame_layer,
    he_init,
    stack_channels,
)
from mscnn.models.inputs import Inputs, Sizes
from mscnn.models.layers import MaxPool2d, load_weights, renamed


@dataclass(frozen=True)
class Options:
    """Options of the family; conf/models/asrnn/asrnn.yaml explains each."""

    channels: Size
    frames: Length
    filters: SizeList
    pool: tuple[Size, Size]
    project_dim: Size
    window: Length
    shift: Length
    lstm_dim: Size
    window_lstm_dim: Size
    mean_attention: bool
    fc_dim: Size
    he_init: bool
    legacy_shift1: bool


class ASRNN(Classifier[Options]):
    """Segments (B, C · F, 300) -> logits (B, classes)."""

    def __init__(self, options: Options, sizes: Sizes) -> None:
        super().__init__(options, sizes)
        time, band = options.pool
        inputs, convs = (options.channels, *options.filters), []
        for number, (n, m) in enumerate(zip(inputs, options.filters, strict=False)):
            pool = [MaxPool2d((band, time))] if number == 0 else []
            convs.append(
                nn.Sequential(nn.Conv2d(n, m, 3, padding=1), *pool, nn.BatchNorm2d(m, affine=False), nn.ReLU())
            )
        self.convs = nn.Sequential(*convs)
        size = options.filters[-1] * (bins_per_channel(sizes, options.channels) // band)
        self.project = frame_layer(size, options.project_dim)
        self.lstm = nn.LSTM(options.project_dim, options.lstm_dim, bidirectional=True, batch_first=True)
        self.window_lstm = nn.LSTM(2 * options.lstm_dim, options.window_lstm_dim, batch_first=True)
        self.attention = ScoreAttention(2 * options.lstm_dim, "relu", mean=options.mean_attention)
        self.head = dense_head(2 * options.lstm_dim + options.window_lstm_dim, options.fc_dim, sizes.classes)
        if options.he_init:
            he_init(self)

    def forward(self, inputs: Inputs) -> Tensor:
        """Logits (B, classes)."""
        x = self.convs(stack_channels(inputs, self.options.channels, self.options.frames))
        x = self.project(x.flatten(1, 2).transpose(1, 2))  # a frame's vector: channels, then bands
        x = self.encode_windows(self.windows(x))
        last = self.window_lstm(x)[0][:, -1]
        return self.head(torch.cat([self.attention(x), last], dim=1))

    def windows(self, x: Tensor) -> Tensor:
        """Frames (B, T, D) -> overlapping windows (B, N, window, D); window i starts at frame shift · i.

        In the code (``legacy_shift1``) it starts at frame i, except the last window, which has the last frames.
        """
        window, shift = self.options.window, self.options.shift
        if not self.options.legacy_shift1:
            return x.unfold(1, window, shift).transpose(2, 3)
        count = (x.shape[1] - window) // shift + 1
        starts = [*range(count - 1), x.shape[1] - window]
        return torch.stack([x[:, start : start + window] for start in starts], dim=1)

    def encode_windows(self, windows: Tensor) -> Tensor:
        """One vector per window, (B, N, window, D) -> (B, N, 2 · lstm_dim): the last state of each direction.

        The code (``legacy_shift1``) takes the last frame's output, for which the backward LSTM has processed one frame.
        """
        outputs, (states, _) = self.lstm(windows.flatten(0, 1))
        vectors = outputs[:, -1] if self.options.legacy_shift1 else states.transpose(0, 1).flatten(1)
        return vectors.reshape(windows.shape[0], windows.shape[1], -1)

    def load_official(self, weights: Mapping[str, Tensor]) -> None:
        """Load a state dict of donghyun's asrnn.py; ``legacy_shift1`` reproduces the code's logits."""
        table = DONGHYUN_SHARED | {"cnn1.cnn.0": "convs.0.0", "cnn1.cnn.2": "convs.0.2", "lstm": "window_lstm"}
        for n in (2, 3):
            table |= {f"cnn{n}.cnn.0": f"convs.{n - 1}.0", f"cnn{n}.cnn.2": f"convs.{n - 1}.1"}
        load_weights(self, renamed(weights, table), table)


Model = ASRNN
