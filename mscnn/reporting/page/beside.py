"""Other systems of the recipe under the same protocol, and what a reader must not miss beside the scores."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from mscnn.errors import UserError
from mscnn.evaluation.aggregate import POOLED
from mscnn.paths import CONF, current
from mscnn.reporting.audit import BASELINES
from mscnn.reporting.formats import fixed
from mscnn.reporting.lines import LEADING, ScoreLine, read_score
from mscnn.reporting.notes import Note
from mscnn.reporting.page.source import ReportData
from mscnn.reporting.table import Cell, Column, Table, column_each

SAME = ("protocol", "data", "subset", "agg", "partial")  # fields of score lines that are comparable
GAP = 10.0  # points of UA by which dev may be above test without a note


def is_baseline(model: str) -> bool:
    """Whether a configuration is one of conf/models/baselines."""
    return (CONF / "models" / "baselines" / f"{current('models', model)}.yaml").is_file()


def siblings(data: ReportData) -> dict[str, ScoreLine]:
    """Folder -> score line of every other experiment beside this one with the same data, protocol, hash and folds."""
    found = {}
    for file in sorted(data.exp.path.absolute().parent.glob("*/score_test.txt")):
        try:
            line = read_score(file)
        except UserError:  # not scored by this version, or damaged; stage 6 says so of that experiment
            continue
        same = all(line.fields.get(key) == data.line.fields.get(key) for key in SAME)
        if same and file.parent != data.exp.path.absolute():
            found[file.parent.name] = line
    return found


def table(data: ReportData) -> Table | None:
    """Scores of this system and of those beside it, best UA first; None where there is no other."""
    others = siblings(data)
    if not others:
        return None
    rows = sorted([("", data.line), *others.items()], key=lambda row: (-row[1].values["ua"], row[0]))
    columns: list[Column[tuple[str, ScoreLine]]] = [
        Column("system", _system, left=True),
        Column("text", lambda row: row[1].fields["text"], left=True),
        Column("x-vectors", lambda row: row[1].fields.get("xvector", "none"), left=True),
        Column("changed", lambda row: row[1].fields.get("changed", "").replace(",", ", "), left=True),
        *column_each(LEADING, lambda key: f"{key.upper()}, %", lambda row, key: fixed(row[1].values[key])),
    ]
    return Table.of(columns, rows).without_empty()


def _system(row: tuple[str, ScoreLine]) -> Cell:
    folder, line = row
    name, kind = line.fields["model"], " (baseline)" if is_baseline(line.fields["model"]) else ""
    return (
        Cell(name, kind, href=f"../{folder}/report.html") if folder else Cell(name, f"{kind}, this report", strong=True)
    )


def notes(data: ReportData) -> Iterator[Note]:
    """Dev far above test; a system that is no better than a baseline; pooled scores of the most frequent class."""
    yield from _dev_above_test(data)
    model, ua = data.line.fields["model"], data.line.values["ua"]
    if is_baseline(model):
        yield from _majority(data)
        return
    better = {name: score for name, score in _baseline_scores(data).items() if score >= ua}
    if better:
        best = max(better, key=lambda name: (better[name], name))
        text = f"No better than a baseline of this protocol: {best} has UA {better[best]:.2f} %, {model} {ua:.2f} %."
        yield Note("no-better-than-baseline", text)


def _dev_above_test(data: ReportData) -> Iterator[Note]:
    dev, test = data.lines["dev"][0].values["ua"], data.line.values["ua"]
    if dev - test < GAP:
        return
    disjoint: Mapping = data.protocol["disjoint"]
    text = f"UA on dev is {dev:.2f} %, on test {test:.2f} %: {dev - test:.2f} points less."
    if "speaker" in disjoint.get("train-test", ()) and "speaker" not in disjoint.get("train-dev", ()):
        text += " Dev may share speakers with training, test does not: what was learned is of these speakers."
    else:
        text += " What was learned, and the choice of the model on dev, does not hold for test."
    yield Note("dev-above-test", text)


def _majority(data: ReportData) -> Iterator[Note]:
    options = data.config.get("model_options") or {}
    chance, pooled = 100 / len(data.exp.classes), data.line.aggregate == POOLED
    if options.get("kind") == "majority" and pooled and data.line.values["ua"] < chance - 0.01:
        text = f"The most frequent class of training differs between folds: pooled UA is below {chance:.1f} %."
        yield Note("majority-pooled", text)


def _baseline_scores(data: ReportData) -> dict[str, float]:
    """UA of the baselines beside this experiment, and of those of the audit that were not trained."""
    found = {line.fields["model"]: line.values["ua"] for line in siblings(data).values()}
    scores = {name: ua for name, ua in found.items() if is_baseline(name)}
    for name in BASELINES if data.audit and not data.config.get("partial") else ():
        measured = data.audit.scores.get(name) if data.audit else None
        value = data.audit.headline(measured["all"].ua) if data.audit and measured else None
        if value is not None:
            scores.setdefault(name, value)
    return scores


def use(data: ReportData) -> dict[str, object]:
    """Values for the template: commands that predict recordings with the models of this experiment."""
    folder = Path(data.exp.config["trained_in"]) if data.predicted else data.exp.path
    return {
        "exp": f"exp/{folder.name}",
        "text": data.line.fields["text"],
        "network": any(data.trained_in.glob("fold*/run*/model.safetensors")),
    }
