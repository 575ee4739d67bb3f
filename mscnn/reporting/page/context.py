"""Context of the scores: published results under similar protocols, and the audit of the split."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mscnn.leakage.result import AuditResult
from mscnn.paths import CONF
from mscnn.reporting.audit import BASELINES
from mscnn.reporting.audit import table as audit_table
from mscnn.reporting.formats import fixed
from mscnn.reporting.marks import dagger, marks
from mscnn.reporting.notes import Note
from mscnn.reporting.page.headline import aggregation
from mscnn.reporting.page.source import ReportData
from mscnn.reporting.published import Protocol, Published, Row, read_published
from mscnn.reporting.table import Cell, Column, Table


@dataclass(frozen=True)
class Entry:
    """A row of the table of published results."""

    system: Cell
    text: str
    scores: str
    selected: str
    source: str


def published(data: ReportData) -> dict[str, object]:
    """Values for the template: our result, and published ones on the same class set under the nearest protocols.

    ``none`` is a note with the reason if there are no published results to compare with.
    """
    reason, name = _incomparable(data), data.protocol["name"]
    if reason:
        return {"none": reason}
    facts = read_published(CONF / "published.yaml")
    rows = list(_rows(facts, name, data.set))
    if not rows:
        return {"none": Note("none-known", f"None are known for protocol {name} on the class set {data.set}.")}
    wa, ua = (fixed(data.line.score(key)) for key in ("wa", "ua"))
    ours = Cell(f"{data.config['model']}, this report", strong=True)
    digits = 1 if all(round(value, 1) == value for row, _ in rows for value in row.numbers) else 2  # as published
    sign = dagger(marks(data.config, data.exp.path))  # the card says what differs
    entries = [Entry(ours, data.line.fields["text"], f"{wa} / {ua}{sign}", "", "")]
    entries += [
        Entry(Cell(row.system), row.text, row.cell(digits), stated.selection_on_test, stated.source)
        for row, stated in rows
    ]
    columns: list[Column[Entry]] = [
        Column("system", lambda entry: entry.system, left=True),
        Column("text", lambda entry: entry.text, left=True),
        Column("WA / UA, %", lambda entry: Cell(entry.scores, classes="whole"), left=True),
        Column("selected on test", lambda entry: entry.selected, left=True),
        Column("source", lambda entry: entry.source, left=True),
    ]
    described = (f"{stated.source}: {facts.sources[stated.source]}. Protocol: {stated.stated}" for _, stated in rows)
    return {
        "none": None,
        "table": Table.of(columns, entries),
        "aggregation": aggregation(data.line),
        "marks": {row.certain: facts.certainty[row.certain] for row, _ in rows},
        "flattered": any(stated.selection_on_test == "yes" for _, stated in rows),
        "protocols": list(dict.fromkeys(described)),
    }


def _incomparable(data: ReportData) -> Note | None:
    """The reason why published results are not comparable with ours; None if they are."""
    if data.synthetic:
        return Note("synthetic", "None: published results are on human speech; these recordings are synthetic.")
    if data.corpus is None and not data.tables["utt2emo"]:
        return Note("corpus-unknown", "None: the corpus is unknown, because the data directory is not available.")
    if data.predicted:
        folder = data.config["trained_in"]
        return Note("predicted", f"None here: see the report of {folder}, where the models were trained.")
    if data.config.get("partial") or data.config["legacy"]:
        return Note("partial", "None: this experiment is partial or has legacy behaviour, and is not comparable.")
    return None


def _rows(facts: Published, protocol: str, name: str) -> Iterator[tuple[Row, Protocol]]:
    """Published rows with scores under protocols that are nearest to ours, on our class set; without duplicates."""
    seen = set()
    for row in (row for table in facts.tables.values() for row in table.rows):
        stated = facts.protocols[row.protocol]
        key = (row.model or row.system, row.text, row.protocol, *row.numbers)
        if stated.like == protocol and stated.set == name and row.numbers and key not in seen:
            seen.add(key)
            yield row, stated


def audit(data: ReportData) -> dict[str, object]:
    """Values for the template: the audit of stage 1 as sentences and as table, and its inputs."""
    result = data.audit
    if result is None:
        return {"made": False, "file": f"{data.set}/audit/{data.protocol['name']}.json"}
    facts = {
        "protocol": result.title,
        "folds": len(result.folds),
        "data": f"{result.data}, {result.utterances} utterances",
        "features of the audio baseline": result.features,
        "minimum cosine of near duplicates": result.near,
        "leaks": "; ".join(result.leaks) or "none",
    }
    return {
        "made": True,
        "sentences": list(findings(data, result)),
        "table": audit_table(result),
        "facts": Table.pairs(("property", "value"), data.redact_paths(facts)),
    }


def findings(data: ReportData, result: AuditResult) -> Iterator[Note]:
    """Sentences of an audit: what training and test share, and the scores of baselines and of this system."""
    partial = data.config.get("partial")
    if partial:
        yield Note("partial", f"The audit covers all folds of the protocol; this experiment has {partial} of them.")
    if result.common:
        yield Note("shared", f"Training and test share {' and '.join(f'{what}s' for what in result.common)}.")
    if result.disjoint:
        yield Note("disjoint", f"Training and test share no {' and no '.join(result.disjoint)}.")
    texts = result.texts["all"]
    verbatim, near = (fixed(result.headline(spread), 1) for spread in (texts.verbatim, texts.near))
    if verbatim and near:
        text = f"{verbatim} % of the test utterances have a text that occurs verbatim in training"
        yield Note("texts", f"{text}, {near} % one that has a near duplicate there.")
    baselines = list(_baselines(result, data.config["model"]))
    if baselines:
        ua, wa = (fixed(data.line.score(key), 1) for key in ("ua", "wa"))
        ours = "" if partial else f"; this system: UA {ua} %, WA {wa} %"
        yield Note("baselines", f"Baselines trained on the same folds: {'; '.join(baselines)}{ours}.")


def _baselines(result: AuditResult, model: str) -> Iterator[str]:
    """Scores of the baselines over all folds, for baselines that have both scores and are not this ``model`` itself."""
    for name, (kind_of_input, method) in BASELINES.items():
        scores = result.scores.get(name) if name != model else None
        spreads = (scores["all"].ua, scores["all"].wa) if scores else ()
        values = [fixed(result.headline(spread), 1) for spread in spreads]
        if values and None not in values:
            yield "{} ({}): UA {} %, WA {} %".format(kind_of_input, method, *values)
