"""Predictions of one system, from any source, with all that evaluation and comparison need."""

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
        name: path or name in the output.
        classes: the K classes of the truth, in the order of every matrix.
        others: other classes that are predicted or have a probability; columns after the first K.
        runs: predictions of every run, indices into ``classes`` and ``others``; probabilities (n, K + others), or
            (n, 0) where there are none.
        folds: index of the fold of every utterance (runs, n), from 0; None where folds are unknown.
        fold_names: names of the folds.
        attributes: ``speaker`` and ``dialogue``, where known -> utterance -> value.
        remarks: remarks about the input.
        experiment: the experiment that the predictions are from, if any.
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
        """Utterance ids."""
        return self.runs[0].utts

    @property
    def truth(self) -> np.ndarray:
        """Class indices (n,)."""
        return self.runs[0].truth

    @property
    def width(self) -> int:
        """Number of columns of a confusion matrix."""
        return len(self.classes) + len(self.others)

    @property
    def confusions(self) -> np.ndarray:
        """Confusion matrices (folds, runs, K, K + others); one fold where folds are unknown."""
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
        """The test parts of an experiment, with the attributes of its data directory (or ``attributes``)."""
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
    """Utterance -> cluster of the kind ``over``; None where clusters are unknown."""
    return {utt: utt for utt in system.utts} if over == "utterance" else system.attributes.get(over)
