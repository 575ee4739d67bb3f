"""Nearest texts against a dense computation of cosines; classes on texts whose answer is known."""

import math
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from mscnn.baselines import overlap
from mscnn.baselines.classify import classify_folds
from mscnn.baselines.overlap import TextIndex, classify_by_nearest
from mscnn.data.datadir import DataDir
from mscnn.data.protocols import Fold
from tests.raises import fails

TEXTS = {
    "a": "i don't know",
    "b": "i do know",
    "c": "yes",
    "d": "no no no",
    "e": "i don't know",
    "f": "no yes maybe",
    "g": "nothing shared",
}


def dense(texts):
    """TF-IDF by its definition: count * (ln((1 + n) / (1 + df)) + 1), rows of length 1."""
    df = Counter(word for text in texts.values() for word in set(text.split()))
    idf = {word: math.log((1 + len(texts)) / (1 + df[word])) + 1 for word in df}
    rows = {u: np.array([text.split().count(word) * idf[word] for word in sorted(idf)]) for u, text in texts.items()}
    return {u: row / np.linalg.norm(row) for u, row in rows.items()}


def test_nearest_is_the_highest_cosine(monkeypatch):
    monkeypatch.setattr(overlap, "BLOCK_ROWS", 2)  # blocks do not fit the number of texts
    fold = Fold(1, ("a", "b", "c", "d", "silent"), (), ("e", "f", "g", "mute"))
    nearest, rows = TextIndex(TEXTS).nearest(fold), dense(TEXTS)
    assert nearest.keys() == {"e", "f", "g"}  # the others have no text
    for utt, (cosine, train) in nearest.items():
        cosines = {u: float(rows[utt] @ rows[u]) for u in "abcd"}
        assert cosine == pytest.approx(max(cosines.values()), abs=1e-6)
        assert cosines[train] == pytest.approx(cosine, abs=1e-6)
    assert nearest["e"] == (pytest.approx(1), "a") and nearest["f"][1] == "c" and nearest["g"] == (0, "a")


def test_rare_words_weigh_more_than_common_ones():
    """A common word with an unknown one is no near duplicate of the common word."""
    texts = {f"t{i}": "well" for i in range(50)} | {"u": "well armadillo"}
    (cosine, _), *_ = TextIndex(texts).nearest(Fold(1, tuple(f"t{i}" for i in range(50)), (), ("u",))).values()
    assert cosine < 0.3


def test_a_large_corpus_is_searched_by_rare_words(monkeypatch):
    """Texts that are in train, and those that share a rare word with one, are found as in a small corpus."""
    texts = {f"t{i:02d}": f"so we {('go', 'see', 'know')[i % 3]} word{i}" for i in range(40)}
    texts |= {"same": texts["t07"], "near": "so we know word11 well", "far": "so we see", "other": "nothing like it"}
    texts |= {"t40": "so go we", "turned": "we go so"}
    fold = Fold(1, tuple(u for u in texts if u[0] == "t"), (), ("same", "near", "far", "other", "turned"))
    exact = TextIndex(texts).nearest(fold)
    monkeypatch.setattr(overlap, "EXACT", 10)
    monkeypatch.setattr(overlap, "COMMON", 10)
    found = TextIndex(texts).nearest(fold)
    assert list(found) == list(exact) and found["same"] == (1.0, "t07")
    assert found["near"] == (pytest.approx(exact["near"][0]), "t11") and found["other"][0] == 0
    assert found["turned"] == (1.0, "t40")  # the same common words
    assert found["far"][0] == 0 < exact["far"][0]  # other common words: it has no nearest text


def make(emo):
    return DataDir(Path("toy"), {}, TEXTS, dict.fromkeys(TEXTS, "s"), emo, {})


def test_the_class_of_the_nearest_text_is_predicted():
    emo = {"a": "sad", "b": "happy", "c": "happy", "d": "sad", "e": "?", "f": "?", "g": "?"}
    fold = Fold(1, ("a", "b", "c", "d"), (), ("e", "f", "g"))
    assert classify_by_nearest(fold, make(emo), TextIndex(TEXTS).nearest(fold)) == [
        "sad",
        "happy",
        "happy",
    ]  # g: a tie
    assert classify_by_nearest(fold, make({**emo, "c": "sad"}), {}) == ["sad"] * 3


def test_baselines_learn_from_train_only():
    emo = {"a": "sad", "b": "sad", "c": "happy", "d": "sad", "e": "happy", "f": "happy", "g": "happy"}
    folds = [Fold(1, ("a", "b", "c"), ("d",), ("e", "f")), Fold(2, ("c", "d"), ("a",), ("f",))]
    assert classify_folds("tfidf_lr", folds, make(emo))[0] == ["sad", "happy"]
    with fails("class-absent", "fold 1"):
        classify_folds("tfidf_lr", [Fold(1, ("a", "b"), ("d",), ("e",))], make(emo))
