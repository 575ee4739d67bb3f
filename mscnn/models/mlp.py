"""A multilayer perceptron on the vector of a text: one hidden layer, as is usual on frozen sentence vectors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn

from mscnn.config.schema import Probability, Size
from mscnn.models.base import Classifier
from mscnn.models.inputs import Inputs, Sizes
from mscnn.models.layers import length_mask, masked_mean


@dataclass(frozen=True)
class Options:
    """Options of the family; conf/models/mlp/text_encoder_mlp.yaml explains each."""

    inputs: ClassVar[tuple[str, ...]] = ("text_encoder",)

    hidden: Size
    dropout: Probability


class MLP(Classifier[Options]):
    """The mean over the rows of the text encoder (one row of a sentence), a hidden layer and a linear one."""

    def __init__(self, options: Options, sizes: Sizes) -> None:
        super().__init__(options, sizes)
        self.layers = nn.Sequential(
            nn.Dropout(options.dropout),
            nn.Linear(sizes.extra["text_encoder"], options.hidden),
            nn.ReLU(),
            nn.Dropout(options.dropout),
            nn.Linear(options.hidden, sizes.classes),
        )

    def forward(self, inputs: Inputs) -> Tensor:
        """Logits (B, classes)."""
        rows, lengths = inputs.extra["text_encoder"], inputs.extra_len["text_encoder"]
        return self.layers(masked_mean(rows, length_mask(lengths, rows.shape[2])))


Model = MLP
