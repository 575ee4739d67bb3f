"""Fold mean and pooled, by hand: the two differ, and so do the spreads over folds and over runs.

Test part of the hand-made experiment (conftest), metrics in percent:

    run 1  fold 1 [[3 1] [1 1]]  UA (75 + 50)/2 = 62.5   WA 4/6   F1 (3/4 + 1/2)/2 = 62.5
           fold 2 [[2 0] [1 1]]  UA (100 + 50)/2 = 75    WA 3/4   F1 (4/5 + 2/3)/2 = 73.33
    run 2  fold 1 and 2          UA 100                  WA 1     F1 100
"""

from math import sqrt

import numpy as np
import pytest

from mscnn.evaluation.aggregate import confusions, fold_mean, pooled, undefined
from tests.raises import fails
from tests.unit.evaluation.conftest import CLASSES, COUNTS


@pytest.fixture
def matrices(experiment):
    return confusions(experiment.parts["test"], 2)


def test_counts(matrices):
    np.testing.assert_array_equal(matrices, COUNTS)


def test_fold_mean(matrices):
    scores = fold_mean(matrices, CLASSES)
    ua, wa, f1 = scores.values["ua"], scores.values["wa"], scores.values["f1"]
    assert ua.mean == pytest.approx((68.75 + 100) / 2)
    assert ua.sd == pytest.approx((12.5 / sqrt(2) + 0) / 2)
    assert ua.run_sd == pytest.approx(31.25 / sqrt(2))
    assert wa.mean == pytest.approx((100 * (4 / 6 + 3 / 4) / 2 + 100) / 2)
    assert f1.mean == pytest.approx(((62.5 + 100 * (4 / 5 + 2 / 3) / 2) / 2 + 100) / 2)
    first = (4 * 3 / 4 + 2 * 1 / 2) / 6, (2 * 4 / 5 + 2 * 2 / 3) / 4  # weighted by 4 and 2, 2 and 2 utterances
    assert scores.values["wf1"].mean == pytest.approx((100 * sum(first) / 2 + 100) / 2)
    assert (scores.correct, scores.total) == (9, 10)  # (7 + 10) / 2 = 8.5


def test_pooled(matrices):
    scores = pooled(matrices, CLASSES)  # run 1: [[5 1] [2 2]]
    assert scores.values["ua"].mean == pytest.approx((100 * (5 / 6 + 2 / 4) / 2 + 100) / 2)
    assert scores.values["wa"].mean == pytest.approx((70 + 100) / 2)
    assert scores.values["f1"].mean == pytest.approx((100 * (10 / 13 + 4 / 7) / 2 + 100) / 2)
    assert scores.values["ua"].sd is None
    assert scores.values["wa"].run_sd == pytest.approx(30 / sqrt(2))


def test_one_run_and_one_fold_have_no_spread(matrices):
    assert fold_mean(matrices[:, :1], CLASSES).values["ua"].run_sd is None
    assert fold_mean(matrices[:1], CLASSES).values["ua"].sd is None


def test_kept_utterances_only(experiment):
    counts = confusions(experiment.parts["test"], 2, keep={"t1-00", "t1-03", "t2-10"})
    np.testing.assert_array_equal(counts[:, 0], [[[1, 1], [0, 0]], [[0, 0], [1, 0]]])


def test_a_class_absent_from_a_fold_raises(experiment):
    some = confusions(experiment.parts["test"], 2, keep={"t1-00", "t1-10", "t2-10"})
    with fails("class-absent", "fold 2", "calm"):
        fold_mean(some, CLASSES)
    assert pooled(some, CLASSES).total == 3
    assert undefined(some[:1], CLASSES) is None and "calm" in undefined(some[1:], CLASSES)
