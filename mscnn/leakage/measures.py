"""The numbers of an audit: of each fold, and over folds as their mean, the worst fold and all folds pooled."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations

import numpy as np

from mscnn.baselines.classify import classify_folds
from mscnn.baselines.overlap import NEAR_DUPLICATE, TextIndex, classify_by_nearest
from mscnn.data.datadir import KINDS, DataDir, kinds_of
from mscnn.data.foldlists import PARTS
from mscnn.data.protocols import LEGACY_TEST_BEST, Fold, Protocol, shared
from mscnn.data.schemes import attribute
from mscnn.evaluation.metrics import confusion_matrix, ua, wa
from mscnn.features.archive import FeatureDir

Spread = dict[str, float | None]  # mean and worst over folds, and pooled; None where a value does not exist


def measure(
    folds: Sequence[Fold],
    data: DataDir,
    recordings: Mapping[str, str],
    features: FeatureDir | None = None,
    *,
    each: Callable = map,
) -> dict[str, object]:
    """What train and test share, in ``shared``, ``texts`` and ``scores``: over folds, and of each of the ``folds``.

    Texts and scores are also given for improvised and scripted utterances where ``utt2scene`` tells. A baseline that
    cannot be had (no words in the data, no ``features`` given) is None, as are shares of texts where there are no
    words. ``each`` is a ``map`` over folds.
    """
    tables = {"speaker": data.spk, "session": data.session, "scene": data.scene, "recording": recordings}
    words, kinds = attribute(data, "text"), _kinds(data)
    texts = TextIndex(words) if words else None
    nearest = [texts.nearest(fold) if texts else {} for fold in folds]
    rows = [
        {
            "fold": fold.index,
            "utterances": {part: len(utts) for part, utts in fold.parts.items()},
            "shared": {what: len(shared(table, fold.train, fold.test)) for what, table in tables.items() if table},
            "texts": {kind: _texts(fold, words, near, keep) for kind, keep in kinds.items()},
        }
        for fold, near in zip(folds, nearest, strict=True)
    ]
    guesses = {
        "tfidf_lr": classify_folds("tfidf_lr", folds, data, each=each) if words else None,
        "text_1nn": [classify_by_nearest(f, data, near) for f, near in zip(folds, nearest, strict=True)]
        if words
        else None,
        "logmel_lr": classify_folds("logmel_lr", folds, data, features, each=each) if features else None,
    }
    matrices = {name: found and _matrices(found, folds, data, kinds) for name, found in guesses.items()}
    for i, row in enumerate(rows):
        row["scores"] = {
            name: found and {kind: _rounded(_score(of[i])) for kind, of in found.items()}
            for name, found in matrices.items()
        }
    return {
        "near": NEAR_DUPLICATE,
        "features": features and features.title,
        "shared": {what: _spread([row["shared"][what] for row in rows]) for what in rows[0]["shared"]},
        "texts": {kind: _text_shares([row["texts"][kind] for row in rows], bool(words)) for kind in kinds},
        "scores": {
            name: found and {kind: _scores(of) for kind, of in found.items()} for name, found in matrices.items()
        },
        "folds": rows,
    }


def leaks(protocol: Protocol, folds: Sequence[Fold], data: DataDir, recordings: Mapping[str, str]) -> list[str]:
    """Pairs of utterances in two parts of a fold that are the same recording, each pair once."""
    found: dict[tuple[str, str], str] = {}
    pairs = [p for p in combinations(PARTS, 2) if p != ("dev", "test") or LEGACY_TEST_BEST not in protocol.legacy]
    for fold in folds:
        for a, b in pairs:
            for one, other in shared(recordings, fold.parts[a], fold.parts[b]).values():
                where = f"protocol {protocol.name}, fold {fold.index}: {one} ({a}) and {other} ({b})"
                files = " and ".join(data.wav.get(utt, "a segment") for utt in (one, other))
                found.setdefault((min(one, other), max(one, other)), f"{where} are the same recording: {files}")
    return list(found.values())


def _kinds(data: DataDir) -> dict[str, set[str]]:
    """All utterances, and the improvised and the scripted ones where there are both."""
    kind = kinds_of(data.scene)
    kinds = {name: {utt for utt in kind if kind[utt] == name} for name in KINDS.values()}
    return {"all": {*data.utts}, **(kinds if all(kinds.values()) else {})}


def _texts(
    fold: Fold, words: Mapping[str, str], nearest: Mapping[str, tuple[float, str]], keep: set[str]
) -> dict[str, int]:
    """Test utterances of a kind, how many of them have the text of a training utterance, and how many nearly have."""
    known, test = {words[u] for u in fold.train if u in words}, [u for u in fold.test if u in keep]
    return {
        "test": len(test),
        "verbatim": sum(words.get(u) in known for u in test),
        "near": sum(nearest[u][0] >= NEAR_DUPLICATE for u in test if u in nearest),
    }


def _text_shares(rows: Sequence[Mapping[str, int]], words: bool) -> dict[str, Spread]:
    """Percent of the test utterances; none exists in a corpus without ``words``: nothing is shared, nor kept apart."""
    total = {key: sum(row[key] if words else 0 for row in rows) for key in rows[0]}
    return {
        what: _spread(
            [_percent(row[what], row["test"]) if words else None for row in rows], _percent(total[what], total["test"])
        )
        for what in ("verbatim", "near")
    }


def _matrices(
    guesses: Sequence[Sequence[str]], folds: Sequence[Fold], data: DataDir, kinds: Mapping[str, set[str]]
) -> dict[str, list[np.ndarray]]:
    """Confusion matrices of each kind of utterances, one a fold."""
    index = {emotion: k for k, emotion in enumerate(sorted(set(data.emo.values())))}
    found = {}
    for kind, keep in kinds.items():
        found[kind] = []
        for fold, classes in zip(folds, guesses, strict=True):
            pairs = [(index[data.emo[u]], index[c]) for u, c in zip(fold.test, classes, strict=True) if u in keep]
            found[kind].append(confusion_matrix(*np.array(pairs, dtype=int).reshape(-1, 2).T, len(index)))
    return found


def _scores(matrices: Sequence[np.ndarray]) -> dict[str, Spread]:
    """WA and UA in percent over folds."""
    values, pooled = [_score(matrix) for matrix in matrices], _score(sum(matrices))
    return {key: _spread([value[key] for value in values], pooled[key]) for key in ("wa", "ua")}


def _score(matrix: np.ndarray) -> dict[str, float | None]:
    """WA and UA in percent; UA does not exist where a class has no utterance."""
    return {
        "wa": 100 * wa(matrix) if matrix.sum() else None,
        "ua": 100 * ua(matrix) if matrix.sum(axis=1).all() else None,
    }


def _percent(count: int, total: int) -> float | None:
    return 100 * count / total if total else None


def _spread(values: Sequence[float | None], pooled: float | None = None) -> Spread:
    """Mean over folds, which exists where every fold has a value; the highest value; and the pooled one."""
    there = [value for value in values if value is not None]
    mean = sum(there) / len(values) if len(there) == len(values) else None
    return _rounded({"mean": mean, "worst": max(there, default=None), "pooled": pooled})


def _rounded(numbers: Mapping[str, float | None]) -> dict[str, float | None]:
    return {name: value and round(value, 2) for name, value in numbers.items()}
