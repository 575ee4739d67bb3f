"""Checks predictions of any toolkit, given as columns of names or indices, and makes a System of them."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping, Sequence, Sized
from dataclasses import dataclass
from typing import Any

import numpy as np

from mscnn.errors import UserError
from mscnn.evaluation.predictions import Predictions
from mscnn.evaluation.probabilities import Probabilities, Where, read_probabilities
from mscnn.evaluation.system import System
from mscnn.paths import composed

MAX_CLASSES = 100  # without classes=; more mean that the column has no classes


@dataclass(frozen=True)
class Rows:
    """Columns of n rows, as names; columns that are not given are None.

    ``probabilities`` (n, columns) are those of the classes ``scored``; ``where`` gives the place of a row for messages.
    """

    truth: list[str]
    predictions: list[str]
    utterances: list[str] | None
    speakers: list[str] | None
    dialogues: list[str] | None
    folds: list[str] | None
    runs: list[str]
    probabilities: np.ndarray
    scored: list[str]
    classes: list[str]
    others: list[str]
    where: Where


def system_of(
    truth: Iterable[Any],
    predictions: Iterable[Any] | None = None,
    *,
    utterances: Iterable[Any] | None = None,
    speakers: Iterable[Any] | None = None,
    dialogues: Iterable[Any] | None = None,
    folds: Iterable[Any] | None = None,
    runs: Iterable[Any] | None = None,
    probabilities: Probabilities | None = None,
    classes: Sequence[object] | None = None,
    name: str = "predictions",
    where: Where = "item {}".format,
    remarks: Sequence[str] = (),
) -> System:
    """System from columns of n values each; the arguments are those of :func:`mscnn.evaluate`, and:

    Args:
        name: name of the system in the output.
        where: place of row i (from 0), for messages.
        remarks: remarks about the input.

    Raises:
        UserError: see :func:`mscnn.evaluate`.
    """
    named = None if classes is None else [composed(str(value)) for value in classes]
    if named and len(set(named)) < len(named):
        raise UserError(f"classes={named}: a name occurs twice", code="class-twice")
    indexed = classes is not None and all(isinstance(value, str) for value in classes)
    labels = {"truth": truth, "predictions": predictions}
    rest = {"utterances": utterances, "speakers": speakers, "dialogues": dialogues, "folds": folds, "runs": runs}
    columns = {what: _names(what, values, where, named if indexed else None) for what, values in labels.items()}
    columns |= {what: _names(what, values, where) for what, values in rest.items()}
    truths = columns["truth"] or []
    if not truths:
        raise UserError(f"{name}: no utterances: nothing to evaluate", code="predictions-empty")
    scored, matrix = read_probabilities(probabilities, named, truths, where)
    _check_lengths(name, {**columns, "probabilities": matrix if scored else None})
    predicted = columns["predictions"]
    if predicted is None:
        if not scored:
            raise UserError(f"{name}: give predictions or probabilities", code="predictions-missing")
        predicted = [scored[k] for k in matrix.argmax(axis=1)]
    _check_labels(name, predicted, truths)
    known, others = _classes(name, named, truths, predicted, scored, where)
    rows = Rows(
        truths, predicted, columns["utterances"], columns["speakers"], columns["dialogues"], columns["folds"],
        columns["runs"] or ["1"] * len(truths), matrix, scored, known, others, where,
    )  # fmt: skip
    return _assemble(rows, name, remarks)


def _check_lengths(name: str, columns: Mapping[str, Sized | None]) -> None:
    """Raise UserError where columns differ in length; those that are None are not given."""
    sizes = {key: len(values) for key, values in columns.items() if values is not None}
    if len(set(sizes.values())) > 1:
        lengths = ", ".join(f"{key} {size}" for key, size in sizes.items())
        raise UserError(f"{name}: columns of different lengths: {lengths}", code="lengths-differ")


def _check_labels(name: str, predicted: Sequence[str], truths: Sequence[str]) -> None:
    """Raise UserError where no prediction is a class of the truth."""
    if set(predicted).isdisjoint(truths):
        meant = _meant(min(predicted), sorted(set(truths)))
        hint = f"{min(predicted)}: {meant}" if meant else "give classes=, the names in order, if numbers are indices"
        raise UserError(
            f"{name}: no prediction is a class of the truth: {', '.join(sorted(set(predicted))[:9])} and "
            f"{', '.join(sorted(set(truths))[:9])}; {hint}",
            code="labels-differ",
        )


def _names(
    what: str, values: Iterable[Any] | None, where: Where, classes: Sequence[str] | None = None
) -> list[str] | None:
    """The values as names; whole numbers are indices of ``classes`` where these are given."""
    if values is None:
        return None
    cells = list(values)
    if cells and np.ndim(cells[0]):
        raise UserError(
            f"{what}: expected one value for each utterance, found rows of {np.size(cells[0])}; give probabilities as "
            "probabilities=",
            code="array-shape",
        )
    return [_name(what, value, where(i), classes) for i, value in enumerate(cells)]


def _name(what: str, value: Any, where: str, classes: Sequence[str] | None) -> str:
    if hasattr(value, "item"):  # a scalar of NumPy or torch
        value = value.item()
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if classes is not None and isinstance(value, int) and not isinstance(value, bool):
        if not 0 <= value < len(classes):
            raise UserError(
                f"{where}: {what}: class index {value}, but there are {len(classes)} classes: {', '.join(classes)}",
                code="class-unknown",
            )
        return classes[value]
    text = "" if value is None or (isinstance(value, float) and math.isnan(value)) else str(value).strip()
    if not text:
        raise UserError(f"{where}: {what}: empty; every utterance needs a value", code="value-missing")
    return composed(text)


def _classes(
    title: str,
    given: Sequence[str] | None,
    truth: Sequence[str],
    predicted: Sequence[str],
    scored: Sequence[str],
    where: Where,
) -> tuple[list[str], list[str]]:
    """Classes of the truth in order, and other classes that are predicted or have a probability."""
    present = set(truth)
    order = list(given or scored or sorted(present, key=natural))
    unknown = next((i for i, name in enumerate(truth) if name not in order), None)
    if unknown is not None:
        meant = _meant(truth[unknown], order)
        what = "is not among the classes" if given else "has no probability; there are those of"
        hint = f"; {meant}" if meant else ""
        raise UserError(
            f"{where(unknown)}: truth: {truth[unknown]} {what} {', '.join(order)}{hint}", code="class-unknown"
        )
    classes = order if given else [name for name in order if name in present]
    if not given and len(classes) > MAX_CLASSES:
        raise UserError(
            f"{title}: the truth has {len(classes)} classes, such as {', '.join(classes[:3])}: is it the right "
            "column? If so, give them: --classes A,B,C, or in Python classes=",
            code="classes-many",
        )
    if len(classes) < 2:
        raise UserError(
            f"{title}: the truth has one class, {classes[0]}: nothing to classify; give all classes: "
            "--classes A,B,C, or in Python classes=",
            code="one-class",
        )
    missing = [name for name in classes if scored and name not in scored]
    if missing:
        raise UserError(
            f"class {missing[0]} has no probability; there are those of {', '.join(scored)}", code="class-unknown"
        )
    others = dict.fromkeys(
        [*(n for n in scored if n not in classes), *sorted(set(predicted) - set(classes), key=natural)]
    )
    return classes, list(others)


def _meant(name: str, known: Sequence[str]) -> str:
    """``did you mean KNOWN?``, of names that differ in case or a few letters; empty where there is none."""
    same = [one for one in known if one.lower() == name.lower()]
    near = same or difflib.get_close_matches(name, known, n=1)
    return f"did you mean {near[0]}?" if near else ""


def natural(name: str) -> tuple[bool, int, str, str]:
    """Sort key: numbers of any length by value, then names."""
    number = name.lstrip("0") if name.isdecimal() else ""
    return not name.isdecimal(), len(number), number, name


def _assemble(rows: Rows, name: str, remarks: Sequence[str]) -> System:
    """System of the rows, every run in the order of the first."""
    places = _places(rows)
    runs = sorted(places, key=natural)
    utts = tuple(places[runs[0]])
    for run in runs[1:]:
        if different := sorted(places[run].keys() ^ set(utts), key=natural):
            raise UserError(
                f"{name}: runs {runs[0]} and {run} differ in {len(different)} utterances, such as {different[0]}; "
                "every run must predict the same utterances",
                code="runs-differ",
            )
    order = [np.array([places[run][utt] for utt in utts]) for run in runs]
    columns = [*rows.classes, *rows.others]
    index = {label: k for k, label in enumerate(columns)}
    truth, predicted = (np.array([index[label] for label in labels]) for labels in (rows.truth, rows.predictions))
    prob = np.zeros((len(truth), len(columns) if rows.scored else 0))
    prob[:, [index[label] for label in rows.scored]] = rows.probabilities
    _check_same("truth", rows.truth, order, utts, rows.where, "truth-differs")
    attributes = {}
    for kind, values in (("speaker", rows.speakers), ("dialogue", rows.dialogues)):
        if values is not None:
            _check_same(kind, values, order, utts, rows.where, "cluster-differs")
            attributes[kind] = {utt: values[i] for utt, i in zip(utts, order[0], strict=True)}
    folds, fold_names = _folds(rows, order, runs)
    return System(
        name=name,
        classes=tuple(rows.classes),
        others=tuple(rows.others),
        runs=tuple(Predictions(utts, truth[i], predicted[i], prob[i]) for i in order),
        folds=folds,
        fold_names=fold_names,
        attributes=attributes,
        remarks=(*remarks, *_remarks(rows)),
    )


def _places(rows: Rows) -> dict[str, dict[str, int]]:
    """Run -> utterance -> index of its row. Without ids, utterances are numbered within each run."""
    places: dict[str, dict[str, int]] = {}
    for i, run in enumerate(rows.runs):
        inside = places.setdefault(run, {})
        utt = str(len(inside) + 1) if rows.utterances is None else rows.utterances[i]
        if utt in inside:
            raise UserError(
                f"{rows.where(i)}: utterance {utt} is also at {rows.where(inside[utt])}; one prediction per utterance "
                "and run is needed: give the run (or seed) of each row where there are several",
                code="utterance-twice",
            )
        inside[utt] = i
    return places


def _check_same(
    what: str, values: Sequence[str], order: Sequence[np.ndarray], utts: Sequence[str], where: Where, code: str
) -> None:
    """Raise UserError unless an utterance has the same value in every run."""
    for other in order[1:]:
        for utt, i, j in zip(utts, order[0], other, strict=True):
            if values[i] != values[j]:
                raise UserError(
                    f"{where(int(j))}: {what} of utterance {utt}: {values[j]}, but {values[i]} at {where(int(i))}",
                    code=code,
                )


def _folds(rows: Rows, order: Sequence[np.ndarray], runs: Sequence[str]) -> tuple[np.ndarray | None, tuple[str, ...]]:
    """Index of each utterance's fold (runs, n), and the names of the folds."""
    if rows.folds is None:
        return None, ()
    names = sorted(set(rows.folds), key=natural)
    folds = np.array([[names.index(rows.folds[i]) for i in inside] for inside in order])
    for run, inside in zip(runs, folds, strict=True):
        if len(absent := sorted(set(range(len(names))) - set(inside.tolist()))):
            raise UserError(f"run {run} has no utterances of fold {names[absent[0]]}", code="runs-differ")
    return folds, tuple(names)


def _remarks(rows: Rows) -> Iterable[str]:
    """Remarks for the reader."""
    wrong = [name for name in rows.others if name in set(rows.predictions)]
    if wrong:
        count = sum(name in wrong for name in rows.predictions)
        meant = [f"{name}: {hint}" for name in wrong if (hint := _meant(name, rows.classes))]
        also = f" ({' '.join(meant)})" if meant else ""
        yield f"{count} predictions are of {', '.join(wrong)}, which the truth never has: they count as errors{also}"
    if rows.utterances is None:
        yield "utterances have no ids: rows are numbered, and duplicates cannot be detected"
    if rows.scored:
        best = np.array([rows.scored.index(n) if n in rows.scored else -1 for n in rows.predictions])
        own = np.where(best >= 0, rows.probabilities[np.arange(len(best)), best], -1)
        if count := int((own < rows.probabilities.max(axis=1)).sum()):
            yield f"{count} predictions are not the most probable class; calibration is that of the probabilities"
