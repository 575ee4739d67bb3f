"""Published results and ours: one section per published protocol and class set, one column per protocol of ours."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mscnn.data.corpus_facts import CorpusFacts
from mscnn.errors import UserError
from mscnn.evaluation.aggregate import FOLD_MEAN, MEANING
from mscnn.paths import current
from mscnn.reporting.formats import DASH, with_sd
from mscnn.reporting.notes import Note
from mscnn.reporting.ours import BASELINES, Group, Result, read_results
from mscnn.reporting.published import Protocol, Published, Row, split_set
from mscnn.reporting.summary import describe_disjoint
from mscnn.reporting.table import Column, Table, column_each
from mscnn.reporting.templates import render


@dataclass(frozen=True)
class Entry:
    """A published row or a baseline, and the ``text`` of our system: for a row with ``asr``, an ASR engine."""

    row: Row
    text: str


@dataclass(frozen=True)
class Section:
    """One published protocol on one class set.

    Attributes:
        name: name of the protocol.
        protocol: the protocol.
        entries: rows.
        groups: our groups of results, the columns.
        cells: our result for each row and column; None: not run.
    """

    name: str
    protocol: Protocol
    entries: Sequence[Entry]
    groups: Sequence[Group]
    cells: Sequence[Sequence[Result | None]]

    @property
    def used(self) -> list[Result]:
        """All results in the section, row by row."""
        return [result for row in self.cells for result in row if result]

    @property
    def table(self) -> Table:
        """The table of the section."""
        return _table(self)

    @property
    def notes(self) -> list[Note]:
        """Notes on the table."""
        return list(_notes(self))

    @property
    def commands(self) -> list[str]:
        """Commands for the missing results, one per text, protocol and options."""
        return list(_commands(self))


def make_table(name: str, facts: Published, exp_root: str | os.PathLike) -> str:
    """Markdown of the published table ``name`` with our results from ``exp_root/*/score_test.txt``.

    Raises:
        UserError: there is no such table, or an experiment cannot be read.
    """
    name = current("tables", name)
    if name not in facts.tables:
        known = ", ".join(facts.tables)
        raise UserError(f"no table {name} in the published results; known: {known}", code="table-unknown")
    chosen, results, corpus = facts.tables[name], read_results(exp_root), CorpusFacts.find(Path(exp_root))
    return render(
        "published.md",
        table=chosen,
        marks={row.certain: facts.certainty[row.certain] for row in chosen.rows if row.certain},
        synthetic=corpus.name if corpus and corpus.synthetic else None,
        sections=[_view(section, facts, results) for section in make_sections(name, facts, results)],
    )


def make_sections(name: str, facts: Published, results: Sequence[Result]) -> list[Section]:
    """One section per published protocol of the table ``name``, with our results."""
    rows = facts.tables[name].rows
    protocols = dict.fromkeys(row.protocol for row in rows)
    return [_section([row for row in rows if row.protocol == key], key, facts, results) for key in protocols]


def _section(rows: Sequence[Row], name: str, facts: Published, results: Sequence[Result]) -> Section:
    """The section of one published protocol on its class set, with our results, baselines last."""
    protocol = facts.protocols[name]
    systems = {row.model for row in rows} - {None}
    candidates = [r for r in results if r.set == protocol.set and r.model in systems | BASELINES.keys()]
    groups = _groups(protocol, [r for r in candidates if r.model in systems or r.group.protocol == protocol.like])
    default = [r for r in candidates if not any(row.options and _fits(row, r) for row in rows)]
    entries = list(_by_engine([*rows, *_baselines(rows)], candidates))
    cells = [[_best(e, group, candidates if e.row.options else default) for group in groups] for e in entries]
    return Section(name, protocol, entries, groups, cells)


def _view(section: Section, facts: Published, results: Sequence[Result]) -> dict[str, object]:
    """Values of a section for the template."""
    protocol, systems = section.protocol, {entry.row.model for entry in section.entries} - BASELINES.keys() - {None}
    aggregates = {r.line.aggregate for r in section.used}
    return {
        "name": section.name,
        "source": facts.sources[protocol.source],
        "protocol": protocol,
        "classes": facts.sets[protocol.set],
        "table": section.table,
        "meanings": {way: text for way, text in MEANING.items() if way in aggregates},
        "fold_mean": FOLD_MEAN,
        "notes": section.notes,
        "others": sorted({r.group.label for r in results if r.set != protocol.set and r.model in systems}),
        "commands": section.commands,
    }


def _table(section: Section) -> Table:
    protocol = section.protocol
    one_decimal = all(round(value, 1) == value for entry in section.entries for value in entry.row.numbers)

    def published(row: Row) -> str:
        selected = " ‡" if protocol.selection_on_test == "yes" and row.numbers else ""
        return row.cell(1 if one_decimal else 2) + selected  # as in the paper

    columns: list[Column[tuple[Entry, Sequence[Result | None]]]] = [
        Column("system", lambda pair: pair[0].row.system, left=True),
        Column("text", lambda pair: pair[0].text, left=True),
        Column("published WA / UA", lambda pair: published(pair[0].row)),
        *column_each(
            range(len(section.groups)),
            lambda i: f"ours {section.groups[i].label} WA / UA",
            lambda pair, i: _cell(pair[0].row, pair[1][i]),
        ),
    ]
    return Table.of(columns, list(zip(section.entries, section.cells, strict=True)))


def _groups(protocol: Protocol, results: Sequence[Result]) -> list[Group]:
    """Our groups; first the protocol nearest to the published one, even if it was not run."""
    groups = sorted({r.group for r in results}, key=lambda g: (g.protocol != protocol.like, g.label))
    if any(g.protocol == protocol.like and not g.legacy for g in groups):
        return groups
    label = f"`{protocol.like}` ({protocol.set})" if protocol.like else f"({protocol.set})"
    return [Group(label, protocol=protocol.like), *groups]


def _baselines(rows: Sequence[Row]) -> Iterator[Row]:
    """Baselines: most frequent class, one per kind of text in the rows, and audio statistics if a row takes audio."""

    def baseline(model: str, text: Literal["none", "gt", "asr"]) -> Row:
        return Row(f"{BASELINES[model]} (`{model}`)", text, rows[0].protocol, model=model)

    yield baseline("majority", "none")
    yield from (baseline("tfidf_lr", text) for text in dict.fromkeys(row.text for row in rows) if text != "none")
    if any(row.audio for row in rows):
        yield baseline("logmel_lr", "none")


def _by_engine(rows: Iterable[Row], results: Sequence[Result]) -> Iterator[Entry]:
    """Entries of rows; a row with the text ``asr`` has one entry per ASR engine of our results."""
    engines = sorted({r.text for r in results} - {"gt", "none"})
    for row in rows:
        texts = engines if row.text == "asr" and row.model and engines else [row.text]
        yield from (Entry(row, text) for text in texts)


def _fits(row: Row, r: Result) -> bool:
    return r.model == row.model and all(r.options.get(key) == value for key, value in row.options.items())


def _best(entry: Entry, group: Group, results: Sequence[Result]) -> Result | None:
    """Our result for a cell; of several, the one with the highest dev UA, so that test scores select nothing."""
    fits = [r for r in results if _fits(entry.row, r) and r.text == entry.text and group.holds(r)]
    return max(fits, key=lambda r: (r.dev_ua, r.path), default=None)


def _cell(row: Row, best: Result | None) -> str:
    if best is None:
        return DASH if row.model else ""
    wa, ua = (with_sd(best.line.score(key), best.line.sd(key)) for key in ("wa", "ua"))
    return f"{wa} / {ua}" + (" †" if row.xvector and not best.xvector else "")


def _commands(section: Section) -> Iterator[str]:
    """Commands of run.sh for the missing results."""
    labels, subset = split_set(section.protocol.set)
    data = f"--labels {labels}" + (f" --subset {subset}" if subset != "all" else "")
    models: dict[tuple[str, str, str], list[str]] = {}
    for entry, group in _missing(section):
        row = entry.row
        options, changes = "", " ".join(f"{key}={value}".replace(" ", "") for key, value in row.options.items())
        if changes:
            tag = re.sub(r"\W+", "_", f"{row.system} {group.protocol} {section.protocol.set}".lower())
            options = f' --set "{changes}" --tag {tag}'
        text = "ENGINE" if entry.text == "asr" else entry.text
        models.setdefault((text, str(group.protocol), options), []).append(str(row.model))
    for (text, protocol, options), missing in models.items():
        names = " ".join(dict.fromkeys(missing))
        quoted = f'"{names}"' if " " in names else names
        yield f"./run.sh {data} --model {quoted} --text {text} --protocol {protocol}{options}"


def _missing(section: Section) -> Iterator[tuple[Entry, Group]]:
    """Cells of the table without a result that could be run."""
    for entry, cells in zip(section.entries, section.cells, strict=True):
        for group, best in zip(section.groups, cells, strict=True):
            can_run = group.protocol and (entry.row.model in BASELINES or not group.legacy)
            if entry.row.model and can_run and not best:
                yield entry, group


def _notes(section: Section) -> Iterator[Note]:
    rows, used, protocol = [entry.row for entry in section.entries], section.used, section.protocol
    if any(row.xvector and r.model == row.model and not r.xvector for row in rows for r in used):
        yield Note("no-xvectors", "†: without x-vectors, which the published system uses")
    if protocol.selection_on_test == "yes" and any(row.numbers for row in rows):
        yield Note("selected-on-test", "‡: the model was selected on the test part, so the result is optimistic")
    if protocol.like is None:
        yield Note("cannot-run", f"{DASH}: no protocol of conf/protocols on `{protocol.set}` is close to it")
    for group in section.groups:
        result = next((r for r in used if r.group.split == group.split), None)
        if result:
            tested = f"{group.label}: {result.line.total} test utterances; training and test"
            code, comparison = ("nearest", "the nearest protocol to the published one")
            if group.protocol != protocol.like:
                code, comparison = "not-comparable", "not comparable with the published column"
            yield Note(code, f"{tested} {describe_disjoint(result.disjoint['train-test'])}; {comparison}")
    if used:
        changed = {r.path: r.line.fields.get("changed") for r in used}
        paths = (path + (f" (changed: {changed[path]})" if changed[path] else "") for path in sorted(changed))
        yield Note("from", f"our experiments: {', '.join(paths)}")
