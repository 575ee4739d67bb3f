"""What stands around the figures: published numbers of the same protocol, and the audit of the cut."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mscnn.evaluation.aggregate import POOLED
from mscnn.paths import CONF
from mscnn.reporting.page.headline import aggregation
from mscnn.reporting.page.html import Markup, details, element, items, join, paragraph, table
from mscnn.reporting.page.source import Source, score
from mscnn.reporting.published import Protocol, Published, Row, read_published

PUBLISHED = CONF / "published.yaml"
NOT_SHOWN = frozenset({"folds", "inputs"})  # of an audit: every fold, and digests
YARDSTICKS = {
    "tfidf_lr": "by words (TF-IDF, logistic regression)",
    "text_1nn": "by the nearest text",
    "logmel_lr": "by sound (mean and deviation, logistic regression)",
}


def published(source: Source) -> Markup:
    """Published results on the same class set by the protocol that comes nearest to ours, and ours on top."""
    if source.synthetic:
        return paragraph("None: published numbers are of people; these recordings are synthetic.")
    if source.corpus is None and not source.tables["utt2emo"]:
        return paragraph("None: the data directory is not at hand, and nothing says whose recordings these were.")
    if source.predicted:
        return paragraph(f"None: the report of {source.config['trained_in']}, where the models were trained, has them.")
    if source.config.get("partial") or source.config["legacy"]:
        return paragraph("None: this experiment is partial, or has legacy behaviour.")
    facts, name = read_published(PUBLISHED), source.protocol["name"]
    rows = list(_rows(facts, name, source.data.resolve().name))
    if not rows:
        return paragraph(f"None is known for protocol {name} on the class set {source.data.resolve().name}.")
    line = source.lines["test"][0]
    wa, ua = (f"{line.values[key]:.2f}" for key in ("wa", "ua"))
    ours = (element("strong", f"{source.config['model']}, this report"), line.fields["text"], f"{wa} / {ua}", "", "")
    digits = 1 if all(round(value, 1) == value for row, _ in rows for value in row.numbers) else 2  # as they print
    cells = [
        (
            row.system,
            row.text,
            {"content": row.cell(digits), "class_": "whole"},
            stated.selection_on_test,
            stated.source,
        )
        for row, stated in rows
    ]
    head = ["system", "text", "WA / UA, %", "selected on test", "source"]
    marks = (f"[{mark}] {facts.certainty[mark]}" for mark in dict.fromkeys(row.certain for row, _ in rows))
    flattered = any(stated.selection_on_test == "yes" for _, stated in rows)
    protocols = dict.fromkeys(f"{p.source}: {facts.sources[p.source]}. Protocol: {p.stated}" for _, p in rows)
    return join([
        paragraph(f"Papers whose protocol comes nearest to {name}; how near, their own words tell below."),
        table(f"Published results beside ours, {aggregation(line)}", head, [ours, *cells], left=5),
        items([*marks, *(["selected on test: that flatters a result"] if flattered else [])]),
        details("Their protocols", items(protocols)),
    ])  # fmt: skip


def _rows(facts: Published, protocol: str, name: str) -> Iterator[tuple[Row, Protocol]]:
    """Rows with numbers of protocols that are like ours, on our set; each once, whatever tables it is in."""
    seen = set()
    for row in (row for group in facts.tables.values() for row in group.rows):
        stated = facts.protocols[row.protocol]
        key = (row.model or row.system, row.text, row.protocol, *row.numbers)
        if stated.like == protocol and stated.set == name and row.numbers and key not in seen:
            seen.add(key)
            yield row, stated


def audit(source: Source) -> Markup:
    """What training and test share, as stage 1 found it, in sentences; and all of its numbers, whatever keys it has."""
    if source.audit is None:
        name = source.data.resolve().name
        return paragraph(f"Not made for this cut: {name}/audit/{source.protocol['name']}.json is not there.")
    kept = {key: value for key, value in source.audit.items() if key not in NOT_SHOWN}
    plain, measured = {}, {}
    for path, value in _flat(kept):
        if isinstance(value, Mapping) and value:
            measured[path] = value
        else:
            plain[path] = value
    columns = list(dict.fromkeys(column for value in measured.values() for column in value))
    rows = [(path, *(_cell(value.get(column)) for column in columns)) for path, value in measured.items()]
    parts = [paragraph(" ".join(sentences))] if (sentences := [*findings(source)]) else []
    if rows:
        caption = "Shared by training and test, and what baselines score"
        parts.append(table(caption, ["measured", *columns], rows))
    if plain:
        facts = table("What was audited", ["what", "which"], ((k, _cell(v)) for k, v in plain.items()), left=2)
        parts.append(details("What was audited", facts) if parts else facts)
    return join(parts)


def findings(source: Source) -> Iterator[str]:
    """Sentences of the audit: what training and test share, what remembering it earns, and what this system has."""
    line, found = source.lines["test"][0], source.audit
    over = "pooled" if line.fields["agg"] == POOLED else "mean"
    tables = found["shared"] if isinstance(found.get("shared"), Mapping) else ()
    worst = {what: source.audited("shared", what, "worst") for what in tables}
    if partial := source.config.get("partial"):
        yield f"This is about all folds of the protocol, of which {partial} were done here."
    common, apart = [what for what, n in worst.items() if n], [what for what, n in worst.items() if n == 0]
    if common:
        yield f"Training and test share {' and '.join(f'{what}s' for what in common)}."
    if apart:
        yield f"No {' and no '.join(apart)} is in both training and test."
    verbatim, near = (source.audited("texts", "all", what, over) for what in ("verbatim", "near"))
    if verbatim is not None and near is not None:
        yield f"{verbatim:.1f} % of the test utterances have word for word a text of training, {near:.1f} % nearly."
    earned = []
    for key, name in YARDSTICKS.items():
        ua, wa = (source.audited("scores", key, "all", metric, over) for metric in ("ua", "wa"))
        earned += [] if None in (ua, wa) else [f"UA {ua:.1f} and WA {wa:.1f} % {name}"]
    if earned:
        ours = "; this system earns UA {:.1f} and WA {:.1f} %".format(*(score(line, key) for key in ("ua", "wa")))
        yield f"Remembering training earns {', '.join(earned)}{'' if partial else ours}."


def _flat(found: Mapping, above: str = "") -> Iterator[tuple[str, object]]:
    """Path and value: plain ones, lists, and mappings of numbers alone."""
    for key, value in found.items():
        path = f"{above}{key}"
        if isinstance(value, Mapping) and value and not _measured(value):
            yield from _flat(value, f"{path}: ")
        else:
            yield path, value


def _measured(value: Mapping) -> bool:
    return all(one is None or isinstance(one, int | float) for one in value.values())


def _cell(value: object) -> str | None:
    if isinstance(value, float):
        return f"{value:.2f}".removesuffix(".00")
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return None if value is None or value == {} else str(value)
