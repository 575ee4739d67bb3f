"""Confidence intervals of metrics and recalls, over speakers, dialogues or single utterances."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from mscnn.evaluation.groups import count
from mscnn.evaluation.intervals import Intervals, bootstrap, estimate, jackknife_t
from mscnn.evaluation.metrics import METRICS
from mscnn.evaluation.predictions import Predictions

UTTERANCE = "utterance"  # clusters of one utterance each, where no others are known
METHODS = {"t": jackknife_t, "bootstrap": bootstrap}
Bounds = tuple[float, float]  # percent


@dataclass(frozen=True)
class ClusterIntervals:
    """Intervals of pooled values in percent: ``bounds`` by metric, ``recalls`` by class.

    ``clusters`` of the kind ``over`` were resampled (``method`` bootstrap) or omitted in turn (t) ``resamples`` times;
    ``redrawn`` resamples lacked a class. Where there are no intervals, ``fault`` says why.
    """

    over: str
    method: str
    clusters: int
    resamples: int
    redrawn: int
    fault: str
    bounds: dict[str, Bounds]
    recalls: dict[str, Bounds]

    def to_dict(self) -> dict[str, object]:
        """The entry of ``statistics.json``; bounds are absent where there are none."""
        facts = asdict(self)
        bounds, recalls = facts.pop("bounds"), facts.pop("recalls")
        return {**facts, **bounds, "recalls": recalls} if bounds else facts


def cluster_intervals(
    runs: Sequence[Predictions],
    clusters: Mapping[str, str],
    over: str,
    method: str,
    classes: Sequence[str],
    width: int | None = None,
) -> ClusterIntervals:
    """Intervals of every metric and recall over ``clusters`` (utterance -> cluster) by one of METHODS.

    ``width``: number of predicted classes, where the truth does not have all of them.
    """
    counts = count(runs, clusters, width or len(classes))[1][:, :, : len(classes)]
    return _named(METHODS[method](estimate(counts), counts[0].sum(axis=2)), over, method, classes)


def utterance_intervals(runs: Sequence[Predictions], classes: Sequence[str], width: int) -> ClusterIntervals:
    """Bootstrap intervals over single utterances."""
    counts, copies = utterance_counts(runs, len(classes), width)
    return _named(bootstrap(estimate(counts), counts[0].sum(axis=2), copies=copies), UTTERANCE, "bootstrap", classes)


def utterance_counts(runs: Sequence[Predictions], classes: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Confusion matrices of single utterances; utterances with equal truth and predictions share one.

    Returns:
        counts (runs, kinds, K, M), and the number of utterances of each kind.
    """
    columns = np.stack([runs[0].truth, *(run.pred for run in runs)])
    (truth, *predicted), copies = np.unique(columns, axis=1, return_counts=True)
    counts = np.zeros((len(runs), len(copies), classes, width), int)
    for run, pred in zip(counts, predicted, strict=True):
        run[np.arange(len(copies)), truth, pred] = 1
    return counts, copies


def _named(intervals: Intervals, over: str, method: str, classes: Sequence[str]) -> ClusterIntervals:
    """Intervals with the names of metrics and classes, in percent."""
    pairs: list[Bounds] = []
    if intervals.bounds is not None:
        least = [100 * metric.least for metric in METRICS.values()] + [0.0] * len(classes)
        pairs = [(low, high) for low, high in np.clip(100 * intervals.bounds, least, 100).T.tolist()]
    return ClusterIntervals(
        over,
        method,
        intervals.clusters,
        intervals.resamples,
        intervals.redrawn,
        intervals.fault,
        bounds=dict(zip(METRICS, pairs, strict=False)),
        recalls=dict(zip(classes, pairs[len(METRICS) :], strict=False)),
    )
