"""Tables in JSON: records in a list, by name, or one per line; s3prl, SpeechBrain and EmoBox write these."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mscnn.corpora.tables.columns import ALIASES, plain
from mscnn.corpora.tables.rows import Row, Rows, cell
from mscnn.corpora.tables.text import numbered_lines, read_text
from mscnn.errors import UserError

Record = tuple[str, Mapping[str, Any]]  # where it is, and its values
LISTS = ("meta_data", "data", "records", "rows", "items", "utterances")  # keys whose value is the list of records


def read(path: Path) -> Rows:
    """Rows of a file of JSON or of JSON lines.

    Understood: a list of records; ``{"meta_data": […]}`` (s3prl); ``{utterance: record}`` (SpeechBrain);
    ``{column: values}``; a record per line (EmoBox). A record whose label is a list of ``{emo, start, end}``
    (ZED of SpeechBrain) is one row per entry.

    Raises:
        UserError: it is not JSON (``json-invalid``), or has no records (``json-records``).
    """
    text, notes = read_text(path)
    try:
        value = json.loads(text)
    except RecursionError:
        raise UserError(f"{path}: nested too deeply; it must be a list of records", code="json-records") from None
    except ValueError as error:
        kind, records = "JSON lines", _of_lines(text, path, error)
    else:
        kind, records = ("JSON lines" if _is_record(value) else "JSON"), _records(value, path)
    rows = [Row(where, cells) for where, record in records for cells in _expanded(record)]
    if not rows:
        raise UserError(f"{path}: no records; expected a list of objects with path and label", code="json-records")
    return Rows(kind, (path.parent,), rows, notes=notes)


def _of_lines(text: str, path: Path, why: ValueError) -> list[Record]:
    records, lines = list[Record](), numbered_lines(text)
    for number, line in lines:
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            if number == lines[0][0]:  # a single value that is broken
                raise UserError(f"{path}: not JSON: {why}", code="json-invalid") from None
            raise UserError(f"{path}:{number}: not JSON: {error}", code="json-invalid") from None
        if not isinstance(value, dict):
            raise UserError(f"{path}:{number}: expected an object, found {line[:60]!r}", code="json-records")
        records.append((f"{path}:{number}", value))
    return records


def _records(value: object, path: Path) -> list[Record]:
    if isinstance(value, dict):
        if listed := next((key for key in LISTS if isinstance(value.get(key), list)), None):
            if isinstance(value.get("columns"), list):  # pandas, orient="split"
                names = [str(name) for name in value["columns"]]
                rows = value[listed]
                value = [dict(zip(names, row, strict=False)) if isinstance(row, list) else row for row in rows]
            else:
                value = value[listed]
        elif _is_record(value):
            value = [value]
        elif _are_columns(value):
            return _of_columns(value, path)
        else:
            return [(f"{path}: {key}", _object(record, f"{path}: {key}")) for key, record in value.items()]
    if not isinstance(value, list):
        raise UserError(f"{path}: expected a list of records, found {type(value).__name__}", code="json-records")
    return [(f"{path}: record {n}", _object(record, f"{path}: record {n}")) for n, record in enumerate(value, 1)]


def _object(record: object, where: str) -> Mapping[str, Any]:
    if not isinstance(record, dict):
        raise UserError(f"{where}: expected an object with path and label, found {record!r:.60}", code="json-records")
    return record


def _is_record(value: object) -> bool:
    """Whether an object is one utterance: it has a path that is text."""
    return isinstance(value, dict) and any(plain(k) in ALIASES["path"] and isinstance(v, str) for k, v in value.items())


def _are_columns(value: Mapping[str, Any]) -> bool:
    """Whether an object has columns, ``{"path": […], "label": [...]}``, and not records by name."""
    names = {plain(key) for key in value}
    return bool(names & {*ALIASES["path"]}) and all(isinstance(column, list | dict) for column in value.values())


def _of_columns(value: Mapping[str, Any], path: Path) -> list[Record]:
    columns = {name: [*(c.values() if isinstance(c, dict) else c)] for name, c in value.items()}
    lengths = {len(column) for column in columns.values()}
    if len(lengths) > 1:
        raise UserError(f"{path}: columns of different lengths: {sorted(lengths)}", code="json-records")
    rows = zip(*columns.values(), strict=True)
    return [(f"{path}: record {n}", dict(zip(columns, row, strict=True))) for n, row in enumerate(rows, 1)]


def _expanded(record: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    """Cells of a record; where a value is a list of segments, ``[{emo, start, end}, …]``, those of each segment."""
    segments = next((k for k, v in record.items() if isinstance(v, list) and v and _are_segments(v)), None)
    if segments is None:
        yield _cells(record)
        return
    rest = {key: value for key, value in record.items() if key not in (segments, "duration", "length")}
    for segment in record[segments]:
        yield _cells({**rest, **segment})


def _are_segments(value: Sequence[object]) -> bool:
    return all(isinstance(entry, dict) and "start" in entry and "end" in entry for entry in value)


def _cells(record: Mapping[str, Any]) -> dict[str, str]:
    cells = {}
    for name, value in record.items():
        if isinstance(value, dict) and isinstance(value.get("path"), str):  # {"audio": {"path": …}}
            value = value["path"]
        cells[str(name)] = json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else cell(value)
    return cells
