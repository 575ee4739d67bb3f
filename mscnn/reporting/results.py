"""Stage 6: score files, confusion matrices, figures and RESULTS.md of one experiment.

The files contain no dates: the same predictions give the same bytes.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

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
from mscnn.reporting.lines import SCORED, ScoreLine
from mscnn.reporting.summary import summary, text_input
from mscnn.reporting.table import Column, Table, column_each
from mscnn.stamp import seal

log = get_logger(__name__)
MIN_NAME_WIDTH = 8  # minimum width of the columns of confusion_test.txt


@dataclass(frozen=True)
class Scored:
    """Scores of one part (dev or test): score lines, confusion matrices (folds, runs, K, K), remarks."""

    part: str
    lines: list[ScoreLine]
    matrices: np.ndarray
    remarks: list[str]


def definitions() -> list[str]:
    """Definitions of the metrics and of the fields of score lines, one line per definition."""
    metrics = (metric.definition for metric in METRICS.values())
    return [
        "N: confusion matrix, rows truth, columns prediction; K classes; n utterances. All values in percent.",
        *metrics,
        "agg=fold-mean: metric of each fold, mean over folds, then mean over runs",
        "agg=pooled: metric of one N over all folds, mean over runs",
        "*_sd: sample standard deviation over the folds of a run, mean over runs",
        "*_run_sd: sample standard deviation over runs of the value of each run",
        "[ correct / total ]: over all folds, correct is the mean over runs, rounded",
        "95 % intervals: of pooled values; t with the jackknife's error, or expanded percentiles of bootstrap "
        "resamples",
        "ECE = sum_m n_m / n |accuracy_m - confidence_m|    bins m of the probability of the predicted class",
    ]


def write_report(exp: Experiment, data: str | os.PathLike | None = None) -> list[ScoreLine]:
    """Score an experiment and write its score files, figures and RESULTS.md; returns the score lines of test.

    Writes ``score_{dev,test}.txt`` (first line: all utterances, the protocol's aggregate), ``statistics.json``,
    ``confusion_test.{txt,csv}``, ``figures/{confusion_test,learning_curves}.png`` and ``RESULTS.md``.

    Args:
        exp: the experiment.
        data: data directory with speakers, dialogues and other groups; None: the one in ``config.yaml``.

    Raises:
        UserError: a class has no utterances in the test or dev part of a fold, or ``data`` lacks utterances.
    """
    exp.require_truth(exp.data if data is None else Path(data))
    attributes = read_attributes(exp, data)
    subsets = _subsets(exp, attributes)
    scored = {part: _score(exp, part, subsets) for part in PARTS}
    facts = statistics(exp, attributes).to_dict()
    with atomic(exp.path / "statistics.json") as out:
        out.write(json.dumps(facts, indent=1, allow_nan=False) + "\n")
    for part, scores in scored.items():
        remarks = [*scores.remarks, *(measured.remarks(facts) if part == "test" else ())]
        with atomic(exp.path / f"score_{part}.txt") as out:
            out.writelines(f"{line}\n" for line in scores.lines)
            out.writelines(f"# {text}\n" for text in [*remarks, *definitions()])
    _write_confusion(exp, scored["test"].matrices, facts["classes"])
    has_curves = _write_figures(exp, scored["test"].matrices)
    with atomic(exp.path / "RESULTS.md") as out:
        out.write(summary(exp, scored, facts, definitions(), curves=has_curves))
    written = [exp.path / name for name in (*(f"score_{part}.txt" for part in scored), "statistics.json")]
    seal(exp.path / SCORED, written)
    for remark in scored["test"].remarks:
        log.warning("%s: %s", exp.path, remark)
    return scored["test"].lines


def _subsets(exp: Experiment, attributes: Attributes) -> dict[str, set[str]]:
    """Improvised and scripted utterances; empty where the corpus does not have both kinds."""
    kinds = attributes.get("kind", {})
    utts = {utt for runs in exp.parts["test"] for utt in runs[0].utts}
    subsets = {name: {utt for utt, kind in kinds.items() if kind == name} for name in KINDS.values()}
    return {name: keep for name, keep in subsets.items() if 0 < len(keep & utts) < len(utts)}


def _score(exp: Experiment, part: str, subsets: Mapping[str, set[str]]) -> Scored:
    """Scores of one part, of all utterances and by subset, in the aggregates that the protocol allows."""
    folds, names = exp.parts[part], exp.classes
    matrices = confusions(folds, len(names))
    majority = (exp.config.get("model_options") or {}).get("kind") == "majority"
    aggregations = aggregates(exp.config["protocol"])
    remarks = [*_never_predicted(matrices, names)] if not majority else []
    lines = [ScoreLine.of(exp, part, "all", aggregate(matrices, names)) for aggregate in aggregations]
    chance = 100 / len(names)
    if majority and lines[0].aggregate == POOLED and lines[0].values["ua"] < chance - 0.01:
        remarks.append(
            f"majority: its class differs between folds, so the pooled UA is below {chance:.2f}, one class for all"
        )
    for subset, keep in subsets.items():
        kept = confusions(folds, len(names), keep)
        for aggregate in aggregations:
            reason = undefined(kept if aggregate is fold_mean else kept.sum(axis=0, keepdims=True), names)
            if reason:
                name = FOLD_MEAN if aggregate is fold_mean else POOLED
                remarks.append(f"subset={subset} agg={name}: UA and F1 are undefined; {reason}")
            else:
                lines.append(ScoreLine.of(exp, part, subset, aggregate(kept, names)))
    return Scored(part, lines, matrices, remarks)


def _never_predicted(matrices: np.ndarray, names: Sequence[str]) -> Iterator[str]:
    """Remarks on classes that the models of some folds never predict."""
    for k, name in enumerate(names):
        runs = [
            f"fold {f + 1} run {r + 1}" for f, r in np.ndindex(matrices.shape[:2]) if not matrices[f, r, :, k].any()
        ]
        if runs:
            more = f" and {len(runs) - 5} more" if len(runs) > 5 else ""
            yield f"class {name} is never predicted in {', '.join(runs[:5])}{more}"


def _write_figures(exp: Experiment, matrices: np.ndarray) -> bool:
    """Write the PNG figures; returns whether learning curves are among them."""
    confusion = figures.confusion(matrices.sum(axis=(0, 1)), exp.classes)
    figures.save(confusion, exp.path / "figures" / "confusion_test.png", title(exp))
    histories = [figures.read_history(p / "metrics.jsonl") for p in exp.run_dirs if (p / "metrics.jsonl").is_file()]
    if histories:
        figures.save(figures.curves(histories), exp.path / "figures" / "learning_curves.png", title(exp))
    return bool(histories)


def confusion_table(exp: Experiment, matrices: np.ndarray) -> Table:
    """Table of the counts of test matrices (folds, runs, K, K), one row per run and true class."""
    names = exp.classes
    columns: list[Column] = [Column("run", lambda row: row[0] + 1), Column("truth", lambda row: names[row[1]], True)]
    columns += column_each(range(len(names)), lambda k: names[k], lambda row, k: row[2][k])
    by_run = matrices.sum(axis=0)
    return Table.of(columns, [(run, truth, by_run[run, truth].tolist()) for run, truth in np.ndindex(by_run.shape[:2])])


def _write_confusion(exp: Experiment, matrices: np.ndarray, classes: Mapping[str, Mapping[str, float]]) -> None:
    """Write the test confusion matrix: as text, summed over runs, and as CSV with the counts of each run."""
    with atomic(exp.path / "confusion_test.csv") as out:
        out.write(confusion_table(exp, matrices).csv())
    width, total = max(MIN_NAME_WIDTH, *map(len, exp.classes)) + 2, matrices.sum(axis=(0, 1))
    note = f"sum over {matrices.shape[1]} run(s); rows truth, columns prediction; last three in percent"
    with atomic(exp.path / "confusion_test.txt") as out:
        out.write(f"# test, all folds, {note}\n")
        out.write("".join(cell.rjust(width) for cell in ["", *exp.classes, "recall", "prec.", "F1"]) + "\n")
        for name, counts in zip(exp.classes, total.tolist(), strict=True):
            cells = [*map(str, counts), *(f"{classes[name][key]:.2f}" for key in ("recall", "precision", "f1"))]
            out.write("".join([name.ljust(width), *(cell.rjust(width) for cell in cells)]) + "\n")


def title(exp: Experiment) -> str:
    """Title of a figure: model, text and protocol."""
    return f"{exp.config['model']}, {text_input(exp)}, {exp.protocol}"
