"""The audit of a protocol: its table, and its Markdown page."""

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
    "test texts that are in train, verbatim, %": lambda overlap: overlap.verbatim,
    "test texts that are in train, nearly, %": lambda overlap: overlap.near,
}
BASELINES = {
    "tfidf_lr": "WA / UA (text): TF-IDF, logistic regression",
    "text_1nn": "WA / UA (text): class of the nearest training text",
    "logmel_lr": "WA / UA (audio): mean and deviation, logistic regression",
}


@dataclass(frozen=True)
class Measured:
    """A row of the table: over folds as the protocol reports, the worst fold, and pooled by kind of utterances."""

    title: str
    over: str | None
    worst: str | None
    kinds: Mapping[str, str | None] = field(default_factory=dict)


def write_page(result: AuditResult, path: Path) -> None:
    """Write :func:`page` to a file."""
    with atomic(path) as file:
        file.write(page(result))


def page(result: AuditResult) -> str:
    """Markdown: what the protocol states, one table of what train and test share and of baselines, and the leaks."""
    stated = {pair: names for pair, names in result.protocol.disjoint.items() if names}
    return render("audit.md", result=result, stated=stated, table=table(result), kinds=_kinds(result))


def table(result: AuditResult) -> Table:
    """What train and test share and what baselines score, a row a number, and a column for each kind of utterances."""
    over = "all folds pooled" if result.protocol.aggregate == "pooled" else "fold mean"
    columns: list[Column[Measured]] = [
        Column("measured", lambda row: row.title, left=True),
        Column(over, lambda row: row.over),
        Column("worst fold", lambda row: row.worst),
        *column_each(_kinds(result), str, lambda row, kind: row.kinds.get(kind, "")),
    ]
    return Table.of(columns, _rows(result))


def _kinds(result: AuditResult) -> list[str]:
    return [kind for kind in result.texts if kind != "all"]


def _rows(result: AuditResult) -> Iterator[Measured]:
    per_fold = " per fold" if result.protocol.aggregate == "pooled" else ""
    for what, n in result.shared.items():
        yield Measured(f"{what}s that are in train and in test", f"{_count(n.mean)}{per_fold}", _count(n.worst))
    for title, of in TEXTS.items():
        overlap = of(result.texts["all"])
        kinds = {kind: fixed(of(result.texts[kind]).pooled, 1) for kind in _kinds(result)}
        yield Measured(title, fixed(result.headline(overlap), 1), fixed(overlap.worst, 1), kinds)
    for name, title in BASELINES.items():
        scores = result.scores[name]
        if scores:
            kinds = {kind: _pair(scores[kind], lambda spread: spread.pooled) for kind in _kinds(result)}
            all_folds, worst = (_pair(scores["all"], of) for of in (result.headline, lambda spread: spread.worst))
            yield Measured(title, all_folds, worst, kinds)
        else:
            yield Measured(title, None, None, dict.fromkeys(_kinds(result)))


def _pair(scores: Scores, which: Callable[[Spread], float | None]) -> str:
    return " / ".join(fixed(which(spread), 1) or "–" for spread in (scores.wa, scores.ua))


def _count(value: float | None) -> str | None:
    text = fixed(value, 1)
    return text and text.removesuffix(".0")
