"""Word vocabulary."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from mscnn.errors import UserError
from mscnn.files import atomic
from mscnn.text.tokens import tokenize
from mscnn.text.vectors import WordVectors

PAD, UNK = "<pad>", "<unk>"  # ids 0 and 1; they cannot be tokens: the tokenizer splits off < and >


class Vocabulary:
    """Ids of the words of a training set: 0 is padding, 1 unknown, then words by decreasing frequency."""

    FILE = "vocabulary.txt"

    def __init__(self, words: Iterable[str]) -> None:
        self.words = list(words)
        self._ids = {word: index for index, word in enumerate(self.words)}

    @classmethod
    def build(cls, texts: Iterable[str]) -> Vocabulary:
        """Vocabulary of ``texts``, which must be training texts only; words of equal frequency are sorted by name."""
        counts = Counter(token for text in texts for token in tokenize(text))
        return cls([PAD, UNK, *sorted(counts, key=lambda word: (-counts[word], word))])

    def __len__(self) -> int:
        return len(self.words)

    @property
    def listing(self) -> list[str]:
        """All words by their ids."""
        return self.words

    def split(self, text: str) -> list[str]:
        """Tokens of ``text`` as strings."""
        return tokenize(text)

    def encode(self, text: str, max_tokens: int | None = None) -> list[int]:
        """Ids of the first ``max_tokens`` tokens; a text without tokens is one unknown word."""
        return [self.id_of(token) for token in tokenize(text)[:max_tokens]] or [1]

    def id_of(self, token: str) -> int:
        """Id of a token."""
        return self._ids.get(token, 1)

    def save(self, directory: str | os.PathLike) -> Path:
        """Write ``vocabulary.txt``, the word with id n in line n + 1; returns its path."""
        path = Path(directory) / self.FILE
        with atomic(path) as out:
            out.writelines(f"{word}\n" for word in self.words)
        return path

    @classmethod
    def load(cls, directory: str | os.PathLike) -> Vocabulary:
        """Read the file that ``save`` wrote.

        Raises:
            UserError: the file is missing, or not a vocabulary.
        """
        path = Path(directory) / cls.FILE
        try:
            *words, rest = path.read_text(encoding="utf-8").split("\n")
        except (OSError, UnicodeDecodeError) as error:
            raise UserError(
                f"{path}: cannot be read: {error}; train the model again", code="vocabulary-unreadable"
            ) from None
        if rest or words[:2] != [PAD, UNK] or len(set(words)) < len(words) or "" in words:
            raise UserError(
                f"{path}: expected {PAD}, {UNK} and distinct words, one per line; train the model again",
                code="vocabulary-unreadable",
            )
        return cls(words)


class Extended(Vocabulary):
    """A vocabulary, and for the words that it lacks a table of vectors, whose ids follow its own.

    ``words``, the length and the file are those of the vocabulary.
    """

    def __init__(self, own: Vocabulary, vectors: WordVectors) -> None:
        super().__init__(own.words)
        self.vectors = vectors

    @property
    def listing(self) -> list[str]:
        """All words by their ids; a word of the table that the vocabulary has too is empty."""
        return [*self.words, *("" if word in self._ids else word for word in self.vectors.words)]

    def id_of(self, token: str) -> int:
        """Id of a token: of the vocabulary, else its row in the table after these."""
        if token not in self._ids and token in self.vectors:
            return len(self) + self.vectors.row(token)
        return super().id_of(token)
