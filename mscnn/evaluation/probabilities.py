"""Checks of class probabilities given by the user."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from mscnn.errors import UserError
from mscnn.paths import composed

SUM_TOLERANCE = 0.01  # of probabilities that were printed with few digits
Where = Callable[[int], str]
Probabilities = np.ndarray | Sequence[Sequence[float]] | Mapping[str, Sequence[float]]


def read_probabilities(
    given: Probabilities | None, classes: Sequence[str] | None, truth: Sequence[str], where: Where
) -> tuple[list[str], np.ndarray]:
    """Check probabilities given as (n, columns) or as a mapping of class to column.

    Args:
        given: the probabilities, or None.
        classes: names of the columns of an array.
        truth: classes of the n utterances; where these are numbers, columns without names are numbered from 0.
        where: place of row i, for messages.

    Returns:
        names of the columns, and values (n, columns).

    Raises:
        UserError: ``array-shape``, ``classes-missing``, ``probability-value`` (not a number from 0 to 1), or
            ``probability-sum``.
    """
    if given is None:
        return [], np.empty((len(truth), 0))
    try:
        if isinstance(given, Mapping):
            names, matrix = (
                [composed(str(key)) for key in given],
                np.stack([np.asarray(v, float) for v in given.values()], axis=-1),
            )
        else:
            names, matrix = list(classes or ()), np.asarray(given, float)
    except (ValueError, TypeError) as error:
        raise UserError(f"probabilities: not a table of numbers: {error}", code="probability-value") from None
    if matrix.ndim != 2:
        raise UserError(
            f"probabilities: expected one row per utterance and one column per class, found the shape {matrix.shape}",
            code="array-shape",
        )
    if not names:
        if not all(name.isdecimal() for name in truth):
            raise UserError(
                "probabilities without names: give the names of their columns as classes=, or a mapping of class to "
                "column",
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
    for invalid, code, expected in checks:
        if invalid.any():
            i = int(invalid.argmax())
            values = ", ".join(f"{name} {value:g}" for name, value in zip(names, matrix[i], strict=True))
            raise UserError(
                f"{where(i)}: probabilities: {expected}, found {values} (sum {matrix[i].sum():g}); "
                f"{int(invalid.sum())} of {len(matrix)} rows are invalid. Convert logits or percentages first",
                code=code,
            )
