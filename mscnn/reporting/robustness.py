"""What a recogniser's errors cost: systems with true words, with recognised ones and without words, in one table."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mscnn.errors import UserError
from mscnn.evaluation.aggregate import MEANING, POOLED, Aggregate, aggregates, confusions
from mscnn.evaluation.compare import check_comparable
from mscnn.evaluation.experiment import Experiment
from mscnn.evaluation.groups import WER, GroupScores, count, describe, errors_file, read_errors, wer_bucket
from mscnn.evaluation.predictions import join_folds
from mscnn.evaluation.wer import Errors
from mscnn.reporting.page.html import element, items
from mscnn.reporting.page.html import table as page_table
from mscnn.reporting.page.page import Section, render
from mscnn.reporting.tabular import csv_text, latex_table, table, with_sd, write_forms

TRUE, NONE, NOTHING = "gt", "none", "–"
LEFT = 3  # columns of a table that are left aligned
COLUMNS = (
    "protocol", "experiment", "system", "trained_on", "tested_on", "runs", "engine", "wer_bucket", "utterances", "wer",
    "aggregate", "ua", "ua_sd", "wa", "wa_sd", "ua_difference", "absent",
)  # fmt: skip


@dataclass(frozen=True)
class Condition:
    """An experiment: a system, the words of its training and of its test, and its scores, as the protocol aggregates.

    ``buckets`` has scores (``describe`` of evaluation.groups) by recogniser, then by WER of the utterance: of every
    recogniser for true words and for no words, and otherwise of those that the row reads. ``difference`` is UA less
    that of the system with true words in both places, in points; None where there is no such experiment.
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
    """Rows of one protocol, those of a family together; and the word errors of every recogniser by utterance."""

    rows: list[Condition]
    errors: Mapping[str, Mapping[str, Errors]]


def robustness(exps: Sequence[Experiment]) -> Robustness:
    """Put experiments with true words, with recognised ones and without any side by side.

    Raises:
        UserError: they differ in protocol, folds, utterances or classes; two are the same system under the same
            condition; none reads recognised words; or stage 4 left no word errors of a recogniser.
    """
    for other in exps[1:]:
        try:
            check_comparable(exps[0], other)
        except UserError as error:
            raise UserError(f"{error}; name the experiments of one protocol and its folds, a table each") from None
    conditions = {exp.path: (_system(exp), *_words(exp)) for exp in exps}
    for i, exp in enumerate(exps):
        for other in exps[:i]:
            if conditions[exp.path] == conditions[other.path]:
                raise UserError(f"{other.path} and {exp.path}: the same system and words twice; leave one out")
    texts = [text for _, *words in conditions.values() for text in words]
    engines = list(dict.fromkeys(text for text in texts if text not in (TRUE, NONE)))
    if not engines:
        raise UserError("no experiment with recognised words: train with --text ENGINE, or predict with it")
    errors = {engine: _errors(exps[0], engine) for engine in engines}
    headline = aggregates(exps[0].config["protocol"])[0]
    scores = {exp.path: headline(confusions(exp.parts["test"], len(exp.classes)), exp.classes) for exp in exps}
    true = {system: scores[path] for path, (system, *words) in conditions.items() if words == [TRUE, TRUE]}
    rows = [
        Condition(
            exp,
            system,
            *words,
            scores[exp.path],
            _buckets(exp, errors),
            _difference(scores[exp.path], true.get(system)),
        )
        for exp, (system, *words) in zip(exps, conditions.values(), strict=True)
    ]
    return Robustness(sorted(rows, key=_order(rows, [TRUE, *engines, NONE])), errors)


def _system(exp: Experiment) -> str:
    """Name of a system, with all that sets it apart from others of its configuration."""
    config = exp.config
    parts = [config["model"], *config.get("changed", [])]
    parts += [f"x-vector {config.get('xvector_model', 'given')}"] if config["xvector"] != "none" else []
    return ", ".join([*parts, *config["legacy"]])


def _words(exp: Experiment) -> tuple[str, str]:
    """What it was trained on, and what it is tested on."""
    return exp.trained_on, exp.config["text"]


def _errors(exp: Experiment, engine: str) -> dict[str, Errors]:
    """Word errors of the tested utterances."""
    found = read_errors(exp, exp.data, engine)
    if not found:
        raise UserError(
            f"{errors_file(exp, exp.data, engine)}: not there; word errors are counted by stage 4 (transcripts): "
            f"./run.sh --stage 4 --stop-stage 4 --asr-engine {engine}"
        )
    return {utt: found[utt] for runs in exp.parts["test"] for utt in runs[0].utts}


