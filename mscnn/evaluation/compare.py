"""Two or more experiments on the same utterances: differences, their intervals, and tests, corrected for many pairs."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, product

import numpy as np

from mscnn.errors import UserError
from mscnn.evaluation.aggregate import confusions, pooled
from mscnn.evaluation.experiment import Experiment
from mscnn.evaluation.groups import CLUSTERS, count, read_attributes
from mscnn.evaluation.intervals import LEVEL, RESAMPLES, SEED, bootstrap, difference, estimate
from mscnn.evaluation.metrics import METRICS
from mscnn.evaluation.predictions import Predictions, join_folds
from mscnn.evaluation.significance import DRAWS, EXACT, contributions, holm, mcnemar, sign_flip
from mscnn.reporting.tabular import table, with_sd

COMPARED = tuple(name for name, metric in METRICS.items() if metric.compared)
TESTS = {"p": "p", "holm": "Holm"}
TESTED = ("ua", "wa")  # their differences are sums over clusters, as the sign-flip test needs them


def compare(
    exps: Sequence[Experiment], data: str | os.PathLike | None = None, over: str = "speaker"
) -> dict[str, object]:
    """Compare every pair of experiments by their pooled test predictions; scores are in percent, means over runs.

    Args:
        exps: two or more, of the same utterances.
        data: data directory that tells the CLUSTERS; None: that of the first experiment.
        over: which of the CLUSTERS are resampled, and swapped between two systems.

    Returns:
        plain numbers and texts: ``experiments`` with their scores, and ``pairs`` of them, ``a`` and ``b`` counted from
        1: for each of COMPARED the ``difference`` and its bootstrap ``interval`` over clusters; for those TESTED ``p``
        of the sign-flip test over clusters, and ``holm``, p adjusted for the number of pairs; ``mcnemar``, the largest
        p of any run of one against any run of the other.

    Raises:
        UserError: the experiments differ in protocol, folds, utterances or classes, or the clusters are not known.
    """
    for other in exps[1:]:
        check_comparable(exps[0], other)
    clusters = read_attributes(exps[0], data).get(over)
    if clusters is None:
        where = exps[0].data if data is None else data
        raise UserError(
            f"{where}: no {CLUSTERS[over]} there, and pairs are compared over {over}s: --data DIRECTORY of stage 1"
        )
    runs = [join_folds(exp.parts["test"]) for exp in exps]
    counts = [count(found, clusters, len(exps[0].classes))[1] for found in runs]
    pairs = [
        {"a": i + 1, "b": j + 1, "mcnemar": _mcnemar(runs[i], runs[j]), **_pair(counts[i], counts[j])}
        for i, j in combinations(range(len(exps)), 2)
    ]
    for key in TESTED:
        for pair, p in zip(pairs, holm([pair[key]["p"] for pair in pairs]), strict=True):
            pair[key]["holm"] = p
    return {
        "protocol": _protocol(exps[0]),
        "utterances": len(runs[0][0].utts),
        "over": over,
        "clusters": counts[0].shape[1],
        "several_a_fold": any(len({clusters[u] for u in fold[0].utts}) > 1 for fold in exps[0].parts["test"]),
        "experiments": [_scores(exp) for exp in exps],
        "pairs": pairs,
    }


def _protocol(exp: Experiment) -> str:
    return f"{exp.config['protocol']['name']}@{exp.config['protocol']['hash']}"


def check_comparable(a: Experiment, b: Experiment) -> None:
    """Raise UserError unless both predict the same utterances of the same classes, trained on the same others."""
    facts = {
        "protocols": [_protocol(exp) for exp in (a, b)],
        "classes": [", ".join(exp.classes) for exp in (a, b)],
        "numbers of folds": [exp.config["folds"] for exp in (a, b)],
    }
    for what, (one, other) in facts.items():
        if one != other:
            raise UserError(f"{a.path} and {b.path} have different {what}, {one} and {other}: nothing to compare")
    for fold, (one, other) in enumerate(zip(a.parts["test"], b.parts["test"], strict=True), 1):
        if one[0].utts != other[0].utts or not np.array_equal(one[0].truth, other[0].truth):
            odd = sorted(set(one[0].utts) ^ set(other[0].utts))
            what = f"{odd[0]} is in one of them only" if odd else "the same utterances with other labels"
            raise UserError(f"{a.path} and {b.path} differ in the test part of fold {fold}: {what}: nothing to compare")


def _scores(exp: Experiment) -> dict[str, object]:
    found = pooled(confusions(exp.parts["test"], len(exp.classes)), exp.classes)
    legacy = [*exp.config["legacy"], *exp.config["protocol"].get("legacy", [])]
    scores = {key: {"mean": found.values[key].mean, "run_sd": found.values[key].run_sd} for key in COMPARED}
    return {"path": str(exp.path), "text": exp.words, "runs": exp.config["runs"], "legacy": legacy, **scores}


def _pair(a: np.ndarray, b: np.ndarray) -> dict[str, dict]:
    """Differences, intervals and p values, from counts (runs, S, K, K)."""
    between, truth = difference(estimate(a), estimate(b)), a[0].sum(axis=2)
    bounds, columns = bootstrap(between, truth).bounds, list(METRICS)
    values = 100 * between(np.ones((1, len(truth))))[0]
    found = {
        key: {
            "difference": round(float(values[columns.index(key)]), 9) + 0.0,  # rounding makes no -0
            "interval": None if bounds is None else (100 * bounds[:, columns.index(key)]).tolist(),
        }
        for key in COMPARED
    }
    for key, parts in contributions(a, b).items():
        found[key]["p"] = sign_flip(parts, SEED)
    return found


def _mcnemar(a: Sequence[Predictions], b: Sequence[Predictions]) -> float:
    """The largest p: no run of one belongs to a certain run of the other, and there may be more of them."""
    return max(mcnemar(one.truth, one.pred, other.pred) for one, other in product(a, b))


def render(found: Mapping) -> str:
    """Markdown of what :func:`compare` found."""
    return "\n".join([
        f"# {found['protocol']}: {found['utterances']} utterances, {found['clusters']} {found['over']}s", "",
        *_experiments(found), "", *_pairs(found), "", *_notes(found), "",
    ])  # fmt: skip


def _experiments(found: Mapping) -> Iterator[str]:
    rows = [
        (
            f"E{i}",
            exp["path"] + "".join(f" ({name})" for name in exp["legacy"]),
            exp["text"],
            exp["runs"],
            *(with_sd(exp[key]["mean"], exp[key]["run_sd"]) for key in COMPARED),
        )
        for i, exp in enumerate(found["experiments"], 1)
    ]
    return table(["", "experiment", "text", "runs", *(METRICS[key].label for key in COMPARED)], rows, left=3)


def _pairs(found: Mapping) -> Iterator[str]:
    rows = []
    for pair in found["pairs"]:
        cells = []
        for values in (pair[key] for key in COMPARED):
            low_high = values["interval"]
            between = "does not exist" if low_high is None else f"{low_high[0]:+.2f} to {low_high[1]:+.2f}"
            cells += [f"{values['difference']:+.2f}", between, *(_p(values[key]) for key in TESTS if key in values)]
        rows.append((f"E{pair['a']} − E{pair['b']}", *cells, _p(pair["mcnemar"])))
    head = [[METRICS[key].label, f"{100 * LEVEL:g} %", *(TESTS.values() if key in TESTED else ())] for key in COMPARED]
    return table(["", *sum(head, []), "McNemar p"], rows)


def _notes(found: Mapping) -> Iterator[str]:
    over, size = f"{found['over']}s", found["clusters"]
    exact = size <= EXACT
    how = f"all 2^{size} sign patterns" if exact else f"{DRAWS} random sign patterns, seed {SEED}"
    least = 2.0 ** (1 - size) if exact else 1 / (DRAWS + 1)
    yield "Pooled scores in percent, means over runs; ± is the sd over runs."
    yield ""
    yield f"* interval: paired bootstrap over {over}, {RESAMPLES} resamples, seed {SEED}, expanded percentiles"
    yield f"* p: sign-flip test over {over}, {how}: at least {least:.1g}"
    yield f"* Holm: p adjusted for {len(found['pairs'])} pair(s), UA and WA each for itself"
    yield (
        "* McNemar: exact, every run of one against every run of the other, the largest p; too small, for it takes "
        f"utterances for independent, and those of a {found['over']} are not"
    )
    if found["several_a_fold"]:
        yield f"* one model is tested on several {over}: p speaks of the models as trained, not of other seeds"


def _p(value: float) -> str:
    return f"{value:.4f}" if value >= 1e-4 else f"{value:.1e}"
