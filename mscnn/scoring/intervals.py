"""95 % intervals of pooled metrics where utterances are not independent: clusters (speakers, dialogues) are resampled.

An estimate is a function of the clusters' weights: ones give the value itself, a resample with replacement counts how
often each cluster was drawn, and leaving one out sets its weight to 0. N_rc being the confusion matrix of run r and
cluster c, its value is the mean over runs of metric(sum_c w_c N_rc): every run meets the same resample.

t over clusters: value ± t(S-1) se, with the jackknife's se² = (S-1)/S sum_c (value without c - their mean)². For WA and
S clusters of one size this is the t interval of their accuracies; it does not need every class in every cluster.

bootstrap: RESAMPLES of S clusters and their expanded percentiles (Hesterberg 2014, arXiv 1411.5279), which are
Phi(-sqrt(S/(S-1)) t(S-1)) for 2.5 %: plain ones are too narrow by the two factors in it. A resample without an
utterance of some class has no UA: it is drawn again, and counted; where more than half are so there is no interval.

TODO
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mscnn.scoring.aggregate import METRICS
from mscnn.scoring.metrics import recalls

LEVEL = 0.95
RESAMPLES = 2000
SEED = 0
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
    """UA, WA, macro F1 and the K recalls, 0 to 1, of counts (runs, S, K, K) as a function of weights (W, S).

    The function gives (W, 3 + K); it raises as :func:`mscnn.scoring.metrics.recalls`.
    """

    def values(weights: np.ndarray) -> np.ndarray:
        matrices = np.tensordot(weights, counts, axes=(1, 1))
        columns = [metric(matrices)[..., None] for metric in METRICS.values()]
        return np.concatenate([*columns, recalls(matrices)], axis=-1).mean(axis=1)

    return values


def difference(a: Estimate, b: Estimate) -> Estimate:
    """The paired difference of two estimates: both meet the same resample of the same clusters."""
    return lambda weights: a(weights) - b(weights)


def bootstrap(of: Estimate, truth: np.ndarray, seed: int = SEED) -> Intervals:
    """Expanded percentile bootstrap over clusters.

    Args:
        of: the estimate.
        truth: utterances of each class in each cluster (S, K).
        seed: of the resamples: the same for whatever has the same clusters.
    """
    from scipy.stats import norm, t

    size = len(truth)
    if size < 2:
        return Intervals(size, 0, 0, None, "needs two clusters at least")
    rng, even = np.random.default_rng(seed), np.full(size, 1 / size)
    weights = rng.multinomial(size, even, RESAMPLES)
    redrawn = 0
    while len(bad := np.flatnonzero((weights @ truth == 0).any(axis=1))):
        if len(bad) > RESAMPLES / 2:
            return Intervals(size, RESAMPLES, len(bad), None, "most resamples lack a class: too few clusters hold it")
        redrawn += len(bad)
        weights[bad] = rng.multinomial(size, even, len(bad))
    tail = norm.cdf(np.sqrt(size / (size - 1)) * t.ppf((1 - LEVEL) / 2, size - 1))
    return Intervals(size, RESAMPLES, redrawn, np.quantile(of(weights), [tail, 1 - tail], axis=0))


def jackknife_t(of: Estimate, truth: np.ndarray) -> Intervals:
    """t interval over clusters with the jackknife's standard error; arguments as :func:`bootstrap`."""
    from scipy.stats import t

    size = len(truth)
    if size < 2:
        return Intervals(size, 0, 0, None, "needs two clusters at least")
    without = 1 - np.eye(size, dtype=int)
    if not (without @ truth).all():
        return Intervals(size, size, 0, None, "a class is in one cluster only")
    value, left = of(np.ones((1, size), dtype=int)), of(without)
    error = np.sqrt((size - 1) * left.var(axis=0))
    return Intervals(size, size, 0, value + np.outer(t.ppf([(1 - LEVEL) / 2, (1 + LEVEL) / 2], size - 1), error))
