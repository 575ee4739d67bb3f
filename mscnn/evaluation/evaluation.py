"""Evaluation of the predictions of one system, from any toolkit."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from mscnn.errors import UserError
from mscnn.evaluation.aggregate import FOLD_MEAN, POOLED, ClassScores, Value, class_scores, spread
from mscnn.evaluation.calibration import Calibration, calibration
from mscnn.evaluation.cluster_intervals import (
    METHODS,
    UTTERANCE,
    ClusterIntervals,
    cluster_intervals,
    utterance_intervals,
)
from mscnn.evaluation.experiment_statistics import rounded
from mscnn.evaluation.intervals import LEVEL, SEED
from mscnn.evaluation.metrics import METRICS
from mscnn.evaluation.plain import columns, notes, number
from mscnn.evaluation.prediction_table import columns_of, read_prediction_table
from mscnn.evaluation.predictions import Predictions
from mscnn.evaluation.system import System, clusters_of

OVER = ("speaker", "dialogue", UTTERANCE)


@dataclass(frozen=True)
class Evaluation:
    """Evaluation of the predictions of one system; ``print`` shows it, :meth:`to_dict` is for JSON.

    Attributes:
        name: name of the system, or path of its file.
        utterances, folds, runs: their numbers; ``folds`` is 0 where they are unknown.
        scores: aggregate (``fold-mean`` where folds are known, ``pooled``) -> metric -> value in percent with standard
            deviations; undefined metrics are missing, and ``remarks`` say why.
        classes: class -> utterances, recall, precision and F1 in percent.
        intervals: confidence intervals of the pooled values, over speakers, dialogues or utterances.
        calibration: None where there are no probabilities.
        confusion: counts (K, M), sum over runs; rows are the truth, columns predictions: ``classes``, then ``others``.
        others: predicted classes that the truth never has.
        remarks: remarks for the reader.
        system: the predictions.
    """

    name: str
    utterances: int
    folds: int
    runs: int
    scores: dict[str, dict[str, Value]]
    classes: dict[str, ClassScores]
    intervals: list[ClusterIntervals]
    calibration: Calibration | None
    confusion: np.ndarray
    others: tuple[str, ...]
    remarks: tuple[str, ...]
    system: System = field(repr=False)

    def __str__(self) -> str:
        counts = [
            (self.utterances, "utterance"),
            (len(self.classes), "class"),
            (self.folds, "fold"),
            (self.runs, "run"),
        ]
        header = ", ".join(
            f"{n} {what if n == 1 else what + ('es' if what == 'class' else 's')}" for n, what in counts if n
        )
        blocks: list[Iterable[str]] = [
            [f"{self.name}: {header}"],
            columns(["percent", *(metric.label for metric in METRICS.values())], self._score_rows()),
            columns(["class", "utterances", "recall", "", "precision", "F1"], self._class_rows()),
            self._calibration_lines(),
            columns(["truth / prediction", *self.classes, *self.others], self._confusion_rows()),
            notes(self.remarks),
        ]
        return "\n\n".join(text for block in blocks if (text := "\n".join(block)))

    def _score_rows(self) -> Iterator[list[str | None]]:
        for name, values in self.scores.items():
            cells = [values.get(key) for key in METRICS]
            yield [name.replace("-", " "), *(None if cell is None else number(cell.mean) for cell in cells)]
            over_folds = [None if cell is None else cell.sd for cell in cells]
            over_runs = [None if cell is None else cell.run_sd for cell in cells]
            for over, spreads in (("folds", over_folds), ("runs", over_runs)):
                if any(sd is not None for sd in spreads):
                    yield [f"  sd over {over}", *map(number, spreads)]
        for one in self.intervals:
            bounds = [one.bounds.get(key) for key in METRICS]
            head = f"{100 * LEVEL:g} % {one.method}, {one.clusters} {one.over}s"
            yield [head, *(None if pair is None else "{:.2f} to {:.2f}".format(*pair) for pair in bounds)]

    def _class_rows(self) -> Iterator[list[str | None]]:
        recalls = next((one.recalls for one in self.intervals if one.recalls), {})
        for name, one in self.classes.items():
            interval = "{:.2f} to {:.2f}".format(*recalls[name]) if name in recalls else ""
            yield [name, str(one.utterances), number(one.recall), interval, number(one.precision), number(one.f1)]

    def _calibration_lines(self) -> Iterator[str]:
        if self.calibration is not None:
            one = self.calibration
            cells = [number(one.ece), number(one.log_loss, 4), number(one.brier, 4)]
            yield from columns(["calibration", "ECE, %", "log loss, nats", "Brier score"], [["", *cells]])

    def _confusion_rows(self) -> Iterator[list[str]]:
        for name, row in zip(self.classes, self.confusion.tolist(), strict=True):
            yield [name, *map(str, row)]

    def to_dict(self) -> dict[str, Any]:
        """Content for JSON: texts, and numbers rounded to six decimals."""
        intervals = [one.to_dict() for one in self.intervals]
        return rounded({
            "name": self.name,
            "utterances": self.utterances,
            "folds": self.folds,
            "runs": self.runs,
            "scores": {
                name: {key: asdict(values[key]) if key in values else None for key in METRICS}
                for name, values in self.scores.items()
            },
            "classes": {name: asdict(scores) for name, scores in self.classes.items()},
            "intervals": {"level": 100 * LEVEL, "of": POOLED, "seed": SEED, "found": intervals},
            "calibration": None if self.calibration is None else asdict(self.calibration),
            "confusion": {
                "truth": list(self.classes), "prediction": [*self.classes, *self.others],
                "counts": self.confusion.tolist(),
            },
            "remarks": list(self.remarks),
        })  # fmt: skip

    @classmethod
    def from_file(
        cls,
        path: str | os.PathLike,
        *,
        classes: Sequence[object] | None = None,
        over: str | None = None,
        probability_prefix: str | None = None,
        **columns: str | None,
    ) -> Evaluation:
        """Evaluation of a CSV or TSV file of predictions; the arguments are those of :func:`mscnn.evaluate`."""
        return measure(read_prediction_table(path, columns_of(columns), probability_prefix, classes), over)


def measure(system: System, over: str | None = None) -> Evaluation:
    """Evaluation of a system.

    Args:
        system: its predictions.
        over: kind of the clusters of intervals, one of OVER; None: the first that is known.

    Raises:
        UserError: the clusters ``over`` are unknown.
    """
    matrices = system.confusions
    remarks = [*system.remarks]
    parts = {POOLED: matrices.sum(axis=0, keepdims=True)}
    if system.folds is not None:
        parts = {FOLD_MEAN: matrices, **parts}
        remarks += _absent(matrices, system)
    scores = {name: _defined(some) for name, some in parts.items()}
    over = clusters_over(system, over)
    intervals = _intervals(system, over)
    remarks += _interval_remarks(system, over, intervals)
    return Evaluation(
        name=system.name,
        utterances=len(system.utts),
        folds=0 if system.folds is None else len(matrices),
        runs=len(system.runs),
        scores=scores,
        classes=class_scores(matrices.sum(axis=0), system.classes),
        intervals=intervals,
        calibration=calibration([_most_probable(run) for run in system.runs]) if system.runs[0].prob.size else None,
        confusion=matrices.sum(axis=(0, 1)),
        others=system.others,
        remarks=tuple(remarks),
        system=system,
    )


def clusters_over(system: System, over: str | None) -> str:
    """Kind of the clusters that are resampled: ``over``, or for None the first of OVER that is known.

    Raises:
        UserError: ``over`` is not one of OVER, or the clusters are unknown.
    """
    if over is None:
        return next(kind for kind in OVER if clusters_of(system, kind) is not None)
    if over not in OVER:
        raise UserError(f"over={over!r}: expected one of {', '.join(OVER)}", code="option-value")
    if clusters_of(system, over) is None:
        raise UserError(
            f"{system.name}: the {over} of each utterance is unknown; give {over}s=, or for a file {over}_column= "
            f"(--{over}-column)",
            code="clusters-unknown",
        )
    return over


def _defined(matrices: np.ndarray) -> dict[str, Value]:
    """Values of the metrics that are defined in all matrices (folds, runs, K, M)."""
    return {name: spread(matrices, metric) for name, metric in METRICS.items() if metric.exists(matrices).all()}


def _need_every_class() -> str:
    """Labels of the metrics that need utterances of every class: ``UA, macro F1 and G-mean``."""
    *others, last = (metric.label for metric in METRICS.values() if metric.every_class)
    return f"{', '.join(others)} and {last}" if others else last


def _absent(matrices: np.ndarray, system: System) -> Iterator[str]:
    """Remarks about folds in which a class has no utterances."""
    labels = _need_every_class()
    for fold, name in enumerate(system.fold_names):
        missing = (matrices[fold].sum(axis=-1) == 0).any(axis=0)
        names = ", ".join(label for label, absent in zip(system.classes, missing, strict=True) if absent)
        if names:
            yield f"fold {name} has no utterances of {names}: the mean over folds of {labels} is undefined"


def _intervals(system: System, over: str) -> list[ClusterIntervals]:
    """Intervals by every method over speakers or dialogues; by the bootstrap over utterances."""
    if not (system.confusions.sum(axis=(0, 1, 3)) > 0).all():
        return []
    if over == UTTERANCE:
        return [utterance_intervals(system.runs, system.classes, system.width)]
    clusters = system.attributes[over]
    return [cluster_intervals(system.runs, clusters, over, method, system.classes, system.width) for method in METHODS]


def _interval_remarks(system: System, over: str, intervals: Sequence[ClusterIntervals]) -> Iterator[str]:
    """Remarks about intervals that are missing or too narrow."""
    missing = [label for label in system.classes if label not in {system.classes[k] for k in system.truth}]
    if missing:
        yield f"no utterances of {', '.join(missing)}: {_need_every_class()} are undefined, and there are no intervals"
    if over == UTTERANCE:
        yield (
            "intervals are over utterances, as if these were independent: those of a speaker are not, and the "
            "intervals are too narrow. Give the speakers"
        )
    for one in intervals:
        if one.fault:
            yield f"no interval ({one.method} over {one.clusters} {one.over}s): {one.fault}"


def _most_probable(run: Predictions) -> Predictions:
    """Predictions with the most probable class wherever another class was predicted."""
    differs = run.prob[np.arange(len(run.pred)), run.pred] < run.prob.max(axis=1)
    return Predictions(run.utts, run.truth, np.where(differs, run.prob.argmax(axis=1), run.pred), run.prob)
