"""Our results beside published ones; a section has one published protocol and class set, a column one of ours."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mscnn.data.corpus_facts import CorpusFacts
from mscnn.errors import UserError
from mscnn.evaluation.aggregate import FOLD_MEAN, MEANING, POOLED
from mscnn.files import read_yaml
from mscnn.log import get_logger
from mscnn.paths import current
from mscnn.reporting.lines import ScoreLine, read_score
from mscnn.reporting.markdown import apart
from mscnn.reporting.published import Protocol, Published, Row, read_published, split_set
from mscnn.reporting.tabular import table, with_sd

NOT_RUN = "–"
YARDSTICKS = {
    "majority": "baseline: most frequent class",
    "tfidf_lr": "baseline: bag of words",
    "logmel_lr": "baseline: log-mel statistics",
}
log = get_logger(__name__)


@dataclass(frozen=True)
class Column:
    """Results of ours that are comparable: one protocol, class set, number of folds, aggregate, and legacy flags.

    ``cut`` names all but the last, ``protocol`` is as run.sh takes it, with ``--folds N`` where only the first N folds
    were done (None: the class set cannot be made here); ``legacy`` whether models carry legacy flags.
    """

    label: str
    cut: str = ""
    protocol: str | None = None
    legacy: bool = False

    def holds(self, r: Result) -> bool:
        """Whether a result belongs here; a baseline does whatever flags models carry."""
        return r.column == self or r.model in YARDSTICKS and r.column.cut == self.cut


@dataclass(frozen=True)
class Result:
    """A scored experiment of ours: its headline on the whole test part, and dev UA to choose between equals.

    ``set`` is the name of its data directory, ``options`` are those of model and training.
    """

    model: str
    text: str
    xvector: bool
    options: Mapping[str, object]
    set: str
    column: Column
    disjoint: Mapping[str, Sequence[str]]
    line: ScoreLine
    dev_ua: float
    path: str


def make_table(name: str, published: str | os.PathLike, exp_root: str | os.PathLike) -> str:
    """Markdown of the published table ``name`` with our results from ``exp_root/*/score_test.txt``.

    Raises:
        UserError: ``published`` has no such table or is malformed, or an experiment cannot be read.
    """
    facts = read_published(published)
    name = current("tables", name)
    if name not in facts.tables:
        raise UserError(f"{published}: no table {name}; it has: {', '.join(facts.tables)}")
    chosen, results = facts.tables[name], read_results(exp_root)
    marks = dict.fromkeys(row.certain for row in chosen.rows if row.certain)
    meaning = "; ".join(f"[{mark}] {facts.certainty[mark]}" for mark in marks)
    lines = [f"# {chosen.title}", "", chosen.note, ""]
    lines += [f"Percent; WA is accuracy, UA the mean recall of the classes (UAR). Published numbers: {meaning}.", ""]
    corpus = CorpusFacts.find(Path(exp_root))
    if corpus and corpus.synthetic:
        lines += [f"**Ours are of {corpus.name}, synthetic voices: not to be compared with any of these.**", ""]
    for protocol in dict.fromkeys(row.protocol for row in chosen.rows):
        rows = [row for row in chosen.rows if row.protocol == protocol]
        lines += [*_section(rows, protocol, facts, results), ""]
    return "\n".join(lines)


def read_results(exp_root: str | os.PathLike) -> list[Result]:
    """Every scored experiment directly under ``exp_root``, by path; those not scored yet are named in the log.

    Predictions with words that the models were not trained on are left out: no paper of those tables did so.

    Raises:
        UserError: the configuration or a score file of an experiment is malformed.
    """
    results = []
    for config in sorted(Path(exp_root).glob("*/config.yaml")):
        files = {part: config.parent / f"score_{part}.txt" for part in ("test", "dev")}
        if all(file.is_file() for file in files.values()):
            test, dev = (read_score(file) for file in files.values())
            if "trained_on" in test.fields:
                continue
            try:
                results.append(_result(config.parent, read_yaml(config), test, dev))
            except (KeyError, TypeError, AttributeError) as error:
                raise UserError(f"{config}: not the configuration of an experiment: {error!r}; train again") from None
        else:
            log.info("%s: not scored yet, left out of the table", config.parent)
    return results


