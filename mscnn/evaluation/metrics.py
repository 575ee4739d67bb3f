"""Metrics of a confusion matrix, or of a stack of them (..., K, K), defined once.

N is the confusion matrix (rows truth, columns prediction), K classes, n utterances:

    WA = sum_k N_kk / n                       accuracy
    UA = 1/K sum_k N_kk / sum_j N_kj          mean of the class recalls, balanced accuracy
    F1_k = 2 N_kk / (sum_j N_kj + sum_j N_jk)
    macro F1 = 1/K sum_k F1_k
    weighted F1 = 1/n sum_k F1_k sum_j N_kj   each class counts as often as it occurs

UA and macro F1 do not exist where a class has no utterance; they raise, they never skip the class.
"""

from collections.abc import Sequence

import numpy as np

from mscnn.errors import UserError

NAMES = {"ua": "UA", "wa": "WA", "f1": "macro F1", "wf1": "weighted F1"}  # as people read them, in the order of tables


def confusion_matrix(truth: np.ndarray, prediction: np.ndarray, classes: int) -> np.ndarray:
    """Counts (K, K) from class indices (n,), rows truth, columns prediction."""
    cells = np.asarray(truth) * classes + np.asarray(prediction)
    return np.bincount(cells, minlength=classes * classes).reshape(classes, classes)


def recalls(matrix: np.ndarray, names: Sequence[str] = ()) -> np.ndarray:
    """Recall of each class (..., K), 0 to 1; ``names`` of the classes serve the message.

    Raises:
        UserError: a class has no utterance.
    """
    totals = matrix.sum(axis=-1)
    if not totals.all():
        absent = int(np.argwhere(totals == 0)[0, -1])
        raise UserError(f"class {names[absent] if names else absent} has no utterance here: UA does not exist")
    return _hits(matrix) / totals


def precisions(matrix: np.ndarray) -> np.ndarray:
    """Precision of each class (..., K), 0 to 1; 0 for a class that is never predicted."""
    return _hits(matrix) / np.maximum(matrix.sum(axis=-2), 1)


def f1s(matrix: np.ndarray, names: Sequence[str] = ()) -> np.ndarray:
    """F1 of each class (..., K), 0 to 1; raises as :func:`recalls`."""
    recalls(matrix, names)
    return 2 * _hits(matrix) / (matrix.sum(axis=-2) + matrix.sum(axis=-1))


def wa(matrix: np.ndarray) -> float | np.ndarray:
    """Weighted accuracy, 0 to 1: a number, or (...) of a stack."""
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
    scores = 2 * _hits(matrix) / np.maximum(matrix.sum(axis=-2) + totals, 1)
    return _plain((scores * totals).sum(axis=-1) / totals.sum(axis=-1))


def _hits(matrix: np.ndarray) -> np.ndarray:
    return np.diagonal(matrix, axis1=-2, axis2=-1)


def _plain(values: np.ndarray) -> float | np.ndarray:
    """A Python number where there is one value: it goes into files and checkpoints."""
    return values.item() if values.ndim == 0 else values
