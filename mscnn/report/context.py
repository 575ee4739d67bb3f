"""What stands around the figures: published numbers of the same protocol, and the audit of the cut."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mscnn.paths import ROOT
from mscnn.report.html import Markup, details, element, items, join, paragraph, table
from mscnn.report.source import Source
from mscnn.scoring.published import Protocol, Published, Row, read_published

PUBLISHED = ROOT / "conf" / "published.yaml"
NOT_SHOWN = frozenset({"folds", "inputs"})  # of an audit: every fold, and digests


def published(source: Source) -> Markup:
    """Published results on the same class set by the protocol that comes nearest to ours, and ours on top."""
    if source.synthetic:
        return paragraph("None: published numbers are of people; these recordings are synthetic.")
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
    stated = {p.source: f"{p.source}: {facts.sources[p.source]}. Protocol: {p.stated}" for _, p in rows}
    return join([
        paragraph(f"Papers whose protocol comes nearest to {name}; how near, their own words tell below."),
        table("Published results beside ours, fold means", head, [ours, *cells], left=5),
        items([*marks, *(["selected on test: that flatters a result"] if flattered else [])]),
        details("Their protocols", items(stated.values())),
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
    """What training and test share, as stage 1 found it; whatever keys it has."""
    if source.audit is None:
        return paragraph(
            f"Not made for this cut: {source.data.name}/audit/{source.protocol['name']}.json is not there."
        )
    kept = {key: value for key, value in source.audit.items() if key not in NOT_SHOWN}
    plain, measured = {}, {}
    for path, value in _flat(kept):
        if isinstance(value, Mapping) and value:
            measured[path] = value
        else:
            plain[path] = value
    columns = list(dict.fromkeys(column for value in measured.values() for column in value))
    rows = [(path, *(_cell(value.get(column)) for column in columns)) for path, value in measured.items()]
    parts = [table("Shared by training and test, and what yardsticks earn by it", ["", *columns], rows)] if rows else []
    if plain:
        facts = table("What was audited", ["", ""], ((k, _cell(v)) for k, v in plain.items()), left=2)
        parts.append(details("What was audited", facts) if parts else facts)
    return join(parts)


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
