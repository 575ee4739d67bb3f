"""Errors of an experiment: the misclassified utterances with the highest loss."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mscnn.evaluation.calibration import MIN_PROBABILITY
from mscnn.evaluation.experiment import Experiment
from mscnn.evaluation.predictions import join_folds


@dataclass(frozen=True)
class Miss:
    """A misclassified utterance.

    Attributes:
        utt: its id.
        truth: its class.
        predicted: class -> number of runs that predict it.
        loss: -ln p(truth) in nats, mean over runs.
        prob: probabilities (K,), mean over runs.
    """

    utt: str
    truth: str
    predicted: Mapping[str, int]
    loss: float
    prob: np.ndarray


def misses(exp: Experiment, most: int) -> list[Miss]:
    """The ``most`` test utterances of highest loss that some run misclassifies, highest loss first."""
    runs, names = join_folds(exp.parts["test"]), exp.classes
    utts, truth = runs[0].utts, runs[0].truth
    prob = np.stack([run.prob for run in runs])
    loss = -np.log(np.maximum(prob[:, np.arange(len(truth)), truth], MIN_PROBABILITY)).mean(axis=0)
    wrong = np.flatnonzero(np.any([run.pred != truth for run in runs], axis=0))
    return [
        Miss(
            utt=utts[i],
            truth=names[truth[i]],
            predicted=Counter(names[run.pred[i]] for run in runs),
            loss=float(loss[i]),
            prob=prob[:, i].mean(axis=0),
        )
        for i in sorted(wrong, key=lambda i: (-loss[i], utts[i].encode()))[:most]
    ]
