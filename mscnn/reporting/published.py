"""Results that others published, as ``conf/published.yaml`` states them; every issue of the file is named."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from mscnn.config import schema
from mscnn.errors import DataErrors, Issue, UserError
from mscnn.paths import conf, names

Percent: TypeAlias = Annotated[float, Field(ge=0, le=100)]
SUBSETS = ("improvised", "scripted")


@dataclass(frozen=True)
class Row:
    """A published result, WA and UA in percent (None: not given), their spread ± where there is one.

    ``text`` is none, gt or asr (of any ASR engine); ``audio`` whether it takes audio; ``certain`` a mark of
    ``Published.certainty``. ``model`` is our system with ``options`` of its configuration, None where we have none.
    """

    system: str
    text: Literal["none", "gt", "asr"]
    protocol: str
    wa: Percent | None = None
    ua: Percent | None = None
    wa_sd: Percent | None = None
    ua_sd: Percent | None = None
    certain: str = ""
    model: str | None = None
    audio: bool = True
    xvector: bool = False
    options: Mapping[str, object] = field(default_factory=dict)

    @property
    def numbers(self) -> list[float]:
        """All that are given."""
        return [value for value in (self.wa, self.ua, self.wa_sd, self.ua_sd) if value is not None]

    def cell(self, digits: int) -> str:
        """``65.4 ± 0.9 / not given [R]``, with ``digits`` decimals; empty without numbers."""
        cells = []
        for value, sd in ((self.wa, self.wa_sd), (self.ua, self.ua_sd)):
            spread = "" if sd is None else f" ± {sd:.{digits}f}"
            cells.append("not given" if value is None else f"{value:.{digits}f}{spread}")
        return f"{' / '.join(cells)} [{self.certain}]" if self.numbers else ""


@dataclass(frozen=True)
class Protocol:
    """How a paper splits its data, and which class set; ``like`` is our protocol that comes nearest, on our set.

    ``set`` is a label map of ours, with _improvised or _scripted; or any other class set, and then ``like`` is None.
    """

    source: str
    stated: str
    set: str
    selection_on_test: Literal["yes", "no", "not stated"]
    like: str | None = None


@dataclass(frozen=True)
class Table:
    """Rows that are shown together, in sections by protocol."""

    title: str
    note: str
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Published:
    """The whole file; ``certainty``, ``sources`` and ``sets`` say in words what a mark or a name means."""

    certainty: Mapping[str, str]
    sources: Mapping[str, str]
    sets: Mapping[str, str]
    protocols: Mapping[str, Protocol]
    tables: Mapping[str, Table]

    def listing(self) -> str:
        """Names and titles of the tables, a line each."""
        width = max(map(len, self.tables), default=0)
        return "\n".join(f"{name:{width}}  {table.title}" for name, table in self.tables.items())


def split_set(name: str) -> tuple[str, str]:
    """Label map and subset that make a class set: ``iemocap4_scripted`` is (iemocap4, scripted), else all."""
    labels, _, subset = name.rpartition("_")
    return (labels, subset) if subset in SUBSETS else (name, "all")


def read_published(path: str | os.PathLike) -> Published:
    """Read and check the whole file.

    Raises:
        UserError: unknown or missing keys, or a value that cannot be (see :mod:`mscnn.config.schema`); names that are
            not declared (``published-undeclared``) or have no file in conf, a spread without its number
            (``published-spread``), ``like`` where it cannot be (``published-like``); each issue names its row.
    """
    published = schema.load(Path(path), Published)
    issues = [*_issues(published)]
    if issues:
        raise DataErrors(f"{path}: {len(issues)} issue(s)", issues, most=20, code=issues[0].code)
    return published


def _issues(published: Published) -> Iterator[Issue]:
    """What names something that is not there, or contradicts something else."""
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


def _protocol_issues(protocol: Protocol, published: Published, label_maps: Sequence[str]) -> Iterator[tuple[str, str]]:
    named = {"sources": (protocol.source, published.sources), "sets": (protocol.set, published.sets)}
    for kind, (value, declared) in named.items():
        if value not in declared:
            yield "published-undeclared", f"{value} is not declared under {kind}"
    if protocol.like is not None:
        yield from _no_conf("protocols", protocol.like)
    if (split_set(protocol.set)[0] in label_maps) != (protocol.like is not None):
        yield (
            "published-like",
            f"set {protocol.set}: like belongs to the sets that conf/labels can make, and to no other",
        )


def _row_issues(row: Row, published: Published) -> Iterator[tuple[str, str]]:
    for key, value, sd in (("wa_sd", row.wa, row.wa_sd), ("ua_sd", row.ua, row.ua_sd)):
        if sd is not None and value is None:
            yield "published-spread", f"{key} without {key.removesuffix('_sd')}"
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
