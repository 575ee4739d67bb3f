"""Tables: a column has a head and says what its cells are; written as Markdown, LaTeX, CSV and HTML."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from mscnn.files import atomic
from mscnn.reporting.formats import DASH

Record = TypeVar("Record")
Name = TypeVar("Name")
LATEX = str.maketrans({
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "%": r"\%", "#": r"\#", "_": r"\_",
    "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", "±": r"$\pm$", "−": r"$-$", "–": "--",
})  # fmt: skip
MARKDOWN = str.maketrans({"|": r"\|", "\n": " "})


@dataclass(frozen=True)
class Cell:
    """A cell that some forms mark up; a plain cell is a text, a number, or None, which is a dash (in CSV: empty).

    Attributes:
        content: what it says; Markup of :mod:`mscnn.reporting.templates` goes into HTML as it is.
        rest: more text, not marked up.
        code: a name whose underscores are no markup (Markdown).
        strong: to be noticed (Markdown, HTML).
        href: where it leads (HTML).
        classes: CSS classes (HTML).
        style: CSS (HTML).
    """

    content: object
    rest: str = ""
    code: bool = False
    strong: bool = False
    href: str | None = None
    classes: str = ""
    style: str | None = None

    def __str__(self) -> str:
        return f"{DASH if self.content is None else self.content}{self.rest}"

    def markdown(self) -> str:
        """Text of a Markdown cell."""
        mark = "`" if self.code else "**" if self.strong else ""
        return f"{mark}{DASH if self.content is None else self.content}{mark}{self.rest}".translate(MARKDOWN)


@dataclass(frozen=True)
class Column(Generic[Record]):
    """The head of a column and what its cell is for a record; ``left``: aligned left, as texts are."""

    head: str
    cell: Callable[[Record], object]
    left: bool = False


def column_each(
    names: Iterable[Name], head: Callable[[Name], str], cell: Callable[[Record, Name], object]
) -> list[Column[Record]]:
    """A column for each of ``names``; ``cell`` takes a record and the name."""

    def column(name: Name) -> Column[Record]:
        return Column(head(name), lambda record: cell(record, name))

    return [column(name) for name in names]


@dataclass(frozen=True)
class Table:
    """Heads, whether a column is aligned left, and rows of cells."""

    heads: tuple[str, ...]
    left: tuple[bool, ...]
    rows: tuple[tuple[Cell, ...], ...]

    @classmethod
    def of(cls, columns: Sequence[Column[Record]], records: Iterable[Record]) -> Table:
        """A row a record, a cell for each of the columns."""
        rows = (tuple(map(_cell, (column.cell(record) for column in columns))) for record in records)
        return cls(tuple(c.head for c in columns), tuple(c.left for c in columns), tuple(rows))

    @classmethod
    def pairs(cls, heads: tuple[str, str], facts: Mapping[str, object]) -> Table:
        """Two columns of texts: keys and values; those that are None or empty are left out."""
        key: Column[tuple[str, object]] = Column(heads[0], lambda pair: pair[0], left=True)
        value: Column[tuple[str, object]] = Column(heads[1], lambda pair: pair[1], left=True)
        return cls.of([key, value], [pair for pair in facts.items() if pair[1] not in (None, "")])

    def without_empty(self) -> Table:
        """Without the columns whose cells are all empty texts."""
        kept = [i for i in range(len(self.heads)) if any(row[i].content != "" for row in self.rows)]
        rows = (tuple(row[i] for i in kept) for row in self.rows)
        return Table(tuple(self.heads[i] for i in kept), tuple(self.left[i] for i in kept), tuple(rows))

    def markdown(self) -> str:
        """Lines of a Markdown table."""
        rule = f"|{''.join('---|' if left else '--:|' for left in self.left)}"
        rows = ((cell.markdown() for cell in row) for row in (map(Cell, self.heads), *self.rows))
        head, *body = (f"| {' | '.join(row)} |" for row in rows)
        return "\n".join([head, rule, *body])

    def latex(self) -> str:
        """A LaTeX tabular of the package booktabs; no cell is taken for a command."""
        rows = ((str(cell).translate(LATEX) for cell in row) for row in (self.heads, *self.rows))
        head, *body = (" & ".join(row) + r" \\" for row in rows)
        look = "".join("l" if left else "r" for left in self.left)
        top, end = (rf"\begin{{tabular}}{{{look}}}", r"\toprule"), (r"\bottomrule", r"\end{tabular}")
        return "\n".join([*top, head, r"\midrule", *body, *end])

    def csv(self) -> str:
        """CSV with a line of heads; cells are quoted where they must be."""
        out = io.StringIO()
        rows = (("" if cell.content is None else str(cell) for cell in row) for row in self.rows)
        csv.writer(out, lineterminator="\n").writerows([self.heads, *rows])
        return out.getvalue()


def _cell(value: object) -> Cell:
    return value if isinstance(value, Cell) else Cell(value)


def write_forms(stem: str | os.PathLike, forms: Mapping[str, str]) -> None:
    """Write the files ``stem.<ending>``, of ending -> text."""
    for ending, text in forms.items():
        with atomic(f"{stem}.{ending}") as out:
            out.write(text)
