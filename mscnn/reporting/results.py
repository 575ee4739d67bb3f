"""Stage 6: score files, confusion matrices, figures and RESULTS.md of one experiment.

Nothing here has a date in it: the same predictions give the same bytes.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mscnn.data.datadir import KINDS
from mscnn.evaluation.aggregate import FOLD_MEAN, POOLED, aggregates, confusions, fold_mean, undefined
from mscnn.evaluation.experiment import PARTS, Experiment
from mscnn.evaluation.experiment_statistics import statistics
from mscnn.evaluation.groups import Attributes, read_attributes
from mscnn.evaluation.metrics import METRICS
from mscnn.files import atomic
from mscnn.log import get_logger
from mscnn.reporting import figures, measured
from mscnn.reporting.lines import ScoreLine
from mscnn.reporting.summary import summary
from mscnn.reporting.table import Column, Table, column_each

log = get_logger(__name__)
NAME_WIDTH = 8  # of a column of confusion_test.txt, where no class has a longer name


@dataclass(frozen=True)
class Scored:
    """Everything measured on one part (dev or test): lines to print, matrices (folds, runs, K, K), remarks."""

    part: str
    lines: list[ScoreLine]
    matrices: np.ndarray
    remarks: list[str]


def definitions() -> list[str]:
    """What the metrics and the fields of score lines mean, line by line."""
    metrics = (metric.definition for metric in METRICS.values())
    return [
        "N: confusion matrix, rows truth, columns prediction; K classes; n utterances. All values in percent.",
        *metrics,
        "agg=fold-mean: metric of each fold, mean over folds, then mean over runs",
        "agg=pooled: metric of one N over all folds, mean over runs",
        "*_sd: sample standard deviation over the folds of a run, mean over runs",
        "*_run_sd: sample standard deviation over runs of the value a run has",
        "[ correct / total ]: over all folds, correct is the mean over runs, rounded",
        "95 % intervals: of pooled values; t with the jackknife's error, or expanded percentiles of bootstrap "
        "resamples",
        "ECE = sum_m n_m / n |accuracy_m - confidence_m|    bins m of the probability of the predicted class",
    ]


def write_report(exp: Experiment, data: str | os.PathLike | None = None) -> list[ScoreLine]:
    """Score an experiment and write everything it is told by; returns the lines of the test parts.

    Writes ``score_{dev,test}.txt`` (first line: all utterances, the protocol's aggregate), ``statistics.json``,
    ``confusion_test.{txt,csv}``, ``figures/{confusion_test,learning_curves}.png`` and ``RESULTS.md``.

    Args:
        exp: the experiment.
        data: data directory that tells speakers, dialogues and other groups apart; None: the one in ``config.yaml``.

    Raises:
        UserError: a class has no utterance in the test or dev part of a fold, or ``data`` is another set.
    """
    attributes = read_attributes(exp, data)
    subsets = _subsets(exp, attributes)
    scored = {part: _score(exp, part, subsets) for part in PARTS}
    facts = statistics(exp, attributes).to_dict()
    with atomic(exp.path / "statistics.json") as out:
        out.write(json.dumps(facts, indent=1, allow_nan=False) + "\n")
    for part, one in scored.items():
        more = measured.remarks(facts) if part == "test" else ()
        with atomic(exp.path / f"score_{part}.txt") as out:
            out.writelines(f"{line}\n" for line in one.lines)
            out.writelines(f"# {text}\n" for text in [*one.remarks, *more, *definitions()])
    _write_confusion(exp, scored["test"].matrices, facts["classes"])
    has_curves = _write_figures(exp, scored["test"].matrices)
    with atomic(exp.path / "RESULTS.md") as out:
        out.write(summary(exp, scored, facts, definitions(), curves=has_curves))
    for remark in scored["test"].remarks:
        log.warning("%s: %s", exp.path, remark)
    return scored["test"].lines


def _subsets(exp: Experiment, attributes: Attributes) -> dict[str, set[str]]:
    """Improvised and scripted utterances; empty where the corpus makes no difference, or has one kind only."""
    kinds = attributes.get("kind", {})
    utts = {utt for runs in exp.parts["test"] for utt in runs[0].utts}
    subsets = {name: {utt for utt, kind in kinds.items() if kind == name} for name in KINDS.values()}
    return {name: keep for name, keep in subsets.items() if 0 < len(keep & utts) < len(utts)}


def _score(exp: Experiment, part: str, subsets: Mapping[str, set[str]]) -> Scored:
    """Scores of one part, all and by subset, aggregated as the protocol lets be; those of all must exist."""
    folds, names = exp.parts[part], exp.classes
    matrices = confusions(folds, len(names))
    remarks, ways = [*_never_predicted(matrices, names)], aggregates(exp.config["protocol"])
    lines = [ScoreLine.of(exp, part, "all", how(matrices, names)) for how in ways]
    for subset, keep in subsets.items():
        some = confusions(folds, len(names), keep)
        for how in ways:
            lacking = undefined(some if how is fold_mean else some.sum(axis=0, keepdims=True), names)
            if lacking:
                name = FOLD_MEAN if how is fold_mean else POOLED
                remarks.append(f"subset={subset} agg={name}: UA and F1 do not exist; {lacking}")
            else:
                lines.append(ScoreLine.of(exp, part, subset, how(some, names)))
    return Scored(part, lines, matrices, remarks)


def _never_predicted(matrices: np.ndarray, names: Sequence[str]) -> Iterator[str]:
    """Say which classes the trainings of some folds never predict."""
    for k, name in enumerate(names):
        where = [
            f"fold {f + 1} run {r + 1}" for f, r in np.ndindex(matrices.shape[:2]) if not matrices[f, r, :, k].any()
        ]
        if where:
            more = f" and {len(where) - 5} more" if len(where) > 5 else ""
            yield f"class {name} is never predicted in {', '.join(where[:5])}{more}"


def _write_figures(exp: Experiment, matrices: np.ndarray) -> bool:
    """Write the PNGs; returns whether there are learning curves among them."""
    confusion = figures.confusion(matrices.sum(axis=(0, 1)), exp.classes)
    figures.save(confusion, exp.path / "figures" / "confusion_test.png", title(exp))
    histories = [figures.read_history(p / "metrics.jsonl") for p in exp.run_dirs if (p / "metrics.jsonl").is_file()]
    if histories:
        figures.save(figures.curves(histories), exp.path / "figures" / "learning_curves.png", title(exp))
    return bool(histories)


def confusion_table(exp: Experiment, matrices: np.ndarray) -> Table:
    """Test counts of matrices (folds, runs, K, K), a row a run and a true class."""
    names = exp.classes
    columns: list[Column] = [Column("run", lambda row: row[0] + 1), Column("truth", lambda row: names[row[1]], True)]
    columns += column_each(range(len(names)), lambda k: names[k], lambda row, k: row[2][k])
    by_run = matrices.sum(axis=0)
    return Table.of(columns, [(run, truth, by_run[run, truth].tolist()) for run, truth in np.ndindex(by_run.shape[:2])])


def _write_confusion(exp: Experiment, matrices: np.ndarray, classes: Mapping[str, Mapping[str, float]]) -> None:
    """Write the test confusion: a table to read (sum over runs) and every run's counts as CSV."""
    with atomic(exp.path / "confusion_test.csv") as out:
        out.write(confusion_table(exp, matrices).csv())
    width, total = max(NAME_WIDTH, *map(len, exp.classes)) + 2, matrices.sum(axis=(0, 1))
    note = f"sum over {matrices.shape[1]} run(s); rows truth, columns prediction; last three in percent"
    with atomic(exp.path / "confusion_test.txt") as out:
        out.write(f"# test, all folds, {note}\n")
        out.write("".join(cell.rjust(width) for cell in ["", *exp.classes, "recall", "prec.", "F1"]) + "\n")
        for name, counts in zip(exp.classes, total.tolist(), strict=True):
            cells = [*map(str, counts), *(f"{classes[name][key]:.2f}" for key in ("recall", "precision", "f1"))]
            out.write("".join([name.ljust(width), *(cell.rjust(width) for cell in cells)]) + "\n")


def title(exp: Experiment) -> str:
    """What a figure on its own must say: model, text and protocol."""
    return f"{exp.config['model']}, text {exp.transcripts}, {exp.protocol}"
