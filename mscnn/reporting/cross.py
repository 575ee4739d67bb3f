"""Table of all pairs of corpora: trained on one, tested on another."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from mscnn.reporting.formats import fixed
from mscnn.reporting.lines import ScoreLine, read_score
from mscnn.reporting.table import Column, Table, column_each, write_forms

BETWEEN = "_to_"  # in names of joint data directories, A+B_to_C


def write_pairs(exps: Sequence[str | os.PathLike], stem: str | os.PathLike) -> str:
    """Write ``stem.md`` and ``stem.csv``: UA per system and training corpora (rows) and test corpus (columns).

    Args:
        exps: folders of scored experiments on joint data directories.

    Returns:
        the Markdown.

    Raises:
        UserError: an experiment is not scored.
    """
    lines = [read_score(Path(exp, "score_test.txt")) for exp in exps]
    table = pairs(lines)
    text = (
        f"UA in percent, trained on the corpora of a row and tested on all of that of a column.\n\n{table.markdown()}\n"
    )
    write_forms(stem, {"md": text, "csv": table.csv()})
    return text


def pairs(lines: Sequence[ScoreLine]) -> Table:
    """The table of score lines whose field ``data`` is ``A_to_B``; cells without experiment are empty."""
    cells = {}
    for line in lines:
        train, _, test = line.fields["data"].rpartition(BETWEEN)
        cells[line.fields["model"], line.fields["text"], train, test] = fixed(line.values["ua"])
    rows, tests = dict.fromkeys(key[:3] for key in cells), dict.fromkeys(key[3] for key in cells)
    columns: list[Column[tuple[str, str, str]]] = [
        Column("system", lambda row: row[0], left=True),
        Column("text", lambda row: row[1], left=True),
        Column("trained on", lambda row: row[2], left=True),
        *column_each(tests, str, lambda row, test: cells.get((*row, test), "")),
    ]
    return Table.of(columns, rows)
