"""Tables of scores and statistics for RESULTS.md and report.html, and remarks for score files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

import numpy as np

from mscnn.evaluation.aggregate import FOLD_MEAN, POOLED, Value
from mscnn.evaluation.metrics import METRICS
from mscnn.reporting.formats import fixed, signed, span, with_sd
from mscnn.reporting.lines import ScoreLine
from mscnn.reporting.table import Column, Record, Table, column_each

PERCENT = ", %"  # unit in the heads of columns
UNDEFINED = "undefined"
MAX_GROUPS = 12  # RESULTS.md lists only the extreme groups of an attribute with more groups


def metric_columns(cell: Callable[[Record, str], object], unit: str = "") -> list[Column[Record]]:
    """One column per metric of METRICS; ``cell`` takes a record and the name of a metric."""
    return column_each(METRICS, lambda name: f"{METRICS[name].label}{unit}", cell)


def scores(lines: Mapping[str, Iterable[ScoreLine]], unit: str = "") -> Table:
    """Table of score lines by part, test or dev, with standard deviations over folds, and that of UA over runs."""
    rows = [(part, line) for part in ("test", "dev") for line in lines[part]]
    columns: list[Column] = [
        Column("part", lambda row: row[0], left=True),
        Column("utterances", lambda row: row[1].fields["subset"], left=True),
        Column("aggregation", lambda row: row[1].fields["agg"].replace("-", " "), left=True),
        *metric_columns(lambda row, name: with_sd(row[1].score(name), row[1].sd(name)), unit),
    ]
    if any(line.run_sd("ua") is not None for _, line in rows):
        columns.append(Column(f"UA sd over runs{unit}", lambda row: fixed(row[1].run_sd("ua"))))
    columns.append(Column("correct / total", lambda row: f"{row[1].correct} / {row[1].total}"))
    return Table.of(columns, rows)


def classes(statistics: Mapping, unit: str = "") -> Table:
    """Table of recall, precision and F1 per class."""
    columns: list[Column] = [Column("class", lambda item: item[0], left=True)]
    columns.append(Column("utterances", lambda item: item[1]["utterances"]))
    heads = {"recall": "recall", "precision": "precision", "f1": "F1"}
    columns += column_each(heads, lambda key: f"{heads[key]}{unit}", lambda item, key: fixed(item[1][key]))
    return Table.of(columns, statistics["classes"].items())


def folds(values: Iterable[tuple[int, Mapping[str, Value]]], unit: str = "") -> Table:
    """Table of scores per fold, with standard deviations over runs; ``values``: utterances and metrics of each fold."""
    columns: list[Column] = [
        Column("fold", lambda row: f"fold{row[0]:02d}", left=True),
        Column("utterances", lambda row: row[1][0]),
        *metric_columns(lambda row, name: with_sd(row[1][1][name].mean, row[1][1][name].run_sd), unit),
    ]
    return Table.of(columns, enumerate(values, 1))


def intervals(statistics: Mapping, unit: str = "") -> Table:
    """Table of the confidence intervals of every metric, one row per method and kind of cluster."""
    columns: list[Column] = [
        Column(f"{statistics['intervals']['level']:g} % interval over", lambda entry: f"{entry['over']}s", left=True),
        Column("method", lambda entry: entry["method"], left=True),
        Column("clusters", lambda entry: entry["clusters"]),
        *metric_columns(lambda entry, name: span(entry.get(name)) or UNDEFINED, unit),
    ]
    return Table.of(columns, statistics["intervals"]["found"])


def groups(statistics: Mapping, unit: str = "", most: int | None = None) -> Table:
    """Table of scores per group; of attributes with more than ``most`` groups those with the lowest and highest WA."""
    rows = [
        (attribute, name, scores_of[name])
        for attribute, scores_of in statistics["groups"].items()
        for name in (scores_of if most is None or len(scores_of) <= most else _extremes(scores_of))
    ]
    columns: list[Column] = [
        Column("attribute", lambda row: row[0], left=True),
        Column("group", lambda row: row[1], left=True),
        Column("utterances", lambda row: row[2]["utterances"]),
        *column_each(("ua", "wa"), lambda key: f"{METRICS[key].label}{unit}", lambda row, key: fixed(row[2][key])),
        *column_each(
            statistics["classes"], lambda name: f"recall {name}", lambda row, name: fixed(row[2]["recalls"].get(name))
        ),
    ]
    return Table.of(columns, rows)


def hidden_groups(statistics: Mapping, most: int) -> Iterator[tuple[str, int, float]]:
    """Attributes with more than ``most`` groups: name, number of groups, sample standard deviation of their WA."""
    for attribute, scores_of in statistics["groups"].items():
        if len(scores_of) > most:
            yield attribute, len(scores_of), float(np.std([group["wa"] for group in scores_of.values()], ddof=1))


def _extremes(scores_of: Mapping[str, Mapping]) -> tuple[str, str]:
    """Names of the groups with the lowest and the highest WA."""
    ordered = sorted(scores_of, key=lambda name: scores_of[name]["wa"])
    return ordered[0], ordered[-1]


def calibration(statistics: Mapping) -> Table:
    """Table of ECE, log loss and Brier score of the probabilities, without and with temperature."""
    facts = statistics["calibration"]
    kinds = {"as predicted": facts["as_predicted"], "with temperature": facts["with_temperature"]}
    columns: list[Column] = [
        Column("probabilities", lambda item: item[0], left=True),
        Column("ECE, %", lambda item: fixed(item[1]["ece"])),
        Column("log loss, nats", lambda item: fixed(item[1]["log_loss"], 4)),
        Column("Brier score", lambda item: fixed(item[1]["brier"], 4)),
    ]
    return Table.of(columns, [(name, values) for name, values in kinds.items() if values])


def abstention(statistics: Mapping, unit: str = "") -> Table:
    """Table of scores of the most confident predictions, at coverages of 25, 50, 75 and 100 %."""
    columns: list[Column] = [
        Column("coverage", lambda point: f"{point['coverage']} %", left=True),
        *column_each(
            ("ua", "wa"), lambda k: f"{METRICS[k].label}{unit}", lambda point, k: fixed(point[k]) or UNDEFINED
        ),
    ]
    return Table.of(columns, [point for point in statistics["abstention"] if point["coverage"] % 25 == 0])


def remarks(statistics: Mapping) -> Iterator[str]:
    """Lines for a score file: difference of the aggregates, confidence intervals, and remarks on them."""
    yield f"agg={FOLD_MEAN} minus agg={POOLED}: {differences(statistics)}"
    facts = statistics["intervals"]
    for entry in facts["found"]:
        values = ", ".join(f"{metric.label} {span(entry.get(name)) or UNDEFINED}" for name, metric in METRICS.items())
        over = f"{entry['method']} over {entry['clusters']} {entry['over']}s"
        yield f"agg={POOLED} {facts['level']:g} % intervals, {over}: {entry['fault'] or values}"
    yield from statistics["remarks"]


def differences(statistics: Mapping) -> str:
    """Fold mean minus pooled value of each metric."""
    if FOLD_MEAN not in statistics["scores"]:
        return "no fold mean, because some folds have no utterances of a class"
    mean, pooled = (statistics["scores"][name] for name in (FOLD_MEAN, POOLED))
    pairs = ((metric.label, mean[name]["mean"] - pooled[name]["mean"]) for name, metric in METRICS.items())
    return ", ".join(f"{label} {signed(difference)}" for label, difference in pairs)
