"""Aggregation of scores over folds and runs: mean over folds, and pooled."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mscnn.errors import UserError
from mscnn.evaluation.metrics import METRICS, Metric, confusion_matrix, f1s, precisions, recalls
from mscnn.evaluation.predictions import Predictions

FOLD_MEAN = "fold-mean"
POOLED = "pooled"
MEANING = {  # captions of tables
    FOLD_MEAN: "mean over folds ± sample sd over folds, averaged over runs",
    POOLED: "of all folds together, averaged over runs",
}


@dataclass(frozen=True)
class Value:
    """A metric in percent; standard deviations ``sd`` over folds and ``run_sd`` over runs, None for a single one."""

    mean: float
    sd: float | None
    run_sd: float | None


@dataclass(frozen=True)
class Aggregate:
    """Values of METRICS; ``correct`` of ``total`` utterances, averaged over runs."""

    name: str
    values: dict[str, Value]
    correct: int
    total: int


@dataclass(frozen=True)
class ClassScores:
    """Scores of a class in percent, over the predictions of all runs; None where the class has no utterances."""

    utterances: int
    recall: float | None
    precision: float
    f1: float | None


def confusions(folds: Sequence[Sequence[Predictions]], classes: int, keep: Container[str] | None = None) -> np.ndarray:
    """Confusion matrices (folds, runs, K, K) of ``folds[fold][run]``; ``keep``: only of these utterances."""

    def one(part: Predictions) -> np.ndarray:
        mask = np.array([keep is None or utt in keep for utt in part.utts])
        return confusion_matrix(part.truth[mask], part.pred[mask], classes)

    return np.array([[one(part) for part in runs] for runs in folds])


def fold_mean(matrices: np.ndarray, names: Sequence[str]) -> Aggregate:
    """Metrics of each fold, averaged over folds, then over runs.

    ``sd`` is the sample standard deviation over the folds of a run, averaged over runs; ``run_sd`` is that of the
    fold mean over runs.

    Raises:
        UserError: a class has no utterances in a fold.
    """
    return _aggregate(FOLD_MEAN, matrices, names)


def pooled(matrices: np.ndarray, names: Sequence[str]) -> Aggregate:
    """Metrics of the confusion matrix summed over folds, averaged over runs; ``run_sd`` is their deviation over runs.

    Raises:
        UserError: a class has no utterances in any fold.
    """
    return _aggregate(POOLED, matrices.sum(axis=0, keepdims=True), names)


def aggregates(protocol: Mapping[str, object]) -> tuple[Callable[[np.ndarray, Sequence[str]], Aggregate], ...]:
    """Aggregates that a protocol (of ``config.yaml``) reports, headline first; folds that it pools may lack classes."""
    return (pooled,) if protocol.get("aggregate") == POOLED else (fold_mean, pooled)


def undefined(matrices: np.ndarray, names: Sequence[str]) -> str | None:
    """Message saying where a class has no utterances, so that UA and F1 are undefined; None where they are defined."""
    for fold, runs in enumerate(matrices, 1):
        absent = [name for name, count in zip(names, runs[0].sum(axis=1), strict=True) if not count]
        if absent:
            where = f"fold {fold}" if len(matrices) > 1 else "all folds together"
            return f"{where}: no utterances of class {', '.join(absent)}"
    return None


def class_scores(matrices: np.ndarray, classes: Sequence[str]) -> dict[str, ClassScores]:
    """Recall, precision and F1 of each class, from the confusion matrices of runs (runs, K, M)."""
    total = matrices.sum(axis=0)
    counts = total.sum(axis=1)
    absent = np.flatnonzero(counts == 0)
    filled = total.copy()
    filled[absent, absent] += 1  # affects no other class; values of absent classes are dropped below
    values = zip(*(100 * of for of in (recalls(filled), precisions(total), f1s(filled))), strict=True)
    return {
        name: ClassScores(
            int(n) // len(matrices),
            recall=float(recall) if n else None,
            precision=float(precision),
            f1=float(f1) if n else None,
        )
        for name, n, (recall, precision, f1) in zip(classes, counts, values, strict=True)
    }


def _aggregate(name: str, matrices: np.ndarray, names: Sequence[str]) -> Aggregate:
    reason = undefined(matrices, names)
    if reason:
        raise UserError(
            f"{reason}; UA and F1 are undefined there, and no class is skipped: "
            "choose a protocol whose parts have every class",
            code="class-absent",
        )
    return Aggregate(
        name=name,
        values={key: spread(matrices, metric) for key, metric in METRICS.items()},
        correct=int(matrices.trace(axis1=2, axis2=3).sum(axis=0).mean() + 0.5),
        total=int(matrices[:, 0].sum()),
    )


def spread(matrices: np.ndarray, metric: Metric) -> Value:
    """Value of ``metric`` in percent, averaged over matrices (folds, runs, K, K)."""
    table = 100 * np.array([[metric(matrix) for matrix in runs] for runs in matrices])
    folds, runs = table.shape
    return Value(
        mean=float(table.mean(axis=0).mean()),
        sd=float(table.std(axis=0, ddof=1).mean()) if folds > 1 else None,
        run_sd=float(table.mean(axis=0).std(ddof=1)) if runs > 1 else None,
    )