def _result(path: Path, facts: Mapping, test: ScoreLine, dev: ScoreLine) -> Result:
    name, fields = Path(facts["data"]).name, test.fields
    partial = f", partial: {fields['partial']}" if "partial" in fields else ""
    legacy = f", legacy: {fields['legacy']}" if "legacy" in fields else ""
    protocol = facts["protocol"]["name"] + (f" --folds {facts['folds']}" if partial else "")
    cut = f"`{fields['protocol']}` ({name}{', pooled' if test.aggregate == POOLED else ''}{partial}"
    return Result(
        model=current("models", facts["model"]),
        text=facts["text"],
        xvector=facts["xvector"] != "none",
        options={**(facts.get("model_options") or {}), **(facts.get("training") or {})},
        set=name,
        column=Column(f"{cut}{legacy})", cut, protocol, bool(facts["legacy"])),
        disjoint=facts["protocol"]["disjoint"],
        line=test,
        dev_ua=dev.values["ua"],
        path=str(path),
    )


def _section(rows: Sequence[Row], name: str, facts: Published, results: Sequence[Result]) -> Iterator[str]:
    """One published protocol on one class set, a column for each protocol of ours on that set, and what to know."""
    protocol = facts.protocols[name]
    systems = {row.model for row in rows} - {None}
    here = [r for r in results if r.set == protocol.set and r.model in systems | YARDSTICKS.keys()]
    columns = _columns(protocol, [r for r in here if r.model in systems or r.column.protocol == protocol.like])
    plain = [r for r in here if not any(row.options and _fits(row, r) for row in rows)]
    digits = 1 if all(round(value, 1) == value for row in rows for value in row.numbers) else 2  # as the paper prints
    body, used, missing = [], [], []
    for row in _by_engine([*rows, *_baselines(rows)], here):
        cells = []
        for column in columns:
            best = _best(row, column, here if row.options else plain)
            cells.append(_cell(row, best) if best or row.model is None else NOT_RUN)
            used += [best] if best else []
            can_run = column.protocol and (row.model in YARDSTICKS or not column.legacy)
            missing += [(row, column.protocol)] if row.model and can_run and not best else []
        selected = " ‡" if protocol.selection_on_test == "yes" and row.numbers else ""
        body.append((row.system, row.text, row.cell(digits) + selected, *cells))
    yield from [f"## {facts.sources[protocol.source]} ({name})", "", f"Protocol: {protocol.stated}. "
                f"Model selected on test: {protocol.selection_on_test}. "
                f"Class set `{protocol.set}`: {facts.sets[protocol.set]}.", ""]  # fmt: skip
    head = ["system", "text", "published WA / UA", *(f"ours {column.label} WA / UA" for column in columns)]
    yield from table(head, body, left=2)
    if used:
        found = {r.line.aggregate for r in used}
        where = {FOLD_MEAN: "", POOLED: ", columns marked pooled"}
        yield from ["", *(f"Ours{where[name]}: {words}." for name, words in MEANING.items() if name in found)]
    others = sorted({r.column.label for r in results if r.set != protocol.set and r.model in systems})
    notes = [*_notes(rows, used, columns, protocol)]
    notes += [f"* not shown, because of another class set: {', '.join(others)}"] if others else []
    yield from ["", *notes] if notes else []
    if missing:
        yield from ["", f"{NOT_RUN} not run yet:", "", *_commands(missing, protocol.set)]


def _columns(protocol: Protocol, results: Sequence[Result]) -> list[Column]:
    """Our columns, the nearest to the published protocol first, whether it was run or not."""
    found = sorted({r.column for r in results}, key=lambda c: (c.protocol != protocol.like, c.label))
    if any(c.protocol == protocol.like and not c.legacy for c in found):
        return found
    label = f"`{protocol.like}` ({protocol.set})" if protocol.like else f"({protocol.set})"
    return [Column(label, protocol=protocol.like), *found]


