"""Tables of the robustness to ASR errors, as Markdown, CSV, LaTeX and HTML."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from mscnn.evaluation.aggregate import MEANING, POOLED
from mscnn.evaluation.experiment import Experiment
from mscnn.evaluation.groups import GroupScores
from mscnn.evaluation.robustness import NO_TEXT, REFERENCE, Condition, Robustness
from mscnn.reporting.formats import fixed, signed, with_sd
from mscnn.reporting.table import Cell, Column, Table, column_each, write_forms
from mscnn.reporting.templates import Section, render

COLUMNS = (
    "protocol", "experiment", "system", "trained_on", "tested_on", "runs", "engine", "wer_bucket", "utterances", "wer",
    "aggregate", "ua", "ua_sd", "wa", "wa_sd", "ua_difference", "absent",
)  # fmt: skip


def write_robustness(robustness: Robustness, stem: str | os.PathLike) -> str:
    """Write ``stem.md``, ``stem.csv``, ``stem.tex`` and ``stem.html``; returns the Markdown."""
    shared = _shared(robustness.rows)
    sections = [Section("conditions", "All conditions", {"table": _conditions(robustness, shared)})]
    for engine in robustness.errors:
        heading = f"{engine}: {fixed(robustness.total(engine).rate, 1) or 'n/a'} % WER"
        sections.append(Section(f"wer-{engine}", heading, {"table": _by_bucket(robustness.rows, engine, shared)}))
    meaning = MEANING[robustness.rows[0].scores.name]
    facts = {
        "title": f"Robustness to ASR errors: {_split(robustness.rows[0].exp)}",
        "sections": sections,
        "notes": render("robustness_notes.txt", meaning=meaning, shared=shared).splitlines(),
    }
    columns: list[Column[Mapping[str, object]]] = column_each(COLUMNS, str, lambda record, name: record.get(name))
    forms = {
        "md": render("robustness.md", **facts),
        "csv": Table.of(columns, (record for row in robustness.rows for record in _records(row, robustness))).csv(),
        "tex": render("robustness.tex", **facts),
        "html": render("robustness.html", **facts),
    }
    write_forms(stem, forms)
    return forms["md"]


def _split(exp: Experiment) -> str:
    config = exp.config
    more = [f"partial {config['partial']}"] if config.get("partial") else []
    more += [f"legacy: {name}" for name in config["protocol"].get("legacy", [])]
    return f"{exp.protocol} ({', '.join([Path(config['data']).name, *more])})"


def _shared(rows: Sequence[Condition]) -> str:
    """Non-default options that all systems have in common, which are printed once; else empty."""
    changes = {", ".join(row.exp.config.get("changed", [])) for row in rows}
    return changes.pop() if len(changes) == 1 else ""


def _text(name: str) -> str | None:
    return None if name == NO_TEXT else name


def _condition_columns(shared: str) -> list[Column[Condition]]:
    def system(row: Condition) -> Cell:
        name = row.system.replace(f", {shared}", "", 1) if shared else row.system
        model, comma, changes = name.partition(", ")
        return Cell(model, rest=comma + changes, code=True)

    return [
        Column("system", system, left=True),
        Column("trained on", lambda row: _text(row.trained_on), left=True),
        Column("tested on", lambda row: _text(row.tested_on), left=True),
    ]


def _conditions(robustness: Robustness, shared: str) -> Table:
    def difference(row: Condition) -> str | None:
        return None if row.tested_on == row.trained_on == REFERENCE else signed(row.difference)

    columns = [
        *_condition_columns(shared),
        Column("WER", lambda row: fixed(_wer(row, robustness), 1)),
        Column("runs", lambda row: row.exp.config["runs"]),
        Column("UA", lambda row: with_sd(row.scores.values["ua"].mean, row.scores.values["ua"].sd)),
        Column("WA", lambda row: with_sd(row.scores.values["wa"].mean, row.scores.values["wa"].sd)),
        Column("UA difference from gt", difference),
    ]
    return Table.of(columns, robustness.rows)


def _wer(row: Condition, robustness: Robustness) -> float | None:
    """WER of the transcripts that a row is tested on, in percent; None if they are not from an ASR engine."""
    return robustness.total(row.tested_on).rate if row.tested_on in robustness.errors else None


def _by_bucket(rows: Sequence[Condition], engine: str, shared: str) -> Table:
    texts = {REFERENCE, NO_TEXT, engine}
    selected = [row for row in rows if engine in row.buckets and {row.trained_on, row.tested_on} <= texts]
    buckets = selected[0].buckets[engine]

    def head(name: str) -> str:
        absent = f"; WA, no {', '.join(buckets[name].absent)}" if buckets[name].absent else ""
        return f"{name} (n = {buckets[name].utterances}{absent})"

    columns = _condition_columns(shared)
    columns += column_each(buckets, head, lambda row, name: fixed(_bucket(row.buckets[engine][name])))
    return Table.of(columns, selected)


def _bucket(scores: GroupScores) -> float:
    """UA, or WA if a class has no utterances."""
    return scores.wa if scores.ua is None else scores.ua


def _records(row: Condition, robustness: Robustness) -> Iterator[Mapping[str, object]]:
    """Records of the CSV: one per experiment, with the bucket all, and one per bucket."""
    common = {
        "protocol": row.exp.protocol,
        "experiment": row.exp.path,
        "system": row.system,
        "trained_on": row.trained_on,
        "tested_on": row.tested_on,
        "runs": row.exp.config["runs"],
    }
    ua, wa = row.scores.values["ua"], row.scores.values["wa"]
    yield common | {
        "engine": row.tested_on if row.tested_on in robustness.errors else "",
        "wer_bucket": "all",
        "utterances": row.scores.total,
        "wer": fixed(_wer(row, robustness)),
        "aggregate": row.scores.name,
        **{"ua": fixed(ua.mean), "ua_sd": fixed(ua.sd), "wa": fixed(wa.mean), "wa_sd": fixed(wa.sd)},
        "ua_difference": fixed(row.difference),
    }
    for engine, buckets in row.buckets.items():
        for name, scores in buckets.items():
            yield common | {
                "engine": engine,
                "wer_bucket": name,
                "utterances": scores.utterances,
                "wer": fixed(robustness.bucket_total(engine, name).rate),
                "aggregate": POOLED,
                "ua": fixed(scores.ua),
                "wa": fixed(scores.wa),
                "absent": " ".join(scores.absent),
            }