def _buckets(exp: Experiment, errors: Mapping[str, Mapping[str, Errors]]) -> dict[str, dict[str, GroupScores]]:
    runs, own = join_folds(exp.parts["test"]), {*_words(exp)} - {TRUE, NONE}
    found = {}
    for engine in (name for name in errors if not own or name in own):
        names, counts = count(runs, {u: wer_bucket(e) for u, e in errors[engine].items()}, len(exp.classes))
        scores = {name: describe(counts[:, i], exp.classes) for i, name in enumerate(names)}
        found[engine] = {name: scores[name] for name in WER.values() if name in scores}
    return found


def _difference(scores: Aggregate, true: Aggregate | None) -> float | None:
    return None if true is None else scores.values["ua"].mean - true.values["ua"].mean


def _order(rows: Sequence[Condition], texts: Sequence[str]):
    """Key: families as they come, in them systems of words before others, true words before recognised ones."""
    families = list(dict.fromkeys(row.exp.config["family"] for row in rows))
    systems = list(dict.fromkeys(row.system for row in rows))

    def key(row: Condition) -> tuple:
        words = [texts.index(row.trained_on), texts.index(row.tested_on)]
        family = families.index(row.exp.config["family"])
        return family, row.tested_on == NONE, systems.index(row.system), max(words), words

    return key


def write_robustness(found: Robustness, stem: str | os.PathLike) -> str:
    """Write ``stem.md``, ``stem.csv``, ``stem.tex`` and ``stem.html``; returns the Markdown."""
    text = markdown(found)
    write_forms(stem, {"md": text, "csv": _csv(found), "tex": latex(found), "html": html(found, Path(stem))})
    return text


def _tables(found: Robustness) -> Iterator[tuple[str, Sequence[str], list[Sequence[object]]]]:
    """Title, head and body: all conditions, then one a recogniser by WER of the utterance."""
    shared = _shared(found.rows)
    yield "All conditions", *_conditions(found, shared)
    for engine, errors in found.errors.items():
        title = f"{engine}: {sum(errors.values(), Errors()).rate:.1f} % WER"
        yield title, *_by_bucket(found.rows, engine, shared)


def markdown(found: Robustness) -> str:
    """The tables with what there is to know about them."""
    lines = [f"# {_title(found)}", ""]
    for title, head, body in _tables(found):
        lines += [f"## {title}", "", *table(head, _code(body), left=LEFT), ""]
    return "\n".join([*lines, *(f"* {note}" for note in _notes(found)), ""])


def _code(body: Sequence[Sequence[object]]) -> list[Sequence[object]]:
    """The same rows, names of models as Markdown has code."""
    named = ((str(system).partition(", "), cells) for system, *cells in body)
    return [(f"`{model}`{comma}{changes}", *cells) for (model, comma, changes), cells in named]


def latex(found: Robustness) -> str:
    """The same tables, to be put into a paper (package booktabs)."""
    lines = [f"% {_title(found)}", *(f"% {note}" for note in _notes(found)), ""]
    for title, head, body in _tables(found):
        lines += [f"% {title}", *latex_table(head, body, left=LEFT), ""]
    return "\n".join(lines)


def html(found: Robustness, stem: Path) -> str:
    """The same as a page that needs nothing else."""
    sections = [
        Section(f"table-{number}", title, page_table(title, head, body, left=LEFT))
        for number, (title, head, body) in enumerate(_tables(found), 1)
    ]
    sections.append(Section("notes", "How to read it", items(_notes(found))))
    return render(stem.name, element("header", element("h1", _title(found))), sections)


def _title(found: Robustness) -> str:
    return f"Words from a recogniser: {_cut(found.rows[0].exp)}"


def _cut(exp: Experiment) -> str:
    config = exp.config
    more = [f"partial {config['partial']}"] if config.get("partial") else []
    more += [f"legacy: {name}" for name in config["protocol"].get("legacy", [])]
    return (
        f"{config['protocol']['name']}@{config['protocol']['hash']} ({', '.join([Path(config['data']).name, *more])})"
    )


def _shared(rows: Sequence[Condition]) -> str:
    """Changes that all systems have in common, as they stand in the names; to be said once."""
    changes = {", ".join(row.exp.config.get("changed", [])) for row in rows}
    return changes.pop() if len(changes) == 1 else ""


