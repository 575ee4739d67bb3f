"""Tables from columns with a head and a function that gives their cells; as Markdown, LaTeX, CSV and HTML."""

from __future__ import annotations

import csv
import io
import os
import re
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
    "|": r"\textbar{}", "±": r"$\pm$", "−": r"$-$", "–": "--", "†": r"$\dagger$",
})  # fmt: skip
RAW_HTML = re.compile(r"<(?=[A-Za-z/!?])")  # what would begin a tag in Markdown
NUMBER = re.compile(r"[+-]?[\d.,]+(?:e[+-]?\d+)?(?: ± [\d.,]+)?|-")
FORMULA = re.compile(r"[=+\-@\t\r]")  # first characters of what a spreadsheet computes
MARKDOWN = str.maketrans({"|": r"\|", "\n": " "})


@dataclass(frozen=True)
class Cell:
    """A cell with markup; a cell without is a text, a number, or None, which is written as a dash (empty in CSV).

    Attributes:
        content: text or number; Markup of :mod:`mscnn.reporting.templates` is not escaped in HTML.
        rest: further text without markup.
        code: whether to set it as code (Markdown).
        strong: whether to emphasise it (Markdown, HTML).
        href: target of a link (HTML).
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
        """The cell as Markdown."""
        mark = "`" if self.code else "**" if self.strong else ""
        return escaped(f"{mark}{DASH if self.content is None else self.content}{mark}{self.rest}".translate(MARKDOWN))

    def csv(self) -> str:
        """The cell in CSV; see :func:`no_formula`."""
        return "" if self.content is None else no_formula(str(self))


def no_formula(text: str) -> str:
    """The text of a cell in CSV; one that a spreadsheet would compute begins with an apostrophe, numbers do not."""
    text = f"'{text}" if FORMULA.match(text) and not NUMBER.fullmatch(text) else text
    return text.replace("\r", "\n")  # csv quotes line feeds only


def escaped(text: str) -> str:
    """Text in Markdown without HTML of its own."""
    return RAW_HTML.sub("&lt;", text)


@dataclass(frozen=True)
class Column(Generic[Record]):
    """The head of a column and the function from a record to its cell; ``left``: aligned left, for text."""

    head: str
    cell: Callable[[Record], object]
    left: bool = False


def column_each(
    names: Iterable[Name], head: Callable[[Name], str], cell: Callable[[Record, Name], object]
) -> list[Column[Record]]:
    """One column per name; ``cell`` takes a record and the name."""

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
        """The table with one row per record."""
        rows = (tuple(map(_cell, (column.cell(record) for column in columns))) for record in records)
        return cls(tuple(c.head for c in columns), tuple(c.left for c in columns), tuple(rows))

    @classmethod
    def pairs(cls, heads: tuple[str, str], facts: Mapping[str, object]) -> Table:
        """Table of two columns, keys and values, without values that are None or empty."""
        key: Column[tuple[str, object]] = Column(heads[0], lambda pair: pair[0], left=True)
        value: Column[tuple[str, object]] = Column(heads[1], lambda pair: pair[1], left=True)
        return cls.of([key, value], [pair for pair in facts.items() if pair[1] not in (None, "")])

    def without_empty(self) -> Table:
        """The table without the columns whose cells are all empty."""
        kept = [i for i in range(len(self.heads)) if any(row[i].content != "" for row in self.rows)]
        rows = (tuple(row[i] for i in kept) for row in self.rows)
        return Table(tuple(self.heads[i] for i in kept), tuple(self.left[i] for i in kept), tuple(rows))

    def markdown(self) -> str:
        """The table as Markdown."""
        rule = f"|{''.join('---|' if left else '--:|' for left in self.left)}"
        rows = ((cell.markdown() for cell in row) for row in (map(Cell, self.heads), *self.rows))
        head, *body = (f"| {' | '.join(row)} |" for row in rows)
        return "\n".join([head, rule, *body])

    def latex(self) -> str:
        """The table as LaTeX tabular (package booktabs), special characters escaped."""
        rows = ((str(cell).translate(LATEX) for cell in row) for row in (self.heads, *self.rows))
        head, *body = (" & ".join(row) + r" \\" for row in rows)
        alignment = "".join("l" if left else "r" for left in self.left)
        top, end = (rf"\begin{{tabular}}{{{alignment}}}", r"\toprule"), (r"\bottomrule", r"\end{tabular}")
        return "\n".join([*top, head, r"\midrule", *body, *end])

    def csv(self) -> str:
        """The table as CSV with a header line."""
        out = io.StringIO()
        rows = ((cell.csv() for cell in row) for row in (map(Cell, self.heads), *self.rows))
        csv.writer(out, lineterminator="\n").writerows(rows)
        return out.getvalue()


def _cell(value: object) -> Cell:
    return value if isinstance(value, Cell) else Cell(value)


def write_forms(stem: str | os.PathLike, forms: Mapping[str, str]) -> None:
    """Write a text to ``stem.<ending>`` for each ending."""
    for ending, text in forms.items():
        with atomic(f"{stem}.{ending}") as out:
            out.write(text)
