"""Word embeddings, through gensim: read from a file and trimmed to a vocabulary, or trained."""

from __future__ import annotations

import hashlib
import os
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mscnn.errors import UserError
from mscnn.log import get_logger
from mscnn.text.vectorfiles import trim

if TYPE_CHECKING:
    import numpy as np

SPREAD = 0.25  # words without an embedding are drawn from U(-SPREAD, SPREAD), as in Yoon et al. 2018
EPOCHS, TOKENS = (20, 150), 500_000  # word2vec: limits of its epochs, and the tokens that it should read in them


def load_embeddings(
    path: str | os.PathLike,
    words: Sequence[str],
    *,
    cache: str | os.PathLike,
    seed: int = 0,
    dim: int | None = None,
) -> tuple[np.ndarray, float]:
    """Embeddings of ``words`` from a GloVe, word2vec or fastText file, text or binary, plain or gzipped.

    Text and word2vec's binary files are streamed, so that memory holds the wanted words only; gensim has to load
    fastText's own ``.bin`` whole (from a temporary file where it is gzipped). What was read is kept in the folder
    ``cache`` under the digest of the file's content and of the words. The digest costs one read of the file; it is
    remembered with the file's size and time of change.

    Args:
        path: the file; its format is told from its content, never from its name.
        words: words[0] pads, words[1] is the unknown word, as in ``Vocabulary.words``.
        cache: folder, made where it is missing.
        seed: for words that the file lacks; their vectors depend on nothing but seed and word.
        dim: dimension that the file must have; None accepts any.

    Returns:
        float32 matrix (len(words), dim): zeros for padding, U(-0.25, 0.25) for the unknown word and for those the file
        lacks; and the share of words[2:] that it has.

    Raises:
        UserError: the file is missing, none of these formats, damaged, or of another dimension.
    """
    get_logger("gensim").setLevel("ERROR")
    wanted = words[2:]
    try:
        vectors, size = _read(trim(Path(path), wanted, Path(cache)))
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise UserError(
            f"{path}: not readable as embeddings: {error}; expected GloVe, word2vec or fastText, text or binary, "
            "plain or gzipped; download it again",
            code="embeddings-unreadable",
        ) from None
    if dim not in (None, size):
        raise UserError(
            f"{path}: embeddings have {size} dimensions, expected {dim}; choose another file",
            code="embeddings-dimension",
        )
    return _complete(words, vectors, size, seed), len(vectors) / max(len(wanted), 1)


def train_word2vec(
    sentences: Sequence[Sequence[str]], words: Sequence[str], *, dim: int = 300, seed: int = 0
) -> np.ndarray:
    """Skip-gram embeddings of ``words``, trained on ``sentences``: the tokens of training texts only.

    On a few thousand sentences word2vec's vectors stay close to each other (mean cosine 0.99 on 300 sentences) and near
    their tiny initial values, and unknown words would drown the known. So small sets are given more epochs, and the
    vectors are centred and brought to the length that unknown words have (cf. Mu & Viswanath 2018).

    Returns:
        float32 matrix (len(words), dim) as of ``load_embeddings``; the same for the same arguments in any process.
    """
    import numpy as np
    from gensim.models import Word2Vec

    get_logger("gensim").setLevel("ERROR")
    known = set(words[2:])
    sentences = [[token for token in sentence if token in known] for sentence in sentences]
    tokens = sum(map(len, sentences))
    if not tokens:
        return _complete(words, {}, dim, seed)
    low, high = EPOCHS
    epochs = min(max(TOKENS // tokens, low), high)
    model = Word2Vec(
        sentences, vector_size=dim, sg=1, min_count=1, epochs=epochs, workers=1, seed=seed % 2**32, hashfxn=_stable_hash
    )  # one worker, and a hash that ignores PYTHONHASHSEED: the same vectors each time
    vectors = model.wv.vectors - model.wv.vectors.mean(axis=0)
    vectors *= SPREAD * (dim / 3) ** 0.5 / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    return _complete(words, dict(zip(model.wv.index_to_key, vectors, strict=True)), dim, seed)


def _complete(words: Sequence[str], vectors: Mapping[str, np.ndarray], dim: int, seed: int) -> np.ndarray:
    """Matrix of the vectors of ``words``; missing ones are drawn, each by a generator seeded with the word."""
    import numpy as np

    matrix = np.zeros((len(words), dim), dtype=np.float32)
    for row, word in enumerate(words[1:], 1):
        if word in vectors:
            matrix[row] = vectors[word]
        else:
            generator = np.random.default_rng(_stable_hash(f"{seed} {word}"))
            matrix[row] = generator.uniform(-SPREAD, SPREAD, dim)
    return matrix


def _stable_hash(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little")


def _read(path: Path) -> tuple[dict[str, np.ndarray], int]:
    """Vectors of a small word2vec file, and their dimension."""
    import numpy as np
    from gensim.models import KeyedVectors

    vectors = KeyedVectors.load_word2vec_format(str(path), binary=path.suffix == ".bin")
    if not np.isfinite(vectors.vectors).all():
        raise ValueError("vectors with values that are not finite")
    return {word: vectors[word] for word in vectors.index_to_key}, vectors.vector_size
