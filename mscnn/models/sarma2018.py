"""TDNN-LSTM on raw speech or MFCC, with time-restricted self-attention.

Sarma, Ghahremani, Povey, Goel, Sarma, Dehak, "Emotion Identification from Raw Speech Signals Using DNNs", Interspeech
2018, pp. 3097-3101: every frame has the label of its utterance. The full text was not available: ``sarma2018`` is
built from the abstract. ``sarma_krishna`` is KrishnaDN/Emotion-Identification-from-Raw-Speech-Signals-using-TDNNs: 10 s
of samples, no attention, statistics pooling.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mscnn.config.schema import Length, LengthOr0, Probability, Size
from mscnn.errors import UserError
from mscnn.models.base import Classifier
from mscnn.models.inputs import Inputs, Sizes
from mscnn.models.layers import length_mask, load_weights, masked_mean, renamed
from mscnn.models.recurrent import LSTM, Bidirectional

FRONT_END = ((64, 3, False, 1), (128, 3, False, 0), (128, 0, True, 0))  # filters, padding, bias, padding of the pool
MIN_SAMPLES = 1253  # with fewer samples the front-end outputs no frame


@dataclass(frozen=True)
class Options:
    """Options of the family; conf/models/sarma2018/sarma2018.yaml explains each."""

    front_end: Literal["raw", "mfcc"]
    layers: tuple[str, ...]
    units: Size
    padded: bool
    heads: Size
    reach: Length
    pooling: Literal["frames", "statistics"]
    samples: LengthOr0
    dropout: Probability

    def __post_init__(self) -> None:
        """Raise UserError for contradictory options."""
        if self.units % (2 * self.heads):
            raise UserError(
                f"units {self.units}: expected a multiple of 2 · heads, {2 * self.heads}", code="option-conflict"
            )


# Each layer below maps frames (B, C, T) and their number (B,) to frames and their number; padding is zero.


class RawFrontEnd(nn.Module):
    """Samples -> one frame of 128 values every 512 samples (32 ms): three convolutions, each with BN, ReLU, pooling."""

    def __init__(self) -> None:
        super().__init__()
        self.convs, self.norms, self.pools = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        channels = 1
        for filters, padding, bias, pool_padding in FRONT_END:
            self.convs.append(nn.Conv1d(channels, filters, 7, stride=4, padding=padding, bias=bias))
            self.norms.append(nn.BatchNorm1d(filters))
            self.pools.append(nn.MaxPool1d(4, stride=2, padding=pool_padding))
            channels = filters

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        layers = zip(self.convs, self.norms, self.pools, FRONT_END, strict=True)
        for conv, norm, pool, (_, padding, _, pool_padding) in layers:
            lengths = (lengths + 2 * padding - 7) // 4 + 1
            x = conv(x)
            x = norm(x).mul_(length_mask(lengths, x.shape[2])[:, None]).relu_()  # in place: one map less is kept
            lengths = (lengths + 2 * pool_padding - 4) // 2 + 1
            x = _masked(pool(x), lengths)
        return x, lengths


class TDNN(nn.Module):
    """Affine layer on frames spliced at ``context`` offsets, ``dilation`` apart (a convolution), ReLU, dropout."""

    def __init__(self, inputs: int, options: Options, context: int, dilation: int) -> None:
        super().__init__()
        self.dropped_frames = 0 if options.padded else (context - 1) * dilation
        self.conv = nn.Conv1d(
            inputs, options.units, context, dilation=dilation, padding="same" if options.padded else "valid"
        )
        self.dropout = options.dropout

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        x = F.dropout(self.conv(x).relu(), self.dropout, self.training)
        return _masked(x, lengths - self.dropped_frames), lengths - self.dropped_frames


class Recurrent(nn.Module):
    """LSTM; each direction of a bidirectional one has half the units."""

    def __init__(self, inputs: int, options: Options, *, bidirectional: bool) -> None:
        super().__init__()
        self.lstm = Bidirectional(LSTM, inputs, options.units // 2) if bidirectional else LSTM(inputs, options.units)

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        return self.lstm(x.transpose(1, 2), lengths).transpose(1, 2), lengths


class TimeRestrictedAttention(nn.Module):
    """Self-attention within ``reach`` frames on either side (Povey et al., ICASSP 2018), then ReLU."""

    def __init__(self, inputs: int, options: Options) -> None:
        super().__init__()
        self.heads, self.reach = options.heads, options.reach
        self.project = nn.Conv1d(inputs, 3 * options.units, 1)

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        split = self.project(x).unflatten(1, (3, self.heads, -1)).transpose(3, 4)  # (B, 3, heads, T, size)
        query, key, value = split.unbind(1)
        time = torch.arange(x.shape[2], device=x.device)
        distance = (time[:, None] - time).abs()
        mask = length_mask(lengths, x.shape[2])[:, None] & (distance <= self.reach)
        mask = mask | (distance == 0)  # padding attends to itself: a softmax over no frame is NaN
        summary = F.scaled_dot_product_attention(query, key, value, attn_mask=mask[:, None])
        return _masked(summary.transpose(2, 3).flatten(1, 2).relu(), lengths), lengths


class Sarma2018(Classifier[Options]):
    """Samples (B, 1, S) or MFCC (B, 40, T) -> mean log-posteriors of the frames, or logits (B, classes)."""

    def __init__(self, options: Options, sizes: Sizes) -> None:
        super().__init__(options, sizes)
        if options.front_end == "raw":
            self.front_end = RawFrontEnd()
        inputs = FRONT_END[-1][0] if options.front_end == "raw" else sizes.audio
        self.layers = nn.ModuleList()
        for layer in options.layers:
            self.layers.append(_layer(layer, inputs, options))
            inputs = options.units
        pooled = options.units if options.pooling == "frames" else 2 * options.units
        self.classifier = nn.Linear(pooled, sizes.classes)

    def forward(self, inputs: Inputs) -> Tensor:
        """Scores (B, classes): mean log-posterior of the frames, or logits of their mean and variance."""
        x, lengths = self.frames(inputs)
        mask = length_mask(lengths, x.shape[2])
        if self.options.pooling == "frames":
            return masked_mean(self.log_posteriors(x), mask)
        mean = masked_mean(x, mask)
        centred = (x - mean[:, :, None]) * mask[:, None]
        variance = centred.square().sum(dim=2) / (lengths - 1).clamp(min=1)[:, None]
        return self.classifier(torch.cat([mean, variance], dim=1))

    def loss(self, inputs: Inputs, labels: Tensor) -> Tensor:
        """Cross entropy for labels (B,); with ``pooling: frames`` the mean over all frames of the batch."""
        if self.options.pooling == "statistics":
            return super().loss(inputs, labels)
        x, lengths = self.frames(inputs)
        mask = length_mask(lengths, x.shape[2])
        log_likelihood = self.log_posteriors(x).gather(1, labels[:, None, None].expand(-1, 1, x.shape[2]))[:, 0]
        return -log_likelihood.masked_fill(~mask, 0).sum() / mask.sum()

    def log_posteriors(self, x: Tensor) -> Tensor:
        """Frames (B, units, T) -> log-posteriors (B, classes, T)."""
        return self.classifier(x.transpose(1, 2)).log_softmax(dim=2).transpose(1, 2)

    def frames(self, inputs: Inputs) -> tuple[Tensor, Tensor]:
        """Output of the last layer (B, units, T) and the number of frames (B,)."""
        x, lengths, size = inputs.audio, inputs.audio_len, self.options.samples
        if size:  # padding up to this size counts as speech
            x = _masked(x, lengths)[:, :, :size]
            x, lengths = F.pad(x, (0, size - x.shape[2])), torch.full_like(lengths, size)
        else:
            minimum = MIN_SAMPLES if self.options.front_end == "raw" else 1
            x = _at_least(_masked(x, lengths), minimum)
            lengths = lengths.clamp(min=minimum)
        if self.options.front_end == "raw":
            x, lengths = self.front_end(x, lengths)
        for layer in self.layers:
            x, lengths = layer(x, lengths)
        return x, lengths

    def load_official(self, weights: Mapping[str, Tensor]) -> None:
        """Load a state dict of KrishnaDN's Emo_Raw_TDNN (``sarma_krishna``)."""
        table = {"classify": "classifier"}
        for n in range(len(FRONT_END)):
            table |= {f"cnn_frontend.conv{n + 1}": f"front_end.convs.{n}"}
            table |= {f"cnn_frontend.bn{n + 1}": f"front_end.norms.{n}"}
        contexts = {n: layer.conv.kernel_size[0] for n, layer in enumerate(self.layers) if isinstance(layer, TDNN)}
        lstms = [n for n, layer in enumerate(self.layers) if isinstance(layer, Recurrent)]
        table |= {f"tdnn{i + 1}.kernel": f"layers.{n}.conv" for i, n in enumerate(contexts)}
        for i, n in enumerate(lstms):
            for name in ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"):
                table[f"lstm{i + 1}.{name}"] = f"layers.{n}.lstm.ahead.{name}"
                table[f"lstm{i + 1}.{name}_reverse"] = f"layers.{n}.lstm.back.{name}"
        ours = renamed(weights, table)
        for n, context in contexts.items():  # theirs multiplies spliced frames: (units, context · inputs)
            name = f"layers.{n}.conv.weight"
            if name in ours and ours[name].shape[-1] % context == 0:
                ours[name] = ours[name].unflatten(1, (context, -1)).mT
        load_weights(self, ours, table)


def _masked(x: Tensor, lengths: Tensor) -> Tensor:
    return x * length_mask(lengths, x.shape[2])[:, None]


def _at_least(x: Tensor, frames: int) -> Tensor:
    """Append zeros until there are so many frames; without a branch on the number, so that it can be exported."""
    start = x[:, :, :frames]
    return torch.cat([F.pad(start, (0, frames - start.shape[2])), x[:, :, frames:]], dim=2)


def _layer(description: str, inputs: int, options: Options) -> nn.Module:
    """The layer that ``description`` names: ``tdnn CONTEXT DILATION``, ``lstm``, ``blstm`` or ``attention``."""
    kind, *numbers = description.split()
    if kind == "tdnn" and len(numbers) == 2:
        return TDNN(inputs, options, *map(int, numbers))
    if kind in ("lstm", "blstm") and not numbers:
        return Recurrent(inputs, options, bidirectional=kind == "blstm")
    if kind == "attention" and not numbers:
        return TimeRestrictedAttention(inputs, options)
    raise UserError(
        f"layer {description!r}: expected tdnn CONTEXT DILATION, lstm, blstm or attention", code="option-value"
    )


Model = Sarma2018
