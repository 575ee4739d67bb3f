"""Everything measured on the test part of an experiment; ``statistics.json`` holds it.

Scores are in percent. Intervals, groups, calibration and abstention are those of pooled predictions: the folds' test
parts together, each run for itself, then the mean over runs.
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
    """Calibration ``as_predicted``, and ``with_temperature``: None where none is fitted, as ``fault`` says.

    ``temperatures[fold][run]`` are fitted on dev.
    """

    bins: int
    as_predicted: Calibration
    with_temperature: Calibration | None
    temperatures: list[list[float]] | None
    fault: str


@dataclass(frozen=True)
class Statistics:
    """What is measured on the test part of an experiment; ``scores`` by aggregate, the protocol's own first."""

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
        """Plain numbers, rounded to six decimals, and texts: the content of ``statistics.json``."""
        intervals = [found.to_dict() for found in self.intervals]
        values = {
            **asdict(self),
            "scores": {name: asdict(found)["values"] for name, found in self.scores.items()},
            "intervals": {"level": 100 * LEVEL, "of": "pooled", "seed": SEED, "found": intervals},
        }
        return rounded(values)


def rounded(values: dict[str, Any]) -> dict[str, Any]:
    """The same as JSON holds it, numbers rounded to six decimals."""
    return json.loads(json.dumps(values), parse_float=lambda number: round(float(number), 6))


def statistics(exp: Experiment, attributes: Attributes) -> Statistics:
    """Measure an experiment.

    Args:
        exp: the experiment.
        attributes: of its utterances; without speakers or dialogues there are no intervals over them.

    Raises:
        UserError: a class has no utterance in the test part of a fold, or in any where the protocol pools folds.
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
    """Calibration of the test part, before and after temperatures that are fitted on dev."""
    before = calibration(join_folds(exp.parts["test"]))
    for dev, test in zip(exp.parts["dev"], exp.parts["test"], strict=True):
        if not set(dev[0].utts).isdisjoint(test[0].utts):
            fault = "dev and test share utterances: no temperature is fitted on what it is judged on"
            return CalibrationStatistics(BINS, before, None, None, fault)
    temperatures, parts = tempered(exp.parts["dev"], exp.parts["test"])
    return CalibrationStatistics(BINS, before, calibration(join_folds(parts)), temperatures.tolist(), "")


def _remarks(exp: Experiment, attributes: Attributes) -> Iterator[str]:
    """What a reader of the intervals must know."""
    for over, table in CLUSTERS.items():
        if over not in attributes:
            yield f"no interval over {over}s: the data directory has no {table}"
    if exp.config["text"] not in ("none", "gt") and "wer" not in attributes:
        yield f"no groups by WER: stage 4 left no asr_{exp.config['text']}/SET/wer_detail.tsv beside the experiment"
    if "speaker" not in exp.config["protocol"]["disjoint"]["train-test"]:
        yield "that training and test share no speaker is not promised: no interval here speaks of new ones"
