"""Statistics of the test part of an experiment, the content of ``statistics.json``.

Scores are in percent. Intervals, groups, calibration and abstention are those of pooled predictions: the test parts of
all folds together, separately per run, then the mean over runs.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from mscnn.evaluation.aggregate import Aggregate, ClassScores, aggregates, class_scores, confusions
from mscnn.evaluation.calibration import BINS, Calibration, Coverage, abstention, calibration, tempered
from mscnn.evaluation.cluster_intervals import ClusterIntervals, cluster_intervals
from mscnn.evaluation.experiment import Experiment
from mscnn.evaluation.groups import CLUSTERS, Attributes, GroupScores, group_scores
from mscnn.evaluation.intervals import LEVEL, SEED
from mscnn.evaluation.predictions import join_folds

INTERVALS = (("speaker", "t"), ("speaker", "bootstrap"), ("dialogue", "bootstrap"))  # the headline first


@dataclass(frozen=True)
class CalibrationStatistics:
    """Calibration ``as_predicted`` and ``with_temperature``; the latter is None where ``fault`` says why.

    ``temperatures[fold][run]`` are fitted on dev.
    """

    bins: int
    as_predicted: Calibration
    with_temperature: Calibration | None
    temperatures: list[list[float]] | None
    fault: str


@dataclass(frozen=True)
class Statistics:
    """Statistics of the test part of an experiment; ``scores`` by aggregate, that of the protocol first."""

    experiment: str
    model: str
    protocol: str
    text: str
    trained_on: str
    folds: int
    runs: int
    utterances: int
    scores: dict[str, Aggregate]
    classes: dict[str, ClassScores]
    intervals: list[ClusterIntervals]
    groups: dict[str, dict[str, GroupScores]]
    calibration: CalibrationStatistics
    abstention: list[Coverage]
    remarks: list[str]

    def to_dict(self) -> dict[str, Any]:
        """Content of ``statistics.json``: texts, and numbers rounded to six decimals."""
        intervals = [one.to_dict() for one in self.intervals]
        values = {
            **asdict(self),
            "scores": {name: asdict(aggregate)["values"] for name, aggregate in self.scores.items()},
            "intervals": {"level": 100 * LEVEL, "of": "pooled", "seed": SEED, "found": intervals},
        }
        return rounded(values)


def rounded(values: dict[str, Any]) -> dict[str, Any]:
    """The values as JSON types, numbers rounded to six decimals."""
    return json.loads(json.dumps(values), parse_float=lambda number: round(float(number), 6))


def statistics(exp: Experiment, attributes: Attributes) -> Statistics:
    """Statistics of an experiment.

    Args:
        exp: the experiment.
        attributes: attributes of its utterances; without speakers or dialogues there are no intervals over them.

    Raises:
        UserError: a class has no utterances in the test part of a fold, or in all of them where folds are pooled.
    """
    config, runs = exp.config, join_folds(exp.parts["test"])
    matrices = confusions(exp.parts["test"], len(exp.classes))
    scores = [aggregate(matrices, exp.classes) for aggregate in aggregates(config["protocol"])]
    return Statistics(
        experiment=exp.path.name,
        model=config["model"],
        protocol=exp.protocol,
        text=config["text"],
        trained_on=exp.trained_on,
        folds=config["folds"],
        runs=config["runs"],
        utterances=len(runs[0].utts),
        scores={aggregate.name: aggregate for aggregate in scores},
        classes=class_scores(matrices.sum(axis=0), exp.classes),
        intervals=[
            cluster_intervals(runs, attributes[over], over, method, exp.classes)
            for over, method in INTERVALS
            if over in attributes
        ],
        groups=group_scores(runs, attributes, exp.classes),
        calibration=_calibration(exp),
        abstention=abstention(runs, exp.classes),
        remarks=list(_remarks(exp, attributes)),
    )


def _calibration(exp: Experiment) -> CalibrationStatistics:
    """Calibration of the test part, without and with the temperatures fitted on dev."""
    before = calibration(join_folds(exp.parts["test"]))
    for dev, test in zip(exp.parts["dev"], exp.parts["test"], strict=True):
        if not set(dev[0].utts).isdisjoint(test[0].utts):
            reason = "dev and test share utterances: a temperature cannot be fitted on test utterances"
            return CalibrationStatistics(BINS, before, None, None, reason)
    temperatures, parts = tempered(exp.parts["dev"], exp.parts["test"])
    return CalibrationStatistics(BINS, before, calibration(join_folds(parts)), temperatures.tolist(), "")


def _remarks(exp: Experiment, attributes: Attributes) -> Iterator[str]:
    """Remarks for readers of the intervals and groups."""
    for over, table in CLUSTERS.items():
        if over not in attributes:
            yield f"no interval over {over}s: the data directory has no {table}"
    if exp.config["text"] not in ("none", "gt") and "wer" not in attributes:
        yield f"no groups by WER: no asr_{exp.config['text']}/SET/wer_detail.tsv of stage 4 beside the experiment"
    if "speaker" not in exp.config["protocol"]["disjoint"]["train-test"]:
        yield "speakers of test may be in training: intervals do not generalise to unseen speakers"
