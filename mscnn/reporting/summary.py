"""RESULTS.md of one experiment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from mscnn.evaluation.aggregate import fold_mean, undefined
from mscnn.evaluation.experiment import Experiment
from mscnn.reporting import measured
from mscnn.reporting.formats import settings, thousands, transcripts
from mscnn.reporting.marks import dagger_meaning, marks, sentences
from mscnn.reporting.table import Table
from mscnn.reporting.templates import render

if TYPE_CHECKING:
    from mscnn.reporting.results import Scored


def summary(
    exp: Experiment, scored: Mapping[str, Scored], statistics: Mapping, definitions: Sequence[str], *, curves: bool
) -> str:
    """Markdown of RESULTS.md: scores, classes, folds, intervals, groups, calibration, protocol, system, command."""
    matrices, differences = scored["test"].matrices, marks(exp.config, exp.path)
    return render(
        "results.md",
        exp=exp,
        config=exp.config,
        line=scored["test"].lines[0],
        scores=measured.scores({part: one.lines for part, one in scored.items()}),
        marks=sentences(differences),
        dagger=dagger_meaning(differences),
        remarks=[(part, text) for part in ("test", "dev") for text in scored[part].remarks],
        classes=measured.classes(statistics),
        folds=None if undefined(matrices, exp.classes) else measured.folds(fold_scores(exp, matrices)),
        statistics=statistics,
        differences=measured.differences(statistics),
        temperatures=[value for runs in statistics["calibration"]["temperatures"] or () for value in runs],
        intervals=measured.intervals(statistics),
        groups=measured.groups(statistics, most=measured.MAX_GROUPS),
        hidden=list(measured.hidden_groups(statistics, measured.MAX_GROUPS)),
        calibration=measured.calibration(statistics),
        abstention=measured.abstention(statistics),
        curves=curves,
        on_test="legacy_test_best" in exp.config["protocol"].get("legacy", []),
        disjoint=dict(disjointness(exp.config["protocol"])),
        legacy=[*exp.config["legacy"], *exp.config["protocol"].get("legacy", [])],
        system=_system(exp),
        definitions=definitions,
    )


def text_input(exp: Experiment) -> str:
    """The transcripts that an experiment takes, and those of the training if they differ."""
    tested, trained = transcripts(exp.config["text"]), transcripts(exp.trained_on)
    return tested if tested == trained else f"{tested}; the models were trained on {trained}"


def word_vectors(config: Mapping) -> str | None:
    """The word vectors of a network that takes text; None for other systems."""
    name = config.get("embeddings", "none")
    return {"none": None, "word2vec": "word2vec, trained on each training part"}.get(name, name)


def fold_scores(exp: Experiment, matrices) -> Iterator[tuple[int, Mapping]]:
    """Utterances and metrics of each fold of matrices (folds, runs, K, K); every fold must have all classes."""
    for fold in matrices:
        yield int(fold[0].sum()), fold_mean(fold[None], exp.classes).values


def disjointness(protocol: Mapping) -> Iterator[tuple[str, str]]:
    """Pairs of parts of a protocol, and what they do not share; without dev and test where these are the same part."""
    on_test = "legacy_test_best" in protocol.get("legacy", [])
    for pair, disjoint in protocol["disjoint"].items():
        if not (on_test and pair == "dev-test"):
            yield pair.replace("-", " and "), describe_disjoint(disjoint)


def describe_disjoint(disjoint: Sequence[str]) -> str:
    """What two parts do not share according to the protocol; they may share anything else."""
    if not disjoint:
        return "share no utterance; the protocol guarantees nothing else, see the audit"
    return f"share no {' and no '.join(disjoint)}"


def _system(exp: Experiment) -> Table:
    config = exp.config
    size = config.get("parameters")
    facts = {
        "model": config["model"],
        "parameters": f"{thousands(size)} without word embeddings" if size else None,
        "options": settings(config.get("model_options")),
        "training": settings(config.get("training")),
        "data": config["data"],
        "features": ", ".join(config.get("features", {}).values()),
        "text": text_input(exp),
        "word vectors": word_vectors(config),
        "x-vectors": config["xvector"],
        **config["environment"],
    }
    return Table.pairs(("property", "value"), facts)
