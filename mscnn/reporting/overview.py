"""Overview of the experiments of a recipe, one table per protocol: as Markdown, CSV, LaTeX and HTML."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from mscnn.config.written import read_config
from mscnn.errors import UserError
from mscnn.evaluation.aggregate import MEANING, POOLED, Value
from mscnn.evaluation.metrics import METRICS
from mscnn.reporting.formats import fixed, thousands, with_sd
from mscnn.reporting.lines import ScoreLine, read_score
from mscnn.reporting.marks import dagger, dagger_meaning, daggered, marks
from mscnn.reporting.notes import Note
from mscnn.reporting.table import Cell, Column, Table, column_each, write_forms
from mscnn.reporting.templates import Section, render

COSTS = {"gflop_per_second": ("GFLOP / s of speech", 3), "seconds_per_epoch": ("s / epoch", 1)}  # head and decimals


@dataclass(frozen=True)
class Scores:
    """Results of a scored experiment.

    Attributes:
        split: protocol and hash, data set, pooling and legacy flags; rows of different splits are not comparable.
        aggregate: fold-mean or pooled.
        system: name of the model.
        text: transcripts.
        xvector: x-vector network, or none.
        embeddings: word vectors; empty for systems without them.
        changed: non-default options.
        folds: number of trained folds, and of folds of the protocol.
        runs: number of runs of each fold.
        values: test scores in percent with their standard deviations, two decimals.
        dev_ua: UA on dev, in percent.
        parameters: number of parameters; None for a baseline.
        cost: computing costs from benchmarks/systems.py; None where a measurement failed.
        marks: what differs from the paper of the system.
    """

    split: str
    aggregate: str
    system: str
    text: str
    xvector: str
    embeddings: str
    changed: tuple[str, ...]
    folds: tuple[int, int]
    runs: int
    values: Mapping[str, Value]
    dev_ua: float
    parameters: int | None = None
    cost: Mapping[str, float | None] = field(default_factory=dict)
    marks: tuple[Note, ...] = ()

    @property
    def partial(self) -> bool:
        """Whether the protocol has more folds than were trained."""
        return self.folds[0] != self.folds[1]


@dataclass(frozen=True)
class OverviewRow:
    """The folder of an experiment and its scores; None: not run or not scored."""

    path: str
    scores: Scores | None = None


def read_costs(path: str | os.PathLike) -> dict[str, dict[str, float | None]]:
    """Computing costs of each system, from the table of ``benchmarks/systems.py --out``; None: not a number.

    Raises:
        UserError: the file cannot be read, or has other columns.
    """
    try:
        rows = list(csv.DictReader(Path(path).read_text(encoding="utf-8").splitlines(), delimiter="\t"))
        return {row["model"]: {key: _number(row[key]) for key in COSTS} for row in rows}
    except (OSError, UnicodeDecodeError, KeyError) as error:
        raise UserError(f"{path}: not a table of benchmarks/systems.py: {error!r}", code="costs-table") from None


def _number(text: str | None) -> float | None:
    try:
        return float(text or "")
    except ValueError:
        return None


def read_rows(
    exps: Sequence[str | os.PathLike], costs: Mapping[str, Mapping[str, float | None]] | None = None
) -> list[OverviewRow]:
    """One row per folder of an experiment, in their order, including those without scores.

    Raises:
        UserError: a configuration or a score file is malformed.
    """
    return [_row(Path(exp), costs or {}) for exp in exps]


def _row(exp: Path, costs: Mapping[str, Mapping[str, float | None]]) -> OverviewRow:
    if not (exp / "score_test.txt").is_file() or not (exp / "config.yaml").is_file():
        return OverviewRow(str(exp))
    facts = read_config(exp / "config.yaml", ("model", "data", "text", "folds", "runs"))
    line, dev = (read_score(exp / f"score_{part}.txt") for part in ("test", "dev"))
    pooled = ", pooled" if line.aggregate == POOLED else ""
    legacy = f", legacy: {line.fields['legacy']}" if "legacy" in line.fields else ""
    trained = f" (trained on {line.fields['trained_on']})" if "trained_on" in line.fields else ""
    done, _, whole = line.fields.get("partial", "").partition("/")
    scores = Scores(
        split=f"{line.fields['protocol']} ({Path(facts['data']).name}{pooled}{legacy})",
        aggregate=line.aggregate,
        system=facts["model"],
        text=facts["text"] + trained,
        xvector=line.fields.get("xvector", "none"),
        embeddings=line.fields.get("embeddings", ""),
        changed=tuple(filter(None, line.fields.get("changed", "").split(","))),
        folds=(int(done), int(whole)) if done else (facts["folds"], facts["folds"]),
        runs=facts["runs"],
        values=_values(line),
        dev_ua=dev.values["ua"],
        parameters=facts.get("parameters"),
        cost=costs.get(facts["model"], {}),
        marks=marks(facts, exp),
    )
    return OverviewRow(str(exp), scores)


def _values(line: ScoreLine) -> dict[str, Value]:
    """Metrics of a line, without those that older versions did not write."""
    means = {name: line.score(name) for name in METRICS}
    return {name: Value(mean, line.sd(name), line.run_sd(name)) for name, mean in means.items() if mean is not None}


def write_overview(rows: Sequence[OverviewRow], stem: str | os.PathLike) -> str:
    """Write ``stem.md``, ``stem.csv``, ``stem.tex`` and ``stem.html``; returns the Markdown."""
    stem = Path(stem)
    unscored, splits = [row.path for row in rows if row.scores is None], _by_split(rows)

    def document(template: str, name: Callable[[OverviewRow], Cell]) -> str:
        sections = [
            Section(f"split-{i}", split, {"table": _table(scored, name), "meaning": MEANING[scored[0][1].aggregate]})
            for i, (split, scored) in enumerate(splits.items(), 1)
        ]
        notes = render("overview_notes.txt", dagger=_meaning(rows)).strip()
        return render(template, title=stem.name, sections=sections, waiting=unscored, notes=notes)

    forms = {
        "md": document("overview.md", lambda row: Cell(_system(row), code=True)),
        "csv": Table.of(_csv_columns(), rows).csv(),
        "tex": document("overview.tex", lambda row: Cell(_system(row))),
        "html": document("overview.html", lambda row: Cell(_system(row), href=_report(row, stem.parent))),
    }
    write_forms(stem, forms)
    return forms["md"]


def _meaning(rows: Sequence[OverviewRow]) -> str:
    """What the dagger stands for, with the parts that these rows lack; empty where there is none."""
    notes = [note for row in rows if row.scores for note in row.scores.marks if daggered([note])]
    return f"{dagger_meaning(notes)}: {'; '.join(dict.fromkeys(note.text for note in notes))}." if notes else ""


def _system(row: OverviewRow) -> str:
    return row.scores.system if row.scores else ""


def _report(row: OverviewRow, folder: Path) -> str | None:
    """URL of the report of an experiment relative to a folder; None where there is no report."""
    report = Path(row.path) / "report.html"
    return quote(os.path.relpath(report, folder)) if report.is_file() else None


def _by_split(rows: Sequence[OverviewRow]) -> dict[str, list[tuple[OverviewRow, Scores]]]:
    """Split -> its rows, highest UA first, partial experiments last."""
    scored = [(row, row.scores) for row in rows if row.scores is not None]
    splits: dict[str, list[tuple[OverviewRow, Scores]]] = {}
    for row, s in sorted(scored, key=lambda p: (p[1].split, p[1].partial, -p[1].values["ua"].mean, p[0].path)):
        splits.setdefault(s.split, []).append((row, s))
    return splits


def _table(rows: Sequence[tuple[OverviewRow, Scores]], name: Callable[[OverviewRow], Cell]) -> Table:
    """Table of one split, without empty columns and without the metrics that only the CSV has."""
    compared = [key for key, metric in METRICS.items() if metric.compared]
    columns: list[Column[tuple[OverviewRow, Scores]]] = [
        Column("system", lambda row: name(row[0]), left=True),
        Column("text", lambda row: row[1].text, left=True),
        Column("changed", lambda row: ", ".join(row[1].changed), left=True),
        Column("word vectors", lambda row: row[1].embeddings, left=True),
        Column("x-vectors", lambda row: "" if row[1].xvector == "none" else row[1].xvector),
        Column("folds", lambda row: _folds(row[1])),
        Column("runs", lambda row: row[1].runs),
        *column_each(compared, lambda key: METRICS[key].label, lambda row, key: _value(row[1], key)),
        Column("dev UA", lambda row: f"{fixed(row[1].dev_ua)}{dagger(row[1].marks)}"),
        Column("parameters", lambda row: thousands(row[1].parameters) or ""),
        *column_each(COSTS, lambda key: COSTS[key][0], lambda row, key: _cost(row[1], key)),
    ]
    return Table.of(columns, rows).without_empty()


def _folds(scores: Scores) -> Cell:
    done = f"{scores.folds[0]}/{scores.folds[1]}"
    return Cell(f"partial {done}", strong=True) if scores.partial else Cell(done)


def _cost(scores: Scores, key: str) -> str | None:
    """Empty where nothing was measured; None where the measurement failed."""
    return fixed(scores.cost[key], COSTS[key][1]) if scores.cost else ""


def _value(scores: Scores, key: str) -> str:
    value = scores.values.get(key)
    return "" if value is None else f"{with_sd(value.mean, value.sd)}{dagger(scores.marks)}"


def _csv_columns() -> list[Column[OverviewRow]]:
    """Columns of the CSV: one number per column; all but ``path`` are empty where there are no scores."""
    texts: dict[str, Callable[[Scores], object]] = {
        "split": lambda scores: scores.split,
        "cut": lambda scores: scores.split,  # deprecated name of split, until 0.3.0
        "aggregate": lambda scores: scores.aggregate,
        "system": lambda scores: scores.system,
        "text": lambda scores: scores.text,
        "xvector": lambda scores: scores.xvector,
        "embeddings": lambda scores: scores.embeddings,
        "changed": lambda scores: ",".join(scores.changed),
        "marks": lambda scores: "; ".join(note.text for note in scores.marks),
        "folds": lambda scores: f"{scores.folds[0]}/{scores.folds[1]}",
        "runs": lambda scores: scores.runs,
    }
    others: dict[str, Callable[[Scores], object]] = {
        "dev_ua": lambda scores: fixed(scores.dev_ua),
        "parameters": lambda scores: scores.parameters,
    }
    cells = {**texts, **dict(_metric_cells()), **others, **dict(map(_cost_cell, COSTS))}
    path: Column[OverviewRow] = Column("path", lambda row: row.path)
    return [path, *column_each(cells, str, lambda row, name: cells[name](row.scores) if row.scores else None)]


def _metric_cells() -> Iterator[tuple[str, Callable[[Scores], object]]]:
    for name in METRICS:
        yield from _value_cells(name)


def _value_cells(name: str) -> Iterator[tuple[str, Callable[[Scores], object]]]:
    yield name, lambda scores: fixed(scores.values[name].mean) if name in scores.values else None
    yield f"{name}_sd", lambda scores: fixed(scores.values[name].sd) if name in scores.values else None


def _cost_cell(key: str) -> tuple[str, Callable[[Scores], object]]:
    return key, lambda scores: fixed(scores.cost.get(key), COSTS[key][1])
