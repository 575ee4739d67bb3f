"""What ASR errors cost: systems with reference transcripts, with ASR transcripts and without text, side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mscnn.errors import UserError
from mscnn.evaluation.aggregate import Aggregate, aggregates, confusions
from mscnn.evaluation.compare import check_comparable
from mscnn.evaluation.experiment import Experiment
from mscnn.evaluation.groups import WER, GroupScores, count, describe, errors_file, read_errors, wer_bucket
from mscnn.evaluation.predictions import join_folds
from mscnn.evaluation.wer import Errors

TRUE, NONE = "gt", "none"  # reference transcripts, and no text


@dataclass(frozen=True)
class Condition:
    """An experiment: a system, the text of its training and of its test, and its scores, as the protocol aggregates.

    ``buckets`` has scores by ASR engine, then by WER of the utterance: of every
    engine for reference transcripts and for no text, and otherwise of those that the row reads. ``difference`` is UA
    less that of the system with reference transcripts in both places, in points; None where there is no such one.
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
    """Rows of one protocol, those of a family together; and the word errors of every ASR engine by utterance."""

    rows: list[Condition]
    errors: Mapping[str, Mapping[str, Errors]]

    def total(self, engine: str) -> Errors:
        """Word errors of an engine over the tested utterances."""
        return sum(self.errors[engine].values(), Errors())

    def bucket_total(self, engine: str, bucket: str) -> Errors:
        """Word errors of an engine over the utterances of a bucket."""
        return sum((e for e in self.errors[engine].values() if wer_bucket(e) == bucket), Errors())


def robustness(exps: Sequence[Experiment]) -> Robustness:
    """Put experiments with reference transcripts, with ASR transcripts and without text side by side.

    Raises:
        UserError: they differ in protocol, folds, utterances or classes; two are the same system under the same
            condition; none reads ASR transcripts; or stage 4 left no word errors of an engine.
    """
    for other in exps[1:]:
        try:
            check_comparable(exps[0], other)
        except UserError as error:
            hint = "name the experiments of one protocol and its folds, a table each"
            raise UserError(f"{error}; {hint}", code=error.code) from None
    conditions = {exp.path: (_system(exp), exp.trained_on, exp.config["text"]) for exp in exps}
    _require_different(conditions)
    texts = [text for _, *read in conditions.values() for text in read]
    engines = list(dict.fromkeys(text for text in texts if text not in (TRUE, NONE)))
    if not engines:
        raise UserError(
            "no experiment with ASR transcripts: train with --text ENGINE, or predict with it", code="no-asr-experiment"
        )
    errors = {engine: _errors(exps[0], engine) for engine in engines}
    headline = aggregates(exps[0].config["protocol"])[0]
    scores = {exp.path: headline(confusions(exp.parts["test"], len(exp.classes)), exp.classes) for exp in exps}
    true = {system: scores[path] for path, (system, *read) in conditions.items() if read == [TRUE, TRUE]}
    rows = [
        Condition(
            exp, system, trained, tested, scores[exp.path],
            buckets=_buckets(exp, errors, {trained, tested} - {TRUE, NONE}),
            difference=_difference(scores[exp.path], true.get(system)),
        )
        for exp, (system, trained, tested) in zip(exps, conditions.values(), strict=True)
    ]  # fmt: skip
    return Robustness(sorted(rows, key=_order(rows, [TRUE, *engines, NONE])), errors)


def _system(exp: Experiment) -> str:
    """Name of a system, with all that sets it apart from others of its configuration."""
    config = exp.config
    parts = [config["model"], *config.get("changed", [])]
    parts += [f"x-vector {config.get('xvector_model', 'given')}"] if config["xvector"] != "none" else []
    return ", ".join([*parts, *config["legacy"]])


def _require_different(conditions: Mapping[Path, tuple[str, str, str]]) -> None:
    seen: dict[tuple[str, str, str], Path] = {}
    for path, condition in conditions.items():
        if condition in seen:
            raise UserError(
                f"{seen[condition]} and {path}: the same system and texts twice; leave one out", code="system-twice"
            )
        seen[condition] = path


def _errors(exp: Experiment, engine: str) -> dict[str, Errors]:
    """Word errors of the tested utterances."""
    errors = read_errors(exp, exp.data, engine)
    if not errors:
        raise UserError(
            f"{errors_file(exp, exp.data, engine)}: not there; word errors are counted by stage 4 (transcripts): "
            f"./run.sh --stage 4 --stop-stage 4 --asr-engine {engine}",
            code="word-errors-missing",
        )
    return {utt: errors[utt] for runs in exp.parts["test"] for utt in runs[0].utts}


def _buckets(
    exp: Experiment, errors: Mapping[str, Mapping[str, Errors]], read: set[str]
) -> dict[str, dict[str, GroupScores]]:
    """Scores by engine and bucket, of the engines that are ``read``, or of all where none is."""
    runs, buckets = join_folds(exp.parts["test"]), {}
    for engine in (name for name in errors if not read or name in read):
        names, counts = count(runs, {u: wer_bucket(e) for u, e in errors[engine].items()}, len(exp.classes))
        scores = {name: describe(counts[:, i], exp.classes) for i, name in enumerate(names)}
        buckets[engine] = {name: scores[name] for name in WER.values() if name in scores}
    return buckets


def _difference(scores: Aggregate, true: Aggregate | None) -> float | None:
    return None if true is None else scores.values["ua"].mean - true.values["ua"].mean


def _order(rows: Sequence[Condition], texts: Sequence[str]) -> Callable[[Condition], tuple]:
    """Key: families as they come, in them systems that read text before others, reference before ASR transcripts."""
    families = list(dict.fromkeys(row.exp.config["family"] for row in rows))
    systems = list(dict.fromkeys(row.system for row in rows))

    def key(row: Condition) -> tuple:
        read = [texts.index(row.trained_on), texts.index(row.tested_on)]
        family = families.index(row.exp.config["family"])
        return family, row.tested_on == NONE, systems.index(row.system), max(read), read

    return key
