"""Calibration of probabilities: expected calibration error, temperature scaling, and abstention."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mscnn.evaluation.groups import describe
from mscnn.evaluation.metrics import confusion_matrix
from mscnn.evaluation.predictions import Predictions

BINS = 15
MIN_PROBABILITY = 5e-7  # probabilities are written with six decimals
TEMPERATURE_LIMITS = (0.05, 20.0)
COVERAGES = tuple(range(5, 101, 5))  # percent


@dataclass(frozen=True)
class Bin:
    """A bin of the reliability diagram: ``count`` predictions with confidence in (previous ``upto``, ``upto``].

    ``confidence`` and ``accuracy`` are means, 0 to 1; None in an empty bin.
    """

    upto: float
    count: int
    confidence: float | None
    accuracy: float | None


@dataclass(frozen=True)
class Calibration:
    """``ece`` in percent, ``log_loss`` in nats, ``brier`` from 0 to 2, means over runs; ``reliability`` of all runs."""

    ece: float
    log_loss: float
    brier: float
    reliability: list[Bin]


@dataclass(frozen=True)
class Coverage:
    """Scores in percent on the most confident ``coverage`` percent; ``ua`` is None where classes are ``absent``."""

    coverage: int
    utterances: int
    ua: float | None
    wa: float
    absent: list[str]


def reliability(confidence: np.ndarray, correct: np.ndarray, bins: int = BINS) -> dict[str, np.ndarray]:
    """The reliability diagram (Guo et al., ICML 2017, section 2): bin m of M has the confidences in ((m-1)/M, m/M].

    Args:
        confidence: probability of the predicted class (n,).
        correct: whether the prediction is correct (n,).

    Returns:
        ``count``, mean ``confidence`` and ``accuracy`` (0 to 1, nan in an empty bin) of each bin.
    """
    index = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    count = np.bincount(index, minlength=bins)
    with np.errstate(invalid="ignore"):
        means = [np.bincount(index, weights=values, minlength=bins) / count for values in (confidence, correct)]
    return {"count": count, "confidence": means[0], "accuracy": means[1]}


def ece(confidence: np.ndarray, correct: np.ndarray, bins: int = BINS) -> float:
    """Expected calibration error, 0 to 1: sum_m n_m / n |accuracy_m - confidence_m|, bins of :func:`reliability`."""
    diagram = reliability(confidence, correct, bins)
    return float(np.nansum(diagram["count"] * abs(diagram["accuracy"] - diagram["confidence"])) / len(correct))


def log_loss(prob: np.ndarray, truth: np.ndarray) -> float:
    """Mean of -ln p(truth), nats; p is at least MIN_PROBABILITY."""
    return float(-np.log(np.maximum(prob[np.arange(len(truth)), truth], MIN_PROBABILITY)).mean())


def brier(prob: np.ndarray, truth: np.ndarray) -> float:
    """Mean over utterances of sum_k (p_k - [truth = k])², 0 to 2 (Brier 1950)."""
    return float(((prob - np.eye(prob.shape[1])[truth]) ** 2).sum(axis=1).mean())


def temper(prob: np.ndarray, temperature: float) -> np.ndarray:
    """Probabilities (n, K) of the logits divided by a temperature: p^(1/T), normalised."""
    logits = np.log(np.maximum(prob, MIN_PROBABILITY)) / temperature
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def fit_temperature(prob: np.ndarray, truth: np.ndarray) -> float:
    """Temperature within TEMPERATURE_LIMITS of least log loss; the loss is convex in 1/T and has one minimum."""
    from scipy.optimize import minimize_scalar

    bounds = np.log(TEMPERATURE_LIMITS)
    least = minimize_scalar(lambda x: log_loss(temper(prob, np.exp(x)), truth), bounds=bounds, method="bounded")
    return float(np.exp(least.x))


def tempered(
    dev: Sequence[Sequence[Predictions]], test: Sequence[Sequence[Predictions]]
) -> tuple[np.ndarray, list[list[Predictions]]]:
    """Fit a temperature on the dev part of every fold and run, apply it to the test part.

    Returns:
        temperatures (folds, runs), and the test parts with the new probabilities.
    """
    temperatures = np.array([[fit_temperature(part.prob, part.truth) for part in runs] for runs in dev])
    parts = [
        [Predictions(p.utts, p.truth, p.pred, temper(p.prob, t)) for p, t in zip(runs, row, strict=True)]
        for runs, row in zip(test, temperatures, strict=True)
    ]
    return temperatures, parts


def calibration(runs: Sequence[Predictions]) -> Calibration:
    """Calibration of predictions: means over runs, and the reliability diagram of all runs."""
    confidences = [run.prob.max(axis=1) for run in runs]
    correct = [run.pred == run.truth for run in runs]
    diagram = reliability(np.concatenate(confidences), np.concatenate(correct))
    bins = zip(*(diagram[key].tolist() for key in ("count", "confidence", "accuracy")), strict=True)
    return Calibration(
        ece=100 * float(np.mean([ece(*pair) for pair in zip(confidences, correct, strict=True)])),
        log_loss=float(np.mean([log_loss(run.prob, run.truth) for run in runs])),
        brier=float(np.mean([brier(run.prob, run.truth) for run in runs])),
        reliability=[
            Bin(m / BINS, count, confidence if count else None, accuracy if count else None)
            for m, (count, confidence, accuracy) in enumerate(bins, 1)
        ],
    )


def abstention(runs: Sequence[Predictions], classes: Sequence[str]) -> list[Coverage]:
    """Scores on the most confident share of the utterances for each of COVERAGES, means over runs.

    Among equal confidences the earlier utterance is kept. UA is None where a class has no utterances.
    """
    orders = [np.argsort(-run.prob.max(axis=1), kind="stable") for run in runs]
    curve = []
    for coverage in COVERAGES:
        kept = [order[: max(1, round(len(order) * coverage / 100))] for order in orders]
        points = [
            describe(confusion_matrix(run.truth[i], run.pred[i], len(classes))[None], classes)
            for run, i in zip(runs, kept, strict=True)
        ]
        absent = sorted({name for point in points for name in point.absent})
        uas = [point.ua for point in points if point.ua is not None]
        ua = float(np.mean(uas)) if not absent else None
        wa = float(np.mean([point.wa for point in points]))
        curve.append(Coverage(coverage, len(kept[0]), ua, wa, absent))
    return curve
