"""Stage 6: score files, confusion matrices, figures and RESULTS.md of one experiment.

Nothing here has a date in it: the same predictions give the same bytes.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from mscnn.data.datadir import KINDS
from mscnn.evaluation.aggregate import FOLD_MEAN, POOLED, Aggregate, aggregates, confusions, fold_mean, undefined
from mscnn.evaluation.experiment import PARTS, Experiment
from mscnn.evaluation.experiment_statistics import statistics
from mscnn.evaluation.groups import Attributes, read_attributes
from mscnn.evaluation.metrics import METRICS, f1s, precisions, recalls
from mscnn.files import atomic
from mscnn.log import get_logger
from mscnn.reporting import figures, markdown, sections
from mscnn.reporting.lines import LEADING, ScoreLine
from mscnn.reporting.tabular import csv_text

log = get_logger(__name__)

FORMULAS = "\n".join(metric.definition for metric in METRICS.values())
DEFINITIONS = f"""\
N: confusion matrix, rows truth, columns prediction; K classes; n utterances. All values in percent.
{FORMULAS}
agg=fold-mean: metric of each fold, mean over folds, then mean over runs
agg=pooled: metric of one N over all folds, mean over runs
*_sd: sample standard deviation over the folds of a run, mean over runs
*_run_sd: sample standard deviation over runs of the value a run has
[ correct / total ]: over all folds, correct is the mean over runs, rounded
95 % intervals: of pooled values; t with the jackknife's error, or expanded percentiles of bootstrap resamples
ECE = sum_m n_m / n |accuracy_m - confidence_m|    bins m of the probability of the predicted class"""


@dataclass(frozen=True)
class Scored:
    """Everything measured on one part (dev or test): lines to print, matrices (folds, runs, K, K), remarks."""

    part: str
    lines: list[ScoreLine]
    matrices: np.ndarray
    remarks: list[str]


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
    measured = statistics(exp, attributes).to_dict()
    with atomic(exp.path / "statistics.json") as out:
        out.write(json.dumps(measured, indent=1, allow_nan=False) + "\n")
    for part, found in scored.items():
        more = sections.remarks(measured) if part == "test" else ()
        with atomic(exp.path / f"score_{part}.txt") as out:
            out.writelines(f"{line}\n" for line in found.lines)
            out.writelines(f"# {text}\n" for text in [*found.remarks, *more, *DEFINITIONS.splitlines()])
    total = scored["test"].matrices.sum(axis=(0, 1))
    _write_confusion(exp, scored["test"].matrices)
    figures.save(figures.confusion(total, exp.classes), exp.path / "figures" / "confusion_test.png", title(exp))
    histories = [figures.read_history(p / "metrics.jsonl") for p in exp.run_dirs if (p / "metrics.jsonl").is_file()]
    if histories:
        figures.save(figures.curves(histories), exp.path / "figures" / "learning_curves.png", title(exp))
    with atomic(exp.path / "RESULTS.md") as out:
        out.write(markdown.results(exp, scored, DEFINITIONS, sections.sections(measured), curves=bool(histories)))
    for remark in scored["test"].remarks:
        log.warning("%s: %s", exp.path, remark)
    return scored["test"].lines


def _subsets(exp: Experiment, attributes: Attributes) -> dict[str, set[str]]:
    """Improvised and scripted utterances; empty where the corpus makes no difference, or has one kind only."""
    kinds = attributes.get("kind", {})
    utts = {utt for runs in exp.parts["test"] for utt in runs[0].utts}
    found = {name: {utt for utt, kind in kinds.items() if kind == name} for name in KINDS.values()}
    return {name: keep for name, keep in found.items() if 0 < len(keep & utts) < len(utts)}


def _score(exp: Experiment, part: str, subsets: Mapping[str, set[str]]) -> Scored:
    """Scores of one part, all and by subset, aggregated as the protocol lets be; those of all must exist."""
    folds, names = exp.parts[part], exp.classes
    matrices = confusions(folds, len(names))
    remarks, ways = [*_never_predicted(matrices, names)], aggregates(exp.config["protocol"])
    lines = [_line(exp, part, "all", how(matrices, names)) for how in ways]
    for subset, keep in subsets.items():
        some = confusions(folds, len(names), keep)
        for how in ways:
            fault = undefined(some if how is fold_mean else some.sum(axis=0, keepdims=True), names)
            if fault:
                name = FOLD_MEAN if how is fold_mean else POOLED
                remarks.append(f"subset={subset} agg={name}: UA and F1 do not exist; {fault}")
            else:
                lines.append(_line(exp, part, subset, how(some, names)))
    return Scored(part, lines, matrices, remarks)


def _never_predicted(matrices: np.ndarray, names: tuple[str, ...]) -> Iterator[str]:
    """Say which classes the trainings of some folds never predict."""
    for k, name in enumerate(names):
        where = [
            f"fold {f + 1} run {r + 1}" for f, r in np.ndindex(matrices.shape[:2]) if not matrices[f, r, :, k].any()
        ]
        if where:
            more = f" and {len(where) - 5} more" if len(where) > 5 else ""
            yield f"class {name} is never predicted in {', '.join(where[:5])}{more}"


def _line(exp: Experiment, part: str, subset: str, scores: Aggregate) -> ScoreLine:
    config = exp.config
    fields = {
        "protocol": f"{config['protocol']['name']}@{config['protocol']['hash']}",
        "text": config["text"],
        **({} if exp.trained_on == config["text"] else {"trained_on": exp.trained_on}),
        "folds": config["folds"],
        "runs": config["runs"],
        "model": config["model"],
        "xvector": "none" if config["xvector"] == "none" else config.get("xvector_model", "given"),
        "data": os.path.basename(config["data"]),
        "set": part,
        "subset": subset,
        "agg": scores.name,
    }
    means = {key: value.mean for key, value in scores.values.items()}
    fields |= {key: f"{mean:.2f}" for key, mean in means.items() if key not in LEADING}
    fields |= {f"{key}_sd": f"{v.sd:.2f}" for key, v in scores.values.items() if v.sd is not None}
    fields |= {f"{key}_run_sd": f"{v.run_sd:.2f}" for key, v in scores.values.items() if v.run_sd is not None}
    if config.get("changed"):
        fields["changed"] = ",".join(setting.replace(" ", "") for setting in config["changed"])
    if config.get("partial"):
        fields["partial"] = config["partial"]
    legacy = [*config["legacy"], *config["protocol"].get("legacy", [])]
    if legacy:
        fields["legacy"] = ",".join(legacy)
    fields = {key: str(value) for key, value in fields.items()}
    return ScoreLine({key: means[key] for key in LEADING}, scores.correct, scores.total, str(exp.path), fields)


def _write_confusion(exp: Experiment, matrices: np.ndarray) -> None:
    """Write the test confusion: a table to read (sum over runs) and every run's counts as CSV."""
    names, by_run = exp.classes, matrices.sum(axis=0)
    total = by_run.sum(axis=0)
    cells = ((run + 1, names[truth], *by_run[run, truth]) for run, truth in np.ndindex(by_run.shape[:2]))
    with atomic(exp.path / "confusion_test.csv") as out:
        out.write(csv_text(["run", "truth", *names], cells))
    width = max(8, *(len(name) for name in names)) + 2
    heads = [*names, "recall", "prec.", "F1"]
    values = 100 * np.stack([recalls(total, names), precisions(total), f1s(total, names)], axis=1)
    with atomic(exp.path / "confusion_test.txt") as out:
        out.write(
            f"# test, all folds, sum over {len(by_run)} run(s); rows truth, columns prediction; last three in percent\n"
        )
        out.write("".join([" " * width, *(head.rjust(width) for head in heads)]) + "\n")
        for k, name in enumerate(names):
            cells = [*(str(n) for n in total[k]), *(f"{value:.2f}" for value in values[k])]
            out.write("".join([name.ljust(width), *(cell.rjust(width) for cell in cells)]) + "\n")


def title(exp: Experiment) -> str:
    """What a figure on its own must say: model, text and protocol."""
    protocol = exp.config["protocol"]
    return f"{exp.config['model']}, text {exp.words}, {protocol['name']}@{protocol['hash']}"
