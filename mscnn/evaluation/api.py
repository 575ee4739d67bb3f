"""``mscnn.evaluate`` and ``mscnn.compare``: metrics, intervals and tests of the predictions of any toolkit.

Nothing here needs a data directory, starts a process or imports torch.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mscnn.errors import UserError
from mscnn.evaluation.align import align
from mscnn.evaluation.arrays import system_of
from mscnn.evaluation.compare import Comparison, compare_systems
from mscnn.evaluation.compare import compare as compare_experiments
from mscnn.evaluation.evaluation import Evaluation, clusters_over, measure
from mscnn.evaluation.experiment import Experiment
from mscnn.evaluation.prediction_table import columns_of, is_table, read_prediction_table, system_of_frame
from mscnn.evaluation.probabilities import Probabilities
from mscnn.evaluation.system import System, load_experiment

__all__ = ["Comparison", "Evaluation", "compare", "evaluate"]


def evaluate(
    truth: str | os.PathLike | Iterable[Any],
    predictions: Iterable[Any] | None = None,
    *,
    utterances: Iterable[Any] | None = None,
    speakers: Iterable[Any] | None = None,
    dialogues: Iterable[Any] | None = None,
    folds: Iterable[Any] | None = None,
    runs: Iterable[Any] | None = None,
    probabilities: Probabilities | None = None,
    classes: Sequence[Any] | None = None,
    over: str | None = None,
    name: str = "predictions",
    data: str | os.PathLike | None = None,
    probability_prefix: str | None = None,
    **columns: str | None,
) -> Evaluation:
    """Evaluate predictions: metrics, scores of each class, intervals over speakers, calibration, confusion matrix.

        print(mscnn.evaluate(truth, predictions, speakers=speakers))
        print(mscnn.evaluate("predictions.csv", speaker_column="speaker"))

    Args:
        truth: the class of each of n utterances; or a CSV or TSV file with a line of column names, a data frame (of
            pandas or polars), or the folder of an experiment (its test parts), which has everything else.
        predictions: predicted classes (n,), like ``truth`` names or indices of ``classes``; None: the most probable
            classes.
        utterances: utterance ids (n,); None: rows are numbered within each run.
        speakers, dialogues: speaker and dialogue of each utterance (n,); whole speakers (or dialogues) are resampled
            for the intervals.
        folds: fold in which each utterance was tested (n,); the mean over folds is then reported as well.
        runs: run of each row (n,), where several trainings (seeds) predict the same utterances; values are means over
            runs.
        probabilities: (n, K), columns in the order of ``classes``; or class -> column.
        classes: names of the classes, in order. None: those of the truth; predictions of other classes are wrong. A
            class named here that the truth never has makes UA and macro F1 undefined.
        over: clusters of the intervals: ``speaker``, ``dialogue`` or ``utterance``; None: the first that is known.
        name: name of the system in the output.
        data: data directory of an experiment; None: that of its ``config.yaml``.
        probability_prefix: prefix of the columns with probabilities in a file or data frame; None: ``p_`` and similar.
        columns: names of columns of a file or data frame: ``utterance_column``, ``truth_column``,
            ``prediction_column``, ``speaker_column``, ``dialogue_column``, ``fold_column``, ``run_column``; common
            names are recognised.

    Raises:
        UserError: a file or column is missing (``file-unreadable``, ``column-missing``, with the nearest name), two
            columns match (``column-ambiguous``), there is nothing to evaluate (``table-empty``,
            ``predictions-empty``), columns differ in length (``lengths-differ``), a value is missing
            (``value-missing``), there is only one class (``one-class``), no prediction is a class of the truth
            (``labels-differ``), a class is not among ``classes`` (``class-unknown``), an utterance is twice in a run
            (``utterance-twice``), runs differ in utterances (``runs-differ``) or truth (``truth-differs``),
            probabilities are invalid (``probability-value``) or do not sum to 1 (``probability-sum``).
    """
    given: dict[str, Any] = {
        "predictions": predictions, "utterances": utterances, "speakers": speakers, "dialogues": dialogues,
        "folds": folds, "runs": runs, "probabilities": probabilities,
    }  # fmt: skip
    if isinstance(truth, (str, os.PathLike)):
        if extra := [key for key, value in given.items() if value is not None]:
            raise UserError(
                f"{truth} is a file with its own columns; {', '.join(extra)} cannot be given as well",
                code="option-value",
            )
        return measure(_read(truth, data, probability_prefix, classes, columns), over)
    if is_table(truth):
        if extra := [key for key, value in {**given, "data": data}.items() if value is not None]:
            raise UserError(
                f"a data frame has its own columns: {', '.join(extra)} cannot be given", code="option-value"
            )
        return measure(system_of_frame(name, truth, columns_of(columns), probability_prefix, classes), over)
    if unused := [key for key, value in {**columns, "data": data}.items() if value is not None]:
        raise UserError(f"{', '.join(unused)}: for files and experiments only", code="option-value")
    return measure(system_of(truth, **given, classes=classes, name=name), over)


def compare(
    *systems: Any,
    truth: Iterable[Any] | None = None,
    over: str | None = None,
    data: str | os.PathLike | None = None,
    names: Sequence[str] | None = None,
    classes: Sequence[Any] | None = None,
    probability_prefix: str | None = None,
    **columns: Any,
) -> Comparison:
    """Compare every pair of systems on the same utterances: difference, interval, sign-flip test, McNemar.

        print(mscnn.compare("a.csv", "b.csv", speaker_column="speaker"))
        print(mscnn.compare(a, b, truth=truth, speakers=speakers))
        print(mscnn.compare("exp/glam_none_loso5", "exp/mscnn_spu_gt_loso5"))

    Whole speakers (or dialogues) are resampled, and swapped between two systems. p values are adjusted for the number
    of pairs (Holm).

    Args:
        systems: two or more, or one list of them; each is a file, a data frame or the folder of an experiment as for
            :func:`evaluate`, an :class:`Evaluation`, or the predicted classes of the utterances of ``truth``.
        truth: the classes, where systems are given as predictions.
        over: clusters: ``speaker``, ``dialogue`` or ``utterance``; None: the first that is known.
        data: data directory of experiments; None: that of the first one.
        names: names of the systems in the output.
        classes, probability_prefix: as for :func:`evaluate`.
        columns: for files ``speaker_column`` etc., for predictions ``speakers``, ``utterances``, ``runs`` etc., as for
            :func:`evaluate`.

    Raises:
        UserError: fewer than two systems (``systems-few``); systems differ in utterances (``utterances-differ``), truth
            (``truth-differs``) or classes (``classes-differ``), experiments in protocol (``protocols-differ``) or
            folds (``folds-differ``); a class has no utterances (``class-absent``); see also :func:`evaluate`.
    """
    single = len(systems) == 1 and (isinstance(systems[0], (str, os.PathLike)) or is_table(systems[0]))
    given = list(systems[0]) if len(systems) == 1 and not single else list(systems)
    if len(given) < 2:
        raise UserError("one system cannot be compared; give two or more", code="systems-few")
    if names is not None and len(names) != len(given):
        raise UserError(f"{len(names)} names for {len(given)} systems", code="lengths-differ")
    if all(isinstance(one, Experiment) or _is_experiment(one) for one in given):
        others = {"truth": truth, "names": names, "classes": classes, "probability_prefix": probability_prefix}
        if unused := [key for key, value in {**columns, **others}.items() if value is not None]:
            raise UserError(f"{', '.join(unused)}: cannot be given for experiments", code="option-value")
        exps = [one if isinstance(one, Experiment) else Experiment.load(one) for one in given]
        return compare_experiments(exps, data, over or "speaker")
    loaded = [
        _system(one, number, truth, data, probability_prefix, classes, columns) for number, one in enumerate(given, 1)
    ]
    loaded = loaded if names is None else [one.renamed(name) for one, name in zip(loaded, names, strict=True)]
    aligned = align(loaded)
    remarks = [f"{one.name}: {remark}" for one in aligned for remark in one.remarks]
    return compare_systems(aligned, clusters_over(aligned[0], over), remarks)


def _system(
    one: Any,
    number: int,
    truth: Iterable[Any] | None,
    data: str | os.PathLike | None,
    prefix: str | None,
    classes: Sequence[Any] | None,
    columns: Mapping[str, Any],
) -> System:
    """A system from an argument of :func:`compare`."""
    if isinstance(one, Evaluation):
        return one.system
    if isinstance(one, Experiment):
        return System.of_experiment(one)
    if isinstance(one, (str, os.PathLike)):
        return _read(one, data, prefix, classes, columns)
    if is_table(one):
        return system_of_frame(f"system {number}", one, columns_of(columns), prefix, classes)
    if truth is None:
        raise UserError("systems given as predictions need truth=", code="truth-missing")
    return system_of(truth, one, classes=classes, name=f"system {number}", **columns)


def _read(
    path: str | os.PathLike,
    data: str | os.PathLike | None,
    prefix: str | None,
    classes: Sequence[Any] | None,
    columns: Mapping[str, str | None],
) -> System:
    """A system from a file of predictions or from the folder of an experiment."""
    if _is_experiment(path):
        return load_experiment(path, data)
    if data is not None:
        raise UserError(f"{path} is not an experiment: data= is for experiments only", code="option-value")
    return read_prediction_table(path, columns_of(columns), prefix, classes)


def _is_experiment(path: Any) -> bool:
    return isinstance(path, (str, os.PathLike)) and Path(path).is_dir()
