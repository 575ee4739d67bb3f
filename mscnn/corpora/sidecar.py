"""Tables beside the recordings of a described corpus: rows by key, and the issues of their lines."""

import csv
import io
import re
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path

from mscnn.config.corpus import TEMPLATE, Table, filled
from mscnn.corpora.common import Corpus, CorpusIssue, decode
from mscnn.corpora.tables.rows import Row, cell
from mscnn.files import json_value

UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


@dataclass
class Lookup:
    """The rows of a table by key; ``used`` are the keys that were looked up."""

    table: Table
    rows: dict[str, Row] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)

    def look_up(self, key: str) -> Row | None:
        """The row with a key, if there is one."""
        self.used.add(key)
        return self.rows.get(key)


def read_rows(name: str, table: Table, columns: Set[str], paths: Sequence[Path], corpus: Corpus) -> Lookup:
    """The rows of a table, which must have ``columns``, in its files; issues and notes are added to ``corpus``."""
    needed = {*columns, *TEMPLATE.findall(table.key)}
    result, issues_before = Lookup(table), len(corpus.issues)
    if not paths and not table.optional:
        message = f"table {name}: expected a file {' or '.join(table.files)}, found none"
        corpus.issues.append(CorpusIssue("missing-table", message, table.files[0]))
    elif not paths:
        corpus.note(f"absent tables ({name})", table.files[0])
    for path in paths:
        for row in _rows(table, path, corpus):
            values = {"stem": path.stem, "folder": path.parent.name, **row.cells}
            lacking = ", ".join(sorted(needed - values.keys()))
            if lacking:
                message = f"table {name}: no column {lacking}; found {', '.join(row.cells)}"
                corpus.issues.append(CorpusIssue("malformed-line", message, row.where))
                break
            key = filled(table.key, values)
            first = result.rows.setdefault(key, row)
            if first is not row and first.cells != row.cells:
                message = f"{key} is also in {first.where}, with other values; that one counts"
                corpus.issues.append(CorpusIssue("duplicate-row", message, row.where))
    if paths and not result.rows and len(corpus.issues) == issues_before:
        corpus.issues.append(CorpusIssue("missing-table", f"table {name}: no rows", str(paths[0])))
    return result


def _rows(table: Table, path: Path, corpus: Corpus) -> Iterator[Row]:
    text = _text(table, path, corpus)
    if path.suffix.lower() == ".json":
        yield from _json_rows(text, path, corpus)
    elif table.line:
        pattern = re.compile(table.line)
        for number, line in enumerate(text.split("\n"), 1):
            match = pattern.fullmatch(line.strip()) if line.strip() else None
            if match:
                yield Row(f"{path}:{number}", {name: value or "" for name, value in match.groupdict().items()})
            elif line.strip():
                message = f"expected a line that matches {table.line}, found {line.strip()[:80]!r}"
                corpus.issues.append(CorpusIssue("malformed-line", message, f"{path}:{number}"))
    else:
        yield from _separated(table, text, path, corpus)


def _separated(table: Table, text: str, path: Path, corpus: Corpus) -> Iterator[Row]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=table.separator, strict=True)
    head = list(table.columns)
    while True:
        where = f"{path}:{reader.line_num + 1}"
        try:
            cells = next(reader, None)
        except csv.Error as error:
            corpus.issues.append(CorpusIssue("malformed-line", f"not a table: {error}", where))
            continue
        if cells is None:
            return
        if not head:
            head = [cell.strip() for cell in cells]
        elif len(cells) == len(head):
            yield Row(where, {name: cell.strip() for name, cell in zip(head, cells, strict=True)})
        elif cells:
            message = f"expected {len(head)} columns, found {len(cells)}"
            corpus.issues.append(CorpusIssue("malformed-line", message, where))


def _json_rows(text: str, path: Path, corpus: Corpus) -> Iterator[Row]:
    """Rows of a JSON file: a list of objects, or an object of them by ``id``."""
    try:
        values = json_value(text)
    except ValueError as error:
        corpus.issues.append(CorpusIssue("malformed-line", f"not JSON: {error}", str(path)))
        return
    pairs = values.items() if isinstance(values, dict) else enumerate(values if isinstance(values, list) else [])
    for key, columns in pairs:
        if isinstance(columns, dict):
            yield Row(f"{path}:{key}", {"id": str(key), **{name: cell(value) for name, value in columns.items()}})
        else:
            corpus.issues.append(CorpusIssue("malformed-line", "expected an object", f"{path}:{key}"))


def _text(table: Table, path: Path, corpus: Corpus) -> str:
    """Content of a file, in the encoding in which most lines match, the first of equals."""
    raw = path.read_bytes()
    texts = {encoding: text for encoding in table.encodings if (text := _decoded(raw, encoding)) is not None}
    if not texts:
        text, message = decode(raw)
        corpus.issues.append(CorpusIssue("non-utf8", f"{message}; tried {', '.join(table.encodings)}", str(path)))
        return text
    match = re.compile(table.line or ".*").fullmatch
    lines = {name: sum(bool(match(line.strip())) for line in text.split("\n")) for name, text in texts.items()}
    encoding = max(lines, key=lambda name: lines[name])  # the first of equals
    if encoding != table.encodings[0]:
        corpus.note(f"tables that were read as {encoding}", path)
    return texts[encoding]


def _decoded(raw: bytes, encoding: str) -> str | None:
    if encoding == "utf-16" and not raw.startswith(UTF16_MARKS):
        return None
    try:
        return raw.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError:
        return None
