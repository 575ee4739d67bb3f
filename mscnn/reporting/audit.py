"""The table and the Markdown page of an audit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mscnn.files import atomic
from mscnn.leakage.result import AuditResult, Overlap, Scores, Spread
from mscnn.reporting.formats import fixed
from mscnn.reporting.table import Column, Table, column_each
from mscnn.reporting.templates import render

TEXTS: dict[str, Callable[[Overlap], Spread]] = {
    "test texts in train, verbatim, %": lambda overlap: overlap.verbatim,
    "test texts in train, near duplicates, %": lambda overlap: overlap.near,
}
BASELINES = {  # input and method of each baseline of an audit
    "tfidf_lr": ("text", "TF-IDF, logistic regression"),
    "text_1nn": ("text", "class of the nearest training text"),
    "logmel_lr": ("audio", "mean and standard deviation of features, logistic regression"),
}


@dataclass(frozen=True)
class Measure:
    """A row of the table.

    Attributes:
        title: name of the measure.
        value: value over all folds: fold mean or pooled, as the protocol reports.
        worst: value of the worst fold.
        kinds: improvised, scripted -> pooled value of these utterances.
    """

    title: str
    value: str | None
    worst: str | None
    kinds: Mapping[str, str | None] = field(default_factory=dict)


def write_page(result: AuditResult, path: Path) -> None:
    """Write the result of :func:`page` to a file."""
    with atomic(path) as file:
        file.write(page(result))


def page(result: AuditResult) -> str:
    """Markdown: statements of the protocol, table of shared values and baselines, and leaks."""
    stated = {pair: names for pair, names in result.protocol.disjoint.items() if names}
    return render("audit.md", result=result, stated=stated, table=table(result), kinds=_kinds(result))


def table(result: AuditResult) -> Table:
    """Overlap of train and test, and scores of baselines: one row per measure, one column per kind of utterances."""
    aggregate = "all folds pooled" if result.protocol.aggregate == "pooled" else "fold mean"
    columns: list[Column[Measure]] = [
        Column("measure", lambda row: row.title, left=True),
        Column(aggregate, lambda row: row.value),
        Column("worst fold", lambda row: row.worst),
        *column_each(_kinds(result), str, lambda row, kind: row.kinds.get(kind, "")),
    ]
    return Table.of(columns, _rows(result))


def _kinds(result: AuditResult) -> list[str]:
    return [kind for kind in result.texts if kind != "all"]


def _rows(result: AuditResult) -> Iterator[Measure]:
    per_fold = " per fold" if result.protocol.aggregate == "pooled" else ""
    for what, count in result.shared.items():
        yield Measure(f"{what}s in both train and test", f"{_count(count.mean)}{per_fold}", _count(count.worst))
    for title, of in TEXTS.items():
        overlap = of(result.texts["all"])
        kinds = {kind: fixed(of(result.texts[kind]).pooled, 1) for kind in _kinds(result)}
        yield Measure(title, fixed(result.headline(overlap), 1), fixed(overlap.worst, 1), kinds)
    for name, (kind_of_input, method) in BASELINES.items():
        title, scores = f"WA / UA ({kind_of_input}): {method}", result.scores[name]
        if scores:
            kinds = {kind: _pair(scores[kind], lambda spread: spread.pooled) for kind in _kinds(result)}
            all_folds, worst = (_pair(scores["all"], of) for of in (result.headline, lambda spread: spread.worst))
            yield Measure(title, all_folds, worst, kinds)
        else:
            yield Measure(title, None, None, dict.fromkeys(_kinds(result)))


def _pair(scores: Scores, which: Callable[[Spread], float | None]) -> str:
    return " / ".join(fixed(which(spread), 1) or "–" for spread in (scores.wa, scores.ua))


def _count(value: float | None) -> str | None:
    text = fixed(value, 1)
    return text and text.removesuffix(".0")
