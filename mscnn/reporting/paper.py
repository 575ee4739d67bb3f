"""A published table in the shape of the paper: its rows in their order, ours under several protocols beside them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mscnn.data.protocols import Protocol as SplitProtocol
from mscnn.reporting.footnotes import Footnotes, differences
from mscnn.reporting.formats import DASH, fixed, span
from mscnn.reporting.notes import Note
from mscnn.reporting.ours import BASELINES, Result, fits, is_twin
from mscnn.reporting.published import OWN, Claim, Protocol, Published, Row
from mscnn.reporting.published import Table as PublishedTable
from mscnn.reporting.rows import Entry, baselines, by_engine, decimals
from mscnn.reporting.summary import describe_disjoint
from mscnn.reporting.table import Column, Table, column_each

BLOCKS = {"none": "Speech only", "gt": "Reference transcripts", "asr": "ASR transcripts"}


@dataclass(frozen=True)
class Block:
    """The rows of one kind of transcripts: heading and table."""

    heading: str
    table: Table


@dataclass(frozen=True)
class Paper:
    """A table in the shape of the paper: blocks, the footnotes of all of them, and what the columns mean."""

    blocks: Sequence[Block]
    notes: Sequence[Note]
    columns: Sequence[str]


def paper_table(table: PublishedTable, facts: Published, results: Sequence[Result]) -> Paper:
    """The blocks of a table that has ``columns``, with our results and baselines."""
    footnotes, blocks = Footnotes(), []
    cells = _Cells(table, facts, results, footnotes)
    for text, heading in BLOCKS.items():
        rows = [row for row in table.rows if row.text == text]
        if rows:
            shown = [row for row in baselines(table.rows) if row.text == text]
            entries = list(by_engine([*rows, *shown], results))
            blocks.append(Block(heading, Table.of(cells.columns(), entries)))
    return Paper(blocks, footnotes.notes, list(_columns(table)))


def _columns(table: PublishedTable) -> Iterator[str]:
    """What training and test share in each column."""
    for name in table.columns:
        if name == OWN:
            yield "protocol of the row: the one of ours that is nearest to that of its own paper, on its class set"
        else:
            disjoint = SplitProtocol.load(name).disjoint["train-test"]
            yield f"`{name}`: training and test {describe_disjoint(disjoint)}"


@dataclass(frozen=True)
class _Cells:
    """Cells of a table in the shape of the paper."""

    table: PublishedTable
    facts: Published
    results: Sequence[Result]
    footnotes: Footnotes

    def columns(self) -> list[Column[Entry]]:
        """System, modality, transcripts, published scores, and one column per protocol of ours."""
        digits = decimals(self.table.rows)
        return [
            Column("system", lambda entry: entry.row.system, left=True),
            Column("modality", lambda entry: "" if entry.row.model == "majority" else entry.row.modality),
            Column("text", lambda entry: entry.text, left=True),
            Column(f"published {self.table.heads}", lambda entry: entry.row.cell(digits, self.table.metrics)),
            *column_each(self.table.columns, self._head, lambda entry, name: self._cell(entry, name)),
        ]

    def _head(self, name: str) -> str:
        protocol = "protocol of the row" if name == OWN else f"`{name}`"
        return f"ours, {protocol}: {self.table.heads} [95 % of UA]"

    def _cell(self, entry: Entry, name: str) -> str:
        protocol = self.facts.protocols[entry.row.protocol]
        if name == OWN and entry.row.model in BASELINES:
            return ""
        if name == OWN and protocol.set == self._set and protocol.like in self.table.columns:
            return f"as `{protocol.like}`"
        result = self._best(entry, protocol, name)
        if result is None:
            return DASH if entry.row.model else ""
        values = " / ".join(fixed(result.line.score(metric)) or DASH for metric in self.table.metrics)
        bounds = f" [{span(result.interval, 1)}]" if result.interval else ""
        said = () if name in (OWN, self.table.columns[0]) else ("protocol",)
        notes = differences(entry.row, protocol, result, self.table.asr, said)
        return (f"`{result.protocol}`: " if name == OWN else "") + values + bounds + self.footnotes.sign(notes)

    @property
    def _set(self) -> str:
        """The class set of most rows, which is that of all columns but ``own``."""
        return Counter(self.facts.protocols[row.protocol].set for row in self.table.rows).most_common(1)[0][0]

    def _best(self, entry: Entry, protocol: Protocol, name: str) -> Result | None:
        """Our result: all folds before partial ones, then the highest dev UA, so that test scores select nothing."""
        wanted, data = (protocol.like, protocol.set) if name == OWN else (name, self._set)
        candidates = [r for r in self.results if (r.protocol, r.set, r.text) == (wanted, data, entry.text)]
        own = [r for r in candidates if fits(entry.row, r)] or [r for r in candidates if is_twin(entry.row, r)]
        return max(own, key=lambda r: (not r.partial, not r.group.legacy, r.dev_ua, r.path), default=None)


def conclusions(table: PublishedTable) -> Iterator[str]:
    """Claims of the paper, with the rows that they are relative to."""
    for claim in table.claims:
        parts = [f"“{claim.stated}”"]
        if claim.system:
            texts = [claim.text, *({"gt", "asr"} - {claim.text} if claim.text != "none" else ())]
            found = (_difference(table, claim, text) for text in texts)
            parts.append(f"{claim.system} less {claim.over}, absolute: {'; '.join(filter(None, found))}")
        yield ": ".join(parts)


def _difference(table: PublishedTable, claim: Claim, text: str) -> str:
    """``WA +5.0, UA +5.2 (ASR transcripts)``; empty where a row is missing."""
    first, second, given = table.row(claim.system, text), table.row(claim.over, text), []
    for key, label in (("wa", "WA"), ("ua", "UA")):
        ours, theirs = _score(first, key), _score(second, key)
        if ours is not None and theirs is not None:
            given.append(f"{label} {ours - theirs:+.1f}")
    return f"{', '.join(given)} ({BLOCKS[text].lower().replace('asr', 'ASR')})" if given else ""


def _score(row: Row | None, metric: str) -> float | None:
    return row.scores[metric][0] if row else None
