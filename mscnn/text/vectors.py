"""A table of pretrained word vectors, in one file of safetensors."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mscnn.errors import UserError
from mscnn.files import atomic

if TYPE_CHECKING:
    import numpy as np


class WordVectors:
    """Words and their vectors, a float32 matrix (words, D).

    The file ``vectors.safetensors`` has ``vectors``, the matrix (float32, or float16 in small bundles), and ``words``:
    the words in UTF-8, one per line, as bytes. An experiment with pretrained vectors has one, and so has its bundle: it
    serves the networks of all folds, and new texts.
    """

    FILE = "vectors.safetensors"

    def __init__(self, words: Sequence[str], matrix: np.ndarray) -> None:
        self.words, self.matrix = words, matrix
        self._rows = {word: row for row, word in enumerate(words)}

    def __len__(self) -> int:
        return len(self.words)

    def __contains__(self, word: object) -> bool:
        return word in self._rows

    @property
    def dim(self) -> int:
        """Dimension of the vectors."""
        return self.matrix.shape[1]

    def row(self, word: str) -> int:
        """Row of a word; raises KeyError where the table lacks it."""
        return self._rows[word]

    def __getitem__(self, word: str) -> np.ndarray:
        """Vector (D,) of a word; raises KeyError where the table lacks it."""
        return self.matrix[self.row(word)]

    def save(self, path: str | os.PathLike, half: bool = False) -> None:
        """Write the table; ``half`` stores 16 bits per value."""
        import numpy as np
        from safetensors.numpy import save

        words = np.frombuffer("\n".join(self.words).encode(), np.uint8)
        with atomic(path, "wb") as out:
            out.write(save({"words": words, "vectors": self.matrix.astype(np.float16 if half else np.float32)}))

    @classmethod
    def load(cls, path: str | os.PathLike) -> WordVectors:
        """Read a table.

        Raises:
            UserError: the file is missing (``vectors-missing``), or not such a table (``vectors-unreadable``).
        """
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        path = Path(path)
        if not path.is_file():
            raise UserError(
                f"{path}: missing; models look up words there that their training lacked: run stage 5 (train) again",
                code="vectors-missing",
            )
        try:
            tensors = load_file(path)
            text = tensors["words"].tobytes().decode()
            words = text.split("\n") if text else []
            matrix = tensors["vectors"].astype("float32", copy=False)
        except (OSError, SafetensorError, KeyError, UnicodeDecodeError) as error:
            raise UserError(
                f"{path}: not a table of word vectors: {error}; train again", code="vectors-unreadable"
            ) from None
        if matrix.ndim != 2 or len(matrix) != len(words):
            raise UserError(f"{path}: words and vectors differ in number; train again", code="vectors-unreadable")
        return cls(words, matrix)
