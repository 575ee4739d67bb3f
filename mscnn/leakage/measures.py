"""Measures of an audit: per fold, and over folds as mean, worst fold and pooled value."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from typing import TypeAlias

import numpy as np

from mscnn.baselines.classify import classify_folds
from mscnn.baselines.overlap import NEAR_DUPLICATE_COSINE, TextIndex, classify_by_nearest
from mscnn.data.datadir import KINDS, DataDir, kinds_of
from mscnn.data.foldlists import PARTS
from mscnn.data.protocols import LEGACY_TEST_BEST, Fold, Protocol, folds_digest, shared, short_hash
from mscnn.data.schemes import attribute
from mscnn.evaluation.metrics import confusion_matrix, ua, wa
from mscnn.features.archive import FeatureDir
from mscnn.leakage.result import (
    AuditResult,
    FoldAudit,
    FoldOverlap,
    FoldScores,
    Number,
    Overlap,
    ProtocolFacts,
    Scores,
    Spread,
)  # fmt: skip

Nearest: TypeAlias = Mapping[str, tuple[float, str]]  # test utterance -> cosine and utterance of the nearest text
Kinds: TypeAlias = Mapping[str, set[str]]  # all, improvised, scripted -> utterances


def measure(
    protocol: Protocol,
    folds: Sequence[Fold],
    data: DataDir,
    recordings: Mapping[str, str],
    features: FeatureDir | None = None,
    *,
    inputs: str = "",
    map_fn: Callable = map,
) -> AuditResult:
    """Result of the audit of a protocol's folds.

    Text overlap and scores are also measured on improvised and on scripted utterances where ``utt2scene`` has both.
    Unavailable baselines (no text in the data, no ``features``) are None, and so is text overlap without text.

    Args:
        recordings: utterance -> digest of its samples, from :func:`mscnn.leakage.recordings.contents`.
        inputs: digest of the inputs, copied into the result.
        map_fn: ``map`` over folds; that of a process pool fits baselines in parallel.
    """
    texts, kinds = attribute(data, "text"), _kinds(data)
    index = TextIndex(texts) if texts else None
    nearest = [index.nearest(fold) if index else {} for fold in folds]
    counts = _shared(folds, data, recordings)
    overlaps = [_overlaps(fold, texts, near, kinds) for fold, near in zip(folds, nearest, strict=True)]
    classified = _classified(folds, data, nearest, features, map_fn)
    matrices = {name: _matrices(of, folds, data, kinds) if of else None for name, of in classified.items()}
    return AuditResult(
        protocol=facts(protocol, folds),
        data=data.name,
        utterances=len(data.utts),
        inputs=inputs,
        features_digest=features.content if features else None,
        leaks=leaks(protocol, folds, data, recordings),
        near=NEAR_DUPLICATE_COSINE,
        features=features.title if features else None,
        shared={what: _spread([count[what] for count in counts]) for what in counts[0]},
        texts={kind: _overlap([overlap[kind] for overlap in overlaps], bool(texts)) for kind in kinds},
        scores={name: {k: _scores(of[k]) for k in kinds} if of else None for name, of in matrices.items()},
        folds=[
            FoldAudit(
                fold=fold.index,
                utterances={part: len(utts) for part, utts in fold.parts.items()},
                shared=count,
                texts=overlap,
                scores={n: {k: _rounded_scores(of[k][i]) for k in kinds} if of else None for n, of in matrices.items()},
            )
            for i, (fold, count, overlap) in enumerate(zip(folds, counts, overlaps, strict=True))
        ],
    )


def facts(protocol: Protocol, folds: Sequence[Fold]) -> ProtocolFacts:
    """Statements of the protocol, and the digest of its folds."""
    sha256 = folds_digest(protocol, folds)
    return ProtocolFacts(
        name=protocol.name,
        version=protocol.version,
        hash=short_hash(sha256),
        sha256=sha256,
        disjoint={pair: [*names] for pair, names in protocol.disjoint.items()},
        selection=protocol.selection,
        legacy=[*protocol.legacy],
        aggregate=protocol.aggregate,
    )


def leaks(protocol: Protocol, folds: Sequence[Fold], data: DataDir, recordings: Mapping[str, str]) -> list[str]:
    """One message per pair of utterances in two parts of a fold that are the same recording."""
    messages: dict[tuple[str, str], str] = {}
    pairs = [p for p in combinations(PARTS, 2) if p != ("dev", "test") or LEGACY_TEST_BEST not in protocol.legacy]
    for fold in folds:
        for a, b in pairs:
            for one, other in shared(recordings, fold.parts[a], fold.parts[b]).values():
                where = f"protocol {protocol.name}, fold {fold.index}: {one} ({a}) and {other} ({b})"
                files = " and ".join(data.wav.get(utt, "a segment") for utt in (one, other))
                messages.setdefault((min(one, other), max(one, other)), f"{where} are the same recording: {files}")
    return list(messages.values())


def _kinds(data: DataDir) -> dict[str, set[str]]:
    """``all`` -> all utterances; also the improvised and the scripted ones where there are both."""
    kind = kinds_of(data.scene)
    kinds = {name: {utt for utt in kind if kind[utt] == name} for name in KINDS.values()}
    return {"all": {*data.utts}, **(kinds if all(kinds.values()) else {})}


def _shared(folds: Sequence[Fold], data: DataDir, recordings: Mapping[str, str]) -> list[dict[str, int]]:
    """Per fold: number of speakers, sessions, scenes and recordings that train and test share."""
    speakers = data.spk if data.speakers_known else {}
    tables = {"speaker": speakers, "session": data.session, "scene": data.scene, "recording": recordings}
    return [
        {what: len(shared(table, fold.train, fold.test)) for what, table in tables.items() if table} for fold in folds
    ]


def _classified(
    folds: Sequence[Fold], data: DataDir, nearest: Sequence[Nearest], features: FeatureDir | None, map_fn: Callable
) -> dict[str, list[list[str]] | None]:
    """Baseline -> predicted class of each test utterance of each fold; None where it is unavailable."""
    texts = attribute(data, "text")
    has_text = all(any(utt in texts for utt in fold.train) for fold in folds)  # words to learn from in every fold
    by_nearest = [classify_by_nearest(fold, data, near) for fold, near in zip(folds, nearest, strict=True)]
    return {
        "tfidf_lr": classify_folds("tfidf_lr", folds, data, map_fn=map_fn) if has_text else None,
        "text_1nn": by_nearest if has_text else None,
        "logmel_lr": classify_folds("logmel_lr", folds, data, features, map_fn=map_fn) if features else None,
    }


def _overlaps(fold: Fold, texts: Mapping[str, str], nearest: Nearest, kinds: Kinds) -> dict[str, FoldOverlap]:
    """Kind -> number of test utterances, of those with the text in train, and of those with a near duplicate there."""
    known = {texts[utt] for utt in fold.train if utt in texts}
    overlaps = {}
    for kind, members in kinds.items():
        test = [utt for utt in fold.test if utt in members]
        overlaps[kind] = FoldOverlap(
            test=len(test),
            verbatim=sum(texts.get(utt) in known for utt in test),
            near=sum(nearest[utt][0] >= NEAR_DUPLICATE_COSINE for utt in test if utt in nearest),
        )
    return overlaps


def _overlap(folds: Sequence[FoldOverlap], has_text: bool) -> Overlap:
    """Text overlap in percent of the test utterances; None in a corpus without text."""

    def percent(counts: Sequence[int]) -> Spread:
        if not has_text:
            return _spread([None] * len(folds))
        tests = [fold.test for fold in folds]
        values = [_percent(n, test) for n, test in zip(counts, tests, strict=True)]
        return _spread(values, _percent(sum(counts), sum(tests)))

    return Overlap(verbatim=percent([fold.verbatim for fold in folds]), near=percent([fold.near for fold in folds]))


def _matrices(
    classified: Sequence[Sequence[str]], folds: Sequence[Fold], data: DataDir, kinds: Kinds
) -> dict[str, list[np.ndarray]]:
    """Kind of utterances -> one confusion matrix per fold."""
    index = {emotion: k for k, emotion in enumerate(data.classes)}
    matrices: dict[str, list[np.ndarray]] = {kind: [] for kind in kinds}
    for kind, members in kinds.items():
        for fold, classes in zip(folds, classified, strict=True):
            pairs = [(index[data.emo[u]], index[c]) for u, c in zip(fold.test, classes, strict=True) if u in members]
            truth, prediction = np.array(pairs, dtype=int).reshape(-1, 2).T
            matrices[kind].append(confusion_matrix(truth, prediction, len(index)))
    return matrices


def _scores(matrices: Sequence[np.ndarray]) -> Scores:
    """WA and UA over folds."""
    folds, pooled = [_fold_scores(matrix) for matrix in matrices], _fold_scores(np.sum(matrices, axis=0))
    return Scores(
        wa=_spread([fold.wa for fold in folds], pooled.wa), ua=_spread([fold.ua for fold in folds], pooled.ua)
    )


def _fold_scores(matrix: np.ndarray) -> FoldScores:
    """WA and UA in percent, not rounded."""
    return FoldScores(
        wa=100 * float(wa(matrix)) if matrix.sum() else None,
        ua=100 * float(ua(matrix)) if matrix.sum(axis=1).all() else None,
    )


def _rounded_scores(matrix: np.ndarray) -> FoldScores:
    scores = _fold_scores(matrix)
    return FoldScores(wa=_rounded(scores.wa), ua=_rounded(scores.ua))


def _percent(count: int, total: int) -> float | None:
    return 100 * count / total if total else None


def _spread(values: Sequence[Number | None], pooled: Number | None = None) -> Spread:
    defined = [value for value in values if value is not None]
    mean = sum(defined) / len(values) if len(defined) == len(values) else None
    return Spread(mean=_rounded(mean), worst=_rounded(max(defined, default=None)), pooled=_rounded(pooled))


def _rounded(value: Number | None) -> Number | None:
    return None if value is None else round(value, 2)
