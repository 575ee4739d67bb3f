"""Subword vocabulary, by sentencepiece."""

from __future__ import annotations

import io
import os
import unicodedata
from collections.abc import Iterable
from pathlib import Path

from mscnn.errors import UserError
from mscnn.files import atomic
from mscnn.text.vocabulary import PAD, UNK


class Subwords:
    """A unigram sentencepiece model with the interface of :class:`Vocabulary`; 0 is padding, 1 is unknown."""

    FILE = "subwords.model"

    def __init__(self, model: bytes) -> None:
        import sentencepiece

        self.model = model  # as sentencepiece writes it
        self._processor = sentencepiece.SentencePieceProcessor(model_proto=model)
        self.words = [self._processor.id_to_piece(number) for number in range(len(self))]

    @classmethod
    def train(cls, texts: Iterable[str], size: int = 1000) -> Subwords:
        """Train a model of at most ``size`` pieces on ``texts``, which must be training texts only.

        Raises:
            UserError: ``texts`` have no words.
        """
        import sentencepiece

        lines = [line for text in texts if (line := text.lower().strip())]
        if not lines:
            raise UserError(
                "sentencepiece: no words in the training texts; choose another text, or word tokens", code="no-text"
            )
        characters = set(unicodedata.normalize("NFKC", "".join(lines)))
        model = io.BytesIO()
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(lines),
            model_writer=model,
            model_type="unigram",
            vocab_size=max(size, len(characters) + 3),  # + padding, unknown, and the mark of a word's start
            hard_vocab_limit=False,
            character_coverage=1.0,
            num_threads=1,
            pad_id=0,
            unk_id=1,
            bos_id=-1,
            eos_id=-1,
            pad_piece=PAD,
            unk_piece=UNK,
            minloglevel=2,
        )
        return cls(model.getvalue())

    def __len__(self) -> int:
        return self._processor.get_piece_size()

    def split(self, text: str) -> list[str]:
        """Pieces of ``text`` as strings."""
        return self._processor.encode(text.lower(), out_type=str)

    def encode(self, text: str, max_tokens: int | None = None) -> list[int]:
        """Ids of the first ``max_tokens`` pieces; a text without pieces is one unknown piece."""
        return self._processor.encode(text.lower())[:max_tokens] or [1]

    def save(self, directory: str | os.PathLike) -> Path:
        """Write ``subwords.model``; returns its path."""
        path = Path(directory) / self.FILE
        with atomic(path, "wb") as out:
            out.write(self.model)
        return path

    @classmethod
    def load(cls, directory: str | os.PathLike) -> Subwords:
        """Read the file that ``save`` wrote.

        Raises:
            UserError: the file is missing, or not a sentencepiece model.
        """
        path = Path(directory) / cls.FILE
        try:
            return cls(path.read_bytes())
        except (OSError, RuntimeError, UnicodeDecodeError) as error:
            raise UserError(
                f"{path}: not a sentencepiece model: {error}; train the model again", code="subwords-unreadable"
            ) from None
