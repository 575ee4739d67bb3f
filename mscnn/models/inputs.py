"""What a batch of utterances gives a model, and the sizes and limits that follow from the data and the options."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from torch import Tensor

ABSENT: Any = None  # a model reads only what its configuration names, so that the types below say Tensor


@dataclass
class Inputs:
    """One batch of B utterances, or segments of them; what the configuration does not name is None.

    Attributes:
        audio: (B, D, T) frames, normalised, zero beyond each utterance's own.
        audio_len: (B,) frames of each utterance.
        tokens: (B, L) token ids, 0 beyond each utterance's own.
        token_len: (B,) tokens of each utterance, at least 1.
        xvector: (B, X) speaker embedding.
        extra, extra_len: further features by name, laid out as ``audio`` and ``audio_len``.
    """

    audio: Tensor = ABSENT
    audio_len: Tensor = ABSENT
    tokens: Tensor = ABSENT
    token_len: Tensor = ABSENT
    xvector: Tensor = ABSENT
    extra: dict[str, Tensor] = field(default_factory=dict)
    extra_len: dict[str, Tensor] = field(default_factory=dict)

    def to(self, device: str) -> "Inputs":
        """The same batch on another device."""

        def move(tensor: Tensor | None) -> Any:
            return ABSENT if tensor is None else tensor.to(device, non_blocking=True)

        tensors = (self.audio, self.audio_len, self.tokens, self.token_len, self.xvector)
        extras = ({name: move(tensor) for name, tensor in group.items()} for group in (self.extra, self.extra_len))
        return Inputs(*map(move, tensors), *extras)


@dataclass(frozen=True)
class Sizes:
    """Sizes that follow from the data: feature dimensions, vocabulary, word embedding, x-vector, classes."""

    classes: int
    audio: int = 96
    vocabulary: int = 3747
    embedding: int = 300
    xvector: int = 512
    extra: Mapping[str, int] = field(default_factory=dict)


class Limits(NamedTuple):
    """How many frames of ``audio``, and tokens, of an utterance a model reads; None: all of them."""

    max_frames: int | None = None
    max_tokens: int | None = None
