"""What stands around the figures: published numbers of the same protocol, and the audit of the split."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mscnn.leakage.result import AuditResult
from mscnn.paths import CONF
from mscnn.reporting.audit import table as audit_table
from mscnn.reporting.formats import fixed
from mscnn.reporting.notes import Note
from mscnn.reporting.page.headline import aggregation
from mscnn.reporting.page.source import ReportData
from mscnn.reporting.published import Protocol, Published, Row, read_published
from mscnn.reporting.table import Cell, Column, Table

BASELINES = {
    "tfidf_lr": "text (TF-IDF, logistic regression)",
    "text_1nn": "text (class of the nearest text)",
    "logmel_lr": "audio (mean and deviation, logistic regression)",
}


@dataclass(frozen=True)
class Entry:
    """A row of the table of published results."""

    system: Cell
    text: str
    scores: str
    selected: str
    source: str


def published(data: ReportData) -> dict[str, object]:
    """Published results on the same class set by the protocol that comes nearest to ours, and ours on top.

    Returns:
        what the template shows: ``none`` says why there are none.
    """
    reason, name = _incomparable(data), data.protocol["name"]
    if reason:
        return {"none": reason}
    facts = read_published(CONF / "published.yaml")
    rows = list(_rows(facts, name, data.set))
    if not rows:
        return {"none": Note("none-known", f"None is known for protocol {name} on the class set {data.set}.")}
    wa, ua = (fixed(data.line.score(key)) for key in ("wa", "ua"))
    ours = Cell(f"{data.config['model']}, this report", strong=True)
    digits = 1 if all(round(value, 1) == value for row, _ in rows for value in row.numbers) else 2  # as they print
    entries = [Entry(ours, data.line.fields["text"], f"{wa} / {ua}", "", "")]
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
    told = (f"{stated.source}: {facts.sources[stated.source]}. Protocol: {stated.stated}" for _, stated in rows)
    return {
        "none": None,
        "table": Table.of(columns, entries),
        "aggregation": aggregation(data.line),
        "marks": {row.certain: facts.certainty[row.certain] for row, _ in rows},
        "flattered": any(stated.selection_on_test == "yes" for _, stated in rows),
        "protocols": list(dict.fromkeys(told)),
    }


def _incomparable(data: ReportData) -> Note | None:
    """Why published numbers would not stand beside ours."""
    if data.synthetic:
        return Note("synthetic", "None: published numbers are of people; these recordings are synthetic.")
    if data.corpus is None and not data.tables["utt2emo"]:
        why = "the data directory is not available, and nothing says whose recordings these were"
        return Note("corpus-unknown", f"None: {why}.")
    if data.predicted:
        where = data.config["trained_in"]
        return Note("predicted", f"None: the report of {where}, where the models were trained, has them.")
    if data.config.get("partial") or data.config["legacy"]:
        return Note("partial", "None: this experiment is partial, or has legacy behaviour.")
    return None


def _rows(facts: Published, protocol: str, name: str) -> Iterator[tuple[Row, Protocol]]:
    """Rows with numbers of protocols that are like ours, on our set; each once, whatever tables it is in."""
    seen = set()
    for row in (row for table in facts.tables.values() for row in table.rows):
        stated = facts.protocols[row.protocol]
        key = (row.model or row.system, row.text, row.protocol, *row.numbers)
        if stated.like == protocol and stated.set == name and row.numbers and key not in seen:
            seen.add(key)
            yield row, stated


def audit(data: ReportData) -> dict[str, object]:
    """What training and test share, as stage 1 found it: sentences, its table, and what was audited."""
    result = data.audit
    if result is None:
        return {"made": False, "file": f"{data.set}/audit/{data.protocol['name']}.json"}
    facts = {
        "protocol": result.title,
        "folds": len(result.folds),
        "data": f"{result.data}, {result.utterances} utterances",
        "features of the audio baseline": result.features,
        "cosine of near texts": result.near,
        "leaks": "; ".join(result.leaks) or "none",
    }
    return {
        "made": True,
        "sentences": list(findings(data, result)),
        "table": audit_table(result),
        "facts": Table.pairs(("what", "which"), data.shown(facts)),
    }


def findings(data: ReportData, result: AuditResult) -> Iterator[Note]:
    """Sentences of an audit: what training and test share, what baselines score by it, and what this system has."""
    partial = data.config.get("partial")
    if partial:
        yield Note("partial", f"This is about all folds of the protocol, of which {partial} were done here.")
    if result.common:
        yield Note("shared", f"Training and test share {' and '.join(f'{what}s' for what in result.common)}.")
    if result.disjoint:
        yield Note("disjoint", f"No {' and no '.join(result.disjoint)} is in both training and test.")
    texts = result.texts["all"]
    verbatim, near = (fixed(result.headline(spread), 1) for spread in (texts.verbatim, texts.near))
    if verbatim and near:
        yield Note(
            "texts", f"{verbatim} % of the test utterances have word for word a text of training, {near} % nearly."
        )
    told = list(_baselines(result))
    if told:
        ua, wa = (fixed(data.line.score(key), 1) for key in ("ua", "wa"))
        ours = "" if partial else f"; this system: UA {ua} and WA {wa} %"
        yield Note("baselines", f"Baselines that know the training part alone: {', '.join(told)}{ours}.")


def _baselines(result: AuditResult) -> Iterator[str]:
    """Those that have both scores over folds as the protocol reports."""
    for name, title in BASELINES.items():
        scores = result.scores.get(name)
        spreads = (scores["all"].ua, scores["all"].wa) if scores else ()
        told = [fixed(result.headline(spread), 1) for spread in spreads]
        if told and None not in told:
            yield "{} UA {} and WA {} %".format(title, *told)
