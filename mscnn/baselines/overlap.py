"""Text overlap of train and test: near duplicates, and the baseline that predicts the class of the nearest text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import numpy as np

from mscnn.data.datadir import DataDir
from mscnn.data.protocols import Fold

NEAR_DUPLICATE_COSINE = 0.8  # two texts with this cosine similarity or more are near duplicates
BLOCK_ROWS = 512  # rows of a product that are in memory at a time


class TextIndex:
    """Normalised texts of a corpus as TF-IDF vectors of length 1, to find the nearest training text.

    Document frequencies are those of the whole corpus, so the similarity of two texts does not depend on the fold.
    """

    def __init__(self, texts: Mapping[str, str]) -> None:
        from sklearn.feature_extraction.text import TfidfVectorizer

        self._row = {utt: i for i, utt in enumerate(texts)}
        self._vectors = TfidfVectorizer(token_pattern=r"\S+", dtype=np.float32).fit_transform(texts.values()).tocsr()

    def nearest(self, fold: Fold) -> dict[str, tuple[float, str]]:
        """Highest cosine similarity of each test utterance to a training utterance, and the first that has it.

        Utterances without text are skipped in both parts.
        """
        test, train = ([u for u in utts if u in self._row] for utts in (fold.test, fold.train))
        if not train:
            return {}
        train_vectors = self._vectors[[self._row[u] for u in train]].T.tocsr()
        nearest: dict[str, tuple[float, str]] = {}
        for start in range(0, len(test), BLOCK_ROWS):
            block = test[start : start + BLOCK_ROWS]
            cosines = (self._vectors[[self._row[u] for u in block]] @ train_vectors).toarray()
            best = cosines.argmax(axis=1)
            nearest |= {u: (float(cosines[i, k]), train[k]) for i, (u, k) in enumerate(zip(block, best, strict=True))}
        return nearest


def classify_by_nearest(fold: Fold, data: DataDir, nearest: Mapping[str, tuple[float, str]]) -> list[str]:
    """Class of the training text nearest to each test utterance; the majority class where no word is shared."""
    counts = Counter(data.emo[u] for u in fold.train)
    majority = min(counts, key=lambda emotion: (-counts[emotion], emotion))
    matches = (nearest.get(utt, (0.0, "")) for utt in fold.test)
    return [data.emo[utt] if cosine > 0 else majority for cosine, utt in matches]
