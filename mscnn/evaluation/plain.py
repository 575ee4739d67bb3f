"""Plain-text tables and lists, for ``print``."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence


def columns(head: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """Lines of a table: the first column is left-aligned, the others right-aligned; None is a dash."""
    cells = [list(head), *(["–" if cell is None else str(cell) for cell in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for first, *others in cells:
        padded = [cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)]
        yield "  ".join([first.ljust(widths[0]), *padded]).rstrip()


def notes(texts: Iterable[str], width: int = 100) -> Iterator[str]:
    """Lines of a bulleted list, wrapped at ``width``."""
    for text in texts:
        yield from textwrap.wrap(text, width, initial_indent="* ", subsequent_indent="  ", break_on_hyphens=False)


def number(value: float | None, digits: int = 2) -> str | None:
    """The value with ``digits`` decimals; None for None."""
    return None if value is None else f"{value:.{digits}f}"
