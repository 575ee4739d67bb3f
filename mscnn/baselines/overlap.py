"""Text overlap of train and test: near duplicates, and the baseline that predicts the class of the nearest text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from mscnn.data.datadir import DataDir
from mscnn.data.protocols import Fold

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

NEAR_DUPLICATE_COSINE = 0.8  # two texts with this cosine similarity or more are near duplicates
EXACT = 50_000  # utterances up to which all pairs of texts are compared by all words
COMMON = 1000  # utterances with a word, above which it finds no candidates in a larger corpus
BLOCK_ROWS = 512  # rows of a product that are in memory at a time


class TextIndex:
    """Normalised texts of a corpus as TF-IDF vectors of length 1, to find the nearest training text.

    Document frequencies are those of the whole corpus, so the similarity of two texts does not depend on the fold. In a
    corpus of more than EXACT utterances, a text that is not in train itself is compared on words of at most COMMON
    utterances, so that time grows as the corpus does; the cosine is that of all words.
    """

    def __init__(self, texts: Mapping[str, str]) -> None:
        from sklearn.feature_extraction.text import TfidfVectorizer

        self._texts, self._row = texts, {utt: i for i, utt in enumerate(texts)}
        self._vectors = TfidfVectorizer(token_pattern=r"\S+", dtype=np.float32).fit_transform(texts.values()).tocsr()

    def nearest(self, fold: Fold) -> dict[str, tuple[float, str]]:
        """Highest cosine similarity of each test utterance to a training utterance, and the first that has it.

        Utterances without text are skipped in both parts.
        """
        test, train = ([u for u in utts if u in self._row] for utts in (fold.test, fold.train))
        if not train:
            return {}
        if len(self._row) <= EXACT:
            return self._compared(test, train, self._vectors)
        known = {self._texts[u]: u for u in reversed(train)}
        same = {u: (1.0, known[self._texts[u]]) for u in test if self._texts[u] in known}
        rest = self._compared([u for u in test if u not in same], train, _without_common_words(self._vectors))
        return {u: same.get(u) or rest[u] for u in test}

    def _compared(self, test: Sequence[str], train: Sequence[str], vectors: csr_matrix) -> dict[str, tuple[float, str]]:
        """As :meth:`nearest`, by ``vectors``; cosines are those of all words."""
        rows = np.array([self._row[u] for u in train])
        train_vectors = vectors[rows].T.tocsr()
        nearest: dict[str, tuple[float, str]] = {}
        for start in range(0, len(test), BLOCK_ROWS):
            block = test[start : start + BLOCK_ROWS]
            own = [self._row[u] for u in block]
            cosines = vectors[own] @ train_vectors
            if vectors is self._vectors:
                cosines = cosines.toarray()
                best = cosines.argmax(axis=1)
                values = cosines[np.arange(len(block)), best]
            else:
                best = np.asarray(cosines.argmax(axis=1)).ravel()
                values = np.asarray(self._vectors[own].multiply(self._vectors[rows[best]]).sum(axis=1)).ravel()
            nearest |= {u: (float(value), train[k]) for u, value, k in zip(block, values, best, strict=True)}
        return nearest


def _without_common_words(vectors: csr_matrix) -> csr_matrix:
    rare = vectors.copy()
    rare.data[np.bincount(vectors.indices, minlength=vectors.shape[1])[rare.indices] > COMMON] = 0
    rare.eliminate_zeros()
    return rare


def classify_by_nearest(fold: Fold, data: DataDir, nearest: Mapping[str, tuple[float, str]]) -> list[str]:
    """Class of the training text nearest to each test utterance; the majority class where no word is shared."""
    counts = Counter(data.emo[u] for u in fold.train)
    majority = min(counts, key=lambda emotion: (-counts[emotion], emotion))
    matches = (nearest.get(utt, (0.0, "")) for utt in fold.test)
    return [data.emo[utt] if cosine > 0 else majority for cosine, utt in matches]
