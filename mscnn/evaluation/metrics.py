"""Metrics of a confusion matrix, or of a stack of them (..., K, K), defined once; METRICS lists them.

N is the confusion matrix (rows truth, columns prediction), K classes, n utterances:

    WA = sum_k N_kk / n                       accuracy
    UA = 1/K sum_k N_kk / sum_j N_kj          mean of the class recalls, balanced accuracy
    F1_k = 2 N_kk / (sum_j N_kj + sum_j N_jk)
    macro F1 = 1/K sum_k F1_k
    weighted F1 = 1/n sum_k F1_k sum_j N_kj   classes weighted by their frequency

UA and macro F1 are undefined where a class has no utterances: they raise UserError and never skip the class.

A matrix may have columns beyond its K rows, (..., K, M): predictions of classes that the truth never has. They count as
errors; means are over the K classes of the truth.

To add a metric, write its function and its entry in METRICS. Tables, pages, score lines, intervals and the selection of
epochs iterate METRICS and need no change.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from mscnn.errors import UserError


def confusion_matrix(truth: np.ndarray, prediction: np.ndarray, classes: int) -> np.ndarray:
    """Counts (K, K) from class indices (n,), rows truth, columns prediction."""
    cells = np.asarray(truth) * classes + np.asarray(prediction)
    return np.bincount(cells, minlength=classes * classes).reshape(classes, classes)


def recalls(matrix: np.ndarray, names: Sequence[str] = ()) -> np.ndarray:
    """Recall of each class (..., K), 0 to 1; ``names`` of the classes are for the message.

    Raises:
        UserError: a class has no utterances.
    """
    totals = matrix.sum(axis=-1)
    if not totals.all():
        absent = int(np.argwhere(totals == 0)[0, -1])
        name = names[absent] if names else absent
        raise UserError(f"class {name} has no utterances: UA and F1 are undefined", code="class-absent")
    return _hits(matrix) / totals


def precisions(matrix: np.ndarray) -> np.ndarray:
    """Precision of each class (..., K), 0 to 1; 0 for classes that are never predicted."""
    return _hits(matrix) / np.maximum(_predicted(matrix), 1)


def f1s(matrix: np.ndarray, names: Sequence[str] = ()) -> np.ndarray:
    """F1 of each class (..., K), 0 to 1; raises as :func:`recalls`."""
    recalls(matrix, names)
    return 2 * _hits(matrix) / (_predicted(matrix) + matrix.sum(axis=-1))


def wa(matrix: np.ndarray) -> float | np.ndarray:
    """Weighted accuracy, 0 to 1: a float, or (...) for a stack."""
    return _plain(_hits(matrix).sum(axis=-1) / matrix.sum(axis=(-2, -1)))


def ua(matrix: np.ndarray, names: Sequence[str] = ()) -> float | np.ndarray:
    """Unweighted accuracy, 0 to 1; raises as :func:`recalls`."""
    return _plain(recalls(matrix, names).mean(axis=-1))


def macro_f1(matrix: np.ndarray, names: Sequence[str] = ()) -> float | np.ndarray:
    """Mean of the class F1 scores, 0 to 1; raises as :func:`recalls`."""
    return _plain(f1s(matrix, names).mean(axis=-1))


def weighted_f1(matrix: np.ndarray) -> float | np.ndarray:
    """Mean of the class F1 scores weighted by the number of utterances, 0 to 1."""
    totals = matrix.sum(axis=-1)
    scores = 2 * _hits(matrix) / np.maximum(_predicted(matrix) + totals, 1)
    return _plain((scores * totals).sum(axis=-1) / totals.sum(axis=-1))


def present(matrix: np.ndarray) -> np.ndarray:
    """Whether every class of the truth has utterances (...), so that every metric is defined."""
    return (matrix.sum(axis=-1) > 0).all(axis=-1)


def _hits(matrix: np.ndarray) -> np.ndarray:
    return np.diagonal(matrix, axis1=-2, axis2=-1)


def _predicted(matrix: np.ndarray) -> np.ndarray:
    """Number of predictions of each class of the truth (..., K)."""
    return matrix.sum(axis=-2)[..., : matrix.shape[-2]]


def _plain(values: np.ndarray) -> float | np.ndarray:
    """A Python float where there is one value, for files and checkpoints."""
    return values.item() if values.ndim == 0 else values


@dataclass(frozen=True)
class Metric:
    """A metric of confusion matrices; an instance is called like its function.

    Attributes:
        name: key in files, score lines and options.
        label: name in tables and pages.
        definition: formula, four spaces, description; a line of every score file.
        function: maps matrices (..., K, M), M >= K, to values up to 1 (...); a float for one matrix.
        every_class: the metric is undefined where a class has no utterances; the function raises ``class-absent``.
        compared: tables that compare experiments have a column for it.
        least: its lowest possible value; intervals are limited to ``least`` and 1.
    """

    name: str
    label: str
    definition: str
    function: Callable[[np.ndarray], float | np.ndarray]
    every_class: bool = False
    compared: bool = True
    least: float = 0.0

    def __call__(self, matrix: np.ndarray) -> float | np.ndarray:
        return self.function(matrix)

    def exists(self, matrix: np.ndarray) -> np.ndarray:
        """Whether it is defined for each matrix (...)."""
        return present(matrix) if self.every_class else matrix.sum(axis=(-2, -1)) > 0


METRICS: dict[str, Metric] = {  # in the order of tables; score lines start with the first three
    metric.name: metric
    for metric in (
        Metric(
            "ua",
            "UA",
            "UA = 1/K sum_k N_kk / sum_j N_kj    mean of the class recalls, balanced accuracy",
            ua,
            every_class=True,
        ),
        Metric("wa", "WA", "WA = sum_k N_kk / n    accuracy", wa),
        Metric(
            "f1",
            "macro F1",
            "F1 = 1/K sum_k F1_k, F1_k = 2 N_kk / (sum_j N_kj + sum_j N_jk)    macro F1",
            macro_f1,
            every_class=True,
            compared=False,
        ),
        Metric("wf1", "weighted F1", "wf1 = 1/n sum_k F1_k sum_j N_kj    weighted F1", weighted_f1),
    )
}
