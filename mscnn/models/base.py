"""The contract of a family of models: all that training, inference and reports rely on.

A family is one module, an entry of ``mscnn.models.FAMILIES`` or named with its dots in a configuration. It holds

``Options``
    A frozen dataclass of the family's options, each with its type and none with a default: the first YAML file of the
    family in conf/models states all of them, its other files change some. ``__post_init__`` raises UserError (codes
    ``option-value``, ``option-conflict``) for invalid values. ``legacy_*`` are booleans that repeat defects of the
    authors' code: off in conf/models, and named on every score line when they are on. Types state the possible values
    (``Literal``); ``mscnn.config.schema`` checks them. ``inputs``, an attribute or a property, names the inputs that
    the network takes with these options, of ``audio``, ``text`` (words), ``text_encoder``, ``xvector`` and
    ``extra.NAME``; without it, audio alone. Configurations with other inputs are refused: a score line states them.
``Model``
    A :class:`Classifier`, made by ``Model(options, sizes)`` with random weights. It may raise UserError where options
    do not fit the sizes.

Its code is its own module (of a dotted name: the whole package) and ``mscnn.models.SHARED``; no family imports another.
In eval mode the output for an utterance depends neither on the rest of its batch nor on padding; every parameter that
requires a gradient receives one from ``loss``. tests/unit/models/test_contract.py checks all of this for every family.
"""

from collections.abc import Mapping
from typing import ClassVar, Generic, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mscnn.errors import UserError
from mscnn.models.inputs import Inputs, Limits, Sizes

OptionsT = TypeVar("OptionsT")  # the Options of a family
WORD_VECTORS = "embedding.weight"  # their name among the parameters


class FurtherWords(nn.Embedding):
    """The word embeddings of a network, its own parameter, and the vectors of further words for evaluation."""

    further: Tensor

    def __init__(self, own: nn.Embedding, further: Tensor) -> None:
        size, dim = own.weight.shape
        if further.dim() != 2 or further.shape[1] != dim:
            raise RuntimeError(f"word vectors of the shape {list(further.shape)}, expected {dim} dimensions")
        super().__init__(size, dim, padding_idx=own.padding_idx, _weight=own.weight.detach())
        self.weight = own.weight
        self.register_buffer("further", further.to(own.weight), persistent=False)

    def forward(self, tokens: Tensor) -> Tensor:
        if self.training or not len(self.further):
            return super().forward(tokens)
        size = self.num_embeddings
        own = super().forward(tokens.clamp(max=size - 1))
        further = F.embedding((tokens - size).clamp(min=0), self.further)
        return torch.where((tokens >= size).unsqueeze(-1), further, own)


class Classifier(nn.Module, Generic[OptionsT]):
    """A network whose ``forward`` scores utterances, or segments of them.

    Attributes:
        options, sizes: its constructor arguments.
        class_weights: weight of each class (classes,) in the criterion, which training sets; None: all are 1.
        embedding: the layer of word embeddings, ``sizes.vocabulary`` by ``sizes.embedding``, token 0 being padding. A
            family that takes words sets it; other networks do not have it.
        encoded_text: whether networks that take ``text`` also take the vectors of a text encoder in place of words:
            ``inputs.extra["text_encoder"]``, ``sizes.extra["text_encoder"]`` wide.
    """

    embedding: nn.Embedding
    encoded_text: ClassVar[bool] = False
    class_weights: Tensor | None = None

    def __init__(self, options: OptionsT, sizes: Sizes) -> None:
        super().__init__()
        self.options, self.sizes = options, sizes

    @classmethod
    def limits(cls, options: OptionsT) -> Limits:
        """Maximum numbers of frames and tokens; longer utterances are truncated before. Default: no limits."""
        return Limits()

    @classmethod
    def pretrained(cls, options: OptionsT) -> Mapping[str, str]:
        """Digest or revision of pretrained weights, by the option that names them; other weights make runs stale."""
        return {}

    def forward(self, inputs: Inputs) -> Tensor:
        """Scores (B, classes) of a batch, logits or log-posteriors; their softmax are the posteriors."""
        raise NotImplementedError

    def criterion(self, scores: Tensor, labels: Tensor) -> Tensor:
        """Loss, a scalar, of scores (B, classes) for labels (B,), on train and dev; default: cross entropy.

        With ``class_weights`` w it is the weighted mean: the sum of w[label] · loss over the sum of w[label].
        """
        return F.cross_entropy(scores, labels, self.weights(scores))

    def weights(self, scores: Tensor) -> Tensor | None:
        """``class_weights`` on the device of ``scores``."""
        return None if self.class_weights is None else self.class_weights.to(scores)

    def loss(self, inputs: Inputs, labels: Tensor) -> Tensor:
        """Loss that training minimises, a scalar: the criterion, and the terms that a family adds to it."""
        return self.criterion(self(inputs), labels)

    def load_official(self, weights: Mapping[str, Tensor]) -> None:
        """Load the weights that the authors' code trained, under the names that it gives them.

        Raises:
            UserError: they do not fit this configuration, or no such code is known.
        """
        raise UserError(
            f"{type(self).__name__}: no official code is known; its weights cannot be loaded",
            code="official-weights-none",
        )

    def set_word_vectors(self, vectors: Tensor) -> None:
        """Initialise the word embeddings with vectors (vocabulary, embedding)."""
        with torch.no_grad():
            self.embedding.weight.copy_(vectors)

    def add_word_vectors(self, vectors: Tensor) -> None:
        """Know further words, with vectors (words, embedding) that are not trained; ids follow those of the vocabulary.

        They are no parameters and no part of the state: evaluation looks words up there that training did not have.
        ``vectors`` are shared, not copied, where type and device allow.
        """
        self.embedding = FurtherWords(self.embedding, vectors)

    def num_parameters(self) -> int:
        """Number of parameters without the word embeddings, whose number depends on the vocabulary of the data."""
        return sum(p.numel() for name, p in self.named_parameters() if name != WORD_VECTORS)