def _name(row: Condition, shared: str) -> str:
    return row.system.replace(f", {shared}", "", 1) if shared else row.system


def _said(text: str) -> str:
    return {TRUE: "true words", NONE: NOTHING}.get(text, text)


def _conditions(found: Robustness, shared: str) -> tuple[Sequence[str], list[Sequence[object]]]:
    rows = []
    for row in found.rows:
        words = found.errors.get(row.tested_on)
        ua, wa = (row.scores.values[key] for key in ("ua", "wa"))
        rows.append((
            _name(row, shared), _said(row.trained_on), _said(row.tested_on),
            f"{sum(words.values(), Errors()).rate:.1f}" if words else NOTHING,
            row.exp.config["runs"],
            with_sd(ua.mean, ua.sd), with_sd(wa.mean, wa.sd),
            NOTHING if row.difference is None or row.tested_on == row.trained_on == TRUE else f"{row.difference:+.2f}",
        ))  # fmt: skip
    return ["system", "trained on", "tested on", "WER", "runs", "UA", "WA", "UA − true words"], rows


def _by_bucket(rows: Sequence[Condition], engine: str, shared: str) -> tuple[Sequence[str], list[Sequence[object]]]:
    some = [row for row in rows if engine in row.buckets and {row.trained_on, row.tested_on} <= {TRUE, NONE, engine}]
    head = ["system", "trained on", "tested on"]
    for name, scores in some[0].buckets[engine].items():
        lacks = f"; WA, no {', '.join(scores.absent)}" if scores.absent else ""
        head.append(f"{name} (n = {scores.utterances}{lacks})")
    body = [
        (_name(row, shared), _said(row.trained_on), _said(row.tested_on), *(
            f"{scores.wa if scores.ua is None else scores.ua:.2f}" for scores in row.buckets[engine].values()))
        for row in some
    ]  # fmt: skip
    return head, body


def _notes(found: Robustness) -> Iterator[str]:
    aggregate, shared = found.rows[0].scores.name, _shared(found.rows)
    yield f"UA, WA: {MEANING[aggregate]}; in percent, differences in points"
    yield (
        "trained on true words, tested on recognised ones: the models of the row with true words, selected on true "
        "words too; only what they read in the test part is another"
    )
    yield f"{NOTHING}: systems that read no words"
    yield (
        "by WER of the utterance: UA pooled over folds, mean over runs; all rows score the same utterances, also "
        "those with true words. Where a bucket lacks a class UA does not exist, and WA stands in its place"
    )
    yield "at 0 % WER the words are the same; case, punctuation and tags are not counted, and may differ all the same"
    yield "intervals and tests of any two rows: python3 -m mscnn.bin.compare EXP EXP"
    if shared:
        yield f"changed in all systems: {shared}"


def _csv(found: Robustness) -> str:
    """Long form: a line an experiment, whose bucket is all, and a line for each of its buckets."""
    records = (record for row in found.rows for record in _records(row, found.errors))
    return csv_text(COLUMNS, ([record.get(name, "") for name in COLUMNS] for record in records))


def _records(row: Condition, errors: Mapping[str, Mapping[str, Errors]]) -> Iterator[dict[str, object]]:
    config = row.exp.config
    common = {
        "protocol": f"{config['protocol']['name']}@{config['protocol']['hash']}",
        "experiment": row.exp.path,
        "system": row.system,
        "trained_on": row.trained_on,
        "tested_on": row.tested_on,
        "runs": config["runs"],
    }
    values = {key: value for key, value in row.scores.values.items() if key in ("ua", "wa")}
    heard = errors.get(row.tested_on)
    yield common | {
        "engine": row.tested_on if heard else "",
        "wer_bucket": "all",
        "utterances": row.scores.total,
        "wer": _number(sum(heard.values(), Errors()).rate if heard else None),
        "aggregate": row.scores.name,
        **{key: _number(value.mean) for key, value in values.items()},
        **{f"{key}_sd": _number(value.sd) for key, value in values.items()},
        "ua_difference": _number(row.difference),
    }
    for engine, buckets in row.buckets.items():
        for name, scores in buckets.items():
            inside = [e for e in errors[engine].values() if wer_bucket(e) == name]
            yield common | {
                "engine": engine,
                "wer_bucket": name,
                "utterances": scores.utterances,
                "wer": _number(sum(inside, Errors()).rate),
                "aggregate": POOLED,
                "ua": _number(scores.ua),
                "wa": _number(scores.wa),
                "absent": " ".join(scores.absent),
            }


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"
