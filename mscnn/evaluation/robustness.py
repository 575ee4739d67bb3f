"""Robustness to ASR errors: systems with reference transcripts, with ASR transcripts and without text."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mscnn.errors import UserError
from mscnn.evaluation.aggregate import Aggregate, aggregates, confusions
from mscnn.evaluation.compare import check_comparable
from mscnn.evaluation.experiment import Experiment
from mscnn.evaluation.groups import WER_BUCKETS, GroupScores, count, describe, errors_file, read_errors, wer_bucket
from mscnn.evaluation.predictions import join_folds
from mscnn.evaluation.wer import Errors

REFERENCE, NO_TEXT = "gt", "none"  # values of --text


@dataclass(frozen=True)
class Condition:
    """An experiment: its system, the text in training and in test, and its scores by the protocol's aggregate.

    ``buckets``: ASR engine -> WER of the utterance -> scores, of all engines for reference transcripts and for no text,
    otherwise of the engines in training and test. ``difference``: UA minus that of the same system with reference
    transcripts in training and test, in points; None where there is no such experiment.
    """

    exp: Experiment
    system: str
    trained_on: str
    tested_on: str
    scores: Aggregate
    buckets: Mapping[str, Mapping[str, GroupScores]]
    difference: float | None


@dataclass(frozen=True)
class Robustness:
    """Rows of one protocol, grouped by family, and the word errors of every ASR engine by utterance."""

    rows: list[Condition]
    errors: Mapping[str, Mapping[str, Errors]]

    def total(self, engine: str) -> Errors:
        """Word errors of an engine over the tested utterances."""
        return sum(self.errors[engine].values(), Errors())

    def bucket_total(self, engine: str, bucket: str) -> Errors:
        """Word errors of an engine over the utterances of a bucket."""
        return sum((e for e in self.errors[engine].values() if wer_bucket(e) == bucket), Errors())


def robustness(exps: Sequence[Experiment]) -> Robustness:
    """Comparison of experiments with reference transcripts, with ASR transcripts and without text.

    Raises:
        UserError: they differ in protocol, folds, utterances or classes; two have the same system and texts; none
            takes ASR transcripts; or there are no word errors of an engine (stage 4).
    """
    for other in exps[1:]:
        try:
            check_comparable(exps[0], other)
        except UserError as error:
            hint = "give the experiments of one protocol and its folds per table"
            raise UserError(f"{error}; {hint}", code=error.code) from None
    conditions = {exp.path: (_system(exp), exp.trained_on, exp.config["text"]) for exp in exps}
    _require_different(conditions)
    texts = [text for _, *read in conditions.values() for text in read]
    engines = list(dict.fromkeys(text for text in texts if text not in (REFERENCE, NO_TEXT)))
    if not engines:
        raise UserError(
            "no experiment with ASR transcripts: train with --text ENGINE, or predict with it", code="no-asr-experiment"
        )
    errors = {engine: _errors(exps[0], engine) for engine in engines}
    headline = aggregates(exps[0].config["protocol"])[0]
    scores = {exp.path: headline(confusions(exp.parts["test"], len(exp.classes)), exp.classes) for exp in exps}
    reference = {system: scores[path] for path, (system, *read) in conditions.items() if read == [REFERENCE, REFERENCE]}
    rows = [
        Condition(
            exp, system, trained, tested, scores[exp.path],
            buckets=_buckets(exp, errors, {trained, tested} - {REFERENCE, NO_TEXT}),
            difference=_difference(scores[exp.path], reference.get(system)),
        )
        for exp, (system, trained, tested) in zip(exps, conditions.values(), strict=True)
    ]  # fmt: skip
    return Robustness(sorted(rows, key=_order(rows, [REFERENCE, *engines, NO_TEXT])), errors)


def _system(exp: Experiment) -> str:
    """Name of a system: its configuration, and what was changed in it."""
    config = exp.config
    parts = [config["model"], *config.get("changed", [])]
    vectors = config.get("embeddings", "none")
    parts += [f"word vectors {vectors}"] if vectors not in ("none", "word2vec") else []
    parts += [f"x-vector {config.get('xvector_model', 'given')}"] if config["xvector"] != "none" else []
    return ", ".join([*parts, *config["legacy"]])


def _require_different(conditions: Mapping[Path, tuple[str, str, str]]) -> None:
    seen: dict[tuple[str, str, str], Path] = {}
    for path, condition in conditions.items():
        if condition in seen:
            raise UserError(
                f"{seen[condition]} and {path}: the same system and texts; remove one of them", code="system-twice"
            )
        seen[condition] = path


def _errors(exp: Experiment, engine: str) -> dict[str, Errors]:
    """Word errors of the tested utterances."""
    errors = read_errors(exp, exp.data, engine)
    if not errors:
        raise UserError(
            f"{errors_file(exp, exp.data, engine)}: no such file; stage 4 (transcripts) counts word errors: "
            f"./run.sh --stage 4 --stop-stage 4 --asr-engine {engine}",
            code="word-errors-missing",
        )
    return {utt: errors[utt] for runs in exp.parts["test"] for utt in runs[0].utts}


def _buckets(
    exp: Experiment, errors: Mapping[str, Mapping[str, Errors]], read: set[str]
) -> dict[str, dict[str, GroupScores]]:
    """Engine -> bucket -> scores, of the engines ``read``, or of all where this is empty."""
    runs, buckets = join_folds(exp.parts["test"]), {}
    for engine in (name for name in errors if not read or name in read):
        names, counts = count(runs, {u: wer_bucket(e) for u, e in errors[engine].items()}, len(exp.classes))
        scores = {name: describe(counts[:, i], exp.classes) for i, name in enumerate(names)}
        buckets[engine] = {name: scores[name] for name in WER_BUCKETS.values() if name in scores}
    return buckets


def _difference(scores: Aggregate, reference: Aggregate | None) -> float | None:
    return None if reference is None else scores.values["ua"].mean - reference.values["ua"].mean


def _order(rows: Sequence[Condition], texts: Sequence[str]) -> Callable[[Condition], tuple]:
    """Sort key: by family, then systems with text before those without, then reference before ASR transcripts."""
    families = list(dict.fromkeys(row.exp.config["family"] for row in rows))
    systems = list(dict.fromkeys(row.system for row in rows))

    def key(row: Condition) -> tuple:
        read = [texts.index(row.trained_on), texts.index(row.tested_on)]
        family = families.index(row.exp.config["family"])
        return family, row.tested_on == NO_TEXT, systems.index(row.system), max(read), read

    return key
