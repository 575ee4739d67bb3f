"""The contract of a family of models: what training, inference and reports rely on, and nothing more.

A family is one module, an entry of ``mscnn.models.FAMILIES`` or named with its dots in a configuration. It holds

``Options``
    A frozen dataclass of the family's options, each with its type and none with a default: the family's YAML file in
    conf/models states them all, those of other names change some. Its ``__post_init__`` raises UserError (codes
    ``option-value``, ``option-conflict``) where they make no sense. ``legacy_*`` are booleans for what the authors'
    code does wrong: off in conf/models, and named on every score line when they are on. Types say what values there are
    (``Literal``); ``mscnn.config.schema`` checks them.
``Model``
    A :class:`Classifier`, made as ``Model(options, sizes)`` with random weights. It may raise UserError where options
    do not fit the sizes.

Its code is its own module and ``mscnn.models.SHARED``; no family imports another. What a network computes of an
utterance in eval mode does not depend on the rest of its batch, nor on padding; every parameter that asks for a
gradient gets one from ``loss``. tests/unit/models/test_contract.py checks all of this for every family.
"""

from collections.abc import Mapping
from typing import Generic, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mscnn.errors import UserError
from mscnn.models.inputs import Inputs, Limits, Sizes

OptionsT = TypeVar("OptionsT")  # the Options of a family
WORD_VECTORS = "embedding.weight"  # name of the word vectors among the weights


class Classifier(nn.Module, Generic[OptionsT]):
    """A network whose ``forward`` scores utterances, or segments of them.

    Attributes:
        options, sizes: what it was made from.
        embedding: the layer that receives the word vectors, ``sizes.vocabulary`` by ``sizes.embedding``, token 0 being
            padding. A family that reads text sets it; in a network without text it does not exist.
    """

    embedding: nn.Embedding

    def __init__(self, options: OptionsT, sizes: Sizes) -> None:
        super().__init__()
        self.options, self.sizes = options, sizes

    @classmethod
    def limits(cls, options: OptionsT) -> Limits:
        """How many frames and tokens of an utterance are read: data are cut to them before. Default: all."""
        return Limits()

    @classmethod
    def pretrained(cls, options: OptionsT) -> Mapping[str, str]:
        """Digest or revision of the weights that options bring along, by option: others make finished runs stale."""
        return {}

    def forward(self, inputs: Inputs) -> Tensor:
        """Scores (B, classes) of a batch, logits or log-posteriors: the posteriors are their softmax."""
        raise NotImplementedError

    def criterion(self, scores: Tensor, labels: Tensor) -> Tensor:
        """Loss, a scalar, of scores (B, classes) for labels (B,), on train and dev; default: cross entropy."""
        return F.cross_entropy(scores, labels)

    def loss(self, inputs: Inputs, labels: Tensor) -> Tensor:
        """What training minimises, a scalar: the criterion, and whatever a family adds to it."""
        return self.criterion(self(inputs), labels)

    def load_official(self, weights: Mapping[str, Tensor]) -> None:
        """Take over the weights that the authors' code trained, by its own names.

        Raises:
            UserError: they are not those of this configuration, or no such code is known.
        """
        raise UserError(f"{type(self).__name__}: no code of the authors is known", code="official-weights-none")

    def set_word_vectors(self, vectors: Tensor) -> None:
        """Start from word vectors (vocabulary, embedding)."""
        with torch.no_grad():
            self.embedding.weight.copy_(vectors)

    def num_parameters(self) -> int:
        """Number of parameters without the word vectors, of which there are as many as the data have words."""
        return sum(p.numel() for name, p in self.named_parameters() if name != WORD_VECTORS)
