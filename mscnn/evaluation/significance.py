"""Paired tests of two systems on the same utterances, and their adjustment for many pairs.

Rejections at 5 % among 2000 simulated pairs of equal systems, in percent (benchmarks/intervals.py simulates them; the
interval is that of the difference, over speakers):

                                    sign flip over speakers    bootstrap interval    McNemar
    10 speakers, 1 per model                  4.9                      5.1             12.2
    10 speakers, 2 per model                  5.4                      6.4             16.2
    24 speakers, 4 per model                  5.1                      5.1              5.8
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

MAX_EXACT_CLUSTERS = 16  # up to this number, all sign patterns are enumerated
RANDOM_PATTERNS = 2**16 - 1  # sign patterns drawn for more clusters
ROUNDING_ERROR = 1e-12


def contributions(a: np.ndarray, b: np.ndarray) -> dict[str, np.ndarray]:
    """Contribution of each cluster to the differences UA(a) - UA(b) and WA(a) - WA(b) of pooled predictions, 0 to 1.

    Both systems have the same truth: the class totals n_k are equal, and the differences are sums over clusters,

        UA: d_c = 1/K sum_k (N_ckk(a) - N_ckk(b)) / n_k        WA: d_c = sum_k (N_ckk(a) - N_ckk(b)) / n

    Args:
        a: counts (runs, S, K, K); ``b`` may have another number of runs: means over runs are compared.

    Returns:
        ``ua`` and ``wa``, each (S,).
    """
    hits = [np.diagonal(counts, axis1=2, axis2=3).mean(axis=0) for counts in (a, b)]
    totals = a[0].sum(axis=(0, 2))
    difference = hits[0] - hits[1]
    return {"ua": (difference / totals).mean(axis=1), "wa": difference.sum(axis=1) / totals.sum()}


def sign_flip(differences: np.ndarray, seed: int = 0, copies: np.ndarray | None = None) -> float:
    """Two-sided p of the sign-flip (permutation) test.

    Where two systems are exchangeable within every cluster, swapping their predictions on all utterances of a cluster
    flips the sign of its difference and changes nothing else: p is the share of sign patterns whose sum is at least as
    far from 0 as the observed one. All 2^S patterns are enumerated up to S = MAX_EXACT_CLUSTERS; for more clusters,
    RANDOM_PATTERNS random ones are drawn and the observed one is added. p is at least 2^(1-S), or
    1 / (RANDOM_PATTERNS + 1).

    Args:
        differences: contribution of each cluster to the difference (S,).
        seed: seed of the random patterns.
        copies: number of clusters per value (S,), where equal ones share a value; None: one.
    """
    if copies is not None and copies.sum() > MAX_EXACT_CLUSTERS:
        rng, sums = np.random.default_rng(seed), np.zeros(RANDOM_PATTERNS)
        for difference, number in zip(differences, copies, strict=True):
            sums += difference * (2 * rng.binomial(number, 0.5, RANDOM_PATTERNS) - number)
        return float(((abs(sums) >= abs(differences @ copies) - ROUNDING_ERROR).sum() + 1) / (RANDOM_PATTERNS + 1))
    differences = differences if copies is None else np.repeat(differences, copies)
    size, observed = len(differences), abs(differences.sum()) - ROUNDING_ERROR
    if size <= MAX_EXACT_CLUSTERS:
        signs = 1 - 2 * (np.arange(2**size)[:, None] >> np.arange(size) & 1)
        return float((abs(signs @ differences) >= observed).mean())
    rng, sums = np.random.default_rng(seed), np.zeros(RANDOM_PATTERNS)
    for difference in differences:
        sums += difference * (1 - 2 * rng.integers(0, 2, RANDOM_PATTERNS))
    return float(((abs(sums) >= observed).sum() + 1) / (RANDOM_PATTERNS + 1))


def mcnemar(truth: np.ndarray, a: np.ndarray, b: np.ndarray) -> float:
    """Exact two-sided p of McNemar's test on predictions (n,): binomial, on utterances that one system gets right.

    It assumes that utterances are independent. Those of a speaker are not, and p is too small.
    """
    from scipy.stats import binomtest

    only_a, only_b = (int(((x == truth) & (y != truth)).sum()) for x, y in ((a, b), (b, a)))
    return float(binomtest(only_a, only_a + only_b).pvalue) if only_a + only_b else 1.0


def holm(p: Sequence[float]) -> list[float]:
    """p values adjusted for their number (Holm, Scand. J. Stat. 6, 1979): controls the family-wise error rate."""
    values = np.asarray(p, float)
    order = np.argsort(values, kind="stable")
    raised = np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1))
    adjusted = np.empty(len(values))
    adjusted[order] = np.minimum(raised, 1)
    return adjusted.tolist()
