"""ADSRNN: dilated convolutions, a BLSTM that passes its state from slice to slice, attention over the slices so far.

From a Korean thesis with code (donghyun1234/speech_emotion_recognition). Its figure has 128 dilated filters
(``adsrnn_fig128``), its code 64 (``adsrnn_code64``). The defects of the code are ``legacy_*`` options, off by default.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mscnn.config.schema import Length, NotNegative, Probability, Size
from mscnn.errors import UserError
from mscnn.models.base import Classifier
from mscnn.models.conv import UFLB, bins_per_channel, one_hot_mse, stack_channels
from mscnn.models.inputs import Inputs, Sizes
from mscnn.models.layers import load_weights, renamed

MOST_SLICES = 1000


@dataclass(frozen=True)
class Options:
    """Options of the family; conf/models/adsrnn/adsrnn_fig128.yaml explains each."""

    channels: Size
    frames: Length
    filters: Size
    dilated_filters: Size
    dropout: Probability
    slice: Length
    lstm_dim: Size
    combine: Literal["recursive", "sum"]
    mse: NotNegative
    legacy_scrambled_frames: bool
    legacy_batch_recurrence: bool
    legacy_test_dropout: bool
    legacy_index_slips: bool
    legacy_double_softmax: bool

    def __post_init__(self) -> None:
        """Raise UserError for contradictory options."""
        if self.frames % self.slice:
            raise UserError(f"frames {self.frames}: expected a multiple of slice, {self.slice}", code="option-conflict")
        if self.frames > MOST_SLICES * self.slice:  # each has layers of its own
            raise UserError(
                f"slice {self.slice}: {self.frames // self.slice} slices; at most {MOST_SLICES}", code="option-value"
            )


class ADSRNN(Classifier[Options]):
    """Segments (B, 3 · 40, 300) -> log-posteriors (B, classes)."""

    def __init__(self, options: Options, sizes: Sizes) -> None:
        super().__init__(options, sizes)
        n, m = options.filters, options.dilated_filters
        self.convs = nn.Sequential(
            nn.Conv2d(options.channels, n, 3, padding=1), nn.LeakyReLU(), nn.Conv2d(n, n, 3, padding=1), nn.LeakyReLU()
        )
        self.dilated = nn.Sequential(UFLB(n, m), UFLB(m, m), UFLB(m, m))
        self.skip = UFLB(n, m)
        # without batch_first, the LSTM interprets a slice (B, 30, D) as B time steps of 30 sequences
        self.lstm = nn.LSTM(
            m * (bins_per_channel(sizes, options.channels) // 2),
            options.lstm_dim,
            bidirectional=True,
            batch_first=not options.legacy_batch_recurrence,
        )
        slices, size = options.frames // options.slice, 2 * options.lstm_dim
        self.attentions = nn.ModuleList(nn.Linear(size, size, bias=False) for _ in range(slices))
        self.classifiers = nn.ModuleList(nn.Linear(size, sizes.classes) for _ in range(slices))

    def forward(self, inputs: Inputs) -> Tensor:
        """Log-posteriors (B, classes)."""
        x = stack_channels(inputs, self.options.channels, self.options.frames).transpose(2, 3)  # (B, C, T, F)
        return self.combine(self.attend(self.encode_slices(self.convolve(x))))

    def criterion(self, scores: Tensor, labels: Tensor) -> Tensor:
        """Negative log-posterior + mse · squared error of the posteriors, for labels (B,).

        The code (``legacy_double_softmax``) applies cross entropy to the posteriors as if they were logits.
        """
        posteriors = scores.exp()
        double, weights = self.options.legacy_double_softmax, self.weights(scores)
        loss = F.cross_entropy(posteriors, labels, weights) if double else F.nll_loss(scores, labels, weights)
        return loss + self.options.mse * one_hot_mse(posteriors, labels)

    def convolve(self, x: Tensor) -> Tensor:
        """Images (B, C, T, F) -> frames (B, T, D)."""
        x = self.convs(x)
        x = F.dropout(x, self.options.dropout, self.training or self.options.legacy_test_dropout)
        x = F.max_pool2d(x, (1, 2))
        x = self.dilated(x) + self.skip(x)
        if self.options.legacy_scrambled_frames:  # rows of T that mix channels, frames and bands
            return x.reshape(len(x), x.shape[2], -1)
        return x.transpose(1, 2).flatten(2)  # a frame's vector: channels, then bands

    def encode_slices(self, x: Tensor) -> Tensor:
        """Frames (B, T, D) -> mean output per slice (B, M, 2 · lstm_dim); the state is passed from slice to slice."""
        state, means = None, []
        for part in x.split(self.options.slice, dim=1):
            outputs, state = self.lstm(part, state)
            means.append(outputs.mean(dim=1))
        return torch.stack(means, dim=1)

    def attend(self, x: Tensor) -> list[Tensor]:
        """Slices (B, M, H) -> log-posteriors per slice (B, classes).

        Slice m attends to the slices so far: S_m = softmax(O_m (O_1..m w_m)ᵀ), posterior = softmax(FC_m(S_m O_1..m)).
        """
        count, log_posteriors = x.shape[1], []
        for m, classifier in enumerate(self.classifiers):
            query = weight = m
            if self.options.legacy_index_slips:  # the code's last two slices, 8 and 9: query 7 and 9, weight 7 and 8
                query, weight = m - (m == count - 2), m - (m >= count - 2)
            so_far = x[:, : m + 1]
            scores = self.attentions[weight](so_far) @ x[:, query, :, None]  # (B, m + 1, 1)
            summary = (scores.softmax(dim=1) * so_far).sum(dim=1)
            log_posteriors.append(classifier(summary).log_softmax(dim=1))
        return log_posteriors

    def combine(self, slices: list[Tensor]) -> Tensor:
        """Log-posteriors of the slices -> of the segment: p ← (p + p_m) / 2 in turn (the last counts most), or mean."""
        if self.options.combine == "sum":
            return torch.stack(slices).logsumexp(dim=0) - math.log(len(slices))
        total = slices[0]
        for log_p in slices[1:]:
            total = torch.logaddexp(total, log_p) - math.log(2)
        return total

    def load_official(self, weights: Mapping[str, Tensor]) -> None:
        """Load a state dict of donghyun's my_model.py; the ``legacy_*`` options reproduce the code's posteriors."""
        table = {"cnn": "convs", "skip_connection": "skip", "LSTM.LSTM": "lstm"}
        table |= {f"UFLB.{n}": f"dilated.{n // 3}.{n % 3}" for n in range(9)}
        for n in range(len(self.classifiers)):
            table |= {f"w_t{n}": f"attentions.{n}", f"out{n}": f"classifiers.{n}"}
        load_weights(self, renamed(weights, table), table)


Model = ADSRNN
