"""All experiments of a recipe in one table a protocol: as Markdown, CSV, LaTeX and a page."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from urllib.parse import quote

from mscnn.errors import UserError
from mscnn.evaluation.aggregate import MEANING, POOLED
from mscnn.evaluation.metrics import METRICS
from mscnn.files import read_yaml
from mscnn.reporting.lines import read_score
from mscnn.reporting.page.html import element, items, paragraph
from mscnn.reporting.page.html import table as page_table
from mscnn.reporting.page.page import Section, render
from mscnn.reporting.tabular import csv_text, latex_table, table, with_sd, write_forms

COST = ("gflop_per_second", "seconds_per_epoch")
NOTHING = "–"
SHOWN = {key: metric.label for key, metric in METRICS.items() if metric.compared}  # macro F1 is in the CSV
LEFT = 3  # columns of a table that are left aligned
NOTES = (
    "Partial rows have fewer folds than the protocol; changed: options that are not the usual ones. Models are "
    "selected on dev, but where a cut says legacy_test_best."
)
WAITING = "Not run yet, or not scored"


@dataclass(frozen=True)
class OverviewRow:
    """One experiment; scores in percent on test and their spread over folds. Not run yet: all but ``path`` empty.

    ``cut`` is protocol and hash with the data set, whether folds are pooled, and what is legacy about it: rows of
    different cuts are not comparable. ``folds`` is what was done of what the protocol has; what benchmarks/systems.py
    measured stands last.
    """

    path: str
    cut: str = ""
    aggregate: str = ""
    system: str = ""
    text: str = ""
    xvector: str = ""
    changed: str = ""
    folds: str = ""
    runs: str = ""
    ua: str = ""
    ua_sd: str = ""
    wa: str = ""
    wa_sd: str = ""
    f1: str = ""
    f1_sd: str = ""
    wf1: str = ""
    wf1_sd: str = ""
    dev_ua: str = ""
    parameters: str = ""
    gflop_per_second: str = ""
    seconds_per_epoch: str = ""


COLUMNS = tuple(field.name for field in fields(OverviewRow))


def read_costs(path: str | os.PathLike) -> dict[str, dict[str, str]]:
    """Read the table that ``benchmarks/systems.py --out`` wrote: system -> its cost.

    Raises:
        UserError: the file cannot be read, or has other columns.
    """
    try:
        rows = list(csv.DictReader(Path(path).read_text(encoding="utf-8").splitlines(), delimiter="\t"))
        return {row["model"]: {key: row[key] for key in COST} for row in rows}
    except (OSError, UnicodeDecodeError, KeyError) as error:
        raise UserError(f"{path}: not a table of benchmarks/systems.py: {error!r}") from None


def read_rows(
    exps: Sequence[str | os.PathLike], costs: Mapping[str, Mapping[str, str]] | None = None
) -> list[OverviewRow]:
    """A row for each folder of an experiment, in their order; those without scores are rows, too."""
    return [_row(Path(exp), costs or {}) for exp in exps]


def _row(exp: Path, costs: Mapping[str, Mapping[str, str]]) -> OverviewRow:
    if not (exp / "score_test.txt").is_file() or not (exp / "config.yaml").is_file():
        return OverviewRow(str(exp))
    facts, line, dev = (
        read_yaml(exp / "config.yaml"),
        read_score(exp / "score_test.txt"),
        read_score(exp / "score_dev.txt"),
    )
    pooled = ", pooled" if line.aggregate == POOLED else ""
    legacy = f", legacy: {line.fields['legacy']}" if "legacy" in line.fields else ""
    trained = f" (trained on {line.fields['trained_on']})" if "trained_on" in line.fields else ""
    return OverviewRow(
        path=str(exp),
        cut=f"{line.fields['protocol']} ({Path(facts['data']).name}{pooled}{legacy})",
        aggregate=line.aggregate,
        system=facts["model"],
        text=facts["text"] + trained,
        xvector=line.fields.get("xvector", "none"),
        changed=line.fields.get("changed", ""),
        folds=line.fields.get("partial", f"{facts['folds']}/{facts['folds']}"),
        runs=str(facts["runs"]),
        **{key: f"{value:.2f}" for key, value in line.values.items()},
        **{key: line.fields[key] for key in ("ua_sd", "wa_sd", "f1_sd", "wf1", "wf1_sd") if key in line.fields},
        dev_ua=f"{dev.values['ua']:.2f}",
        parameters=str(facts.get("parameters") or ""),
        **costs.get(facts["model"], {}),
    )


def write_overview(rows: Sequence[OverviewRow], stem: str | os.PathLike) -> str:
    """Write ``stem.md``, ``stem.csv``, ``stem.tex`` and ``stem.html``; returns the Markdown."""
    stem = Path(stem)
    text = markdown(rows, stem.name)
    forms = {"csv": csv_text(COLUMNS, map(astuple, rows)), "tex": latex(rows), "html": html(rows, stem)}
    write_forms(stem, {"md": text, **forms})
    return text


def markdown(rows: Sequence[OverviewRow], title: str) -> str:
    """A table a cut, best system first, with what was not done said in each row."""
    lines = [f"# {title}", ""]
    for cut, some in _by_cut(rows).items():
        body = _cells(some, lambda row: f"`{row.system}`", lambda text: f"**{text}**")
        lines += [f"## {cut}", "", *table(*body, left=LEFT), "", _caption(some), ""]
    lines += [NOTES, ""]
    waiting = _waiting(rows)
    if waiting:
        lines += [f"{WAITING}:", "", *(f"* {path}" for path in waiting), ""]
    return "\n".join(lines)


def latex(rows: Sequence[OverviewRow]) -> str:
    """The same tables, to be put into a paper (package booktabs)."""
    lines = []
    for cut, some in _by_cut(rows).items():
        lines += [f"% {cut}. {_caption(some)}", *latex_table(*_cells(some), left=LEFT), ""]
    return "\n".join(lines)


def html(rows: Sequence[OverviewRow], stem: Path) -> str:
    """The same as a page that needs nothing else; systems link to their reports, where there are any."""

    def name(row: OverviewRow) -> str:
        report = Path(row.path) / "report.html"
        link = quote(os.path.relpath(report, stem.parent))
        return element("a", row.system, href=link) if report.is_file() else row.system

    sections = []
    for number, (cut, some) in enumerate(_by_cut(rows).items(), 1):
        body = _cells(some, name, lambda text: element("strong", text))
        sections.append(Section(f"cut-{number}", cut, page_table(_caption(some), *body, left=LEFT)))
    waiting = items(_waiting(rows))
    if waiting:
        sections.append(Section("waiting", WAITING, waiting))
    return render(stem.name, element("header", element("h1", stem.name), paragraph(NOTES)), sections)


def _by_cut(rows: Sequence[OverviewRow]) -> dict[str, list[OverviewRow]]:
    """Rows that can be compared, best UA first; whole ones before partial ones."""
    cuts: dict[str, list[OverviewRow]] = {}
    for row in sorted((r for r in rows if r.cut), key=lambda r: (r.cut, _partial(r), -float(r.ua), r.path)):
        cuts.setdefault(row.cut, []).append(row)
    return cuts


def _waiting(rows: Sequence[OverviewRow]) -> list[str]:
    return [row.path for row in rows if not row.cut]


def _caption(rows: Sequence[OverviewRow]) -> str:
    """What the scores of a cut are."""
    return f"Scores on test in percent, {MEANING[rows[0].aggregate]}."


def _partial(row: OverviewRow) -> bool:
    done, _, whole = row.folds.partition("/")
    return done != whole


def _cells(
    rows: Sequence[OverviewRow],
    name: Callable[[OverviewRow], str] = lambda row: row.system,
    warning: Callable[[str], str] = str,
) -> tuple[list[str], list[list[str]]]:
    """Head and body; columns that are empty in all rows are left out. ``name`` and ``warning`` mark cells up."""
    scores = {head: [with_sd(getattr(r, key), getattr(r, f"{key}_sd")) for r in rows] for key, head in SHOWN.items()}
    columns = {
        "system": [name(r) for r in rows],
        "text": [r.text for r in rows],
        "changed": [r.changed.replace(",", ", ") for r in rows],
        "x-vectors": [r.xvector.replace("none", "") for r in rows],
        "folds": [warning(f"partial {r.folds}") if _partial(r) else r.folds for r in rows],
        "runs": [r.runs for r in rows],
        **scores,
        "dev UA": [r.dev_ua for r in rows],
        "parameters": [f"{int(r.parameters):,}" if r.parameters else "" for r in rows],
        "GFLOP / s of speech": [_number(r.gflop_per_second) for r in rows],
        "s / epoch": [_number(r.seconds_per_epoch) for r in rows],
    }
    kept = {head: cells for head, cells in columns.items() if any(cells)}
    return list(kept), [list(row) for row in zip(*kept.values(), strict=True)]


def _number(cost: str) -> str:
    """A cost; a dash where there is none, or its measurement failed."""
    return cost if cost[:1].isdigit() else cost and NOTHING
