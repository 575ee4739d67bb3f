"""Intervals against SciPy, against all possible resamples, and their coverage in simulated experiments."""

from itertools import product

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score, recall_score

from benchmarks.intervals import SETTINGS, simulate, true_ua
from mscnn.evaluation import intervals
from mscnn.evaluation.intervals import RESAMPLES, bootstrap, difference, estimate, jackknife_t, resamples
from tests.raises import fails

IEMOCAP = SETTINGS["10 speakers, as IEMOCAP"]
# Correct and wrong of 2 classes in 4 clusters: counts (1, 4, 2, 2).
COUNTS = np.array([[[[3, 1], [2, 2]], [[1, 2], [0, 3]], [[5, 0], [1, 1]], [[2, 2], [4, 1]]]])


def truth_of(counts):
    return counts[0].sum(axis=2)


def test_an_estimate_is_that_of_the_utterances_of_the_drawn_clusters():
    sample = simulate(IEMOCAP, np.random.default_rng(0), systems=2)
    counts = np.concatenate([sample.counts(0), sample.counts(1)])  # two runs
    weights = np.array([[0, 2, 0, 1, 1, 3, 0, 0, 1, 2]])
    drawn = np.concatenate([np.flatnonzero(sample.speaker == c) for c in range(10) for _ in range(weights[0, c])])
    truth, expected = sample.truth[drawn], []
    for pred in sample.pred[:, drawn]:
        means = [
            balanced_accuracy_score(truth, pred),
            accuracy_score(truth, pred),
            f1_score(truth, pred, average="macro"),
        ]
        expected.append([*means, *recall_score(truth, pred, average=None)])
    values = estimate(counts)(weights)[0]
    np.testing.assert_allclose(np.concatenate([values[:3], values[-4:]]), np.mean(expected, axis=0))


def test_bootstrap_agrees_with_all_possible_resamples():
    """256 resamples of 4 clusters, all as likely; the tail of four clusters, Phi(-sqrt(4/3) 3.182), is 1.2e-4."""
    every = np.array([np.bincount(drawn, minlength=4) for drawn in product(range(4), repeat=4)])
    values = estimate(COUNTS)(every)
    result = bootstrap(estimate(COUNTS), truth_of(COUNTS))
    np.testing.assert_allclose(result.bounds, [values.min(axis=0), values.max(axis=0)])
    assert (result.clusters, result.resamples, result.redrawn) == (4, RESAMPLES, 0)
    weights, _ = resamples(truth_of(COUNTS))
    np.testing.assert_allclose(estimate(COUNTS)(weights).mean(axis=0), values.mean(axis=0), atol=0.01)
    np.testing.assert_allclose(estimate(COUNTS)(weights).std(axis=0), values.std(axis=0), rtol=0.05)


def test_bootstrap_agrees_with_scipy_at_the_expanded_level():
    """Of ten clusters: t(9) = 2.2622, times sqrt(10/9) is 2.3845, and Phi(-2.3845) = 0.00855."""
    counts = simulate(IEMOCAP, np.random.default_rng(1)).counts(0)
    result = bootstrap(estimate(counts), truth_of(counts)).bounds
    drawn = estimate(counts)(resamples(truth_of(counts))[0])
    np.testing.assert_allclose(result, np.quantile(drawn, [0.00855, 0.99145], axis=0), atol=1e-5)
    hits, totals = (np.einsum(axes, counts[0]) for axes in ("ckk->c", "ckj->c"))
    expected = stats.bootstrap(
        (hits, totals), lambda h, n, axis: h.sum(axis) / n.sum(axis), paired=True, method="percentile", rng=2,
        confidence_level=1 - 2 * 0.00855, n_resamples=20000,
    ).confidence_interval  # fmt: skip
    width = expected.high - expected.low
    np.testing.assert_allclose(result[:, 1], [expected.low, expected.high], atol=0.05 * width)


def test_a_resample_without_a_class_is_drawn_again():
    """Class 1 is in two of three clusters: 1 of 27 resamples lacks it, the other 26 stay as likely as they were."""
    truth = np.array([[3, 0], [2, 1], [4, 2]])
    weights, redrawn = resamples(truth, seed=3)
    assert ((weights @ truth) > 0).all() and (weights.sum(axis=1) == 3).all()
    assert redrawn == pytest.approx(RESAMPLES / 26, rel=0.3)
    share = {tuple(w): n / RESAMPLES for w, n in zip(*np.unique(weights, axis=0, return_counts=True), strict=True)}
    assert (3, 0, 0) not in share
    assert share[1, 1, 1] == pytest.approx(6 / 26, abs=0.03) and share[0, 0, 3] == pytest.approx(1 / 26, abs=0.015)


