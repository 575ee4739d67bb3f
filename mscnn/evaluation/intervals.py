"""95 % confidence intervals of pooled metrics of dependent utterances: clusters (speakers, dialogues) are resampled.

An estimate is a function of the clusters' weights: ones give the value itself, a resample with replacement weights each
cluster by the number of times it was drawn, and omitting a cluster sets its weight to 0. With N_rc the confusion matrix
of run r and cluster c, its value is the mean over runs of metric(sum_c w_c N_rc): all runs have the same resample.

t over clusters: value ± t(S-1) se, with the jackknife's se² = (S-1)/S sum_c (value without c - their mean)². For WA and
S clusters of equal size this is the t interval of their accuracies; it does not need every class in every cluster.

bootstrap: RESAMPLES of S clusters and their expanded percentiles (Hesterberg 2014, arXiv 1411.5279), which are
Phi(-sqrt(S/(S-1)) t(S-1)) for 2.5 %: plain percentiles are too narrow by these two factors. UA is undefined on a
resample that lacks a class: it is drawn again, and counted; where more than half lack one there is no interval.

Coverage of the true UA in 2000 simulated experiments, in percent (benchmarks/intervals.py: effects of the speaker on
the logits of the recalls; 10 speakers with 100 to 500 utterances as in IEMOCAP, and 24 as in RAVDESS):

                            10 speakers    10 speakers, strong effects    24 speakers
    t over speakers            93.8                  94.2                     95.3      the headline
    bootstrap                  93.9                  93.4                     95.1
    plain percentile           88.9                  88.8                     92.8      of SciPy, not used
    BCa                        88.5                  87.2                     92.8      of SciPy, not used
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mscnn.errors import UserError
from mscnn.evaluation.metrics import METRICS, recalls

LEVEL = 0.95
PART = 2_000_000  # numbers of resamples that are computed at a time
RESAMPLES = 2000
SEED = 0
JACKKNIFE_BLOCK = 1024  # most clusters per block of the jackknife, whose weights (block, S) are in memory
Estimate = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Intervals:
    """Intervals of the columns of an estimate: ``bounds`` (2, columns), None where there are none, as ``fault`` says.

    ``clusters`` were resampled (or omitted in turn) ``resamples`` times; ``redrawn`` resamples lacked a class.
    """

    clusters: int
    resamples: int
    redrawn: int
    bounds: np.ndarray | None
    fault: str = ""


def estimate(counts: np.ndarray) -> Estimate:
    """METRICS and K recalls of counts (runs, S, K, K) as a function of weights (W, S).

    The function returns values (W, metrics + K), 0 to 1; it raises UserError where a class has no utterances.
    """

    def values(weights: np.ndarray) -> np.ndarray:
        matrices = np.tensordot(weights.astype(float), counts, axes=(1, 1))  # floats, for BLAS; counts are exact
        columns = [np.asarray(metric(matrices))[..., None] for metric in METRICS.values()]
        return np.concatenate([*columns, recalls(matrices)], axis=-1).mean(axis=1)

    return values


def difference(a: Estimate, b: Estimate) -> Estimate:
    """The paired difference of two estimates: both use the same resample of the same clusters."""
    return lambda weights: a(weights) - b(weights)


def resamples(truth: np.ndarray, seed: int = SEED, copies: np.ndarray | None = None) -> tuple[np.ndarray, int]:
    """Weights (RESAMPLES, S) of clusters drawn with replacement, all with every class, and the number of redrawn ones.

    Args:
        truth: utterances of each class in each cluster (S, K).
        seed: seed of the random numbers.
        copies: number of clusters per row (S,), where equal clusters share a row; None: one.

    Raises:
        UserError: more than half of the first resamples lack a class.
    """
    copies = np.ones(len(truth), int) if copies is None else copies
    size, rng, redrawn = int(copies.sum()), np.random.default_rng(seed), 0
    weights = np.empty((RESAMPLES, len(copies)), np.uint8)  # up to hundreds of millions of numbers, nearly all small
    for part in _parts(weights):
        drawn = rng.multinomial(size, copies / size, len(weights[part]))
        weights = weights if drawn.max() <= np.iinfo(weights.dtype).max else weights.astype(np.int64)
        weights[part] = drawn
    while len(lacking := np.flatnonzero(_by_parts(lambda drawn: (drawn @ truth == 0).any(axis=1), weights))):
        if len(lacking) > RESAMPLES / 2:
            raise UserError("most resamples lack a class: too few clusters have it", code="resamples-lack-class")
        redrawn += len(lacking)
        drawn = rng.multinomial(size, copies / size, len(lacking))
        weights = weights if drawn.max() <= np.iinfo(weights.dtype).max else weights.astype(np.int64)
        weights[lacking] = drawn
    return weights, redrawn


def _parts(weights: np.ndarray) -> list[slice]:
    """Slices of rows that have up to PART numbers."""
    rows = max(1, PART // weights.shape[1])
    return [slice(start, start + rows) for start in range(0, len(weights), rows)]


def _by_parts(function: Callable[[np.ndarray], np.ndarray], weights: np.ndarray) -> np.ndarray:
    """``function`` of all rows, computed part by part, so that memory does not grow with their number."""
    return np.concatenate([function(weights[part].astype(float)) for part in _parts(weights)])


def bootstrap(of: Estimate, truth: np.ndarray, seed: int = SEED, copies: np.ndarray | None = None) -> Intervals:
    """Expanded percentile bootstrap over clusters; ``truth``, ``seed`` and ``copies`` as in :func:`resamples`."""
    from scipy.special import ndtr, stdtrit  # what scipy.stats calls; its import takes 0.4 s

    size = len(truth) if copies is None else int(copies.sum())
    if size < 2:
        return Intervals(size, 0, 0, None, "at least two clusters are needed")
    try:
        weights, redrawn = resamples(truth, seed, copies)
    except UserError as error:
        return Intervals(size, RESAMPLES, 0, None, str(error))
    tail = ndtr(np.sqrt(size / (size - 1)) * stdtrit(size - 1, (1 - LEVEL) / 2))
    return Intervals(size, RESAMPLES, redrawn, np.quantile(_by_parts(of, weights), [tail, 1 - tail], axis=0))


def jackknife_t(of: Estimate, truth: np.ndarray) -> Intervals:
    """t intervals over clusters with the jackknife standard error; ``truth`` as in :func:`resamples`."""
    from scipy.special import stdtrit

    size = len(truth)
    if size < 2:
        return Intervals(size, 0, 0, None, "at least two clusters are needed")
    if not (truth.sum(axis=0) - truth).all():
        return Intervals(size, size, 0, None, "without one of the clusters a class has no utterance")
    blocks = np.array_split(np.arange(size), -(-size // max(1, min(JACKKNIFE_BLOCK, PART // size))))
    value, jackknife = of(np.ones((1, size))), np.concatenate([of(_without(block, size)) for block in blocks])
    error = np.sqrt((size - 1) * jackknife.var(axis=0))
    return Intervals(size, size, 0, value + np.outer(stdtrit(size - 1, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]), error))


def _without(clusters: np.ndarray, size: int) -> np.ndarray:
    """Weights (len(clusters), S), each without one of ``clusters``."""
    weights = np.ones((len(clusters), size))
    weights[np.arange(len(clusters)), clusters] = 0
    return weights
