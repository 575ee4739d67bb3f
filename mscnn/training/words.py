"""Vocabulary and word vectors of the models of an experiment.

The rows of a network's word embeddings are the words of its training split, as the tokenizer finds them. With
pretrained vectors, the words that only other texts have are known too: their vectors are looked up in one table per
experiment, ``exp/TAG/vectors.safetensors``, and are never trained. The table has the words of all transcripts in the
data directory, and the most frequent words of the file. It depends on no label.
"""

from __future__ import annotations

import os
import shutil
import uuid
from collections import Counter
from collections.abc import Collection, Container, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mscnn.data.datadir import DataDir
from mscnn.data.protocols import Fold
from mscnn.files import read_table as read_transcripts
from mscnn.log import get_logger
from mscnn.stamp import damaged, seal
from mscnn.text.vectors import WordVectors
from mscnn.training.sources import Sources, TextOptions

if TYPE_CHECKING:
    import numpy as np

    from mscnn.text.subwords import Subwords
    from mscnn.text.vocabulary import Vocabulary

    Tokens = Vocabulary | Subwords


@dataclass(frozen=True)
class Words:
    """What a network knows of words.

    Attributes:
        vocabulary: words (or subwords) of the training split, which are saved with the weights; with pretrained
            vectors, also the words of the table.
        embedding: initial vectors (tokens, D) of the words of the training split.
    """

    vocabulary: Tokens
    embedding: np.ndarray


def learn_words(sources: Sources, fold: Fold, cache: Path, seed: int) -> Words:
    """Vocabulary and word vectors of a fold; logs the share of the words of each split that have a vector.

    Args:
        cache: folder of the table of word vectors.
        seed: seed of vectors that are trained or random.

    Raises:
        UserError: the training split has no words, or the file of word vectors cannot be read.
    """
    from mscnn.text.embeddings import initial, train_word2vec
    from mscnn.text.subwords import Subwords
    from mscnn.text.vocabulary import Extended, Vocabulary

    options, texts = sources.text, sources.texts()
    parts = {name: [texts[utt] for utt in utts] for name, utts in fold.parts.items()}
    train = parts["train"]
    vocabulary = Vocabulary.build(train) if options.tokens == "word" else Subwords.train(train, size=options.pieces)
    if options.file is None:
        sentences = [vocabulary.split(text) for text in train]
        words = Words(vocabulary, train_word2vec(sentences, vocabulary.words, dim=options.dim, seed=seed))
        known = set(vocabulary.words[2:])
    else:
        made = table(sources, cache) or _pretrained(options.file, vocabulary.words[2:], cache)
        vectors = WordVectors.load(made)
        whole = Extended(vocabulary, vectors) if isinstance(vocabulary, Vocabulary) else vocabulary
        words = Words(whole, initial(vocabulary.words, vectors, seed))
        known = set(vectors.words)
    _log_coverage(options.title, parts, vocabulary, known)
    return words


def table(sources: Sources, cache: Path) -> Path | None:
    """Path of the table of word vectors of an experiment in ``cache``, made where it is missing.

    None where the vectors are not pretrained or the tokens are no words; raises UserError as
    :func:`mscnn.text.embeddings.pretrained`.
    """
    options = sources.text
    if options.tokens != "word" or options.file is None:
        return None
    return _pretrained(options.file, _words_of(sources.data), cache, options.words)


def _pretrained(file: Path, words: Collection[str], cache: Path, most: int = 0) -> Path:
    """As :func:`mscnn.text.embeddings.pretrained`; a table that is damaged is made again."""
    from mscnn.text.embeddings import pretrained

    made = pretrained(file, words, cache=cache, most=most)
    record = made.with_suffix(".json")
    if damaged(record):
        made.unlink()
        made = pretrained(file, words, cache=cache, most=most)
    seal(record, [made])
    return made


def further(vocabulary: Tokens | None) -> np.ndarray | None:
    """Vectors (words, D) of the table of a vocabulary; None: it has none."""
    from mscnn.text.vocabulary import Extended

    return vocabulary.vectors.matrix if isinstance(vocabulary, Extended) else None


def read_table(exp: Path, options: TextOptions) -> WordVectors | None:
    """The table of word vectors of a trained experiment; None where its ``options`` give it none.

    Raises:
        UserError: the table is missing or unreadable.
    """
    has_one = options.embeddings and options.tokens == "word"
    return WordVectors.load(exp / WordVectors.FILE) if has_one else None


def read_vocabulary(directory: Path, vectors: WordVectors | None = None) -> Tokens:
    """Vocabulary of the network in the folder of a run: words or subwords of its training split.

    Args:
        directory: folder with ``vocabulary.txt`` or ``subwords.model``.
        vectors: table of the experiment, shared by its networks; words that the vocabulary lacks are looked up there.
    """
    from mscnn.text.subwords import Subwords
    from mscnn.text.vocabulary import Extended, Vocabulary

    if (directory / Subwords.FILE).is_file():
        return Subwords.load(directory)
    vocabulary = Vocabulary.load(directory)
    return Extended(vocabulary, vectors) if vectors else vocabulary


def place(table: Path, exp: Path) -> Path:
    """Put a table of word vectors into the folder of an experiment, as a hard link where possible; returns its path."""
    out = exp / WordVectors.FILE
    if out.exists() and out.samefile(table):
        return out
    temporary = out.with_name(f".{out.name}.{uuid.uuid4().hex[:8]}.tmp")
    try:
        try:
            os.link(table, temporary)
        except OSError:
            shutil.copyfile(table, temporary)
        os.replace(temporary, out)
    finally:
        temporary.unlink(missing_ok=True)
    return out


def _words_of(data: DataDir) -> set[str]:
    """Tokens of all transcripts in a data directory, those of ASR engines included."""
    from mscnn.text.tokens import tokenize

    transcripts = [data.text, *(read_transcripts(path) for path in sorted(data.path.glob("text.*")))]
    return {token for texts in transcripts for text in texts.values() for token in tokenize(text)}


def _log_coverage(title: str, parts: Mapping[str, Sequence[str]], tokens: Tokens, known: Container[str]) -> None:
    """Log which share of the distinct words of each split has a vector, and which share of its text."""
    shares = []
    for name, texts in parts.items():
        counts = Counter(token for text in texts for token in tokens.split(text))
        covered = [count for token, count in counts.items() if token in known]
        words, text = 100 * len(covered) / max(len(counts), 1), 100 * sum(covered) / max(counts.total(), 1)
        shares.append(f"{name} {words:.1f} % of {len(counts)} words ({text:.1f} % of the text)")
    get_logger("train").info("word vectors, %s: %s", title, ", ".join(shares))
