"""Tables of what was measured, for RESULTS.md and the page: score lines, and ``statistics.json``; and its remarks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

import numpy as np

from mscnn.evaluation.aggregate import FOLD_MEAN, POOLED, Value
from mscnn.evaluation.metrics import METRICS
from mscnn.reporting.formats import fixed, signed, span, with_sd
from mscnn.reporting.lines import ScoreLine
from mscnn.reporting.table import Column, Record, Table, column_each

PERCENT = ", %"  # unit in the head of a column, where no other place says it
NONE = "does not exist"
MAX_GROUPS = 12  # of an attribute that RESULTS.md shows one by one


def metric_columns(cell: Callable[[Record, str], object], unit: str = "") -> list[Column[Record]]:
    """A column for each of METRICS; ``cell`` takes a record and the name of a metric."""
    return column_each(METRICS, lambda name: f"{METRICS[name].label}{unit}", cell)


def scores(lines: Mapping[str, Iterable[ScoreLine]], unit: str = "") -> Table:
    """Every score line by part, dev or test, with the deviations over folds, and that of UA over runs."""
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
    """Recall, precision and F1 of each class."""
    columns: list[Column] = [Column("class", lambda item: item[0], left=True)]
    columns.append(Column("utterances", lambda item: item[1]["utterances"]))
    heads = {"recall": "recall", "precision": "precision", "f1": "F1"}
    columns += column_each(heads, lambda key: f"{heads[key]}{unit}", lambda item, key: fixed(item[1][key]))
    return Table.of(columns, statistics["classes"].items())


def folds(values: Iterable[tuple[int, Mapping[str, Value]]], unit: str = "") -> Table:
    """Scores of single folds, with the deviations over runs; ``values`` are utterances and metrics of each fold."""
    columns: list[Column] = [
        Column("fold", lambda row: f"fold{row[0]:02d}", left=True),
        Column("utterances", lambda row: row[1][0]),
        *metric_columns(lambda row, name: with_sd(row[1][1][name].mean, row[1][1][name].run_sd), unit),
    ]
    return Table.of(columns, enumerate(values, 1))


def intervals(statistics: Mapping, unit: str = "") -> Table:
    """Bounds of every metric by each method."""
    columns: list[Column] = [
        Column(f"{statistics['intervals']['level']:g} % over", lambda entry: f"{entry['over']}s", left=True),
        Column("method", lambda entry: entry["method"], left=True),
        Column("clusters", lambda entry: entry["clusters"]),
        *metric_columns(lambda entry, name: span(entry.get(name)) or NONE, unit),
    ]
    return Table.of(columns, statistics["intervals"]["found"])


def groups(statistics: Mapping, unit: str = "", most: int | None = None) -> Table:
    """Scores by group; of attributes with more than ``most`` groups those with the lowest and the highest WA."""
    rows = [
        (attribute, name, some[name])
        for attribute, some in statistics["groups"].items()
        for name in (some if most is None or len(some) <= most else _extremes(some))
    ]
    columns: list[Column] = [
        Column("by", lambda row: row[0], left=True),
        Column("group", lambda row: row[1], left=True),
        Column("utterances", lambda row: row[2]["utterances"]),
        *column_each(("ua", "wa"), lambda key: f"{METRICS[key].label}{unit}", lambda row, key: fixed(row[2][key])),
        *column_each(
            statistics["classes"], lambda name: f"recall {name}", lambda row, name: fixed(row[2]["recalls"].get(name))
        ),
    ]
    return Table.of(columns, rows)


def hidden_groups(statistics: Mapping, most: int) -> Iterator[tuple[str, int, float]]:
    """Of attributes with more than ``most`` groups: its name, their number, the sample deviation of their WA."""
    for attribute, some in statistics["groups"].items():
        if len(some) > most:
            yield attribute, len(some), float(np.std([group["wa"] for group in some.values()], ddof=1))


def _extremes(some: Mapping[str, Mapping]) -> tuple[str, str]:
    ordered = sorted(some, key=lambda name: some[name]["wa"])
    return ordered[0], ordered[-1]


def calibration(statistics: Mapping) -> Table:
    """How far probabilities are from how often they are right."""
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
    """Scores of the most confident predictions alone, by quarters."""
    columns: list[Column] = [
        Column("coverage", lambda point: f"{point['coverage']} %", left=True),
        *column_each(("ua", "wa"), lambda k: f"{METRICS[k].label}{unit}", lambda point, k: fixed(point[k]) or NONE),
    ]
    return Table.of(columns, [point for point in statistics["abstention"] if point["coverage"] % 25 == 0])


def remarks(statistics: Mapping) -> Iterator[str]:
    """Lines for a score file: how the aggregations differ, the intervals, what must be known of them."""
    yield f"agg={FOLD_MEAN} minus agg={POOLED}: {differences(statistics)}"
    facts = statistics["intervals"]
    for entry in facts["found"]:
        values = ", ".join(f"{metric.label} {span(entry.get(name)) or NONE}" for name, metric in METRICS.items())
        over = f"{entry['method']} over {entry['clusters']} {entry['over']}s"
        yield f"agg={POOLED} {facts['level']:g} % intervals, {over}: {entry['fault'] or values}"
    yield from statistics["remarks"]


def differences(statistics: Mapping) -> str:
    """Fold mean minus pooled, by metric."""
    if FOLD_MEAN not in statistics["scores"]:
        return "no fold mean, single folds lack classes"
    mean, pool = (statistics["scores"][name] for name in (FOLD_MEAN, POOLED))
    pairs = ((metric.label, mean[name]["mean"] - pool[name]["mean"]) for name, metric in METRICS.items())
    return ", ".join(f"{label} {signed(difference)}" for label, difference in pairs)
