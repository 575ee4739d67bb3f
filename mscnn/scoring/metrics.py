"""Metrics of a confusion matrix, defined once.

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


def confusion_matrix(truth: np.ndarray, prediction: np.ndarray, classes: int) -> np.ndarray:
    """Counts (K, K) from class indices (n,), rows truth, columns prediction."""
    cells = np.asarray(truth) * classes + np.asarray(prediction)
    return np.bincount(cells, minlength=classes * classes).reshape(classes, classes)


def recalls(matrix: np.ndarray, names: Sequence[str] = ()) -> np.ndarray:
    """Recall of each class (K,), 0 to 1; ``names`` of the classes serve the message.

    Raises:
        UserError: a class has no utterance.
    """
    totals = matrix.sum(axis=1)
    if not totals.all():
        absent = int(np.argmin(totals))
        raise UserError(f"class {names[absent] if names else absent} has no utterance here: UA does not exist")
    return np.diag(matrix) / totals


def precisions(matrix: np.ndarray) -> np.ndarray:
    """Precision of each class (K,), 0 to 1; 0 for a class that is never predicted."""
    return np.diag(matrix) / np.maximum(matrix.sum(axis=0), 1)


def f1s(matrix: np.ndarray, names: Sequence[str] = ()) -> np.ndarray:
    """F1 of each class (K,), 0 to 1; raises as :func:`recalls`."""
    recalls(matrix, names)
    return 2 * np.diag(matrix) / (matrix.sum(axis=0) + matrix.sum(axis=1))


def wa(matrix: np.ndarray) -> float:
    """Weighted accuracy, 0 to 1."""
    return float(np.trace(matrix) / matrix.sum())


def ua(matrix: np.ndarray, names: Sequence[str] = ()) -> float:
    """Unweighted accuracy, 0 to 1; raises as :func:`recalls`."""
    return float(recalls(matrix, names).mean())


def macro_f1(matrix: np.ndarray, names: Sequence[str] = ()) -> float:
    """Mean of the class F1 scores, 0 to 1; raises as :func:`recalls`."""
    return float(f1s(matrix, names).mean())


def weighted_f1(matrix: np.ndarray) -> float:
    """Mean of the class F1 scores weighted by the number of utterances, 0 to 1."""
    totals = matrix.sum(axis=1)
    scores = 2 * np.diag(matrix) / np.maximum(matrix.sum(axis=0) + totals, 1)
    return float(scores @ totals / matrix.sum())
