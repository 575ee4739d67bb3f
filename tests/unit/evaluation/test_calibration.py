"""Calibration by hand, against scikit-learn, and a temperature against a grid."""

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss
from sklearn.metrics import log_loss as sk_log_loss

from mscnn.evaluation.calibration import (
    Bin,
    Coverage,
    abstention,
    brier,
    calibration,
    ece,
    fit_temperature,
    log_loss,
    reliability,
    temper,
    tempered,
)
from mscnn.evaluation.predictions import Predictions


def draw(seed, n=400, classes=4, sharpness=1.0):
    """Calibrated predictions, then sharpened."""
    rng = np.random.default_rng(seed)
    prob = rng.dirichlet(np.ones(classes), n) * 0.96 + 0.01
    truth = np.array([rng.choice(classes, p=row) for row in prob])
    prob = temper(prob, 1 / sharpness)
    return Predictions(tuple(f"u{i:03d}" for i in range(n)), truth, prob.argmax(axis=1), prob)


def test_ece_by_hand():
    """Bins of a half: (0, 0.5] has 0.4 and 0.5, one right; (0.5, 1] has 0.6, 0.8 and 1, two right."""
    confidence, correct = np.array([0.4, 0.8, 0.5, 0.6, 1.0]), np.array([True, True, False, False, True])
    diagram = reliability(confidence, correct, bins=2)
    assert diagram["count"].tolist() == [2, 3]
    np.testing.assert_allclose(diagram["confidence"], [0.45, 0.8])
    np.testing.assert_allclose(diagram["accuracy"], [1 / 2, 2 / 3])
    assert ece(confidence, correct, bins=2) == pytest.approx((2 * 0.05 + 3 * (0.8 - 2 / 3)) / 5)
    assert ece(np.ones(3), np.ones(3, bool)) == 0 and ece(np.ones(3), np.zeros(3, bool)) == 1


def test_ece_by_a_loop_over_utterances():
    predictions = draw(0, sharpness=3.0)
    confidence, correct = predictions.prob.max(axis=1), predictions.pred == predictions.truth
    expected = 0
    for m in range(15):
        inside = [i for i, p in enumerate(confidence) if m / 15 < p <= (m + 1) / 15]
        if inside:
            expected += abs(sum(correct[inside]) - sum(confidence[inside])) / len(confidence)
    assert ece(confidence, correct) == pytest.approx(expected)


def test_losses_agree_with_scikit_learn():
    predictions = draw(1)
    assert log_loss(predictions.prob, predictions.truth) == pytest.approx(
        sk_log_loss(predictions.truth, predictions.prob)
    )
    expected = np.mean(
        [
            (row - np.eye(4)[k]) @ (row - np.eye(4)[k])
            for row, k in zip(predictions.prob, predictions.truth, strict=True)
        ]
    )
    assert brier(predictions.prob, predictions.truth) == pytest.approx(expected)
    two = predictions.prob[:, :2] / predictions.prob[:, :2].sum(axis=1, keepdims=True)
    truth = predictions.truth % 2
    assert brier(two, truth) == pytest.approx(2 * brier_score_loss(truth, two[:, 1]))  # for two classes it counts both


def test_a_probability_written_as_zero_has_a_loss():
    assert log_loss(np.array([[1.0, 0.0]]), np.array([1])) == pytest.approx(-np.log(5e-7))


@pytest.mark.parametrize("sharpness", [0.4, 1.0, 3.0])
def test_temperature_agrees_with_a_grid(sharpness):
    predictions = draw(2, sharpness=sharpness)
    grid = np.geomspace(0.05, 20, 600)
    losses = [
        sk_log_loss(predictions.truth, (p := predictions.prob ** (1 / t)) / p.sum(axis=1, keepdims=True)) for t in grid
    ]
    assert fit_temperature(predictions.prob, predictions.truth) == pytest.approx(grid[np.argmin(losses)], rel=0.006)
    assert fit_temperature(predictions.prob, predictions.truth) == pytest.approx(
        sharpness, rel=0.25
    )  # it undoes the sharpening


def test_temperature_stays_in_its_limits():
    sure = np.tile([0.9, 0.1], (10, 1))
    assert 0.05 <= fit_temperature(sure, np.zeros(10, int)) < 0.1  # the loss is 0 as far as a float can tell
    assert 19.9 < fit_temperature(sure, np.ones(10, int)) <= 20


def test_the_temperature_of_dev_is_applied_to_test():
    """Two folds, sharpened differently: each has its own temperature; wrong test labels change nothing."""
    dev = [[draw(3, sharpness=3.0)], [draw(4, sharpness=0.5)]]
    test = [[draw(5, sharpness=3.0)], [draw(6, sharpness=0.5)]]
    temperatures, parts = tempered(dev, test)
    assert temperatures.shape == (2, 1)
    for i, (fold, before) in enumerate(zip(parts, test, strict=True)):
        assert temperatures[i, 0] == fit_temperature(dev[i][0].prob, dev[i][0].truth)
        assert fold[0].pred is before[0].pred and (fold[0].prob.argmax(axis=1) == before[0].pred).all()
        assert calibration(fold).ece < calibration(before).ece
    wrong = [[Predictions(p.utts, (p.truth + 1) % 4, p.pred, p.prob) for p in runs] for runs in test]
    np.testing.assert_array_equal(tempered(dev, wrong)[0], temperatures)


def test_calibration_is_the_mean_over_runs():
    runs = [draw(7), draw(8, sharpness=3.0)]
    both = calibration(runs)
    assert both.ece == pytest.approx(np.mean([calibration([run]).ece for run in runs]))
    assert both.log_loss == pytest.approx(np.mean([sk_log_loss(run.truth, run.prob) for run in runs]))
    assert sum(entry.count for entry in both.reliability) == 800 and both.reliability[-1].upto == 1
    assert both.reliability[0] == Bin(upto=1 / 15, count=0, confidence=None, accuracy=None)


def test_abstention_by_hand():
    confidence = np.array([0.6, 0.9, 0.9, 0.7])  # by confidence: b, c, d, a
    prob = np.stack([confidence, 1 - confidence], axis=1)
    run = Predictions(tuple("abcd"), np.array([0, 0, 1, 1]), np.zeros(4, int), prob)
    curve = {point.coverage: point for point in abstention([run], ("calm", "cross"))}
    assert curve[100] == Coverage(coverage=100, utterances=4, ua=50, wa=50, absent=[])
    assert curve[75].wa == pytest.approx(100 / 3) and curve[75].ua == 50
    assert curve[50].wa == 50 and curve[50].ua == 50
    assert curve[25] == Coverage(coverage=25, utterances=1, ua=None, wa=100, absent=["cross"])
