"""Word embeddings, through gensim: read from a file and trimmed to some of its words, or trained."""

from __future__ import annotations

import hashlib
import os
import tempfile
import zlib
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mscnn.errors import UserError
from mscnn.files import digest
from mscnn.log import get_logger
from mscnn.text.vectorfiles import Wanted, content_digest, first_words, trim
from mscnn.text.vectors import WordVectors

if TYPE_CHECKING:
    import numpy as np

UNKNOWN_RANGE = 0.25  # words without an embedding: U(-UNKNOWN_RANGE, UNKNOWN_RANGE), as in Yoon et al. 2018
MOST = 1e10  # of the values of vectors
MIN_COVERAGE = 0.02  # share of the words; GoogleNews lacks the most frequent ones, and still has nine of ten
WORD2VEC_EPOCHS = (20, 150)  # least and most
WORD2VEC_TOKENS = 500_000  # tokens to process over all epochs


def pretrained(path: str | os.PathLike, words: Collection[str], *, cache: str | os.PathLike, most: int = 0) -> Path:
    """Make the table of the vectors of ``words``, and of the ``most`` frequent other words, from a file of vectors.

    The file is GloVe, word2vec or fastText, text or binary, plain or gzipped. They are streamed: only
    the words of the table are held in memory.

    Args:
        path: the file; its format is detected from its content, not from its name.
        words: words that are wanted; those that the file lacks are not in the table.
        cache: folder of the table; it is created where missing. The name of the table is a digest of the content of the
            file, ``words`` and ``most``. The digest of the content takes one read of the file and is kept with the
            file's size and modification time.
        most: number of words to include besides, from the start of the file; those with upper case are skipped.

    Returns:
        path of the table, a file of :class:`WordVectors`; an existing one is used again.

    Raises:
        UserError: the file is missing, damaged, or of none of these formats, or has hardly any of the words
            (``embeddings-foreign``): they are of another language, or written in another way.
    """
    get_logger("gensim").setLevel("ERROR")
    path, cache = Path(path), Path(cache)
    try:
        table = cache / f"{digest([content_digest(path, cache), sorted(words), most])[:16]}.safetensors"
        if not table.exists():
            with tempfile.TemporaryDirectory(prefix=".trim.", dir=cache) as folder:
                vectors = _read(trim(path, Wanted(words, most), Path(folder, "trimmed")))
            _require_coverage(path, words, vectors)
            vectors.save(table)
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise UserError(
            f"{path}: not readable as embeddings: {error}; expected GloVe, word2vec or fastText, text or binary, "
            "plain or gzipped; download it again",
            code="embeddings-unreadable",
        ) from None
    return table


def _require_coverage(path: Path, words: Collection[str], vectors: WordVectors) -> None:
    """Raise UserError where the vectors have hardly any of the words; punctuation and numbers do not count."""
    spoken = [word for word in words if any(c.isalpha() for c in word)]
    known = sum(word in vectors for word in spoken)
    if known < MIN_COVERAGE * len(spoken):
        raise UserError(
            f"{path}: has {known} of the {len(spoken)} words of the transcripts, which are such as "
            f"{' '.join(spoken[:3])}; its first words are {' '.join(first_words(path)) or 'not text'}: give "
            "vectors of this language, with words in lower case and without prefixes",
            code="embeddings-foreign",
        )


def load_embeddings(
    path: str | os.PathLike, words: Sequence[str], *, cache: str | os.PathLike, seed: int = 0
) -> tuple[np.ndarray, float]:
    """Initial word embeddings from a file of vectors, and the share of the words that the file has.

    Arguments are those of :func:`pretrained` and :func:`initial`; padding and the unknown word do not count.
    """
    vectors = WordVectors.load(pretrained(path, words[2:], cache=cache))
    return initial(words, vectors, seed), len(vectors) / max(len(words) - 2, 1)


def initial(words: Sequence[str], vectors: WordVectors, seed: int = 0) -> np.ndarray:
    """Initial word embeddings, float32 (len(words), D).

    Args:
        words: words[0] is padding, words[1] the unknown word, as in ``Vocabulary.words``.
        vectors: table of vectors.
        seed: for words that the table lacks; their vectors depend only on seed and word.

    Returns:
        zeros for padding, U(-0.25, 0.25) for the unknown word and for words that the table lacks.
    """
    return _complete(words, vectors, vectors.dim, seed)


def train_word2vec(
    sentences: Sequence[Sequence[str]], words: Sequence[str], *, dim: int = 300, seed: int = 0
) -> np.ndarray:
    """Skip-gram embeddings of ``words``, trained on ``sentences``: the tokens of training texts only.

    On a few thousand sentences word2vec's vectors stay close to each other (mean cosine 0.99 on 300 sentences) and near
    their small initial values, far shorter than those of unknown words. Small sets are therefore trained for more
    epochs, and the vectors are centred and scaled to the length of unknown words (cf. Mu & Viswanath 2018).

    Returns:
        float32 matrix (len(words), dim) as from ``initial``; deterministic across processes.
    """
    import numpy as np
    from gensim.models import Word2Vec

    get_logger("gensim").setLevel("ERROR")
    known = set(words[2:])
    sentences = [[token for token in sentence if token in known] for sentence in sentences]
    tokens = sum(map(len, sentences))
    if not tokens:
        return _complete(words, {}, dim, seed)
    least, most = WORD2VEC_EPOCHS
    epochs = min(max(WORD2VEC_TOKENS // tokens, least), most)
    model = Word2Vec(
        sentences, vector_size=dim, sg=1, min_count=1, epochs=epochs, workers=1, seed=seed % 2**32, hashfxn=_stable_hash
    )  # one worker, and a hash that ignores PYTHONHASHSEED: deterministic
    vectors = model.wv.vectors - model.wv.vectors.mean(axis=0)
    vectors *= UNKNOWN_RANGE * (dim / 3) ** 0.5 / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    return _complete(words, dict(zip(model.wv.index_to_key, vectors, strict=True)), dim, seed)


def _complete(words: Sequence[str], vectors: Mapping[str, np.ndarray] | WordVectors, dim: int, seed: int) -> np.ndarray:
    """Matrix of the vectors of ``words``; missing ones are random, each from a generator seeded with the word."""
    import numpy as np

    matrix = np.zeros((len(words), dim), dtype=np.float32)
    for row, word in enumerate(words[1:], 1):
        if word in vectors:
            matrix[row] = vectors[word]
        else:
            generator = np.random.default_rng(_stable_hash(f"{seed} {word}"))
            matrix[row] = generator.uniform(-UNKNOWN_RANGE, UNKNOWN_RANGE, dim)
    return matrix


def _stable_hash(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little")


def _read(path: Path) -> WordVectors:
    """Vectors of a small word2vec file."""
    import numpy as np
    from gensim.models import KeyedVectors

    vectors = KeyedVectors.load_word2vec_format(str(path), binary=path.suffix == ".bin")
    if not np.isfinite(vectors.vectors).all():
        raise ValueError("vectors with values that are not finite")
    largest = np.abs(vectors.vectors).max(initial=0)
    if largest > MOST or 0 < largest < 1 / MOST:
        raise ValueError(f"values of up to {largest:.0e}: binary vectors are float32, little-endian")
    return WordVectors(vectors.index_to_key, vectors.vectors.astype(np.float32, copy=False))
