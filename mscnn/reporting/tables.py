"""Published results and ours: the table of a paper, and one section per published protocol and class set."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mscnn.data.corpus_facts import CorpusFacts
from mscnn.errors import UserError
from mscnn.evaluation.aggregate import FOLD_MEAN, MEANING
from mscnn.evaluation.metrics import METRICS
from mscnn.paths import current, names
from mscnn.reporting.footnotes import Footnotes, differences
from mscnn.reporting.formats import DASH, with_sd
from mscnn.reporting.notes import Note
from mscnn.reporting.ours import BASELINES, Group, Result, fits, is_twin, read_results
from mscnn.reporting.paper import conclusions, paper_table
from mscnn.reporting.published import Protocol, Published, Row, Scored, Transcripts, split_set
from mscnn.reporting.published import Table as PublishedTable
from mscnn.reporting.rows import Entry, baselines, by_engine, decimals
from mscnn.reporting.summary import describe_disjoint
from mscnn.reporting.table import Column, Table, column_each
from mscnn.reporting.templates import render

OPTIONS = Path("log", "options.conf")  # in exp/: the options of the last run
REPEATED = {  # options of that run that commands repeat, with the values that need not be repeated
    "corpus": ("",),
    "xvector": ("", "extract"),
    "xvector_model": ("", "voxceleb"),
    "wav2vec2": ("",),
    "pretrained": ("",),
    "embeddings": ("", "none"),
}
IN_HEADS = ("partial", "legacy")  # footnotes that the heads of columns say


@dataclass(frozen=True)
class Section:
    """One published protocol on one class set.

    Attributes:
        name: name of the protocol.
        protocol: the protocol.
        metrics: metrics that it shows.
        entries: rows.
        groups: our groups of results, the columns.
        cells: our result for each row and column; None: not run.
        signs: footnotes of each cell.
        footnotes: their meaning.
    """

    name: str
    protocol: Protocol
    metrics: Sequence[Scored]
    entries: Sequence[Entry]
    groups: Sequence[Group]
    cells: Sequence[Sequence[Result | None]]
    signs: Sequence[Sequence[str]]
    footnotes: Sequence[Note]

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
        """Options of run.sh for the missing results, one text per transcripts, protocol and options."""
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
    run = f"./run.sh{_options(Path(exp_root))}"
    return render(
        "published.md",
        table=chosen,
        marks={row.certain: facts.certainty[row.certain] for row in chosen.rows if row.certain},
        synthetic=corpus.name if corpus and corpus.synthetic else None,
        grid=f"{run} --grid {name}" if name in names("grids") else None,
        run=run,
        paper=paper_table(chosen, facts, results) if chosen.columns else None,
        claims=list(conclusions(chosen)),
        sections=[_view(section, facts, results) for section in make_sections(name, facts, results)],
    )


def _options(exp_root: Path) -> str:
    """Options of the last run of the recipe, to be given again; without a record, a placeholder for the corpus."""
    path = exp_root / OPTIONS
    try:
        words = shlex.split(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):  # no record, or a damaged one
        words = ["corpus=/path/to/corpus"]
    values = dict(word.partition("=")[::2] for word in words)
    given = {key: values[key] for key, usual in REPEATED.items() if values.get(key, "") not in usual}
    return "".join(f" --{key.replace('_', '-')} {shlex.quote(value)}" for key, value in given.items())


def make_sections(name: str, facts: Published, results: Sequence[Result]) -> list[Section]:
    """One section per published protocol of the table ``name``, with our results."""
    table = facts.tables[name]
    protocols = dict.fromkeys(row.protocol for row in table.rows)
    return [_section(table, key, facts, results) for key in protocols]


def _section(table: PublishedTable, name: str, facts: Published, results: Sequence[Result]) -> Section:
    """The section of one published protocol on its class set, with our results, baselines last."""
    rows, protocol = [row for row in table.rows if row.protocol == name], facts.protocols[name]
    systems = {row.model for row in rows} - {None}
    same_set = [r for r in results if r.set == protocol.set]
    candidates = [r for r in same_set if r.model in systems | BASELINES.keys() or any(is_twin(row, r) for row in rows)]
    groups = _groups(protocol, [r for r in candidates if r.model in systems or r.group.protocol == protocol.like])
    default = [r for r in candidates if not any(row.options and fits(row, r) for row in rows)]
    entries = list(by_engine([*rows, *baselines(rows)], candidates))
    cells = [[_best(e, group, candidates if e.row.options else default) for group in groups] for e in entries]
    footnotes = Footnotes()
    signs = [
        [_sign(footnotes, entry.row, protocol, result, table.asr) for result in row]
        for entry, row in zip(entries, cells, strict=True)
    ]
    return Section(name, protocol, table.metrics, entries, groups, cells, signs, footnotes.notes)


def _sign(footnotes: Footnotes, row: Row, protocol: Protocol, result: Result | None, asr: Transcripts | None) -> str:
    if result is None:
        return ""
    notes = differences(row, protocol, result, asr, said=(*IN_HEADS, "protocol", "classes", "recordings"))
    return footnotes.sign(notes)


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
    digits, heads = decimals(entry.row for entry in section.entries), _heads(section.metrics)

    def published(row: Row) -> str:
        selected = " ‡" if protocol.selection_on_test == "yes" and row.numbers else ""
        return row.cell(digits, section.metrics) + selected  # as in the paper

    columns: list[Column[int]] = [
        Column("system", lambda number: section.entries[number].row.system, left=True),
        Column("text", lambda number: section.entries[number].text, left=True),
        Column(f"published {heads}", lambda number: published(section.entries[number].row)),
        *column_each(
            range(len(section.groups)),
            lambda i: f"ours {section.groups[i].label} {heads}",
            lambda number, i: _cell(section, number, i),
        ),
    ]
    return Table.of(columns, range(len(section.entries)))


def _heads(metrics: Sequence[Scored]) -> str:
    return " / ".join(METRICS[name].label for name in metrics)


def _groups(protocol: Protocol, results: Sequence[Result]) -> list[Group]:
    """Our groups; first the protocol nearest to the published one, even if it was not run."""
    groups = sorted({r.group for r in results}, key=lambda g: (g.protocol != protocol.like, g.label))
    if any(g.protocol == protocol.like and not g.legacy for g in groups):
        return groups
    label = f"`{protocol.like}` ({protocol.set})" if protocol.like else f"({protocol.set})"
    return [Group(label, protocol=protocol.like), *groups]


def _best(entry: Entry, group: Group, results: Sequence[Result]) -> Result | None:
    """Our result for a cell; of several, the one with the highest dev UA, so that test scores select nothing.

    Without a result of the system, that of the same system without x-vectors.
    """
    held = [r for r in results if r.text == entry.text and group.holds(r)]
    found = [r for r in held if fits(entry.row, r)] or [r for r in held if is_twin(entry.row, r)]
    return max(found, key=lambda r: (r.dev_ua, r.path), default=None)


def _cell(section: Section, number: int, group: int) -> str:
    best = section.cells[number][group]
    if best is None:
        return DASH if section.entries[number].row.model else ""
    values = (with_sd(best.line.score(key), best.line.sd(key)) or DASH for key in section.metrics)
    return " / ".join(values) + section.signs[number][group]


def _commands(section: Section) -> Iterator[str]:
    """Options of run.sh for the missing results."""
    labels, subset = split_set(section.protocol.set)
    data = f"--labels {labels}" + (f" --subset {subset}" if subset != "all" else "")
    models: dict[tuple[str, str, str], list[str]] = {}
    for entry, group in _missing(section):
        row = entry.row
        options, changes = "", " ".join(f"{key}={value}".replace(" ", "") for key, value in row.options.items())
        if changes:
            tag = re.sub(r"\W+", "_", f"{row.system} {group.protocol} {section.protocol.set}".lower())
            options = f' --set "{changes}" --tag {tag}'
        text = "pocketsphinx" if entry.text == "asr" else entry.text
        models.setdefault((text, str(group.protocol), options), []).append(str(row.model))
    for (text, protocol, options), missing in models.items():
        found = " ".join(dict.fromkeys(missing))
        quoted = f'"{found}"' if " " in found else found
        yield f"{data} --model {quoted} --text {text} --protocol {protocol}{options}"


def _missing(section: Section) -> Iterator[tuple[Entry, Group]]:
    """Cells of the table without a result that could be run."""
    for entry, cells in zip(section.entries, section.cells, strict=True):
        for group, best in zip(section.groups, cells, strict=True):
            can_run = group.protocol and not group.partial and (entry.row.model in BASELINES or not group.legacy)
            if entry.row.model and can_run and (not best or best.model != entry.row.model):
                yield entry, group


def _notes(section: Section) -> Iterator[Note]:
    rows, used, protocol = [entry.row for entry in section.entries], section.used, section.protocol
    yield from section.footnotes
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
        yield Note("from", f"our experiments: {', '.join(sorted({r.path for r in used}))}")