def test_a_missing_interval_has_a_reason():
    one_holds_it = np.array([[[[3, 0], [0, 2]], *[[[4, 1], [0, 0]]] * 3]])
    assert jackknife_t(estimate(one_holds_it), truth_of(one_holds_it)).fault
    alone = COUNTS[:, :1]
    for method in (bootstrap, jackknife_t):
        result = method(estimate(alone), truth_of(alone))
        assert result.bounds is None and result.fault
    scattered = np.eye(6, dtype=int)  # every class in a cluster of its own: most resamples lack one
    with fails("resamples-lack-class"):
        resamples(scattered)
    result = bootstrap(estimate(scattered[None, :, :, None] * scattered), scattered)
    assert result.bounds is None and result.fault and result.resamples == RESAMPLES


def test_equal_clusters_may_share_a_row():
    """Three clusters, the first of them twice: the same distribution, drawn by other random numbers."""
    separate = np.concatenate([COUNTS[:, :1], COUNTS[:, :3]], axis=1)
    copies = np.array([2, 1, 1])
    weights, _ = resamples(truth_of(COUNTS[:, :3]), copies=copies)
    assert (weights.sum(axis=1) == 4).all()
    assert weights.mean(axis=0) == pytest.approx(copies, abs=0.1)
    one, other = (
        bootstrap(estimate(separate), truth_of(separate)),
        bootstrap(estimate(COUNTS[:, :3]), truth_of(COUNTS[:, :3]), copies=copies),
    )
    assert (one.clusters, other.clusters) == (4, 4)
    np.testing.assert_allclose(one.bounds, other.bounds, atol=0.02)


def test_t_of_equal_clusters_is_the_t_interval_of_their_accuracies():
    rng = np.random.default_rng(4)
    hits = rng.integers(10, 40, (6, 2))
    counts = np.array([[[[a, 50 - a], [50 - b, b]] for a, b in hits]])
    result = jackknife_t(estimate(counts), truth_of(counts))
    accuracies = hits.sum(axis=1) / 100
    expected = stats.ttest_1samp(accuracies, 0).confidence_interval(0.95)
    np.testing.assert_allclose(result.bounds[:, 1], expected)
    np.testing.assert_allclose(result.bounds[:, 0], expected)  # as many of each class: UA is WA
    np.testing.assert_allclose(result.bounds[:, -1], stats.ttest_1samp(hits[:, 1] / 50, 0).confidence_interval(0.95))


def test_t_of_clusters_of_any_size_by_omitting_their_utterances():
    sample = simulate(IEMOCAP, np.random.default_rng(5))
    counts, scores = sample.counts(0), []
    for c in range(10):
        kept = sample.speaker != c
        scores.append(balanced_accuracy_score(sample.truth[kept], sample.pred[0, kept]))
    error = np.sqrt(9 / 10 * ((scores - np.mean(scores)) ** 2).sum())
    value = balanced_accuracy_score(sample.truth, sample.pred[0])
    expected = value + error * np.array(stats.t.interval(0.95, 9))
    np.testing.assert_allclose(jackknife_t(estimate(counts), truth_of(counts)).bounds[:, 0], expected)


def test_runs_share_the_resample():
    twice = np.concatenate([COUNTS, COUNTS])
    np.testing.assert_array_equal(
        bootstrap(estimate(twice), truth_of(twice)).bounds, bootstrap(estimate(COUNTS), truth_of(COUNTS)).bounds
    )
    nothing = bootstrap(difference(estimate(COUNTS), estimate(twice)), truth_of(COUNTS))
    np.testing.assert_array_equal(nothing.bounds, np.zeros_like(nothing.bounds))


@pytest.mark.parametrize("name", ["10 speakers, as IEMOCAP", "24 speakers, as RAVDESS"])
def test_coverage(name):
    """95 % of 300 experiments, ± 3 standard errors; the figures of 2000 are in the module's docstring."""
    setting, rng = SETTINGS[name], np.random.default_rng(6)
    truth, held = true_ua(setting), []
    for seed in range(300):
        counts = simulate(setting, rng).counts(0)
        both = [jackknife_t(estimate(counts), truth_of(counts)), bootstrap(estimate(counts), truth_of(counts), seed)]
        held.append([interval.bounds[0, 0] <= truth <= interval.bounds[1, 0] for interval in both])
    assert (abs(np.mean(held, axis=0) - 0.95) < 3 * np.sqrt(0.95 * 0.05 / 300)).all()


def test_the_simulated_truth_is_the_limit_of_many_speakers():
    many = simulate(
        SETTINGS["10 speakers, as IEMOCAP"].__class__(3000, (100, 100), IEMOCAP.logits), np.random.default_rng(7)
    )
    assert balanced_accuracy_score(many.truth, many.pred[0]) == pytest.approx(true_ua(IEMOCAP), abs=0.005)


def test_many_clusters_are_omitted_in_blocks(monkeypatch):
    expected = jackknife_t(estimate(COUNTS), truth_of(COUNTS)).bounds
    monkeypatch.setattr(intervals, "JACKKNIFE_BLOCK", 3)
    np.testing.assert_allclose(jackknife_t(estimate(COUNTS), truth_of(COUNTS)).bounds, expected)