def _baselines(rows: Sequence[Row]) -> Iterator[Row]:
    """What any system must beat: for words that a row reads, for audio that one hears, and the largest class."""
    kinds = [("majority", "none")]
    kinds += [("tfidf_lr", text) for text in dict.fromkeys(row.text for row in rows) if text != "none"]
    kinds += [("logmel_lr", "none")] if any(row.audio for row in rows) else []
    return (Row(f"{YARDSTICKS[model]} (`{model}`)", text, rows[0].protocol, model=model) for model, text in kinds)


def _by_engine(rows: Iterable[Row], results: Sequence[Result]) -> Iterator[Row]:
    """A row for each recogniser whose words systems of ours read, where the published text is ``asr``."""
    engines = sorted({r.text for r in results} - {"gt", "none"})
    for row in rows:
        apart = row.text == "asr" and row.model and engines
        yield from [replace(row, text=engine) for engine in engines] if apart else [row]


def _fits(row: Row, r: Result) -> bool:
    return r.model == row.model and all(r.options.get(key) == value for key, value in row.options.items())


def _best(row: Row, column: Column, results: Sequence[Result]) -> Result | None:
    """Our result for a cell; of several, the one with the best dev UA: test results choose nothing."""
    fits = [r for r in results if _fits(row, r) and r.text == row.text and column.holds(r)]
    return max(fits, key=lambda r: (r.dev_ua, r.path), default=None)


def _cell(row: Row, best: Result | None) -> str:
    if best is None:
        return ""
    wa, ua = (with_sd(best.line.values[key], best.line.fields.get(f"{key}_sd")) for key in ("wa", "ua"))
    return f"{wa} / {ua}" + (" †" if row.xvector and not best.xvector else "")


def _commands(missing: Iterable[tuple[Row, str]], name: str) -> Iterator[str]:
    """What makes the missing results on the class set ``name``, a command for all that differ in the model only."""
    labels, subset = split_set(name)
    data = f"--labels {labels}" + (f" --subset {subset}" if subset != "all" else "")
    models: dict[tuple[str, str, str], list[str]] = {}
    for row, protocol in missing:
        more, settings = "", " ".join(f"{key}={value}".replace(" ", "") for key, value in row.options.items())
        if settings:
            tag = re.sub(r"\W+", "_", f"{row.system} {protocol} {name}".lower())
            more = f' --train-args "--set {settings}" --tag {tag}'
        models.setdefault(("ENGINE" if row.text == "asr" else row.text, protocol, more), []).append(row.model)
    for (text, protocol, more), found in models.items():
        names = " ".join(dict.fromkeys(found))
        quoted = f'"{names}"' if " " in names else names
        yield f"* `./run.sh {data} --model {quoted} --text {text} --protocol {protocol}{more}`"


def _notes(rows: Sequence[Row], used: Sequence[Result], columns: Sequence[Column], protocol: Protocol) -> Iterator[str]:
    if any(row.xvector and r.model == row.model and not r.xvector for row in rows for r in used):
        yield "* † without x-vectors, which the published system has"
    if protocol.selection_on_test == "yes" and any(row.numbers for row in rows):
        yield "* ‡ the published model was selected on its test part, which flatters it"
    if protocol.like is None:
        yield f"* {NOT_RUN} cannot be run: no label map in conf/labels makes `{protocol.set}`"
    for column in columns:
        one = next((r for r in used if r.column.cut == column.cut), None)
        if one:
            kept = apart(one.disjoint["train-test"])
            nearest = "the nearest to the published one"
            compared = nearest if column.protocol == protocol.like else "not to be compared with the published column"
            yield f"* {column.label}: {one.line.total} utterances tested; training and test {kept}; {compared}"
    if used:
        changed = {r.path: r.line.fields.get("changed") for r in used}
        paths = (path + (f" (changed: {changed[path]})" if changed[path] else "") for path in sorted(changed))
        yield f"* from {', '.join(paths)}"
