"""Vectors of transcripts by a pretrained text encoder, one per token or one per text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import numpy as np

from mscnn.config.schema import matching
from mscnn.features.base import Extractor
from mscnn.pretrained.hub import available, revision
from mscnn.pretrained.layers import layer_numbers
from mscnn.pretrained.text import TEXT, described, text_model

Layer = Annotated[str, matching(r"last|\d{1,3}|\d{1,3}-\d{1,3}", "last, a number, or a range such as 4-8")]


@dataclass(frozen=True)
class TextEncoder(Extractor):
    """Hidden states of the tokens of a text, special tokens included, or the sentence vector made of them.

    ``model`` is a folder of transformers or sentence-transformers (no internet access is needed then), or the name of a
    model on the Hugging Face hub. ``unit``: ``token``, a row per token; ``sentence``, one row, by the pooling of the
    model: that of its sentence-transformers files, or the mean over all tokens. ``layer`` is ``last``, a number (0: the
    input of the first layer), or the mean of ``a-b``. Longer texts than the model reads are truncated.

    A text without words is what the tokenizer makes of it: special tokens only, as for sentence-transformers. So it has
    vectors like any other text, and the networks need no exception. Where a tokenizer has no special tokens, such a
    text has one vector of zeros.
    """

    packages = ("numpy", "sentencepiece", "tokenizers", "torch", "transformers")
    modules = tuple(
        f"mscnn.{name}" for name in ("pretrained.hub", "pretrained.layers", "pretrained.text", "features.extract_text")
    )
    source: ClassVar[str] = "text"
    on_gpu = True

    model: str
    unit: Literal["token", "sentence"]
    layer: Layer

    @property
    def dim(self) -> int:
        """Size of the hidden states."""
        return int(described(self.model)[0].hidden_size)

    @property
    def frame_shift(self) -> float:
        """0: rows are tokens, or one per text."""
        return 0.0

    @property
    def weights(self) -> str:
        """Revision of the model; it tells apart other weights under the same name."""
        return revision(self.model, TEXT)

    @property
    def states(self) -> list[int]:
        """Numbers of the hidden states that are used; raises UserError where the encoder lacks one."""
        return layer_numbers(self.layer, described(self.model)[0].num_hidden_layers, self.model)

    def available(self) -> None:
        """Raise UserError where the package or the folder is missing; nothing is downloaded."""
        available(self.model, TEXT)

    def check(self) -> None:
        """Download the model where needed; raise UserError where it cannot be read or has no such layer."""
        text_model(self.model)
        _ = self.states

    def encode(self, texts: Sequence[str], device: str = "cpu") -> tuple[list[np.ndarray], list[bool]]:
        """Vectors of texts, float32 (T, dim), T > 0, and whether each text was truncated."""
        model = text_model(self.model, device)
        ids, truncated = model.tokens([text.strip() for text in texts])
        return model.encode(ids, self.unit, self.states), truncated
