"""Tables of a plan: robustness to ASR errors, overview of experiments, and published results beside ours."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from mscnn.files import atomic
from mscnn.paths import CONF, current
from mscnn.recipe.plan import Plan, Row

CROSS_CORPUS = "cross_corpus"  # the protocol of joint data directories


def write_tables(plan: Plan) -> Iterator[tuple[str, str]]:
    """Write the tables of the grid that the plan was made from; yields the Markdown and the file names of each.

    Experiments of a protocol and data set go into a robustness table if some of them are tested on other transcripts
    than those of their training; all others go into one overview. Pairs of corpora have one more table.
    """
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in plan.rows:
        if row.grid:
            groups.setdefault((row.data, row.protocol), []).append(row)
    others: list[str] = []
    for (data, protocol), rows in groups.items():
        exps = [row.exp for row in rows]
        if any(row.tested_on for row in rows):
            stem = [f"exp/{rows[0].grid}"]
            stem += [Path(protocol).stem] if len({protocol for _, protocol in groups}) > 1 else []
            stem += [Path(data).name] if len({data for data, _ in groups}) > 1 else []
            yield _robustness_table(exps, "_".join(stem))
        else:
            others += exps
    if others:
        yield overview_table(others, f"exp/{plan.rows[0].grid}")
    joint = [row.exp for row in plan.rows if row.grid and Path(row.protocol).stem == CROSS_CORPUS]
    if joint:
        from mscnn.reporting.cross import write_pairs

        pairs = f"exp/{plan.rows[0].grid}_pairs"
        yield write_pairs(joint, pairs), f"{pairs}.{{md,csv}}"


def overview_table(
    exps: Sequence[str | os.PathLike], stem: str | os.PathLike, costs: str | os.PathLike | None = None
) -> tuple[str, str]:
    """Write an overview of experiments to ``stem`` with ``.md``, ``.csv``, ``.tex`` and ``.html``.

    Also writes ``stem_published.md`` where conf/published.yaml has a table of that name.

    Returns:
        the Markdown of the overview, and the names of the files.
    """
    from mscnn.reporting.overview import read_costs, read_rows, write_overview
    from mscnn.reporting.published import read_published
    from mscnn.reporting.tables import make_table

    text = write_overview(read_rows(exps, read_costs(costs) if costs else None), stem)
    written, published = f"{stem}.{{md,csv,tex,html}}", read_published(CONF / "published.yaml")
    name = current("tables", Path(stem).name)
    if name in published.tables:
        with atomic(f"{stem}_published.md") as out:
            out.write(make_table(name, published, Path(exps[0]).parent))
        written += f", {stem}_published.md"
    return text, written


def headlines(plan: Plan) -> list[str]:
    """The first score line of every experiment."""
    return [Path(row.exp, "score_test.txt").read_text(encoding="utf-8").partition("\n")[0] for row in plan.rows]


def _robustness_table(exps: Sequence[str], stem: str) -> tuple[str, str]:
    from mscnn.evaluation.experiment import Experiment
    from mscnn.evaluation.robustness import robustness
    from mscnn.reporting.robustness import write_robustness

    return write_robustness(robustness([Experiment.load(path) for path in exps]), stem), f"{stem}.{{md,csv,tex,html}}"
