"""Tests of differences against SciPy, by hand, and on pairs of equal systems."""

from itertools import product

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import accuracy_score, balanced_accuracy_score

from benchmarks.intervals import PAIRS, simulate
from mscnn.evaluation.significance import contributions, holm, mcnemar, sign_flip

EQUAL = PAIRS["10 speakers, 1 per model"]


def test_contributions_add_up_to_the_differences():
    sample = simulate(EQUAL, np.random.default_rng(0), systems=3)
    a, b = sample.counts(0), np.concatenate([sample.counts(1), sample.counts(2)])  # one run against two
    parts = contributions(a, b)
    for key, metric in (("ua", balanced_accuracy_score), ("wa", accuracy_score)):
        scores = [metric(sample.truth, pred) for pred in sample.pred]
        assert parts[key].sum() == pytest.approx(scores[0] - (scores[1] + scores[2]) / 2)
        assert parts[key].shape == (10,)


def test_contributions_change_sign_with_the_systems_of_a_speaker():
    sample = simulate(EQUAL, np.random.default_rng(1), systems=2)
    a, b = sample.counts(0), sample.counts(1)
    swapped = [np.where(np.arange(10)[None, :, None, None] == 4, y, x) for x, y in ((a, b), (b, a))]
    signs = np.where(np.arange(10) == 4, -1, 1)
    for key, parts in contributions(*swapped).items():
        np.testing.assert_allclose(parts, signs * contributions(a, b)[key])


@pytest.mark.parametrize("size", [2, 5, 9])
def test_sign_flip_agrees_with_scipy(size):
    differences = np.random.default_rng(size).normal(0.3, 1, size)
    expected = stats.permutation_test((differences,), np.sum, permutation_type="samples", n_resamples=np.inf)
    assert sign_flip(differences) == pytest.approx(expected.pvalue)


def test_sign_flip_by_hand():
    assert sign_flip(np.full(10, 0.1)) == 2 / 1024  # all speakers agree: the least possible p
    assert sign_flip(np.array([3.0, 1.0, -1.0])) == 6 / 8  # |±3 ±1 ±1| is 3 or 5 in six of eight patterns
    assert sign_flip(np.zeros(4)) == 1


def test_rounding_breaks_no_ties():
    """Whole numbers add up exactly, tenths do not: 0.1 + 0.2 is more than 0.3."""
    for differences in np.random.default_rng(5).integers(-5, 6, (20, 6)):
        assert sign_flip(differences / 10) == sign_flip(differences)


def test_many_speakers_are_drawn():
    differences = np.random.default_rng(2).normal(0.4, 1, 17)
    sums = abs(np.array(list(product([-1, 1], repeat=17))) @ differences)
    exact = (sums >= abs(differences.sum()) - 1e-12).mean()
    assert sign_flip(differences) == pytest.approx(exact, abs=4 * np.sqrt(exact * (1 - exact) / 2**16))
    assert sign_flip(differences) == sign_flip(differences)
    assert sign_flip(np.full(60, 0.1)) == 2**-16  # never 0


def test_equal_differences_may_share_a_value():
    """The same distribution; few clusters are tried in all patterns, as they are."""
    few = sign_flip(np.array([3.0, 1.0, -1.0]))
    assert sign_flip(np.array([3.0, -1.0, 1.0]), copies=np.array([1, 1, 1])) == few
    values, copies = np.array([0.1, -0.1, 0.05]), np.array([40, 30, 10])
    separate = sign_flip(np.repeat(values, copies))
    assert sign_flip(values, copies=copies) == pytest.approx(separate, abs=4 * np.sqrt(2 * separate / 2**16))
    assert sign_flip(values[:0], copies=copies[:0]) == 1


def test_p_is_uniform_where_only_the_seed_differs():
    """200 pairs; p of 10 speakers is a multiple of 1/512, far finer than what the KS test could see."""
    rng, p = np.random.default_rng(3), []
    for _ in range(200):
        sample = simulate(EQUAL, rng, systems=2)
        p.append([sign_flip(parts) for parts in contributions(sample.counts(0), sample.counts(1)).values()])
    for column in np.transpose(p):
        assert stats.kstest(column, "uniform").pvalue > 0.05
        assert 0.02 < (column < 0.05).mean() < 0.09


def test_a_real_difference_is_significant():
    """Half of the second system's right answers are lost: every speaker gets worse."""
    sample = simulate(EQUAL, np.random.default_rng(4), systems=2)
    sample.pred[1, ::2] = (sample.truth[::2] + 1) % 4
    assert sign_flip(contributions(sample.counts(0), sample.counts(1))["ua"]) == 2 / 1024


def test_mcnemar():
    truth = np.zeros(20, int)
    a = np.array([0] * 11 + [1] * 9)
    b = np.array([1] * 5 + [0] * 7 + [1] * 8)  # five right with a alone, one with b alone
    assert mcnemar(truth, a, b) == pytest.approx(2 * (1 + 6) / 2**6)
    assert mcnemar(truth, a, b) == mcnemar(truth, b, a)
    assert mcnemar(truth, a, a) == 1


def test_holm():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.5]) == [1, 1] and holm([0.2]) == [0.2]
