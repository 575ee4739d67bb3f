"""RESULTS.md of one experiment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from mscnn.evaluation.aggregate import undefined
from mscnn.evaluation.experiment import Experiment
from mscnn.evaluation.metrics import METRICS, f1s, precisions, recalls
from mscnn.reporting.tabular import table, with_sd

if TYPE_CHECKING:
    from mscnn.reporting.results import Scored


def results(
    exp: Experiment, scored: Mapping[str, Scored], definitions: str, more: Mapping[str, list[str]], *, curves: bool
) -> str:
    """Text of RESULTS.md: scores, classes, folds, ``more`` sections, protocol, definitions, environment, command."""
    sections = {
        "Scores": _scores(scored),
        "Classes": _classes(exp, scored["test"].matrices),
        "Folds": _folds(exp, scored["test"].matrices),
        **more,
        "Learning curves": ["![loss and dev UA over epochs](figures/learning_curves.png)"] if curves else [],
        "Protocol": _protocol(exp),
        "Definitions": ["```", *definitions.splitlines(), "```"],
        "System": _system(exp),
        "Command": ["```", exp.config["command"], "```"],
    }
    lines = [f"# {exp.path.name}", "", f"`{scored['test'].lines[0]}`", ""]
    for title, body in sections.items():
        lines += [f"## {title}", "", *body, ""] if body else []
    return "\n".join(lines)


def _scores(scored: Mapping[str, Scored]) -> list[str]:
    rows = [
        (
            part,
            line.fields["subset"],
            line.fields["agg"].replace("-", " "),
            *(with_sd(value, line.fields.get(f"{key}_sd")) for key, value in line.values.items()),
            with_sd(line.fields["wf1"], line.fields.get("wf1_sd")),
            *([line.fields["ua_run_sd"]] if "ua_run_sd" in line.fields else []),
            f"{line.correct} / {line.total}",
        )
        for part in ("test", "dev")
        for line in scored[part].lines
    ]
    runs = ["UA sd over runs"] if len(rows[0]) == 9 else []
    remarks = [f"* {part}: {text}" for part in ("test", "dev") for text in scored[part].remarks]
    labels = [metric.label for metric in METRICS.values()]
    head = ["part", "utterances", "aggregation", *labels, *runs, "correct / total"]
    return [*table(head, rows, left=3), *(["", *remarks] if remarks else []), "", "± is the sample sd over folds."]


def _classes(exp: Experiment, matrices: np.ndarray) -> list[str]:
    total = matrices.sum(axis=(0, 1))
    columns = zip(recalls(total, exp.classes), precisions(total), f1s(total, exp.classes), strict=True)
    rows = [
        (name, count // matrices.shape[1], *(f"{100 * value:.2f}" for value in values))
        for name, count, values in zip(exp.classes, total.sum(axis=1), columns, strict=True)
    ]
    return [
        *table(["class", "utterances", "recall", "precision", "F1"], rows),
        "",
        f"Test, all folds, predictions of {matrices.shape[1]} run(s) together.",
        "",
        "![confusion matrix](figures/confusion_test.png)",
    ]


def _folds(exp: Experiment, matrices: np.ndarray) -> list[str]:
    """Scores of each fold; nothing where a fold lacks a class."""
    if undefined(matrices, exp.classes):
        return []
    rows = []
    for fold, runs in enumerate(matrices, 1):
        scores = 100 * np.array([[metric(matrix) for matrix in runs] for metric in METRICS.values()])
        spread = scores.std(axis=1, ddof=1) if len(runs) > 1 else [None] * len(scores)
        cells = map(with_sd, scores.mean(axis=1), spread)
        rows.append((f"fold{fold:02d}", runs[0].sum(), *cells))
    note = ["", "± is the sample sd over runs."] if exp.config["runs"] > 1 else []
    return [*table(["fold", "utterances", *(metric.label for metric in METRICS.values())], rows), *note]


def _protocol(exp: Experiment) -> list[str]:
    protocol = exp.config["protocol"]
    on_test = "legacy_test_best" in protocol.get("legacy", [])
    lines = [
        f"{protocol['name']}, version {protocol['version']}; this cut of the data has hash {protocol['hash']}, the "
        "utterances of every part are listed in `folds/`. "
        f"Models are selected on {protocol['selection']}; "
        + ("dev is the test part." if on_test else "the test part is predicted once, by the selected model."),
        "",
    ]
    for pair, what in protocol["disjoint"].items():
        a, b = pair.split("-")
        if on_test and pair == "dev-test":
            continue
        lines.append(f"* {a} and {b} {apart(what)}")
    legacy = [*exp.config["legacy"], *protocol.get("legacy", [])]
    return [*lines, *([f"* legacy behaviour, not to be compared: {', '.join(legacy)}"] if legacy else [])]


def apart(kept: Sequence[str]) -> str:
    """What a protocol promises of two parts, in words; what it does not promise depends on the corpus."""
    return f"share no {' and no '.join(kept)}" if kept else "share no utterance, more is not promised; see the audit"


def _system(exp: Experiment) -> list[str]:
    config = exp.config
    options = ", ".join(f"{key} {value}" for key, value in config.get("model_options", {}).items())
    training = ", ".join(f"{key} {value}" for key, value in config.get("training", {}).items())
    facts = {
        "model": config["model"],
        "parameters": f"{config['parameters']:,} without word embeddings" if config.get("parameters") else None,
        "options": options,
        "training": training,
        "data": config["data"],
        "features": ", ".join(config.get("features", {}).values()),
        "text": exp.words,
        "x-vectors": config["xvector"],
        **config["environment"],
    }
    return list(table(["", ""], [(key, value) for key, value in facts.items() if value], left=2))
