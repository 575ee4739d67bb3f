"""Inputs of a model for a batch, and the sizes and limits that follow from the data and the options."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from torch import Tensor

ABSENT: Any = None  # typed Any: a model accesses only the inputs that its configuration names


@dataclass
class Inputs:
    """A batch of B utterances, or segments of them; inputs that the configuration does not name are None.

    Attributes:
        audio: (B, D, T) frames, normalised, zero in the padding.
        audio_len: (B,) frames of each utterance.
        tokens: (B, L) token ids, 0 in the padding.
        token_len: (B,) tokens of each utterance, at least 1.
        xvector: (B, X) speaker embeddings.
        extra, extra_len: further features by name, shaped as ``audio`` and ``audio_len``.
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
        return self.mapped(lambda tensor: tensor.to(device, non_blocking=True))

    def pinned(self) -> "Inputs":
        """The same batch in memory that a GPU reads while the processor goes on."""
        return self.mapped(lambda tensor: tensor.pin_memory())

    def mapped(self, change: Callable[[Tensor], Tensor]) -> "Inputs":
        """The same batch with every tensor changed."""

        def changed(tensor: Tensor | None) -> Any:
            return ABSENT if tensor is None else change(tensor)

        tensors = (self.audio, self.audio_len, self.tokens, self.token_len, self.xvector)
        extras = ({name: change(tensor) for name, tensor in group.items()} for group in (self.extra, self.extra_len))
        return Inputs(*map(changed, tensors), *extras)


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
    """Maximum numbers of frames of ``audio``, and of tokens, that a model takes; None: no limit."""

    max_frames: int | None = None
    max_tokens: int | None = None
