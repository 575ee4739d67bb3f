"""A comparison of systems as Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mscnn.evaluation.cluster_intervals import UTTERANCE
from mscnn.evaluation.compare import COMPARED, TESTED, Compared, Comparison, Pair
from mscnn.evaluation.intervals import LEVEL, RESAMPLES, SEED
from mscnn.evaluation.metrics import METRICS
from mscnn.evaluation.significance import MAX_EXACT_CLUSTERS, RANDOM_PATTERNS
from mscnn.reporting.formats import p_value, signed, with_sd
from mscnn.reporting.table import Column, Table, column_each
from mscnn.reporting.templates import render as fill

UNDEFINED = "undefined"


def render(comparison: Comparison) -> str:
    """Markdown: scores of every system, differences of every pair, and the tests."""
    exact = comparison.clusters <= MAX_EXACT_CLUSTERS
    return fill(
        "compare.md",
        comparison=comparison,
        clustered=comparison.over != UTTERANCE,
        systems=_systems(comparison),
        pairs=Table.of(list(_pair_columns()), comparison.pairs),
        resamples=RESAMPLES,
        seed=SEED,
        draws=None if exact else RANDOM_PATTERNS,
        least=2.0 ** (1 - comparison.clusters) if exact else 1 / (RANDOM_PATTERNS + 1),
    )


def _systems(comparison: Comparison) -> Table:
    texts = any(system.text for system in comparison.experiments)
    columns: list[Column[tuple[int, Compared]]] = [
        Column("", lambda item: f"E{item[0]}", left=True),
        Column("experiment" if texts else "predictions", lambda item: _path(item[1]), left=True),
        *([Column("text", lambda item: item[1].text, left=True)] if texts else []),
        Column("runs", lambda item: item[1].runs),
        *column_each(COMPARED, lambda key: METRICS[key].label, lambda item, key: _score(item[1], key)),
    ]
    return Table.of(columns, list(enumerate(comparison.experiments, 1)))


def _score(system: Compared, key: str) -> str | None:
    return with_sd(system.scores[key].mean, system.scores[key].run_sd)


def _path(system: Compared) -> str:
    return system.path + "".join(f" ({name})" for name in system.legacy)


def _pair_columns() -> Iterator[Column[Pair]]:
    """Columns of each metric (difference, interval and p), and of McNemar's test."""
    yield Column("", lambda pair: f"E{pair.a} − E{pair.b}", left=True)
    for key in COMPARED:
        yield from _metric_columns(key)
    yield Column("McNemar p", lambda pair: p_value(pair.mcnemar))


def _metric_columns(key: str) -> Iterator[Column[Pair]]:
    yield Column(METRICS[key].label, lambda pair: signed(pair.differences[key].difference))
    yield Column(f"{100 * LEVEL:g} % interval", lambda pair: _interval(pair.differences[key].interval))
    if key in TESTED:
        yield Column("p", lambda pair: p_value(pair.differences[key].p))
        yield Column("Holm p", lambda pair: p_value(pair.differences[key].holm))


def _interval(bounds: Sequence[float] | None) -> str:
    return UNDEFINED if bounds is None else f"{signed(bounds[0])} to {signed(bounds[1])}"
