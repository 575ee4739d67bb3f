"""Text overlap of train and test: near duplicates, and the baseline that predicts the class of the nearest text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cached_property
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
    corpus of more than EXACT utterances, a text whose words in any order are not those of a training text is compared
    on words of at most COMMON utterances, so that time grows as the corpus does: the cosine is that of all words, or 0
    where no such word is shared.
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
        known = {self._bags[u]: u for u in reversed(train)}
        same = {u: (1.0, known[self._bags[u]]) for u in test if self._bags[u] in known}
        rest = self._compared([u for u in test if u not in same], train, self._rare)
        return {u: same.get(u) or rest[u] for u in test}

    @cached_property
    def _bags(self) -> dict[str, tuple[str, ...]]:
        """Words of each text in alphabetical order: texts with the same words have cosine 1."""
        return {u: tuple(sorted(text.lower().split())) for u, text in self._texts.items()}

    @cached_property
    def _rare(self) -> csr_matrix:
        """Vectors without the words of more than COMMON utterances."""
        rare = self._vectors.copy()
        rare.data[np.bincount(rare.indices, minlength=rare.shape[1])[rare.indices] > COMMON] = 0
        rare.eliminate_zeros()
        return rare

    def _compared(self, test: Sequence[str], train: Sequence[str], vectors: csr_matrix) -> dict[str, tuple[float, str]]:
        """As :meth:`nearest`, by ``vectors``; cosines are those of all words, and 0 where they are 0 by ``vectors``."""
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
                values[cosines.max(axis=1).toarray().ravel() == 0] = 0
            nearest |= {u: (float(value), train[k]) for u, value, k in zip(block, values, best, strict=True)}
        return nearest


def classify_by_nearest(fold: Fold, data: DataDir, nearest: Mapping[str, tuple[float, str]]) -> list[str]:
    """Class of the training text nearest to each test utterance; the majority class where no word is shared."""
    counts = Counter(data.emo[u] for u in fold.train)
    majority = min(counts, key=lambda emotion: (-counts[emotion], emotion))
    matches = (nearest.get(utt, (0.0, "")) for utt in fold.test)
    return [data.emo[utt] if cosine > 0 else majority for cosine, utt in matches]
