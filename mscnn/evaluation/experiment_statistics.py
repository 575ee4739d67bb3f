"""Everything measured on the test part of an experiment as one mapping, which ``statistics.json`` holds.

Scores are in percent. Intervals, groups, calibration and abstention are those of pooled predictions: the folds' test
parts together, each run for itself, then the mean over runs.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

import numpy as np

from mscnn.evaluation.aggregate import aggregates, confusions
from mscnn.evaluation.calibration import BINS, abstention, calibration, tempered
from mscnn.evaluation.experiment import Experiment
from mscnn.evaluation.groups import CLUSTERS, Attributes, count, group_scores
from mscnn.evaluation.intervals import LEVEL, SEED, bootstrap, estimate, jackknife_t
from mscnn.evaluation.metrics import METRICS, f1s, precisions, recalls
from mscnn.evaluation.predictions import Predictions, join_folds

INTERVALS = (("speaker", "t"), ("speaker", "bootstrap"), ("dialogue", "bootstrap"))  # the headline first
METHODS = {"t": jackknife_t, "bootstrap": bootstrap}


def statistics(exp: Experiment, attributes: Attributes) -> dict[str, object]:
    """Measure; plain numbers, rounded to six decimals, and texts, which JSON can hold.

    Args:
        exp: the experiment.
        attributes: of its utterances; without speakers or dialogues there are no intervals over them.

    Raises:
        UserError: a class has no utterance in the test part of a fold, or in any where the protocol pools folds.
    """
    config, runs = exp.config, join_folds(exp.parts["test"])
    matrices = confusions(exp.parts["test"], len(exp.classes))
    scores = {found.name: found for found in (how(matrices, exp.classes) for how in aggregates(config["protocol"]))}
    temperatures, fault, calibrated = _temperatures(exp)
    found = {
        "experiment": exp.path.name,
        "model": config["model"],
        "protocol": f"{config['protocol']['name']}@{config['protocol']['hash']}",
        "text": config["text"],
        "trained_on": exp.trained_on,
        "folds": config["folds"],
        "runs": config["runs"],
        "utterances": len(runs[0].utts),
        "scores": {
            name: {metric: vars(value) for metric, value in found.values.items()} for name, found in scores.items()
        },
        "classes": _classes(exp, matrices.sum(axis=(0, 1))),
        "intervals": {"level": 100 * LEVEL, "of": "pooled", "seed": SEED, "found": _intervals(exp, runs, attributes)},
        "groups": group_scores(runs, attributes, exp.classes),
        "calibration": {
            "bins": BINS,
            "as_predicted": calibration(runs),
            "with_temperature": calibrated,
            "temperatures": temperatures,
            "fault": fault,
        },
        "abstention": abstention(runs, exp.classes),
        "remarks": list(_remarks(exp, attributes)),
    }
    return json.loads(json.dumps(found), parse_float=lambda number: round(float(number), 6))


def _classes(exp: Experiment, matrix: np.ndarray) -> dict[str, dict[str, float]]:
    """Recall, precision and F1 of each class in percent, of the predictions of all runs together."""
    values = 100 * np.stack([recalls(matrix), precisions(matrix), f1s(matrix)], axis=1)
    return {
        name: {
            "utterances": int(n) // exp.config["runs"],
            **dict(zip(("recall", "precision", "f1"), row, strict=True)),
        }
        for name, n, row in zip(exp.classes, matrix.sum(axis=1), values.tolist(), strict=True)
    }


def _intervals(exp: Experiment, runs: Sequence[Predictions], attributes: Attributes) -> list[dict[str, object]]:
    """An entry for each of INTERVALS whose clusters are known: bounds of every metric and recall, or the fault."""
    found = []
    for over, method in (pair for pair in INTERVALS if pair[0] in attributes):
        _, counts = count(runs, attributes[over], len(exp.classes))
        result = METHODS[method](estimate(counts), counts[0].sum(axis=2))
        entry = {"over": over, "method": method, "clusters": result.clusters}
        entry |= {"resamples": result.resamples, "redrawn": result.redrawn, "fault": result.fault}
        if result.bounds is not None:
            bounds = np.clip(100 * result.bounds, 0, 100).T.tolist()
            entry |= dict(zip(METRICS, bounds, strict=False))
            entry["recalls"] = dict(zip(exp.classes, bounds[len(METRICS) :], strict=True))
        found.append(entry)
    return found


def _temperatures(exp: Experiment) -> tuple[list | None, str, dict | None]:
    """Temperatures by fold and run, why there are none, and how calibrated the test part is with them."""
    for dev, test in zip(exp.parts["dev"], exp.parts["test"], strict=True):
        if not set(dev[0].utts).isdisjoint(test[0].utts):
            return None, "dev and test share utterances: no temperature is fitted on what it is judged on", None
    temperatures, parts = tempered(exp.parts["dev"], exp.parts["test"])
    return temperatures.tolist(), "", calibration(join_folds(parts))


def _remarks(exp: Experiment, attributes: Attributes) -> Iterator[str]:
    """What a reader of the intervals must know."""
    for over, table in CLUSTERS.items():
        if over not in attributes:
            yield f"no interval over {over}s: the data directory has no {table}"
    if exp.config["text"] not in ("none", "gt") and "wer" not in attributes:
        yield f"no groups by WER: stage 4 left no asr_{exp.config['text']}/SET/wer_detail.tsv beside the experiment"
    if "speaker" not in exp.config["protocol"]["disjoint"]["train-test"]:
        yield "that training and test share no speaker is not promised: no interval here speaks of new ones"
