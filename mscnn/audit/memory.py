"""What memorising the training part earns on test: words by TF-IDF and logistic regression, the nearest text, sound.

The yardsticks are the systems ``tfidf_lr`` and ``logmel_lr`` of ``conf/models``: the same numbers as their score lines.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np

from mscnn.config.model import ModelSpec
from mscnn.data.datadir import DataDir
from mscnn.data.protocols import Fold
from mscnn.errors import UserError
from mscnn.features.archive import FeatureDir
from mscnn.models.yardstick import Options
from mscnn.training.yardstick import posteriors, read_inputs

NEAR = 0.8  # cosine from which two texts are near duplicates
BLOCK = 512  # rows of a product that are held at a time


class Texts:
    """Normalised words of a corpus as TF-IDF vectors of length 1, and what is nearest to what.

    Document frequencies are those of the whole corpus, so that whether two texts are near does not depend on the fold.
    """

    def __init__(self, words: Mapping[str, str]) -> None:
        from sklearn.feature_extraction.text import TfidfVectorizer

        self.words = words
        self._row = {utt: i for i, utt in enumerate(words)}
        self._vectors = TfidfVectorizer(token_pattern=r"\S+", dtype=np.float32).fit_transform(words.values()).tocsr()

    def nearest(self, fold: Fold) -> dict[str, tuple[float, str]]:
        """Highest cosine of each test utterance with a training utterance, and the first that has it.

        Utterances without words are in neither part.
        """
        test, train = ([u for u in utts if u in self._row] for utts in (fold.test, fold.train))
        if not train:
            return {}
        known = self._vectors[[self._row[u] for u in train]].T.tocsr()
        found = {}
        for start in range(0, len(test), BLOCK):
            block = test[start : start + BLOCK]
            cosines = (self._vectors[[self._row[u] for u in block]] @ known).toarray()
            best = cosines.argmax(axis=1)
            found |= {u: (float(cosines[i, k]), train[k]) for i, (u, k) in enumerate(zip(block, best, strict=True))}
        return found


def nearest_text(fold: Fold, data: DataDir, nearest: Mapping[str, tuple[float, str]]) -> list[str]:
    """Class of each test utterance by its nearest training text; the commonest class where no word is known."""
    common = Counter(data.emo[u] for u in fold.train)
    usual = min(common, key=lambda emotion: (-common[emotion], emotion))
    hits = (nearest.get(utt, (0.0, "")) for utt in fold.test)
    return [data.emo[utt] if cosine > 0 else usual for cosine, utt in hits]


def yardstick(
    name: str, folds: Sequence[Fold], data: DataDir, features: FeatureDir | None = None, *, each: Callable = map
) -> list[list[str]]:
    """Class of each test utterance of each fold by a yardstick of ``conf/models``; ``each`` is a ``map`` over folds.

    Raises:
        UserError: a training part has one class only.
    """
    poor = next((fold.index for fold in folds if len({data.emo[u] for u in fold.train}) < 2), None)
    if poor:
        raise UserError(f"{data.path}: train of fold {poor} has one class only; nothing can be learnt there")
    options = Options(**ModelSpec.load(name).options)
    classes, inputs = sorted(set(data.emo.values())), read_inputs(options, data, "gt", features)
    found = each(partial(posteriors, options, inputs, data.emo, classes=classes), folds)
    return [[classes[k] for k in scores["test"].argmax(axis=1)] for scores in found]
