"""A comparison of systems as Markdown."""

from __future__ import annotations

from collections.abc import Iterator

from mscnn.evaluation.cluster_intervals import UTTERANCE
from mscnn.evaluation.compare import COMPARED, TESTED, Comparison, Difference
from mscnn.evaluation.intervals import LEVEL, RESAMPLES, SEED
from mscnn.evaluation.metrics import METRICS
from mscnn.evaluation.significance import DRAWS, EXACT
from mscnn.reporting.tabular import table, with_sd


def render(comparison: Comparison) -> str:
    """Scores of every system, differences of every pair, and how they were tested."""
    title = f"{comparison.utterances} utterances"
    if comparison.over != UTTERANCE:
        title += f", {comparison.clusters} {comparison.over}s"
    if comparison.protocol:
        title = f"{comparison.protocol}: {title}"
    lines = ["# " + title, "", *_systems(comparison), "", *_pairs(comparison), "", *_notes(comparison), ""]
    return "\n".join(lines)


def _systems(comparison: Comparison) -> Iterator[str]:
    texts = any(system.text for system in comparison.experiments)
    rows = [
        (
            f"E{number}",
            system.path + "".join(f" ({name})" for name in system.legacy),
            *([system.text or "–"] if texts else []),
            system.runs,
            *(with_sd(value.mean, value.run_sd) for value in system.scores.values()),
        )
        for number, system in enumerate(comparison.experiments, 1)
    ]
    head = ["", *(["experiment", "text"] if texts else ["predictions"]), "runs"]
    return table([*head, *(METRICS[key].label for key in COMPARED)], rows, left=len(head) - 1)


def _pairs(comparison: Comparison) -> Iterator[str]:
    rows = []
    for pair in comparison.pairs:
        cells = [cell for key in COMPARED for cell in _cells(key, pair.differences[key])]
        rows.append((f"E{pair.a} − E{pair.b}", *cells, _p(pair.mcnemar)))
    head = [[METRICS[key].label, f"{100 * LEVEL:g} %", *(("p", "Holm") if key in TESTED else ())] for key in COMPARED]
    return table(["", *sum(head, []), "McNemar p"], rows)


def _cells(key: str, entry: Difference) -> Iterator[str]:
    yield f"{entry.difference:+.2f}"
    yield "does not exist" if entry.interval is None else "{:+.2f} to {:+.2f}".format(*entry.interval)
    if key in TESTED:
        yield from (_p(value) for value in (entry.p, entry.holm))


def _notes(comparison: Comparison) -> Iterator[str]:
    over, size = f"{comparison.over}s", comparison.clusters
    exact = size <= EXACT
    how = f"all 2^{size} sign patterns" if exact else f"{DRAWS} random sign patterns, seed {SEED}"
    least = 2.0 ** (1 - size) if exact else 1 / (DRAWS + 1)
    yield "Pooled scores in percent, means over runs; ± is the sd over runs."
    yield ""
    yield f"* interval: paired bootstrap over {over}, {RESAMPLES} resamples, seed {SEED}, expanded percentiles"
    if comparison.over == UTTERANCE:
        yield "* p: sign-flip test over the utterances that the two systems do not score alike"
    else:
        yield f"* p: sign-flip test over {over}, {how}: at least {least:.1g}"
    yield f"* Holm: p adjusted for {len(comparison.pairs)} pair(s), UA and WA each for itself"
    mcnemar = "* McNemar: exact, every run of one against every run of the other, the largest p"
    if comparison.over == UTTERANCE:
        yield mcnemar
    else:
        yield (
            f"{mcnemar}; too small, for it takes utterances for independent, and those of a {comparison.over} are not"
        )
    if comparison.several_a_fold and comparison.over != UTTERANCE:
        yield f"* one model is tested on several {over}: p speaks of the models as trained, not of other seeds"
    yield from (f"* {remark}" for remark in comparison.remarks)


def _p(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.4f}" if value >= 1e-4 else f"{value:.1e}"
