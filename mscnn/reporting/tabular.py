"""A table as people take it along: lines of Markdown or LaTeX, CSV; and files that share a stem."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence

from mscnn.files import atomic

LATEX = str.maketrans({
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "%": r"\%", "#": r"\#", "_": r"\_",
    "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", "±": r"$\pm$", "−": r"$-$", "–": "--",
})  # fmt: skip


def table(head: Sequence[str], rows: Iterable[Sequence[object]], *, left: int = 1) -> Iterator[str]:
    """Lines of a Markdown table, the first ``left`` columns left, the others right aligned."""
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * left}{'--:|' * (len(head) - left)}"
    for row in rows:
        yield f"| {' | '.join(str(cell) for cell in row)} |"


def latex_table(head: Sequence[str], rows: Iterable[Sequence[object]], *, left: int = 1) -> Iterator[str]:
    """The same as a LaTeX tabular of the package booktabs; no cell is taken for a command."""
    lines = (" & ".join(str(cell).translate(LATEX) for cell in row) + r" \\" for row in (head, *rows))
    yield from (rf"\begin{{tabular}}{{{'l' * left}{'r' * (len(head) - left)}}}", r"\toprule", next(lines), r"\midrule")
    yield from (*lines, r"\bottomrule", r"\end{tabular}")


def csv_text(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """CSV with a line of column names; cells are quoted where they must be."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([columns, *rows])
    return out.getvalue()


def with_sd(mean: float | str, sd: float | str | None) -> str:
    """``81.40 ± 2.10``, or the mean alone; numbers with two decimals, texts as they are."""
    return " ± ".join(cell if isinstance(cell, str) else f"{cell:.2f}" for cell in (mean, sd) if cell not in (None, ""))


def write_forms(stem: str | os.PathLike, forms: Mapping[str, str]) -> None:
    """Write the files ``stem.<ending>``, of ending -> text."""
    for ending, text in forms.items():
        with atomic(f"{stem}.{ending}") as out:
            out.write(text)
