"""Metrics against scikit-learn and by hand."""

import json

import numpy as np
import pytest
from sklearn import metrics as sk

import mscnn
from mscnn.evaluation.metrics import (
    METRICS,
    Metric,
    confusion_matrix,
    f1s,
    macro_f1,
    precisions,
    present,
    recalls,
    ua,
    wa,
    weighted_f1,
)
from mscnn.reporting.results import write_report
from tests.raises import fails


@pytest.mark.parametrize("seed", range(5))
def test_agrees_with_scikit_learn(seed):
    rng = np.random.default_rng(seed)
    k = int(rng.integers(2, 9))
    truth = np.concatenate([np.arange(k), rng.integers(0, k, 300)])
    pred = np.where(rng.random(len(truth)) < 0.5, truth, rng.integers(0, k, len(truth)))
    pred[pred == 1] = 0  # a class that is never predicted
    matrix = confusion_matrix(truth, pred, k)
    np.testing.assert_array_equal(matrix, sk.confusion_matrix(truth, pred, labels=np.arange(k)))
    assert wa(matrix) == pytest.approx(sk.accuracy_score(truth, pred))
    assert ua(matrix) == pytest.approx(sk.balanced_accuracy_score(truth, pred))
    assert macro_f1(matrix) == pytest.approx(sk.f1_score(truth, pred, average="macro", zero_division=0))
    weighted = sk.f1_score(truth, pred, average="weighted", zero_division=0)
    assert weighted_f1(matrix) == pytest.approx(weighted)
    np.testing.assert_allclose(recalls(matrix), sk.recall_score(truth, pred, average=None))
    np.testing.assert_allclose(precisions(matrix), sk.precision_score(truth, pred, average=None, zero_division=0))
    np.testing.assert_allclose(f1s(matrix), sk.f1_score(truth, pred, average=None, zero_division=0))


def test_by_hand():
    matrix = np.array([[8, 2], [1, 1]])  # rows truth: transposed, WA would stay and UA change
    assert wa(matrix) == pytest.approx(9 / 12)
    assert ua(matrix) == pytest.approx((0.8 + 0.5) / 2)
    assert macro_f1(matrix) == pytest.approx((16 / 19 + 2 / 5) / 2)
    assert weighted_f1(matrix) == pytest.approx((10 * 16 / 19 + 2 * 2 / 5) / 12)


def test_a_stack_gives_the_values_of_its_matrices():
    stack = np.random.default_rng(0).integers(1, 9, (2, 3, 4, 4))
    for metric in (wa, ua, macro_f1, recalls, precisions, f1s):
        np.testing.assert_array_equal(metric(stack), [[metric(matrix) for matrix in row] for row in stack])
    assert type(ua(stack[0, 0])) is float  # as checkpoints and JSON need it
    stack[1, 2, 3] = 0
    with fails("class-absent", "sad"):
        ua(stack, ("ang", "hap", "neu", "sad"))


def test_a_class_without_utterances_raises():
    matrix = confusion_matrix(np.array([0, 0, 2]), np.array([0, 1, 2]), 3)
    assert sk.balanced_accuracy_score([0, 0, 2], [0, 0, 2]) == 1  # scikit-learn skips it
    for metric in (ua, macro_f1, recalls, f1s):
        with fails("class-absent", "sad"):
            metric(matrix, ("ang", "sad", "neu"))
    assert wa(matrix) == pytest.approx(2 / 3)
    assert weighted_f1(matrix) == pytest.approx((2 * 2 / 3 + 1) / 3)  # defined: an absent class has no weight


def test_the_registry():
    """A metric is called like its function, and knows where it is undefined."""
    matrices = np.array([[[8, 2], [1, 1]], [[8, 2], [0, 0]], [[0, 0], [0, 0]]])
    assert list(METRICS) == ["ua", "wa", "f1", "wf1"] and all(key == metric.name for key, metric in METRICS.items())
    assert {key: metric(matrices[0]) for key, metric in METRICS.items()} == {
        "ua": ua(matrices[0]), "wa": wa(matrices[0]), "f1": macro_f1(matrices[0]), "wf1": weighted_f1(matrices[0])
    }  # fmt: skip
    assert present(matrices).tolist() == [True, False, False]
    for key, expected in {"ua": [1, 0, 0], "f1": [1, 0, 0], "wa": [1, 1, 0], "wf1": [1, 1, 0]}.items():
        assert METRICS[key].exists(matrices).tolist() == expected


def test_predictions_of_a_class_that_the_truth_never_has_are_wrong():
    rng = np.random.default_rng(1)
    truth, pred = rng.integers(0, 3, 200), rng.integers(0, 5, 200)
    matrix = confusion_matrix(truth, pred, 5)[:3]
    assert wa(matrix) == pytest.approx(sk.accuracy_score(truth, pred))
    with pytest.warns(UserWarning):  # scikit-learn says so, and takes the mean over the classes of the truth as well
        assert ua(matrix) == pytest.approx(sk.balanced_accuracy_score(truth, pred))
    for metric, average in ((macro_f1, "macro"), (weighted_f1, "weighted"), (f1s, None)):
        np.testing.assert_allclose(metric(matrix), sk.f1_score(truth, pred, labels=range(3), average=average))
    np.testing.assert_allclose(precisions(matrix), sk.precision_score(truth, pred, labels=range(3), average=None))


def test_a_new_metric_is_one_function_with_an_entry(experiment, monkeypatch):
    """Cohen's kappa: below 0 where predictions are worse than chance; files, tables and intervals have it."""

    def kappa(matrix):
        n = matrix.sum(axis=(-2, -1))
        chance = (matrix.sum(axis=-1) * matrix.sum(axis=-2)).sum(axis=-1) / n**2
        return (wa(matrix) - chance) / (1 - chance)

    monkeypatch.setitem(METRICS, "kappa", Metric("kappa", "Cohen's kappa", "kappa = …", kappa, least=-1.0))
    truth, pred = list("aaaabbbb") * 2, list("abbabbaa") * 2
    speakers = list("kkllkkll") + list("mmnnmmnn")
    evaluation = mscnn.evaluate(truth, pred, speakers=speakers)
    assert evaluation.scores["pooled"]["kappa"].mean == pytest.approx(100 * sk.cohen_kappa_score(truth, pred))
    assert evaluation.intervals[1].bounds["kappa"][0] < 0
    assert METRICS["kappa"].label in str(evaluation) and "kappa" in evaluation.to_dict()["scores"]["pooled"]
    [line, *_] = write_report(experiment)
    matrices = experiment.parts["test"]
    expected = [[sk.cohen_kappa_score(run.truth, run.pred) for run in runs] for runs in matrices]
    assert line.fields["kappa"] == f"{100 * np.mean(expected):.2f}" and "kappa_sd" in line.fields
    assert "kappa" in json.loads((experiment.path / "statistics.json").read_text())["scores"]["pooled"]
    results = (experiment.path / "RESULTS.md").read_text()
    assert results.count("Cohen's kappa") >= 2 and f"{100 * np.mean(expected):.2f}" in results
