"""What one system predicted, from whatever it was read: all that is needed to evaluate and to compare it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from mscnn.evaluation.experiment import Experiment
from mscnn.evaluation.groups import Attributes, read_attributes
from mscnn.evaluation.metrics import confusion_matrix
from mscnn.evaluation.predictions import Predictions, join_folds


@dataclass(frozen=True)
class System:
    """Predictions of one system; every run has the same n utterances in the same order, with the same truth.

    Attributes:
        name: path or name, for people.
        classes: the K classes of the truth, in the order of every matrix.
        others: classes that are predicted, or have a probability, and that the truth never has; columns after the K.
        runs: predictions of every run, indices into ``classes`` and ``others``; probabilities (n, K + others), or
            (n, 0) where there are none.
        folds: number of the fold of every utterance (runs, n), counted from 0; None where folds are not known.
        fold_names: names of the folds.
        attributes: ``speaker`` and ``dialogue``, as far as they are known: utterance -> value.
        remarks: what a reader must know of the input.
        experiment: the experiment, where the predictions are those of its test parts.
    """

    name: str
    classes: tuple[str, ...]
    others: tuple[str, ...]
    runs: tuple[Predictions, ...]
    folds: np.ndarray | None
    fold_names: tuple[str, ...]
    attributes: Attributes
    remarks: tuple[str, ...] = ()
    experiment: Experiment | None = None

    @property
    def utts(self) -> tuple[str, ...]:
        """The utterances."""
        return self.runs[0].utts

    @property
    def truth(self) -> np.ndarray:
        """Indices of their classes (n,)."""
        return self.runs[0].truth

    @property
    def width(self) -> int:
        """Columns of a confusion matrix."""
        return len(self.classes) + len(self.others)

    @property
    def confusions(self) -> np.ndarray:
        """Confusion matrices (folds, runs, K, K + others); one fold where folds are not known."""
        folds = np.zeros((len(self.runs), len(self.utts)), int) if self.folds is None else self.folds
        return np.array(
            [
                [
                    confusion_matrix(run.truth[inside == fold], run.pred[inside == fold], self.width)[
                        : len(self.classes)
                    ]
                    for run, inside in zip(self.runs, folds, strict=True)
                ]
                for fold in range(folds.max() + 1)
            ]
        )

    @classmethod
    def of_experiment(cls, exp: Experiment, attributes: Attributes | None = None) -> System:
        """The test parts of an experiment, with what its data directory tells of the utterances (or ``attributes``)."""
        runs = tuple(join_folds(exp.parts["test"]))
        sizes = [len(fold[0].utts) for fold in exp.parts["test"]]
        folds = np.tile(np.repeat(np.arange(len(sizes)), sizes), (len(runs), 1))
        known = read_attributes(exp) if attributes is None else attributes
        names = tuple(str(fold) for fold in range(1, len(sizes) + 1))
        return cls(str(exp.path), exp.classes, (), runs, folds, names, known, experiment=exp)

    def renamed(self, name: str) -> System:
        """The same system under another name."""
        return replace(self, name=name)


def load_experiment(path: str | os.PathLike, data: str | os.PathLike | None = None) -> System:
    """The test parts of the experiment in a folder; ``data`` is its data directory, None: that of ``config.yaml``."""
    exp = Experiment.load(path)
    return System.of_experiment(exp, read_attributes(exp, data))


def clusters_of(system: System, over: str) -> Mapping[str, str] | None:
    """Utterance -> cluster of the kind ``over``, None where they are not known; utterances are known of themselves."""
    return {utt: utt for utt in system.utts} if over == "utterance" else system.attributes.get(over)
