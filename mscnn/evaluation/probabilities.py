"""Probabilities of classes, as somebody gives them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from mscnn.errors import UserError

SUM_TOLERANCE = 0.01  # of probabilities that were printed with few digits
Where = Callable[[int], str]
Probabilities = np.ndarray | Sequence[Sequence[float]] | Mapping[str, Sequence[float]]


def read_probabilities(
    given: Probabilities | None, classes: Sequence[str] | None, truth: Sequence[str], where: Where
) -> tuple[list[str], np.ndarray]:
    """Check probabilities, given as (n, columns) or as a mapping of class to column.

    Args:
        given: None where there are none.
        classes: names of the columns, where they have none of their own.
        truth: classes of the n utterances; where these are numbers, columns without names are counted from 0.
        where: says where row i stands.

    Returns:
        names of the columns, and values (n, columns).

    Raises:
        UserError: ``array-shape``, ``classes-missing``, ``probability-value`` (no number from 0 to 1), or
            ``probability-sum``.
    """
    if given is None:
        return [], np.empty((len(truth), 0))
    try:
        if isinstance(given, Mapping):
            names, matrix = (
                [str(key) for key in given],
                np.stack([np.asarray(v, float) for v in given.values()], axis=-1),
            )
        else:
            names, matrix = list(classes or ()), np.asarray(given, float)
    except (ValueError, TypeError) as error:
        raise UserError(f"probabilities: not a table of numbers: {error}", code="probability-value") from None
    if matrix.ndim != 2:
        raise UserError(
            f"probabilities: expected a row for each utterance and a column for each class, found the shape "
            f"{matrix.shape}",
            code="array-shape",
        )
    if not names:
        if not all(name.isdecimal() for name in truth):
            raise UserError(
                "probabilities without names: give classes=, the names of their columns in order, or a mapping of "
                "class to column",
                code="classes-missing",
            )
        names = [str(k) for k in range(matrix.shape[1])]
    if len(names) != matrix.shape[1]:
        raise UserError(
            f"probabilities: {matrix.shape[1]} columns for {len(names)} classes: {', '.join(names)}",
            code="array-shape",
        )
    _check_probabilities(names, matrix, where)
    return names, matrix


def _check_probabilities(names: Sequence[str], matrix: np.ndarray, where: Where) -> None:
    """Raise UserError unless they are numbers from 0 to 1 that sum to 1 in each row."""
    checks: tuple[tuple[Any, str, str], ...] = (
        (~((matrix >= 0) & (matrix <= 1)).all(axis=1), "probability-value", "expected numbers from 0 to 1"),
        (~(abs(matrix.sum(axis=1) - 1) <= SUM_TOLERANCE), "probability-sum", "expected a sum of 1"),
    )
    for bad, code, fault in checks:
        if bad.any():
            i = int(bad.argmax())
            shown = ", ".join(f"{name} {value:g}" for name, value in zip(names, matrix[i], strict=True))
            raise UserError(
                f"{where(i)}: probabilities: {fault}, found {shown} (sum {matrix[i].sum():g}); "
                f"{int(bad.sum())} of {len(matrix)} rows are so. Logits or percents? Make probabilities of them first",
                code=code,
            )
