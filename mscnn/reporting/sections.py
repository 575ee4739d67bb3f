"""``statistics.json`` in words: sections of RESULTS.md, and the lines that a score file ends with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from mscnn.evaluation.aggregate import FOLD_MEAN, POOLED
from mscnn.evaluation.metrics import METRICS
from mscnn.reporting.tabular import table

MOST = 12  # groups of an attribute that are all shown
NONE = "does not exist"


def sections(found: Mapping) -> dict[str, list[str]]:
    """Title -> lines of Markdown, of a mapping that :func:`mscnn.evaluation.experiment_statistics.statistics` made."""
    return {
        "Intervals": list(_intervals(found)),
        "Groups": list(_groups(found)),
        "Calibration": list(_calibration(found)),
    }


def remarks(found: Mapping) -> Iterator[str]:
    """Lines for a score file: how the aggregations differ, the intervals, what must be known of them."""
    yield f"agg={FOLD_MEAN} minus agg={POOLED}: {_differences(found)}"
    for entry in found["intervals"]["found"]:
        cells = zip(METRICS, _bounds(entry), strict=True)
        values = entry["fault"] or ", ".join(f"{METRICS[key].label} {cell}" for key, cell in cells)
        yield (
            f"agg={POOLED} {found['intervals']['level']:g} % intervals, {entry['method']} over {entry['clusters']} "
            f"{entry['over']}s: {values}"
        )
    yield from found["remarks"]


def _differences(found: Mapping) -> str:
    """Fold mean minus pooled, by metric."""
    if FOLD_MEAN not in found["scores"]:
        return "no fold mean, single folds lack classes"
    mean, pool = (found["scores"][name] for name in (FOLD_MEAN, POOLED))
    return ", ".join(f"{METRICS[key].label} {mean[key]['mean'] - pool[key]['mean']:+.2f}" for key in METRICS)


def _bounds(entry: Mapping) -> list[str]:
    """Intervals of METRICS as cells."""
    return [f"{entry[key][0]:.2f} to {entry[key][1]:.2f}" if key in entry else NONE for key in METRICS]


def _intervals(found: Mapping) -> Iterator[str]:
    entries, facts = found["intervals"]["found"], found["intervals"]
    if entries:
        head = [f"{facts['level']:g} % over", "method", "clusters", *(METRICS[key].label for key in METRICS)]
        rows = [(f"{entry['over']}s", entry["method"], entry["clusters"], *_bounds(entry)) for entry in entries]
        yield from table(head, rows, left=2)
        yield ""
    yield (
        f"Of the pooled values; fold mean minus pooled: {_differences(found)}. Over speakers: what others would "
        "give; over dialogues: these speakers in other dialogues. Models are taken as they were trained: what other "
        "seeds give is the sd over runs."
    )
    yield ""
    for entry in entries:
        name = f"{entry['method']} over {entry['over']}s"
        if entry["method"] == "bootstrap":
            redrawn = f", {entry['redrawn']} lacked a class and were drawn again" if entry["redrawn"] else ""
            yield f"* {name}: {entry['resamples']} resamples, seed {facts['seed']}, expanded percentiles{redrawn}"
        if entry["fault"]:
            yield f"* {name}: does not exist: {entry['fault']}"
    yield from (f"* {remark}" for remark in found["remarks"])


def _groups(found: Mapping) -> Iterator[str]:
    rows, hidden = [], []
    for attribute, groups in found["groups"].items():
        shown = list(groups)
        if len(groups) > MOST:
            ordered = sorted(groups, key=lambda name: groups[name]["wa"])
            shown = [ordered[0], ordered[-1]]
            spread = np.std([group["wa"] for group in groups.values()], ddof=1)
            hidden.append(f"{len(groups)} {attribute}s: lowest and highest WA shown, sd {spread:.2f}")
        rows += [(attribute, name, *_group(groups[name], found["classes"])) for name in shown]
    if rows:
        head = ["", "group", "utterances", "UA", "WA", *(f"recall {name}" for name in found["classes"])]
        yield from table(head, rows, left=2)
        yield ""
        yield f"Pooled, mean over runs; UA {NONE} where a class has no utterance (–)."
        yield from ["", *(f"* {text}" for text in hidden)] if hidden else []


def _group(group: Mapping, classes: Mapping) -> tuple[str, ...]:
    """Cells of a group: utterances, UA, WA, recall of each class."""
    recalls = [f"{group['recalls'][name]:.2f}" if name in group["recalls"] else "–" for name in classes]
    ua = NONE if group["ua"] is None else f"{group['ua']:.2f}"
    return str(group["utterances"]), ua, f"{group['wa']:.2f}", *recalls


def _calibration(found: Mapping) -> Iterator[str]:
    facts = found["calibration"]
    parts = {"as predicted": facts["as_predicted"], "with temperature": facts["with_temperature"]}
    rows = [
        (name, f"{part['ece']:.2f}", f"{part['log_loss']:.4f}", f"{part['brier']:.4f}")
        for name, part in parts.items()
        if part
    ]
    yield from table(["probabilities", "ECE, %", "log loss, nats", "Brier score"], rows)
    yield ""
    note = f"Expected calibration error of the predicted class over {facts['bins']} bins of equal width."
    if facts["temperatures"]:
        fitted = np.array(facts["temperatures"])
        note += f" Temperatures, fitted on dev of each fold and run: {fitted.min():.2f} to {fitted.max():.2f}."
    yield note if not facts["fault"] else f"{note} No temperature: {facts['fault']}."
    yield ""
    points = [point for point in found["abstention"] if point["coverage"] % 25 == 0]
    rows = [
        (f"{point['coverage']} %", NONE if point["ua"] is None else f"{point['ua']:.2f}", f"{point['wa']:.2f}")
        for point in points
    ]
    yield from table(["answered, the most confident", "UA", "WA"], rows)
