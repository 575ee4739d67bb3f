"""Rows of a table as utterances of a corpus; every problem of the table is an issue with its place."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mscnn.corpora.common import Corpus, CorpusIssue, Item, one_line
from mscnn.corpora.tables.columns import ALIASES, alternatives, understand
from mscnn.corpora.tables.locate import Locator
from mscnn.corpora.tables.rows import Row, Rows
from mscnn.corpora.tables.utterances import with_ids, within_recordings, without_repetitions
from mscnn.corpora.tables.values import GENDERS, parts_of, seconds
from mscnn.errors import UserError

LISTED = 10  # values of a column that are printed
TIMES = ("start", "end", "duration")


@dataclass(frozen=True)
class Patterns:
    """Regular expressions that are searched in the path of a recording.

    Attributes:
        name: with named groups, as ``(?P<speaker>\\d+)_(?P<label>[A-Z]+)``; None: none.
        speaker: finds the speaker: its group ``speaker``, its first group, or the whole match; None: none.
    """

    name: re.Pattern[str] | None = None
    speaker: re.Pattern[str] | None = None

    @classmethod
    def of(cls, name: str, speaker: str) -> Patterns:
        """Patterns of the options ``--name-pattern`` and ``--speaker-from``, each of which may be empty.

        Raises:
            UserError: one is not a regular expression, or has a group that is not understood (``name-pattern``).
        """
        compiled = []
        for option, text in (("--name-pattern", name), ("--speaker-from", speaker)):
            try:
                compiled.append(re.compile(text) if text else None)
            except re.error as error:
                raise UserError(f"{option} {text}: not a regular expression: {error}", code="name-pattern") from None
        groups = [*compiled[0].groupindex] if compiled[0] else []
        if unknown := [group for group in groups if group not in ALIASES]:
            known = ", ".join(f"(?P<{what}>…)" for what in ALIASES)
            raise UserError(f"--name-pattern {name}: unknown group {unknown[0]}; known: {known}", code="name-pattern")
        if compiled[0] and not groups:
            raise UserError(f"--name-pattern {name}: no named group, such as (?P<label>…)", code="name-pattern")
        return cls(*compiled)

    @property
    def groups(self) -> list[str]:
        """What the patterns find."""
        found = [*self.name.groupindex] if self.name else []
        return [*dict.fromkeys([*found, *(["speaker"] if self.speaker else [])])]


def to_corpus(
    rows: Rows, given: Mapping[str, str], patterns: Patterns, roots: Sequence[Path]
) -> tuple[Corpus, list[str]]:
    """The corpus of a table, and sentences about how its columns are understood.

    Args:
        rows: the table.
        given: what the user says of its columns.
        patterns: what is read from the paths of recordings.
        roots: folders that relative paths are relative to; empty: those of the table.

    Raises:
        UserError: a column that is needed is missing, or the table has no usable row.
    """
    found = understand(rows.columns, given, patterns.groups)
    if not rows.rows and not rows.issues:
        raise UserError("no rows below the names of the columns", code="table-empty")
    issues, utterances = [*rows.issues], list[tuple[Row, dict[str, str]]]()
    for row in rows.rows:
        facts = {what: row.cells.get(column, "") for what, column in found.items()}
        if problem := _search(facts, patterns):
            issues.append(CorpusIssue("name-unmatched", problem, row.where))
        else:
            utterances.append((row, facts))
    lines = [f"{rows.kind}: {len(rows.rows) + len(rows.issues)} rows", *rows.notes]
    lines += [_understood(what, column, utterances) for what, column in found.items() if what != "utterance_id"]
    lines += [_understood(what, "names of files", utterances) for what in patterns.groups if what not in found]
    lines += alternatives(rows.columns, found)
    items = _checked(utterances, Locator(roots or rows.roots), issues, lines)
    return Corpus(without_repetitions(items, issues), issues), lines


def _search(facts: dict[str, str], patterns: Patterns) -> str:
    """Add what the patterns find in the path; a message where they find nothing."""
    path = facts.get("path", "").replace("\\", "/")
    if patterns.name and path:
        if not (match := patterns.name.search(path)):
            return f"--name-pattern {patterns.name.pattern} is not in {path}"
        facts |= {what: value or "" for what, value in match.groupdict().items()}
    if patterns.speaker and path:
        if not (match := patterns.speaker.search(path)):
            return f"--speaker-from {patterns.speaker.pattern} is not in {path}"
        groups = {**match.groupdict(), "": match[0]}
        facts["speaker"] = groups.get("speaker") or next((group for group in match.groups() if group), groups[""])
    return ""


def _understood(what: str, column: str, utterances: Sequence[tuple[Row, Mapping[str, str]]]) -> str:
    """A line such as ``label ← emotion (7 values: angry 12, …)``."""
    values = Counter(facts.get(what, "") for _, facts in utterances if facts.get(what))
    shown = ", ".join(f"{value} {count}" for value, count in values.most_common(LISTED)) + ", …" * (
        len(values) > LISTED
    )
    example = next(iter(values), "none")
    listed = f": {shown}" if what in ("label", "split", "gender", "language") else f", such as {example}"
    return f"{what} ← {column} ({len(values)} value{'' if len(values) == 1 else 's'}{listed})"


def _checked(
    utterances: Sequence[tuple[Row, Mapping[str, str]]], files: Locator, issues: list[CorpusIssue], lines: list[str]
) -> list[Item]:
    """Utterances without an issue; issues, and sentences about what was assumed, are added to the lists."""
    columns = {what for _, facts in utterances for what, value in facts.items() if value}
    parts = parts_of({facts.get("split", "") for _, facts in utterances})
    items = []
    for row, facts in utterances:
        problems = [*_problems(facts, columns, parts)]
        wav = files.find(facts["path"]) if facts.get("path") else None
        if facts.get("path") and wav is None:
            near = files.nearest(facts["path"])
            hint = f"; is it {' or '.join(near)}?" if near else ""
            problems.append(("audio-missing", f"no such file{hint}"))
        who = (facts.get("path") or "-",)  # no id of an utterance that is kept
        issues += [CorpusIssue(code, text, row.where, who, _labels(facts)) for code, text in problems]
        if wav and not problems:
            items.append(_item(row, facts, wav, parts))
    if files.shortened:
        lines.append(f"{files.shortened} files were found without the first folders of their paths")
    if "gender" in columns and any(not item.gender for item in items):
        lines.append("gender: not used, as some values are neither female nor male")
        items = [replace(item, gender="") for item in items]
    return [*with_ids(within_recordings(items, issues))]


def _labels(facts: Mapping[str, str]) -> tuple[str, ...] | None:
    return (facts["label"],) if facts.get("label") else None


def _problems(facts: Mapping[str, str], columns: set[str], parts: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Code and message of each problem in the cells of a row; ``columns`` are those with a value in some row."""
    for what in ("path", "label"):
        if not facts.get(what):
            yield f"{what}-empty", f"no {what}"
    if "speaker" in columns and not facts.get("speaker"):
        yield "speaker-empty", "no speaker, although other rows have one"
    if "split" in columns and (part := facts.get("split", "")).lower() not in parts:
        yield "split-unknown", f"expected train, dev or test, found {part!r}"
    times = {what: seconds(text) for what in TIMES if (text := facts.get(what, ""))}
    if bad := [f"{what} {facts[what]!r}" for what, value in times.items() if value is None or value < 0]:
        yield "time-invalid", f"expected seconds, found {', '.join(bad)}"
    elif (start := times.get("start")) is not None and (end := times.get("end")) is not None and start >= end:
        yield "time-invalid", f"start {facts['start']} is not before end {facts['end']}"


def _item(row: Row, facts: Mapping[str, str], wav: str, parts: Mapping[str, str]) -> Item:
    start, end, duration = (seconds(facts.get(what, "")) for what in TIMES)
    if start is not None and end is None and duration is not None:
        end = start + duration
    return Item(
        utt=facts.get("utterance_id", ""),
        speaker=facts.get("speaker", ""),
        label=one_line(facts["label"]),
        text=one_line(facts.get("text", "")),
        wav=wav,
        where=row.where,
        session=facts.get("session", ""),
        scene=facts.get("scene", ""),
        gender=GENDERS.get(facts.get("gender", "").lower(), ""),
        split=parts.get(facts.get("split", "").lower(), ""),
        start=start or 0.0,
        end=end or 0.0,
    )
