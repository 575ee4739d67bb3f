"""Tables in text, one row per line: cells separated by commas, tabs, semicolons or bars."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterator
from itertools import dropwhile
from pathlib import Path

from mscnn.corpora.common import CorpusIssue
from mscnn.corpora.tables.columns import plain
from mscnn.corpora.tables.rows import MISSING, Row, Rows
from mscnn.corpora.tables.text import read_text
from mscnn.errors import UserError

SEPARATORS = {",": "commas", "\t": "tabs", ";": "semicolons", "|": "bars"}


def read(path: Path, known: Collection[str]) -> Rows:
    """Rows of a table whose first line names the columns.

    Args:
        path: the file.
        known: names of columns that are understood (:func:`~mscnn.corpora.tables.columns.plain`); the separator is the
            one that gives most of them.

    Raises:
        UserError: as :func:`read_text`; or the first line is no header (``table-header``), or a quotation is not
            closed (``table-quotes``).
    """
    text, notes = read_text(path)
    separator = max(SEPARATORS, key=lambda one: _fit(text, one, known))
    lines = [*_lines(text, separator, path)]
    lines = [*dropwhile(lambda line: not line[1], lines)] or lines  # the header comes after empty lines
    if not lines:
        raise UserError(f"{path}: no line of names of columns", code="table-header")
    header = [name.strip() for name in lines[0][1]]
    twice = sorted({name for name in header if name and header.count(name) > 1})
    if twice:
        raise UserError(f"{path}:{lines[0][0]}: two columns are named {twice[0]!r}: rename one", code="table-header")
    rows = Rows(f"table separated by {SEPARATORS[separator]}", (path.parent,), notes=notes)
    rows.header = tuple(name for name in header if name)
    for number, cells in lines[1:]:
        where = f"{path}:{number}"
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) < len(header) or any(cell.strip() for cell in cells[len(header) :]):
            message = f"expected {len(header)} cells separated by {SEPARATORS[separator]}, found {len(cells)}"
            rows.issues.append(CorpusIssue("row-cells", message, where))
            continue
        named = zip(header, (cell.strip() for cell in cells), strict=False)
        rows.rows.append(Row(where, {name: "" if cell in MISSING else cell for name, cell in named if name}))
    return rows


def _fit(text: str, separator: str, known: Collection[str]) -> tuple[int, int]:
    """How well a separator fits the first line: number of columns with a known name, number of columns."""
    try:
        header = next(csv.reader(io.StringIO(text.lstrip("\r\n"), newline=""), delimiter=separator), [])
    except csv.Error:
        return 0, 0
    return sum(plain(name) in known for name in header), len(header)


def _lines(text: str, separator: str, path: Path) -> list[tuple[int, list[str]]]:
    """Number of the first line, and cells, of each row; quotes in tables with tabs may be part of the text."""
    try:
        return [*_parsed(text, separator, csv.QUOTE_MINIMAL, path)]
    except UserError:
        if separator != "\t":
            raise
        return [*_parsed(text, separator, csv.QUOTE_NONE, path)]


def _parsed(text: str, separator: str, quoting: int, path: Path) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, quoting=quoting, strict=True)  # type: ignore[arg-type]
    first = 1
    try:
        for cells in reader:
            yield first, cells
            first = reader.line_num + 1
    except csv.Error as error:
        raise UserError(
            f"{path}:{first}: cannot be divided into cells: {error}; close the quotation, or double the quotes inside",
            code="table-quotes",
        ) from None
