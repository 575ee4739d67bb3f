"""Rules of a data directory; each rule is a function that lists every violation, with file and line."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from mscnn.audio.read import OVERSHOOT
from mscnn.errors import Issue
from mscnn.files import read_table

Table = Mapping[str, str]

FACTS = ("utt2session", "utt2scene", "utt2gender", "utt2split")
ONE_WORD = ("utt2spk", "utt2emo", "utt2dur", *FACTS)
SPLITS = ("train", "dev", "test")
RESERVED = {"<s>", "</s>", "#0"}  # words of Kaldi's language models
JOINERS = str.maketrans("", "", "\u200c\u200d")  # zero-width characters that words of many scripts are written with
TO_THE_END = -1.0  # end of a segment: that of its recording
SPLIT = re.compile("train|dev|test[0-9]?")  # a corpus may have several test sets


def check(path: Path, tables: Mapping[str, Table]) -> list[Issue]:
    """All violations in the directory ``path``; ``tables`` maps the names of its files to their content."""
    speakers, recordings = tables["utt2spk"], tables.get("wav.scp", {})
    if not speakers:
        return [Issue("no-utterances", f"{path / 'utt2spk'}: no utterances")]
    issues = [*_columns(path, tables), *_values(path, tables), *_speakers(path / "utt2spk", speakers)]
    for name, table in tables.items():
        if name not in ("spk2utt", "wav.scp") or (name == "wav.scp" and "segments" not in tables):
            issues += _keys(path / name, table, speakers)
    if "spk2utt" in tables and tables["spk2utt"] != inverse(speakers):
        message = f"{path / 'spk2utt'}: not the inverse of utt2spk; run stage 1 (data) again, or remove the file"
        issues.append(Issue("spk2utt-differs", message))
    issues += [*_recordings(path / "wav.scp", recordings), *_segments(path / "segments", tables)]
    for file in sorted(path.glob("text.*")):
        issues += _keys(file, read_table(file), speakers)
    return issues


def inverse(utt2spk: Table) -> dict[str, str]:
    """Kaldi's ``spk2utt``: speaker -> its utterances in bytewise order, separated by spaces."""
    speakers: dict[str, list[str]] = {}
    for utt in sorted(utt2spk, key=str.encode):
        speakers.setdefault(utt2spk[utt], []).append(utt)
    return {speaker: " ".join(utts) for speaker, utts in speakers.items()}


def segment(value: str, recordings: Table) -> tuple[str, float, float] | None:
    """Recording, start and end in seconds of a value of ``segments``; None where the value is malformed.

    As in Kaldi, an end of -1 (``TO_THE_END``) is that of the recording.
    """
    fields = re.fullmatch(r"(\S+)\s+(\d+(?:\.\d+)?)\s+(\d+(?:\.\d+)?|-1(?:\.0*)?)", value)
    if not fields or fields[1] not in recordings:
        return None
    start, end = float(fields[2]), float(fields[3])
    return (fields[1], start, end) if start < end < math.inf or end == TO_THE_END else None


def _segments(file: Path, tables: Mapping[str, Table]) -> Iterator[Issue]:
    for number, (utt, value) in enumerate(tables.get("segments", {}).items(), 1):
        if (span := segment(value, tables.get("wav.scp", {}))) is None:
            expected = "expected 'RECORDING START END' of wav.scp, START < END, or an END of -1: to the end"
            yield Issue("segment-invalid", f"{file}:{number}: {utt}: {expected}; found {value[:200]!r}")
            continue
        _, start, end = span
        seconds = tables["utt2dur"].get(utt, "")
        if end != TO_THE_END and _is_positive(seconds) and abs(end - start - float(seconds)) > OVERSHOOT:
            message = f"{utt}: {start:g} to {end:g} s, but utt2dur has {seconds} s; correct one of them"
            yield Issue("segment-duration", f"{file}:{number}: {message}")


def _keys(file: Path, table: Table, speakers: Table) -> Iterator[Issue]:
    missing, unknown = sorted(speakers.keys() - table.keys()), sorted(table.keys() - speakers.keys())
    if missing:
        message = f"{file}: {len(missing)} utterances of utt2spk are missing, the first is {missing[0]}"
        yield Issue("keys-missing", message)
    if unknown:
        where = f"{file}:{list(table).index(unknown[0]) + 1}"
        yield Issue("keys-unknown", f"{where}: {len(unknown)} keys are not in utt2spk, the first is {unknown[0]}")


def _columns(path: Path, tables: Mapping[str, Table]) -> Iterator[Issue]:
    for name in (n for n in ONE_WORD if n in tables):
        for number, (key, value) in enumerate(tables[name].items(), 1):
            if (columns := len(value.split()) + 1) != 2:
                message = f"{path / name}:{number}: expected '{key} VALUE', found {columns} columns"
                yield Issue("table-columns", message)


def _values(path: Path, tables: Mapping[str, Table]) -> Iterator[Issue]:
    for number, (utt, value) in enumerate(tables["utt2dur"].items(), 1):
        if not _is_positive(value):
            where = f"{path / 'utt2dur'}:{number}"
            yield Issue("duration-invalid", f"{where}: {utt}: expected seconds above 0, found {value!r}")
    for number, (utt, split) in enumerate(tables.get("utt2split", {}).items(), 1):
        if not SPLIT.fullmatch(split):
            where = f"{path / 'utt2split'}:{number}"
            yield Issue("split-unknown", f"{where}: {utt}: expected train, dev, test, test1 …, found {split!r}")
    for number, (utt, text) in enumerate(tables.get("text", {}).items(), 1):
        if not _is_text(text) or RESERVED & {*text.split()}:
            where = f"{path / 'text'}:{number}"
            yield Issue("text-characters", f"{where}: {utt}: unprintable characters, <s>, </s> or #0 in {text[:60]!r}")


def _is_text(text: str) -> bool:
    return text.translate(JOINERS).isprintable()


def _is_positive(value: str) -> bool:
    try:
        return 0 < float(value) < math.inf
    except ValueError:
        return False


def _speakers(file: Path, utt2spk: Table) -> Iterator[Issue]:
    before = ""
    for number, (utt, speaker) in enumerate(utt2spk.items(), 1):
        if not utt.startswith(speaker):
            message = f"{file}:{number}: {utt} does not start with its speaker {speaker}, as Kaldi's sorting requires"
            yield Issue("speaker-no-prefix", message)
        if speaker.encode() < before.encode():
            message = (
                f"{file}:{number}: {utt}: speaker {speaker} follows {before}; Kaldi requires utterances sorted by "
                "speaker too: end speaker ids with a character that sorts first, such as '-', or pad their numbers"
            )
            yield Issue("speakers-unsorted", message)
        before = speaker


def _recordings(file: Path, recordings: Table) -> Iterator[Issue]:
    for number, (key, value) in enumerate(recordings.items(), 1):
        if value.endswith("|"):
            fix = "commands in data are never run: write the output to a file and give its path"
            yield Issue("recording-command", f"{file}:{number}: {key}: a command; {fix}")
        elif not os.path.isfile(value):
            fix = "was the corpus moved? Run stage 1 (data) again"
            yield Issue("recording-missing", f"{file}:{number}: {key}: no file {value!r}; {fix}")
