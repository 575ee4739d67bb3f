"""MSCNN-SPU-ATT and its ablations: multi-scale CNN, statistical pooling, audio-to-text attention.

Peng, Lu, Pan, Liu, "Efficient Speech Emotion Recognition Using Multi-Scale CNN and Attention", ICASSP 2021,
pp. 3020-3024. Details that the paper does not state are options; ``mscnn_spu_att`` is our interpretation.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mscnn.config.schema import Length, Probability, Size, SizeList, SizeOr0
from mscnn.errors import UserError
from mscnn.models.base import Classifier
from mscnn.models.inputs import ABSENT, Inputs, Limits, Sizes
from mscnn.models.layers import MultiScaleConv, length_mask, masked_max, masked_mean, masked_softmax

Pool: TypeAlias = Literal["max", "mean", "std"]


@dataclass(frozen=True)
class Options:
    """Options of the family; conf/models/mscnn/mscnn_spu_att.yaml explains each."""

    audio_pool: tuple[Pool, ...]
    text_pool: tuple[Pool, ...]
    xvector: bool
    swem: bool
    attention: bool
    project: SizeOr0
    audio_widths: SizeList
    text_widths: SizeList
    filters: Size
    fc_dim: Size
    dropout: Probability
    att_mode: Literal["concat", "per_scale"]
    att_scale: bool
    freeze_emb: bool
    max_frames: Length
    max_tokens: Length
    legacy_no_mask: bool

    @property
    def inputs(self) -> tuple[str, ...]:
        """Inputs that the network takes: those of its branches."""
        taken = {"audio": self.audio_pool, "text": self.text_pool, "xvector": self.xvector}
        return tuple(name for name, branch in taken.items() if branch)

    def __post_init__(self) -> None:
        """Raise UserError where options contradict each other."""
        if not self.audio_pool and not self.text_pool:
            raise UserError(
                "audio_pool and text_pool are both empty: there is no input to classify", code="option-conflict"
            )
        if (self.attention or self.swem) and not self.text_pool:
            raise UserError(
                "attention and swem need the text branch: set attention=false and swem=false, or text_pool",
                code="option-conflict",
            )
        if self.attention and not self.audio_pool:
            raise UserError(
                "attention needs the audio branch to form its queries: set attention=false", code="option-conflict"
            )
        if self.attention and len(self.audio_widths) != len(self.text_widths):
            raise UserError(
                "attention needs as many audio_widths as text_widths: queries and keys must have the same dimension",
                code="option-conflict",
            )


class MSCNN(Classifier[Options]):
    """All systems of the family; a branch with an empty pool list does not exist.

    Token vectors of a text encoder may take the place of word embeddings; the rest is the same.
    """

    encoded_text = True

    def __init__(self, options: Options, sizes: Sizes) -> None:
        super().__init__(options, sizes)
        encoded = sizes.extra.get("text_encoder")
        width = encoded or sizes.embedding
        channels = options.filters * len(options.audio_widths), options.filters * len(options.text_widths)
        fused = len(options.audio_pool) * channels[0] + len(options.text_pool) * channels[1]
        if options.audio_pool:
            if options.project:
                self.project = nn.Linear(sizes.audio, options.project)
            self.audio_cnn = MultiScaleConv(options.project or sizes.audio, options.audio_widths, options.filters)
        if options.xvector:
            fused += sizes.xvector
        if options.text_pool:
            if not encoded:
                self.embedding = nn.Embedding(sizes.vocabulary, sizes.embedding, padding_idx=0)
                self.embedding.weight.requires_grad_(not options.freeze_emb)
            self.text_cnn = MultiScaleConv(width, options.text_widths, options.filters)
        if options.swem:
            fused += 2 * width
        if options.attention:
            fused += len(options.audio_pool) * channels[1]
        self.head = nn.Sequential(
            nn.Dropout(options.dropout),
            nn.Linear(fused, options.fc_dim),
            nn.ReLU(),
            nn.Dropout(options.dropout),
            nn.Linear(options.fc_dim, sizes.classes),
        )

    @classmethod
    def limits(cls, options: Options) -> Limits:
        """``max_frames`` and ``max_tokens``."""
        return Limits(options.max_frames, options.max_tokens)

    def forward(self, inputs: Inputs) -> Tensor:
        """Logits (B, classes)."""
        text, text_len = ABSENT, inputs.token_len
        if "text_encoder" in self.sizes.extra:
            text, text_len = inputs.extra["text_encoder"], inputs.extra_len["text_encoder"]
        elif self.options.text_pool:
            text = self.embedding(inputs.tokens).transpose(1, 2)
        return self.classify(inputs.audio, inputs.audio_len, text, text_len, inputs.xvector)

    def classify(self, audio: Tensor, audio_len: Tensor, text: Tensor, text_len: Tensor, xvector: Tensor) -> Tensor:
        """Logits (B, classes) from frames (B, D, T), word embeddings or token vectors (B, E, L) and x-vectors (B, X).

        Inputs that the options do not use may be None. Order of fusion: audio SPU, x-vector, text SPU, SWEM max, SWEM
        mean, attention (paper, sections 3.4 and 4.2).
        """
        options, parts, queries = self.options, [], []
        if options.audio_pool:
            audio, mask = self.masked(audio, audio_len, options.max_frames)
            if options.project:  # frame by frame, so that frames of padding stay apart; the CNN masks them
                audio = self.project(audio.transpose(1, 2)).transpose(1, 2)
            queries = self.audio_cnn.pooled(audio, mask, options.audio_pool)
            parts += queries
        if options.xvector:
            parts.append(xvector)
        if options.text_pool:
            text, mask = self.masked(text, text_len, options.max_tokens)
            keys = ["maps"] if options.attention else []
            pooled = self.text_cnn.pooled(text, mask, [*options.text_pool, *keys])
            parts += pooled[: len(options.text_pool)]
            if options.swem:
                parts += [masked_max(text, mask), masked_mean(text, mask)]
            if options.attention:
                parts.append(self.attend(torch.stack(queries, dim=1), pooled[-1], mask)[0].flatten(1))
        return self.head(torch.cat(parts, dim=1))

    def attend(self, queries: Tensor, keys: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Audio-to-text attention, Eq. 4-6: s = softmax_k(e·h_k), S = sum_k s_k h_k; no parameters.

        Args:
            queries: (B, Q, C) pooled audio, one row per pooling (max, mean, std).
            keys: (B, C, L) text feature maps, also the values.
            mask: (B, L) false for padding.

        Returns:
            S (B, Q, C), and the weights (B, Q, G, L): G = 1 for ``concat``; for ``per_scale`` one softmax per scale.
        """
        groups = 1 if self.options.att_mode == "concat" else len(self.options.text_widths)
        q = queries.unflatten(2, (groups, -1))
        k = keys.unflatten(1, (groups, -1))
        scores = torch.einsum("bqgc,bgcl->bqgl", q, k)
        if self.options.att_scale:
            scores = scores / q.shape[-1] ** 0.5
        weights = masked_softmax(scores, mask)
        return torch.einsum("bqgl,bgcl->bqgc", weights, k).flatten(2), weights

    def masked(self, x: Tensor, lengths: Tensor, size: int) -> tuple[Tensor, Tensor]:
        """Truncated input and its mask; with ``legacy_no_mask`` padding up to ``size`` counts as input."""
        x, lengths = x[:, :, :size], lengths.clamp(max=size)
        mask = length_mask(lengths, x.shape[2])
        if self.options.legacy_no_mask:
            x = F.pad(x * mask[:, None], (0, size - x.shape[2]))
            mask = torch.ones(len(x), size, dtype=torch.bool, device=x.device)
        return x, mask


Model = MSCNN
