"""What a batch of utterances gives a model."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields

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
        extra, extra_len: further features by name, laid out as ``audio`` and ``audio_len``.
    """

    audio: Tensor | None = None
    audio_len: Tensor | None = None
    tokens: Tensor | None = None
    token_len: Tensor | None = None
    xvector: Tensor | None = None
    extra: dict[str, Tensor] = field(default_factory=dict)
    extra_len: dict[str, Tensor] = field(default_factory=dict)

    def to(self, device: str) -> "Inputs":
        """The same batch on another device."""

        def move(value: Tensor | dict[str, Tensor] | None) -> Tensor | dict[str, Tensor] | None:
            if isinstance(value, dict):
                return {name: move(tensor) for name, tensor in value.items()}
            return value if value is None else value.to(device, non_blocking=True)

        return Inputs(**{f.name: move(self.__dict__[f.name]) for f in fields(self)})


@dataclass(frozen=True)
class Sizes:
    """Sizes that follow from the data: feature dimensions, vocabulary, word embedding, x-vector, classes."""

    classes: int
    audio: int = 96
    vocabulary: int = 3747
    embedding: int = 300
    xvector: int = 512
    extra: Mapping[str, int] = field(default_factory=dict)
