"""ACRNN: convolutions over static, delta and delta-delta log-mels, a BLSTM and attention over its frames.

Chen, He, Yang, Zhang, "3-D Convolutional Recurrent Neural Networks With Attention Model for Speech Emotion
Recognition", IEEE Signal Processing Letters 25(10), 2018, pp. 1440-1444. The paper, its code
(xuanjihe/speech-emotion-recognition) and the re-implementation of ADSRNN's author
(donghyun1234/speech_emotion_recognition) differ in pooling, attention, batch normalisation and
training: they are three configurations, never mixed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mscnn.config.schema import Length, NotNegative, Probability, Size, SizeList
from mscnn.errors import UserError
from mscnn.models.base import Classifier
from mscnn.models.conv import (
    DONGHYUN_SHARED,
    PerFrame,
    ScoreAttention,
    bins_per_channel,
    dense_head,
    he_init,
    stack_channels,
)
from mscnn.models.inputs import Inputs, Sizes
from mscnn.models.layers import load_weights, renamed

# acrnn.py of donghyun1234/speech_emotion_recognition, 2 convolutions: {theirs: ours}, same shapes
OFFICIAL_DONGHYUN = DONGHYUN_SHARED | {"cnn1.cnn.0": "convs.0", "cnn2.cnn.0": "convs.1"}


@dataclass(frozen=True)
class Options:
    """Options of the family; conf/models/acrnn/acrnn_paper.yaml explains each."""

    channels: Size
    frames: Length
    filters: SizeList
    kernel: tuple[Size, Size]
    pool: tuple[Size, Size]
    time_first: bool
    project_dim: Size
    project: Literal["linear", "norm_relu", "relu_norm"]
    lstm_dim: Size
    single_bias: bool
    score: Literal["linear", "sigmoid", "relu"]
    mean_attention: bool
    fc_dim: Size
    fc_norm: bool
    dropout: Probability
    init_std: NotNegative
    he_init: bool
    legacy_batch_stats: bool

    def __post_init__(self) -> None:
        """Raise UserError for contradictory options."""
        if self.he_init and self.score == "linear":
            raise UserError(
                "he_init initialises an attention with a hidden unit: it needs score=sigmoid or score=relu",
                code="option-conflict",
            )
        if self.legacy_batch_stats and self.project != "norm_relu":
            raise UserError(
                "legacy_batch_stats is a defect of the code's normalisation: it needs project=norm_relu",
                code="option-conflict",
            )


class ACRNN(Classifier[Options]):
    """Segments (B, 3 · 40, 300) -> logits (B, classes)."""

    def __init__(self, options: Options, sizes: Sizes) -> None:
        super().__init__(options, sizes)
        kernel, self.pool = options.kernel, options.pool
        if not options.time_first:
            kernel, self.pool = kernel[::-1], self.pool[::-1]
        inputs = (options.channels, *options.filters)
        self.convs = nn.ModuleList(
            nn.Conv2d(n, m, kernel, padding="same") for n, m in zip(inputs, options.filters, strict=False)
        )
        size = options.filters[-1] * (bins_per_channel(sizes, options.channels) // options.pool[1])
        self.project = PerFrame(nn.Linear(size, options.project_dim), *_after_projection(options))
        # TensorFlow's cell has one bias, PyTorch's two; here the bias is the weight of an additional input, always 1
        lstm_inputs = options.project_dim + options.single_bias
        self.lstm = nn.LSTM(
            lstm_inputs, options.lstm_dim, bias=not options.single_bias, bidirectional=True, batch_first=True
        )
        self.attention = ScoreAttention(2 * options.lstm_dim, options.score, mean=options.mean_attention)
        self.head = dense_head(
            2 * options.lstm_dim, options.fc_dim, sizes.classes, norm=options.fc_norm, dropout=options.dropout
        )
        self._initialise()

    def forward(self, inputs: Inputs) -> Tensor:
        """Logits (B, classes)."""
        x = stack_channels(inputs, self.options.channels, self.options.frames)
        return self.classify(x.transpose(2, 3) if self.options.time_first else x)

    def classify(self, x: Tensor) -> Tensor:
        """Logits (B, classes) of images (B, C, T, F), or (B, C, F, T) where ``time_first`` is off."""
        for number, conv in enumerate(self.convs):
            x = F.leaky_relu(conv(x))
            if number == 0:
                x = F.max_pool2d(x, self.pool)
            x = F.dropout(x, self.options.dropout, self.training)
        # a frame's vector: bands, then channels (TensorFlow's order), or channels, then bands
        x = x.permute(0, 2, 3, 1) if self.options.time_first else x.permute(0, 3, 1, 2)
        x = self.project(x.flatten(2))
        if self.options.single_bias:
            x = F.pad(x, (0, 1), value=1.0)
        return self.head(self.attention(self.lstm(x)[0]))

    def load_official(self, weights: Mapping[str, Tensor]) -> None:
        """Load the weights of an official code: TensorFlow variables by name, or a PyTorch state dict.

        Chen's code normalises by the batch at test too: ``legacy_batch_stats`` reproduces its logits.

        Raises:
            UserError: they do not fit this configuration.
        """
        if "layer1_filter" not in weights:
            return load_weights(self, renamed(weights, OFFICIAL_DONGHYUN), OFFICIAL_DONGHYUN)
        try:
            ours = _from_tensorflow({name: torch.as_tensor(value) for name, value in weights.items()})
        except KeyError as missing:
            raise UserError(f"official weights: no variable {missing}", code="official-weights") from None
        if self.options.legacy_batch_stats:  # no moving averages here; the code has some, and never uses them
            ours = {name: value for name, value in ours.items() if name in self.state_dict()}
        load_weights(self, ours)

    def _initialise(self) -> None:
        """Initialise as TensorFlow (forget bias 1, other LSTM biases 0), then as ``init_std`` and ``he_init`` state."""
        if self.options.single_bias:
            for name in ("weight_ih_l0", "weight_ih_l0_reverse"):
                bias = self.lstm.get_parameter(name).data[:, -1].zero_()
                bias[self.options.lstm_dim : 2 * self.options.lstm_dim] = 1.0  # gates i, f, g, o
        if self.options.init_std:
            std = self.options.init_std
            for layer in (*(f"convs.{n}" for n in range(len(self.convs))), "project.0", "head.0", "head.4"):
                nn.init.trunc_normal_(self.get_parameter(f"{layer}.weight"), std=std, a=-2 * std, b=2 * std)
                nn.init.constant_(self.get_parameter(f"{layer}.bias"), 0.1)
        if self.options.he_init:
            he_init(self)


def _after_projection(options: Options) -> list[nn.Module]:
    """Layers after the linear layer: none (paper), BN and LeakyReLU (code), or LeakyReLU and BN (donghyun)."""
    if options.project == "linear":
        return []
    if options.project == "relu_norm":
        return [nn.LeakyReLU(), nn.BatchNorm1d(options.project_dim)]
    norm = nn.BatchNorm1d(
        options.project_dim, eps=1e-3, momentum=1e-3, track_running_stats=not options.legacy_batch_stats
    )
    return [norm, nn.LeakyReLU()]


def _from_tensorflow(theirs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Our state dict of the TensorFlow variables of acrnn1.py in xuanjihe/speech-emotion-recognition.

    Kernels are (T, F, in, out), matrices (in, out); the cell's gates are i, g, f, o and its constant forget bias of 1
    is added to the trained one. The code left batch norm and attention unnamed: Variable, Variable_1, ...
    """
    ours = {}
    for n in range(6):
        ours[f"convs.{n}.weight"] = theirs[f"layer{n + 1}_filter"].permute(3, 2, 0, 1)
        ours[f"convs.{n}.bias"] = theirs[f"layer{n + 1}_bias"]
    for name, layer in (("linear1", "project.0"), ("fully1", "head.0"), ("fully2", "head.4")):
        ours[f"{layer}.weight"] = theirs[f"{name}_weight"].T
        ours[f"{layer}.bias"] = theirs[f"{name}_bias"]
    unnamed = ["Variable", *(f"Variable_{n}" for n in range(1, 7))]
    norm = [f"project.1.{part}" for part in ("weight", "bias", "running_mean", "running_var")]
    attention = [f"attention.{part}" for part in ("weight", "bias", "scale")]
    ours |= {name: theirs[variable] for name, variable in zip(norm + attention, unnamed, strict=True)}
    ours["project.1.num_batches_tracked"] = torch.tensor(0)
    for direction, suffix in (("fw", ""), ("bw", "_reverse")):
        kernel, bias = (theirs[f"LSTM1/{direction}/basic_lstm_cell/{part}"] for part in ("kernel", "bias"))
        i, g, f, o = torch.cat([kernel.T, bias[:, None]], dim=1).chunk(4)
        units = bias.numel() // 4
        split = torch.cat([i, f, g, o]).split([kernel.shape[0] - units, units, 1], dim=1)
        split[2][units : 2 * units] += 1.0
        ours[f"lstm.weight_ih_l0{suffix}"] = torch.cat([split[0], split[2]], dim=1)
        ours[f"lstm.weight_hh_l0{suffix}"] = split[1]
    return ours


Model = ACRNN
