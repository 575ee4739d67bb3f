"""Audio-BRE, Text-BRE and multi-hop attention (MHA-1, -2, -3).

Yoon, Byun, Dey, Jung, "Speech Emotion Recognition Using Multi-Hop Attention Mechanism", ICASSP 2019, arXiv 1904.10788.
The authors published no code for it. Values that the paper does not state are those of their next system (AMH, ICASSP
2020, github.com/david-yoon/attentive-modality-hopping-for-SER), marked in conf/models/yoon2019/mha2.yaml.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from mscnn.config.schema import Length, Probability, Size, SizeOr0
from mscnn.errors import UserError
from mscnn.models.base import Classifier
from mscnn.models.inputs import Inputs, Limits, Sizes
from mscnn.models.layers import length_mask
from mscnn.models.recurrent import LSTM, Bidirectional, both_ends, luong

PROJECTION_STD = 0.01  # standard deviation of the initial weights of the residual projection
OUTPUT_RANGE = 0.25  # initial weights of the classifier are uniform within ± this


@dataclass(frozen=True)
class Options:
    """Options of the family; conf/models/yoon2019/mha2.yaml explains each."""

    audio: bool
    text: bool
    hops: SizeOr0
    prosody: bool
    residual: bool
    hidden: Size
    dropout_audio: Probability
    dropout_text: Probability
    max_frames: Length
    max_tokens: Length

    @property
    def inputs(self) -> tuple[str, ...]:
        """Inputs that the network takes: those of its branches."""
        taken = {"audio": self.audio, "text": self.text, "extra.prosody": self.prosody}
        return tuple(name for name, branch in taken.items() if branch)

    def __post_init__(self) -> None:
        """Raise UserError for contradictory options."""
        if not (self.audio or self.text):
            raise UserError("audio and text are both false: there is no input to classify", code="option-conflict")
        if self.hops and not (self.audio and self.text):
            raise UserError(
                "hops go between audio and text: set audio=true and text=true, or hops=0", code="option-conflict"
            )
        if self.prosody and not self.audio:
            raise UserError("prosody needs the audio branch: set audio=true, or prosody=false", code="option-conflict")


class Encoded(NamedTuple):
    """States of a sequence (B, T, 2H), their mask (B, T), and the final states of both directions (B, 2H)."""

    states: Tensor
    mask: Tensor
    last: Tensor


class BRE(nn.Module):
    """Bidirectional recurrent encoder: o_t = [forward LSTM(x)_t + x_t, backward LSTM(x)_t + x_t].

    x is the input; with ``residual`` it is projected to the size of the states and added to them.
    """

    def __init__(self, dim: int, hidden: int, residual: bool, dropout: float) -> None:
        super().__init__()
        self.project = nn.Linear(dim, hidden) if residual else None
        self.rnn = Bidirectional(LSTM, hidden if residual else dim, hidden)
        self.dropout = nn.Dropout(dropout)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Orthogonal LSTM weights; forget biases 1 (TensorFlow's forget_bias), other biases 0."""
        if self.project:
            nn.init.normal_(self.project.weight, std=PROJECTION_STD)
            nn.init.zeros_(self.project.bias)
        for name, weight in self.rnn.named_parameters():
            if weight.dim() == 2:
                nn.init.orthogonal_(weight)
                continue
            nn.init.zeros_(weight)
            if "bias_ih" in name:
                nn.init.ones_(weight.data.chunk(4)[1])  # gates are input, forget, cell, output

    def forward(self, x: Tensor, lengths: Tensor) -> Encoded:
        """Encode x (B, T, D) with ``lengths`` (B,), which are limited to T."""
        lengths = lengths.clamp(max=x.shape[1])
        if self.project:
            x = self.project(x)
            states = self.rnn(self.dropout(x), lengths) + torch.cat([x, x], dim=2)
        else:
            states = self.rnn(self.dropout(x), lengths)
        return Encoded(states, length_mask(lengths, x.shape[1]), both_ends(states, lengths))


class Yoon2019(Classifier[Options]):
    """Audio-BRE takes audio, Text-BRE text, MHA both, with the given number of hops."""

    def __init__(self, options: Options, sizes: Sizes) -> None:
        super().__init__(options, sizes)
        if options.prosody and "prosody" not in sizes.extra:
            raise UserError("the extra input prosody is missing; add it, or set prosody=false", code="input-missing")
        if options.audio:
            self.audio_bre = BRE(sizes.audio, options.hidden, options.residual, options.dropout_audio)
        if options.text:
            self.embedding = nn.Embedding(sizes.vocabulary, sizes.embedding, padding_idx=0)
            self.text_bre = BRE(sizes.embedding, options.hidden, options.residual, options.dropout_text)
        fused = 2 * options.hidden * (options.audio + options.text)
        self.output = nn.Linear(fused + (sizes.extra["prosody"] if options.prosody else 0), sizes.classes)
        nn.init.uniform_(self.output.weight, -OUTPUT_RANGE, OUTPUT_RANGE)
        nn.init.zeros_(self.output.bias)

    @classmethod
    def limits(cls, options: Options) -> Limits:
        """``max_frames`` and ``max_tokens``."""
        return Limits(options.max_frames, options.max_tokens)

    def forward(self, inputs: Inputs) -> Tensor:
        """Logits (B, classes)."""
        options, parts = self.options, []
        if options.text:
            text = self.text_bre(self.embedding(inputs.tokens[:, : options.max_tokens]), inputs.token_len)
            parts.append(text.last)
        if options.audio:
            audio = self.audio_bre(inputs.audio[:, :, : options.max_frames].transpose(1, 2), inputs.audio_len)
            parts.append(audio.last)
        if options.hops:
            parts = hop(audio, text, options.hops)
        if options.prosody:
            parts.append(inputs.extra["prosody"][:, :, 0])
        return self.output(torch.cat(parts, dim=1))


def hop(audio: Encoded, text: Encoded, hops: int) -> list[Tensor]:
    """Multi-hop attention: the end of the audio attends to the text, the result to the audio, that one to the text, ...

    Returns:
        Summaries of text and audio (B, 2H): [H1, end of audio] after one hop, [H1, H2] after two, [H3, H2] after three.
    """
    text_summary, audio_summary = text.last, audio.last
    for number in range(hops):
        if number % 2 == 0:
            text_summary, _ = luong(audio_summary, text.states, text.mask)
        else:
            audio_summary, _ = luong(text_summary, audio.states, audio.mask)
    return [text_summary, audio_summary]


Model = Yoon2019
