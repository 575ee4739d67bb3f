"""Heads on a frozen speech encoder: those of SUPERB, EmoBox, emotion2vec and the MSP-Podcast challenge.

What their code does, read in these files:

* SUPERB (Yang et al., Interspeech 2021), s3prl/s3prl: ``Featurizer`` of ``s3prl/upstream/interfaces.py`` (sum of all
  hidden states with the softmax of learnt weights), ``s3prl/downstream/emotion/{expert.py,config.yaml}`` (a linear
  layer on frames), ``UtteranceLevel`` of ``s3prl/downstream/model.py`` (mean over the real frames, a linear layer).
* EmoBox (Ma et al., Interspeech 2024), emo-box/EmoBox: ``examples/sb/classifier_head.py``; with ``--output_norm`` of
  ``examples/sb/speech_feature_extraction.py`` an utterance has mean 0 and variance 1, over frames and values together.
* emotion2vec (Ma et al., ACL Findings 2024), ddlBoJack/emotion2vec: ``iemocap_downstream/model.py``.
* Attentive statistics (Okabe, Koshinaka, Shinoda, Interspeech 2018) as in msplabresearch/MSP-Podcast_Challenge:
  the folder ``net``.

SUPERB's head is linear up to its mean over time, so it takes means: a feature whose row k is the mean over time of
hidden state k gives the scores that all frames of all layers give.
"""

from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from torch import Tensor, nn

from mscnn.config.schema import Probability, SizeOr0, matching
from mscnn.errors import UserError
from mscnn.models.base import Classifier
from mscnn.models.inputs import Inputs, Sizes
from mscnn.models.layers import length_mask, masked_mean, masked_softmax

VARIANCE = 1e-5  # least variance: of PyTorch's layer norm, and of the pooling of MSP-Podcast


@dataclass(frozen=True)
class Options:
    """Options of the family; conf/models/ssl_heads/emobox_head.yaml explains each."""

    layer: Annotated[str, matching("frames|weighted|[0-9]{1,4}", "frames, weighted or the number of a layer")]
    layers: SizeOr0
    output_norm: bool
    project: SizeOr0
    activation: Literal["none", "relu"]
    pool: Literal["mean", "attentive_stats"]
    fc_dim: SizeOr0
    dropout: Probability

    def __post_init__(self) -> None:
        """Raise UserError where there are no layers to weigh."""
        if self.layer == "weighted" and not self.layers:
            raise UserError("layer=weighted needs layers, the most that an encoder may have", code="option-conflict")


class Head(Classifier[Options]):
    """Frames (B, D, T), or one mean vector per layer (B, D, layers) -> logits (B, classes)."""

    def __init__(self, options: Options, sizes: Sizes) -> None:
        super().__init__(options, sizes)
        size = options.project or sizes.audio
        if options.layer == "weighted":
            self.layer_weights = nn.Parameter(torch.zeros(options.layers))
        if options.project:
            self.project = nn.Linear(sizes.audio, size)
        if options.pool == "attentive_stats":
            self.attention = AttentiveStatistics(size)
            size *= 2
        if options.fc_dim:
            self.dense = nn.Sequential(
                nn.Dropout(options.dropout),
                nn.Linear(size, options.fc_dim),
                nn.LayerNorm(options.fc_dim),
                nn.ReLU(),
                nn.Dropout(options.dropout),
            )
        self.output = nn.Linear(options.fc_dim or size, sizes.classes)

    def forward(self, inputs: Inputs) -> Tensor:
        """Logits (B, classes)."""
        options, x = self.options, inputs.audio
        mask = length_mask(inputs.audio_len, x.shape[2])
        if options.layer != "frames":
            x, mask = self.chosen(x, mask), mask[:, :1]
        if options.output_norm:
            x = standardised(x, mask)
        if options.project:
            x = self.project(x.transpose(1, 2)).transpose(1, 2)
        if options.activation == "relu":
            x = x.relu()
        x = self.attention(x, mask) if options.pool == "attentive_stats" else masked_mean(x, mask)
        return self.output(self.dense(x) if options.fc_dim else x)

    def chosen(self, x: Tensor, mask: Tensor) -> Tensor:
        """One layer, or the weighted sum of all: (B, D, layers) -> (B, D, 1).

        Raises:
            UserError: the feature has no such layer (``layer-absent``), or more than there are weights
                (``layers-too-many``).
        """
        rows, layer, most = x.shape[2], self.options.layer, self.options.layers
        if layer == "weighted":
            if rows > most:
                raise UserError(
                    f"the feature has {rows} rows per utterance, and the head weighs {most} layers: give a feature of "
                    f"layers (inputs.audio=…_layers), or set options.layers={rows}",
                    code="layers-too-many",
                )
            weights = masked_softmax(self.layer_weights[:rows].expand(x.shape[0], -1), mask)
            return (x * weights[:, None]).sum(dim=2, keepdim=True)
        if int(layer) >= rows:
            raise UserError(
                f"layer {layer}: the feature has {rows} layers, counted from 0; set options.layer", code="layer-absent"
            )
        return x[:, :, int(layer) : int(layer) + 1]


class AttentiveStatistics(nn.Module):
    """Mean and standard deviation over time with the weights of an attention, (B, D, T) -> (B, 2 · D)."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(dim, dim)
        self.vector = nn.Parameter(torch.randn(dim))

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """x (B, D, T), mask (B, T) false for padding."""
        x = x.masked_fill(~mask[:, None], 0.0)
        weights = masked_softmax(self.hidden(x.transpose(1, 2)).tanh() @ self.vector, mask)[:, None]
        mean = (x * weights).sum(dim=2)
        variance = (x.square() * weights).sum(dim=2) - mean.square()
        return torch.cat([mean, variance.clamp(min=VARIANCE).sqrt()], dim=1)


def standardised(x: Tensor, mask: Tensor) -> Tensor:
    """Utterances (B, D, T) with mean 0 and variance 1 over all values of their real frames, as by layer norm."""
    count = mask.sum(dim=1)[:, None, None] * x.shape[1]
    centred = (x - (x * mask[:, None]).sum(dim=(1, 2), keepdim=True) / count) * mask[:, None]
    return centred / (centred.square().sum(dim=(1, 2), keepdim=True) / count + VARIANCE).sqrt()


Model = Head
