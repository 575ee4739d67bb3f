"""Predictions of utterances, and the strict reader of an experiment's ``predictions_{dev,test}.tsv``."""

from __future__ import annotations

import os
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mscnn.errors import UserError

TOLERANCE = 1e-3  # of the sum of printed probabilities


@dataclass(frozen=True)
class Predictions:
    """n utterances: ids, truth and prediction as class indices (n,), probabilities (n, K), or (n, 0) if unknown."""

    utts: tuple[str, ...]
    truth: np.ndarray
    pred: np.ndarray
    prob: np.ndarray


def read_predictions(path: str | os.PathLike, classes: Sequence[str]) -> Predictions:
    """Read one file: header ``utt truth pred p_<class>…``, tab separated, sorted by utterance.

    Raises:
        UserError: the file is truncated, classes differ from ``classes`` or are in another order, an utterance is twice
            or out of order, a class is unknown, or probabilities do not sum to 1 or do not have their maximum at the
            prediction.
    """
    path = Path(path)
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: cannot be read: {error}; train this fold again", code="file-unreadable") from None
    header = ["utt", "truth", "pred", *(f"p_{name}" for name in classes)]
    if lines.pop() or not lines:
        raise UserError(
            f"{path}:{len(lines) + 1}: no newline at the end: the file is truncated; train this fold again",
            code="table-cut-short",
        )
    if lines[0].split("\t") != header:
        raise UserError(f"{path}:1: expected the columns {' '.join(header)}; found {lines[0]!r}", code="table-columns")
    if len(lines) == 1:
        raise UserError(f"{path}: no utterances; train this fold again", code="table-empty")
    index, utts, labels, prob = {name: i for i, name in enumerate(classes)}, [""], array("q"), array("d")
    for number, line in enumerate(lines[1:], 2):
        utt, *both, row = _row(path, number, line.split("\t"), index)
        if utt <= utts[-1]:  # the order of characters is that of the bytes of UTF-8
            raise UserError(
                f"{path}:{number}: {utt} is a duplicate, or not in bytewise order after {utts[-1]}",
                code="utterance-order",
            )
        utts.append(utt)
        labels.extend(both)
        prob.extend(row)
    truth, pred = np.array(labels).reshape(-1, 2).T.copy()
    return Predictions(tuple(utts[1:]), truth, pred, np.array(prob).reshape(len(truth), -1))


def _row(path: Path, number: int, cells: list[str], index: Mapping[str, int]) -> tuple[str, int, int, list[float]]:
    """Check one line; returns utterance, truth, prediction, probabilities."""
    if len(cells) != 3 + len(index):
        raise UserError(f"{path}:{number}: expected {3 + len(index)} columns, found {len(cells)}", code="table-columns")
    utt, truth, pred = cells[:3]
    for name in (truth, pred):
        if name not in index:
            raise UserError(
                f"{path}:{number}: {utt}: class {name!r} is not one of {', '.join(index)}", code="class-unknown"
            )
    try:
        prob = [float(cell) for cell in cells[3:]]
    except ValueError:
        raise UserError(
            f"{path}:{number}: {utt}: probabilities are not numbers: {' '.join(cells[3:])}", code="probability-value"
        ) from None
    if not (min(prob) >= 0 and abs(sum(prob) - 1) <= TOLERANCE):
        raise UserError(
            f"{path}:{number}: {utt}: probabilities must be 0 or more and sum to 1; found {' '.join(cells[3:])}",
            code="probability-sum",
        )
    if prob[index[pred]] < max(prob):
        raise UserError(
            f"{path}:{number}: {utt}: {pred} is not the most probable class; found {' '.join(cells[3:])}",
            code="prediction-not-most-probable",
        )
    return utt, index[truth], index[pred], prob


def join_folds(folds: Sequence[Sequence[Predictions]]) -> list[Predictions]:
    """Predictions of each run, folds concatenated, from ``folds[fold][run]``."""
    return [
        Predictions(
            tuple(utt for part in parts for utt in part.utts),
            *(np.concatenate([getattr(part, name) for part in parts]) for name in ("truth", "pred", "prob")),
        )
        for parts in zip(*folds, strict=True)
    ]
