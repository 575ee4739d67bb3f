"""Comparison of systems on the same utterances: differences, their intervals, and tests, adjusted for many pairs."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import combinations, product
from typing import Any

import numpy as np

from mscnn.errors import UserError
from mscnn.evaluation.aggregate import Value, pooled
from mscnn.evaluation.cluster_intervals import UTTERANCE, utterance_counts
from mscnn.evaluation.experiment import Experiment
from mscnn.evaluation.groups import CLUSTERS, count, read_attributes
from mscnn.evaluation.intervals import LEVEL, SEED, bootstrap, difference, estimate
from mscnn.evaluation.metrics import METRICS
from mscnn.evaluation.plain import columns, notes, number
from mscnn.evaluation.predictions import Predictions
from mscnn.evaluation.significance import contributions, holm, mcnemar, sign_flip
from mscnn.evaluation.system import System, clusters_of

COMPARED = tuple(name for name, metric in METRICS.items() if metric.compared)
INDEPENDENT = "utterances are treated as independent: where speakers have several, intervals and p are too small"
TESTED = ("ua", "wa")  # their differences are sums over clusters, as the sign-flip test requires


@dataclass(frozen=True)
class Difference:
    """First minus second system in points, with its bootstrap ``interval``, None where there is none.

    ``p`` of the sign-flip test and ``holm``, p adjusted for the number of pairs, for metrics of TESTED; else None.
    """

    difference: float
    interval: list[float] | None
    p: float | None = None
    holm: float | None = None


@dataclass(frozen=True)
class Pair:
    """Systems ``a`` and ``b``, numbered from 1: differences by metric, and the largest McNemar p of any two runs."""

    a: int
    b: int
    mcnemar: float
    differences: dict[str, Difference]


@dataclass(frozen=True)
class Compared:
    """A system: pooled scores in percent of COMPARED; transcripts (``text``) and legacy marks of an experiment."""

    path: str
    text: str | None
    runs: int
    legacy: list[str]
    scores: dict[str, Value]


@dataclass(frozen=True)
class Comparison:
    """Comparison of every pair of systems on the same utterances, by their pooled predictions.

    ``over``: kind of the clusters that are resampled, and swapped between two systems. ``several_a_fold``: whether a
    model was tested on several of them; None where folds are unknown. ``protocol``: that of experiments.
    """

    protocol: str | None
    utterances: int
    over: str
    clusters: int
    several_a_fold: bool | None
    experiments: list[Compared]
    pairs: list[Pair]
    remarks: tuple[str, ...] = ()

    def __str__(self) -> str:
        blocks: list[Iterable[str]] = [
            [f"{self.utterances} utterances; intervals and tests over {self.clusters} {self.over}s"],
            columns(["percent", *(METRICS[key].label for key in COMPARED)], self._system_rows()),
            columns(
                ["points", "metric", "difference", f"{100 * LEVEL:g} %", "p", "Holm", "McNemar p"], self._pair_rows()
            ),
            notes(self.remarks),
        ]
        return "\n\n".join(text for block in blocks if (text := "\n".join(block)))

    def _system_rows(self) -> Iterator[list[str | None]]:
        for name, one in enumerate(self.experiments, 1):
            yield [f"E{name} {one.path}", *(number(value.mean) for value in one.scores.values())]

    def _pair_rows(self) -> Iterator[list[str | None]]:
        for pair in self.pairs:
            for key, one in pair.differences.items():
                interval = None if one.interval is None else "{:+.2f} to {:+.2f}".format(*one.interval)
                values = [f"{one.difference:+.2f}", interval, number(one.p, 4), number(one.holm, 4)]
                yield [f"E{pair.a} - E{pair.b}", METRICS[key].label, *values, number(pair.mcnemar, 4)]

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and texts, which JSON can hold."""
        facts = asdict(self)
        for exp in facts["experiments"]:
            exp |= {key: {"mean": value["mean"], "run_sd": value["run_sd"]} for key, value in exp.pop("scores").items()}
        for pair in facts["pairs"]:
            differences = pair.pop("differences")
            pair |= {key: {k: v for k, v in entry.items() if k in ("difference", "interval") or v is not None}
                     for key, entry in differences.items()}  # fmt: skip
        remarks = facts.pop("remarks")
        return {**facts, "remarks": list(remarks)} if remarks else facts


def compare(exps: Sequence[Experiment], data: str | os.PathLike | None = None, over: str = "speaker") -> Comparison:
    """Comparison of every pair of experiments by their pooled test predictions.

    Args:
        exps: two or more, of the same utterances.
        data: data directory with the tables of CLUSTERS; None: that of the first experiment.
        over: kind of the clusters, a key of CLUSTERS or ``utterance``.

    Raises:
        UserError: the experiments differ in protocol, folds, utterances or classes, or the clusters are unknown.
    """
    for other in exps[1:]:
        check_comparable(exps[0], other)
    known = read_attributes(exps[0], data)
    if over != UTTERANCE and over not in known:
        where = exps[0].data if data is None else data
        raise UserError(
            f"{where}: no {CLUSTERS[over]}, which a comparison over {over}s needs: give --data, the data directory",
            code="clusters-unknown",
        )
    return compare_systems([System.of_experiment(exp, known) for exp in exps], over)


