"""Published results of other authors, from ``conf/published.yaml``; every issue of the file is reported."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from mscnn.config import schema
from mscnn.errors import DataErrors, Issue, UserError
from mscnn.evaluation.metrics import METRICS
from mscnn.paths import conf, names

Percent: TypeAlias = Annotated[float, Field(ge=0, le=100)]
Scored: TypeAlias = Literal["wa", "ua", "f1", "wf1"]  # metrics of published results
SUBSETS = ("improvised", "scripted")
OWN = "own"  # column of the protocol of each row


@dataclass(frozen=True)
class Row:
    """A published result.

    Attributes:
        system: name in the paper.
        text: none, gt, or asr (of any ASR engine).
        protocol: name of its protocol in the file.
        wa, ua, f1, wf1: scores in percent, f1 being macro F1 and wf1 weighted F1; None: not given.
        wa_sd, ua_sd, f1_sd, wf1_sd: standard deviations as published.
        certain: a mark of ``Published.certainty``.
        model: name of our configuration of the system; None: there is none.
        audio: whether the system takes audio.
        xvector: whether the system takes x-vectors.
        options: options of our configuration.
    """

    system: str
    text: Literal["none", "gt", "asr"]
    protocol: str
    wa: Percent | None = None
    ua: Percent | None = None
    f1: Percent | None = None
    wf1: Percent | None = None
    wa_sd: Percent | None = None
    ua_sd: Percent | None = None
    f1_sd: Percent | None = None
    wf1_sd: Percent | None = None
    certain: str = ""
    model: str | None = None
    audio: bool = True
    xvector: bool = False
    options: Mapping[str, object] = field(default_factory=dict)

    @property
    def scores(self) -> dict[str, tuple[float | None, float | None]]:
        """Metric -> its score and standard deviation."""
        return {
            "wa": (self.wa, self.wa_sd),
            "ua": (self.ua, self.ua_sd),
            "f1": (self.f1, self.f1_sd),
            "wf1": (self.wf1, self.wf1_sd),
        }

    @property
    def numbers(self) -> list[float]:
        """The scores and standard deviations that are given."""
        return [value for pair in self.scores.values() for value in pair if value is not None]

    @property
    def modality(self) -> str:
        """A, T or A+T: audio, text or both."""
        return "+".join(name for name, has in (("A", self.audio), ("T", self.text != "none")) if has)

    def cell(self, digits: int, metrics: Sequence[Scored] = ("wa", "ua")) -> str:
        """``65.4 ± 0.9 / not given [R]``, with ``digits`` decimals; empty without numbers."""
        cells = []
        for value, sd in (self.scores[metric] for metric in metrics):
            spread = "" if sd is None else f" ± {sd:.{digits}f}"
            cells.append("not given" if value is None else f"{value:.{digits}f}{spread}")
        return f"{' / '.join(cells)} [{self.certain}]" if self.numbers else ""


@dataclass(frozen=True)
class Protocol:
    """The protocol of a paper.

    Attributes:
        source: name of the paper in the file.
        stated: the protocol in the words of the paper.
        set: class set: a label map of ours, perhaps with _improvised or _scripted, or another set.
        selection_on_test: whether models were selected on the test part.
        like: our nearest protocol on the class set, a label map of ours; None: there is none.
        runs: number of runs; 0: not stated.
        short: keep, or drop where the authors exclude utterances shorter than a segment.
    """

    source: str
    stated: str
    set: str
    selection_on_test: Literal["yes", "no", "not stated"]
    like: str | None = None
    runs: int = 0
    short: Literal["keep", "drop"] = "keep"


@dataclass(frozen=True)
class Transcripts:
    """ASR transcripts of a paper: engine, word error rate in percent with its mark, and what is known of the rate."""

    engine: str
    wer: Percent
    certain: str
    note: str = ""


@dataclass(frozen=True)
class Claim:
    """A conclusion of a paper, and the rows that its numbers are from.

    Attributes:
        stated: the conclusion.
        system, over: the rows: scores of ``system`` less those of ``over``; empty: none are named.
        text: transcripts of both rows.
        wa, ua: the difference that is stated, in percent.
    """

    stated: str
    system: str = ""
    over: str = ""
    text: Literal["none", "gt", "asr"] = "gt"
    wa: float | None = None
    ua: float | None = None


@dataclass(frozen=True)
class Table:
    """A table of published results, shown in sections by protocol, and in the shape of the paper where it has columns.

    Attributes:
        title: title of the table.
        note: remarks on the whole table.
        rows: rows, in the order of the paper.
        metrics: metrics that it shows.
        columns: protocols of ours that are columns of the table in the paper's shape; ``own``: that of the row.
        asr: ASR transcripts of the paper.
        claims: conclusions of the paper.
    """

    title: str
    note: str
    rows: tuple[Row, ...]
    metrics: tuple[Scored, ...] = ("wa", "ua")
    columns: tuple[str, ...] = ()
    asr: Transcripts | None = None
    claims: tuple[Claim, ...] = ()

    @property
    def heads(self) -> str:
        """Names of its metrics: ``WA / UA``."""
        return " / ".join(METRICS[name].label for name in self.metrics)

    def row(self, system: str, text: str) -> Row | None:
        """The first row of a system with these transcripts; None: there is none."""
        return next((row for row in self.rows if (row.system, row.text) == (system, text)), None)


@dataclass(frozen=True)
class Published:
    """The whole file; ``certainty``, ``sources`` and ``sets`` map marks and names to descriptions."""

    certainty: Mapping[str, str]
    sources: Mapping[str, str]
    sets: Mapping[str, str]
    protocols: Mapping[str, Protocol]
    tables: Mapping[str, Table]

    def listing(self) -> str:
        """Names and titles of the tables, one line per table."""
        width = max(map(len, self.tables), default=0)
        return "\n".join(f"{name:{width}}  {table.title}" for name, table in self.tables.items())


def split_set(name: str) -> tuple[str, str]:
    """Label map and subset of a class set: (iemocap4, scripted) for ``iemocap4_scripted``, (name, all) for others."""
    labels, _, subset = name.rpartition("_")
    return (labels, subset) if subset in SUBSETS else (name, "all")


def read_published(path: str | os.PathLike) -> Published:
    """The content of the file, checked.

    Raises:
        UserError: unknown or missing keys, or invalid values (see :mod:`mscnn.config.schema`); names that are not
            declared (``published-undeclared``) or have no file in conf; a standard deviation without its score
            (``published-spread``); ``like`` for a class set without label map (``published-like``). Each issue names
            its row.
    """
    published = schema.load(Path(path), Published)
    issues = [*_issues(published)]
    if issues:
        raise DataErrors(f"{path}: {len(issues)} issue(s)", issues, code=issues[0].code)
    return published


def _issues(published: Published) -> Iterator[Issue]:
    """Unknown names and contradictions in the file."""
    label_maps = names("labels")
    for name, protocol in published.protocols.items():
        for code, message in _protocol_issues(protocol, published, label_maps):
            yield Issue(code, f"protocol {name}: {message}")
    models = {row.model for table in published.tables.values() for row in table.rows if row.model is not None}
    absent = {model: list(_no_conf("models", model)) for model in models}
    for name, table in published.tables.items():
        for number, row in enumerate(table.rows, 1):
            for code, message in (*_row_issues(row, published), *absent.get(row.model or "", ())):
                yield Issue(code, f"table {name}, row {number} ({row.system}): {message}")
        for code, message in _table_issues(table):
            yield Issue(code, f"table {name}: {message}")


def _protocol_issues(protocol: Protocol, published: Published, label_maps: Sequence[str]) -> Iterator[tuple[str, str]]:
    references = {"sources": (protocol.source, published.sources), "sets": (protocol.set, published.sets)}
    for kind, (value, declared) in references.items():
        if value not in declared:
            yield "published-undeclared", f"{value} is not declared under {kind}"
    if protocol.like is None:  # also where a label map happens to have the name of the set
        return
    yield from _no_conf("protocols", protocol.like)
    if split_set(protocol.set)[0] not in label_maps:
        yield "published-like", f"set {protocol.set}: like is allowed for class sets of conf/labels only"


def _table_issues(table: Table) -> Iterator[tuple[str, str]]:
    for name in table.columns:
        yield from _no_conf("protocols", name) if name != OWN else ()
    for claim in table.claims:
        for system in filter(None, (claim.system, claim.over)):
            if table.row(system, claim.text) is None:
                yield "published-undeclared", f"claim {claim.stated!r}: no row {system} with text {claim.text}"


def _row_issues(row: Row, published: Published) -> Iterator[tuple[str, str]]:
    for metric, (value, sd) in row.scores.items():
        if sd is not None and value is None:
            yield "published-spread", f"{metric}_sd without {metric}"
    if row.protocol not in published.protocols:
        yield "published-undeclared", f"protocol {row.protocol} is not declared under protocols"
    if row.numbers and row.certain not in published.certainty:
        marks = ", ".join(published.certainty)
        yield "published-undeclared", f"certain {row.certain}: expected one of {marks}"


def _no_conf(kind: str, name: str) -> Iterator[tuple[str, str]]:
    try:
        conf(kind, name)
    except UserError as error:
        yield error.code, str(error)
