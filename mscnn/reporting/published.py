"""Results that others published, as ``conf/published.yaml`` states them; every fault of the file is named."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path

from mscnn.errors import DataErrors, UserError
from mscnn.files import read_yaml
from mscnn.paths import CONF, conf

NUMBERS = ("wa", "ua", "wa_sd", "ua_sd")
SELECTED = ("yes", "no", "not stated")
SUBSETS = ("improvised", "scripted")


@dataclass(frozen=True)
class Row:
    """A published result, WA and UA in percent (None: not given), their spread ± where there is one.

    ``text`` is none, gt or asr (any recogniser); ``audio`` whether the system hears; ``certain`` a mark of
    ``Published.certainty``. ``model`` is our system with ``options`` of its configuration, None where we have none.
    """

    system: str
    text: str
    protocol: str
    wa: float | None = None
    ua: float | None = None
    wa_sd: float | None = None
    ua_sd: float | None = None
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
    """How a paper cuts, and which class set; ``like`` is our protocol that comes nearest, on our set of that name.

    ``set`` is a label map of ours, with _improvised or _scripted; or any other class set, and then ``like`` is None.
    """

    source: str
    stated: str
    set: str
    selection_on_test: str
    like: str | None = None


@dataclass(frozen=True)
class Table:
    """Rows that are shown together, cut by their protocols."""

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
        UserError: unknown or missing keys, names that are not declared or have no file in conf, a number that is none
            or not in 0 to 100; each fault names its row.
    """
    facts = read_yaml(Path(path))
    absent = [part.name for part in fields(Published) if not isinstance(facts.get(part.name), dict)]
    if absent:
        raise UserError(f"{path}: not a file of published results: {', '.join(absent)} must map names to values")
    faults = [*_faults(facts)]
    if faults:
        raise DataErrors(f"{path}: {len(faults)} fault(s)", faults, most=20)
    tables = {k: Table(**{**t, "rows": tuple(Row(**row) for row in t["rows"])}) for k, t in facts["tables"].items()}
    protocols = {name: Protocol(**values) for name, values in facts["protocols"].items()}
    return Published(facts["certainty"], facts["sources"], facts["sets"], protocols, tables)


def _faults(facts: Mapping) -> Iterator[str]:
    for name, protocol in facts["protocols"].items():
        for fault in _shape(Protocol, protocol) or _protocol_faults(protocol, facts):
            yield f"protocol {name}: {fault}"
    for name, table in facts["tables"].items():
        if _shape(Table, table) or not isinstance(table["rows"], list):
            yield f"table {name}: expected title, note and a list of rows"
            continue
        for number, row in enumerate(table["rows"], 1):
            for fault in _shape(Row, row) or _row_faults(row, facts):
                title = row.get("system", "no name") if isinstance(row, dict) else row
                yield f"table {name}, row {number} ({title}): {fault}"


def _shape(kind: type, values: object) -> list[str]:
    """What is wrong with the keys, and with values of a kind that the dataclass does not have."""
    if not isinstance(values, dict):
        return ["expected key: value pairs"]
    known = {part.name: part for part in fields(kind)}
    needed = [name for name, part in known.items() if part.default is part.default_factory is MISSING]
    faults = [f"unknown key {key}; known: {', '.join(known)}" for key in values if key not in known]
    faults += [f"lacks {name}" for name in needed if name not in values]
    for key, kinds in (("str", str), ("bool", bool), ("Mapping", dict)):
        wrong = [n for n, part in known.items() if part.type.startswith(key) and n in values]
        faults += [
            f"{n}: expected {'quoted text' if kinds is str else kinds.__name__}, found {values[n]!r}"
            for n in wrong
            if not isinstance(values[n], kinds) and not (values[n] is None and "None" in known[n].type)
        ]
    return faults


def _protocol_faults(protocol: Mapping, facts: Mapping) -> Iterator[str]:
    for key, kind in (("source", "sources"), ("set", "sets")):
        if protocol[key] not in facts[kind]:
            yield f"{key} {protocol[key]} is not declared under {kind}"
    if protocol["selection_on_test"] not in SELECTED:
        yield f"selection_on_test {protocol['selection_on_test']}: expected one of {', '.join(SELECTED)}"
    like, ours = protocol.get("like"), CONF / "labels" / f"{split_set(protocol['set'])[0]}.yaml"
    if like is not None:
        yield from _no_conf("protocols", like)
    if ours.is_file() != (like is not None):
        yield f"set {protocol['set']}: like belongs to the sets that conf/labels can make, and to no other"


def _row_faults(row: Mapping, facts: Mapping) -> Iterator[str]:
    for key in NUMBERS:
        value = row.get(key)
        if value is not None and not (type(value) in (int, float) and 0 <= value <= 100):
            yield f"{key}: expected a number from 0 to 100 or null, found {value!r}"
        if value is not None and row.get(key.removesuffix("_sd")) is None:
            yield f"{key} without {key.removesuffix('_sd')}"
    if row["text"] not in ("none", "gt", "asr"):
        yield f"text {row['text']}: expected none, gt or asr"
    if row["protocol"] not in facts["protocols"]:
        yield f"protocol {row['protocol']} is not declared under protocols"
    if row.get("certain") not in facts["certainty"] and any(row.get(key) is not None for key in NUMBERS):
        yield f"certain {row.get('certain')}: expected one of {', '.join(facts['certainty'])}"
    if row.get("model") is not None:
        yield from _no_conf("models", row["model"])


def _no_conf(kind: str, name: str) -> Iterator[str]:
    try:
        conf(kind, name)
    except UserError as error:
        yield str(error)
