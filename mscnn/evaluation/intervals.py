"""95 % intervals of pooled metrics where utterances are not independent: clusters (speakers, dialogues) are resampled.

An estimate is a function of the clusters' weights: ones give the value itself, a resample with replacement counts how
often each cluster was drawn, and leaving one out sets its weight to 0. N_rc being the confusion matrix of run r and
cluster c, its value is the mean over runs of metric(sum_c w_c N_rc): every run meets the same resample.

t over clusters: value ± t(S-1) se, with the jackknife's se² = (S-1)/S sum_c (value without c - their mean)². For WA and
S clusters of one size this is the t interval of their accuracies; it does not need every class in every cluster.

bootstrap: RESAMPLES of S clusters and their expanded percentiles (Hesterberg 2014, arXiv 1411.5279), which are
Phi(-sqrt(S/(S-1)) t(S-1)) for 2.5 %: plain ones are too narrow by the two factors in it. A resample without an
utterance of some class has no UA: it is drawn again, and counted; where more than half are so there is no interval.

How often they held the true UA of 2000 simulated experiments, in percent (benchmarks/intervals.py: effects of the
speaker on the logits of the recalls; 10 speakers with 100 to 500 utterances as in IEMOCAP, and 24 as in RAVDESS):

                            10 speakers    10 speakers, strong effects    24 speakers
    t over speakers            93.8                  94.2                     95.3      the headline
    bootstrap                  93.9                  93.4                     95.1
    plain percentile           88.9                  88.8                     92.8      SciPy's, not used
    BCa                        88.5                  87.2                     92.8      SciPy's, not used
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mscnn.errors import UserError
from mscnn.evaluation.metrics import METRICS, recalls

LEVEL = 0.95
RESAMPLES = 2000
SEED = 0
BLOCK = 1024  # clusters that are left out at a time: their weights (BLOCK, S) are in memory
Estimate = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Intervals:
    """Intervals of the columns of an estimate: ``bounds`` (2, columns), None where ``fault`` says why there are none.

    ``clusters`` were resampled (or left out in turn) ``resamples`` times, ``redrawn`` resamples lacked a class.
    """

    clusters: int
    resamples: int
    redrawn: int
    bounds: np.ndarray | None
    fault: str = ""


def estimate(counts: np.ndarray) -> Estimate:
    """The METRICS and the K recalls, 0 to 1, of counts (runs, S, K, K) as a function of weights (W, S).

    The function gives (W, metrics + K); it raises where a class has no utterance.
    """

    def values(weights: np.ndarray) -> np.ndarray:
        matrices = np.tensordot(weights.astype(float), counts, axes=(1, 1))  # floats: BLAS; counts stay exact
        columns = [np.asarray(metric(matrices))[..., None] for metric in METRICS.values()]
        return np.concatenate([*columns, recalls(matrices)], axis=-1).mean(axis=1)

    return values


def difference(a: Estimate, b: Estimate) -> Estimate:
    """The paired difference of two estimates: both meet the same resample of the same clusters."""
    return lambda weights: a(weights) - b(weights)


def resamples(truth: np.ndarray, seed: int = SEED, copies: np.ndarray | None = None) -> tuple[np.ndarray, int]:
    """Weights (RESAMPLES, S) of clusters drawn with replacement, every class in each, and how many were drawn again.

    Args:
        truth: utterances of each class in each cluster (S, K).
        seed: the same for whatever has the same clusters.
        copies: how many clusters each row stands for (S,), where equal ones share a row; None: one each.

    Raises:
        UserError: more than half of the first draws lack a class.
    """
    copies = np.ones(len(truth), int) if copies is None else copies
    size, rng, redrawn = int(copies.sum()), np.random.default_rng(seed), 0
    weights = rng.multinomial(size, copies / size, RESAMPLES)
    while len(lacking := np.flatnonzero((weights @ truth == 0).any(axis=1))):
        if len(lacking) > RESAMPLES / 2:
            raise UserError("most resamples lack a class: too few clusters have it", code="resamples-lack-class")
        redrawn += len(lacking)
        weights[lacking] = rng.multinomial(size, copies / size, len(lacking))
    return weights, redrawn


def bootstrap(of: Estimate, truth: np.ndarray, seed: int = SEED, copies: np.ndarray | None = None) -> Intervals:
    """Expanded percentile bootstrap over clusters; ``truth``, ``seed`` and ``copies`` as in :func:`resamples`."""
    from scipy.stats import norm, t

    size = len(truth) if copies is None else int(copies.sum())
    if size < 2:
        return Intervals(size, 0, 0, None, "it needs two clusters at least")
    try:
        weights, redrawn = resamples(truth, seed, copies)
    except UserError as error:
        return Intervals(size, RESAMPLES, 0, None, str(error))
    tail = norm.cdf(np.sqrt(size / (size - 1)) * t.ppf((1 - LEVEL) / 2, size - 1))
    return Intervals(size, RESAMPLES, redrawn, np.quantile(of(weights), [tail, 1 - tail], axis=0))


def jackknife_t(of: Estimate, truth: np.ndarray) -> Intervals:
    """t interval over clusters with the jackknife's standard error; ``truth`` as in :func:`resamples`."""
    from scipy.stats import t

    size = len(truth)
    if size < 2:
        return Intervals(size, 0, 0, None, "it needs two clusters at least")
    if not (truth.sum(axis=0) - truth).all():
        return Intervals(size, size, 0, None, "without one of the clusters a class has no utterance")
    blocks = np.array_split(np.arange(size), -(-size // BLOCK))
    value, left = of(np.ones((1, size))), np.concatenate([of(_without(block, size)) for block in blocks])
    error = np.sqrt((size - 1) * left.var(axis=0))
    return Intervals(size, size, 0, value + np.outer(t.ppf([(1 - LEVEL) / 2, (1 + LEVEL) / 2], size - 1), error))


def _without(clusters: np.ndarray, size: int) -> np.ndarray:
    """Weights (len(clusters), S) that leave out one of ``clusters`` each."""
    weights = np.ones((len(clusters), size))
    weights[np.arange(len(clusters)), clusters] = 0
    return weights
