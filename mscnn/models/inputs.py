"""What a batch of utterances gives a model."""

from dataclasses import dataclass, fields

from torch import Tensor


@dataclass
class Inputs:
    """One batch of B utterances; what a model does not use may be None.

    Attributes:
        audio: (B, D, T) frames, normalised, zero beyond each utterance's own.
        audio_len: (B,) frames of each utterance.
        tokens: (B, L) token ids, 0 beyond each utterance's own.
        token_len: (B,) tokens of each utterance, at least 1.
        xvector: (B, X) speaker embedding.
    """

    audio: Tensor | None = None
    audio_len: Tensor | None = None
    tokens: Tensor | None = None
    token_len: Tensor | None = None
    xvector: Tensor | None = None

    def to(self, device: str) -> "Inputs":
        """The same batch on another device."""
        values = {f.name: self.__dict__[f.name] for f in fields(self)}
        return Inputs(**{name: v if v is None else v.to(device, non_blocking=True) for name, v in values.items()})


@dataclass(frozen=True)
class Sizes:
    """Sizes that follow from the data: feature dimension, vocabulary, word embedding, x-vector, classes."""

    classes: int
    audio: int = 96
    vocabulary: int = 3747
    embedding: int = 300
    xvector: int = 512