def check_comparable(a: Experiment, b: Experiment) -> None:
    """Raise UserError unless both experiments have the same protocol, classes, folds and test utterances."""
    facts = {
        "protocols": [exp.protocol for exp in (a, b)],
        "classes": [", ".join(exp.classes) for exp in (a, b)],
        "folds": [f"{exp.config['folds']} folds" for exp in (a, b)],
    }
    for what, (one, other) in facts.items():
        if one != other:
            raise UserError(
                f"{a.path} and {b.path} have different {what}, {one} and {other}: not comparable",
                code=f"{what}-differ",
            )
    for fold, ((part, *_), (same, *_)) in enumerate(zip(a.parts["test"], b.parts["test"], strict=True), 1):
        if part.utts != same.utts or not np.array_equal(part.truth, same.truth):
            different = sorted(set(part.utts) ^ set(same.utts))
            how = f"{different[0]} is in one of them only" if different else "the same utterances with other labels"
            raise UserError(
                f"{a.path} and {b.path} differ in the test part of fold {fold} ({how}): not comparable",
                code="utterances-differ" if different else "truth-differs",
            )


def compare_systems(systems: Sequence[System], over: str, remarks: Sequence[str] = ()) -> Comparison:
    """Comparison of every pair of systems with the same utterances, truth and classes, in the same order.

    Args:
        systems: two or more; the first has the clusters in its ``attributes``.
        over: kind of the clusters, a key of ``attributes`` or ``utterance``.
        remarks: remarks for the reader.
    """
    first = systems[0]
    clusters = clusters_of(first, over) or {}
    experiments = [system.experiment for system in systems if system.experiment is not None]
    numbers = combinations(range(1, len(systems) + 1), 2)
    pairs = [_pair(i, j, systems[i - 1], systems[j - 1], clusters, over) for i, j in numbers]
    return Comparison(
        protocol=experiments[0].protocol if len(experiments) == len(systems) else None,
        utterances=len(first.utts),
        over=over,
        clusters=len({clusters[utt] for utt in first.utts}),
        several_a_fold=None if first.folds is None else any(_several(first, clusters, fold) for fold in first.folds),
        experiments=[_scores(system) for system in systems],
        pairs=_adjusted(pairs),
        remarks=(*remarks, *([INDEPENDENT] if over == UTTERANCE else [])),
    )


def _several(system: System, clusters: Mapping[str, str], folds: np.ndarray) -> bool:
    """Whether the utterances of some fold of a run belong to more than one cluster."""
    cells = {(fold, clusters[utt]) for fold, utt in zip(folds.tolist(), system.utts, strict=True)}
    return len(cells) > len({fold for fold, _ in cells})


def _scores(system: System) -> Compared:
    aggregate = pooled(system.confusions, system.classes)
    exp = system.experiment
    legacy = [*exp.config["legacy"], *exp.config["protocol"].get("legacy", [])] if exp else []
    scores = {key: aggregate.values[key] for key in COMPARED}
    return Compared(system.name, exp.transcripts if exp else None, len(system.runs), legacy, scores)


def _pair(i: int, j: int, a: System, b: System, clusters: Mapping[str, str], over: str) -> Pair:
    """Differences, intervals and p values of two systems."""
    counts_a, counts_b, copies = _counts(a, b, clusters, over)
    between, truth = difference(estimate(counts_a), estimate(counts_b)), counts_a[0].sum(axis=2)
    bounds, columns = bootstrap(between, truth, copies=copies).bounds, list(METRICS)
    values = 100 * between(copies[None])[0]
    differences = {
        key: Difference(
            round(float(values[columns.index(key)]), 9) + 0.0,  # avoids -0
            None if bounds is None else (100 * bounds[:, columns.index(key)]).tolist(),
        )
        for key in COMPARED
    }
    shares = copies[:, None, None]
    for key, parts in contributions(counts_a * shares, counts_b * shares).items():
        if over == UTTERANCE:  # where both are right or both wrong, there is no sign to flip
            p = sign_flip((parts / copies)[parts != 0], SEED, copies[parts != 0])
        else:
            p = sign_flip(parts, SEED)
        differences[key] = replace(differences[key], p=p)
    return Pair(i, j, _mcnemar(a.runs, b.runs), differences)


def _counts(a: System, b: System, clusters: Mapping[str, str], over: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Confusion matrices of clusters (runs, S, K, M) of both systems, and the number of equal clusters of each (S,)."""
    if over == UTTERANCE:
        both, copies = utterance_counts([*a.runs, *b.runs], len(a.classes), a.width)
        return both[: len(a.runs)], both[len(a.runs) :], copies
    counts = [count(system.runs, clusters, a.width)[1][:, :, : len(a.classes)] for system in (a, b)]
    return counts[0], counts[1], np.ones(counts[0].shape[1], int)


def _adjusted(pairs: Sequence[Pair]) -> list[Pair]:
    """The pairs with p values adjusted for their number, separately per metric."""
    adjusted = {key: holm([p for pair in pairs if (p := pair.differences[key].p) is not None]) for key in TESTED}
    return [
        replace(pair, differences={
            key: replace(entry, holm=adjusted[key][i]) if key in adjusted else entry
            for key, entry in pair.differences.items()
        })
        for i, pair in enumerate(pairs)
    ]  # fmt: skip


def _mcnemar(a: Sequence[Predictions], b: Sequence[Predictions]) -> float:
    """The largest p over all pairs of runs: runs of two systems are not paired, and their numbers may differ."""
    return max(mcnemar(one.truth, one.pred, other.pred) for one, other in product(a, b))
