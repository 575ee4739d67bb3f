"""Is one system better than another on the same utterances? Paired tests, and their correction for many pairs.

How many of 2000 simulated pairs of equal systems they tell apart at 5 %, in percent (benchmarks/intervals.py says what
is simulated; the interval is that of the difference, over speakers):

                                    sign flip over speakers    bootstrap interval    McNemar
    10 speakers, a model each                 4.9                      5.1             12.2
    10 speakers, a model for two              5.4                      6.4             16.2
    24 speakers, a model for four             5.1                      5.1              5.8
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

EXACT = 16  # clusters up to which all sign patterns are tried
DRAWS = 2**16 - 1  # random sign patterns beyond
ROUNDING = 1e-12


def contributions(a: np.ndarray, b: np.ndarray) -> dict[str, np.ndarray]:
    """What each cluster adds to the differences UA(a) - UA(b) and WA(a) - WA(b) of pooled predictions, 0 to 1.

    Both systems meet the same truth: the class totals n_k are shared, and the differences are sums over clusters,

        UA: d_c = 1/K sum_k (N_ckk(a) - N_ckk(b)) / n_k        WA: d_c = sum_k (N_ckk(a) - N_ckk(b)) / n

    Args:
        a: counts (runs, S, K, K); those of ``b`` may have another number of runs: means over runs are compared.

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
    turns the sign of its difference and changes nothing else: p is the share of sign patterns whose sum is as far from
    0 as the one found. All 2^S patterns are tried up to S = EXACT, beyond it DRAWS random ones and the one found; p is
    at least 2^(1-S), or 1 / (DRAWS + 1).

    Args:
        differences: (S,), what each cluster adds to the difference.
        seed: of the random patterns.
        copies: how many clusters each value stands for (S,), where many add the same; None: one each.
    """
    if copies is not None and copies.sum() > EXACT:
        rng, sums = np.random.default_rng(seed), np.zeros(DRAWS)
        for difference, number in zip(differences, copies, strict=True):
            sums += difference * (2 * rng.binomial(number, 0.5, DRAWS) - number)
        return float(((abs(sums) >= abs(differences @ copies) - ROUNDING).sum() + 1) / (DRAWS + 1))
    differences = differences if copies is None else np.repeat(differences, copies)
    size, found = len(differences), abs(differences.sum()) - ROUNDING
    if size <= EXACT:
        signs = 1 - 2 * (np.arange(2**size)[:, None] >> np.arange(size) & 1)
        return float((abs(signs @ differences) >= found).mean())
    rng, sums = np.random.default_rng(seed), np.zeros(DRAWS)
    for difference in differences:
        sums += difference * (1 - 2 * rng.integers(0, 2, DRAWS))
    return float(((abs(sums) >= found).sum() + 1) / (DRAWS + 1))


def mcnemar(truth: np.ndarray, a: np.ndarray, b: np.ndarray) -> float:
    """Exact two-sided p of McNemar's test on predictions (n,): a binomial test of the utterances one alone gets right.

    It takes utterances for independent. Those of a speaker are not: p is too small.
    """
    from scipy.stats import binomtest

    only_a, only_b = (int(((x == truth) & (y != truth)).sum()) for x, y in ((a, b), (b, a)))
    return float(binomtest(only_a, only_a + only_b).pvalue) if only_a + only_b else 1.0


def holm(p: Sequence[float]) -> list[float]:
    """p values adjusted for their number (Holm, Scand. J. Stat. 6, 1979): the family-wise error rate is kept."""
    values = np.asarray(p, float)
    order = np.argsort(values, kind="stable")
    raised = np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1))
    adjusted = np.empty(len(values))
    adjusted[order] = np.minimum(raised, 1)
    return adjusted.tolist()
