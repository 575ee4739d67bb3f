"""Kaldi's data directories: wav.scp, utt2spk, segments, and a table of labels."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from mscnn.corpora.common import CorpusIssue
from mscnn.corpora.tables.rows import Row, Rows
from mscnn.corpora.tables.text import numbered_lines, read_text
from mscnn.errors import UserError

LABELS = ("utt2emo", "utt2emotion", "utt2label", "labels")
OTHERS = {  # column -> table
    "speaker": "utt2spk",
    "text": "text",
    "gender": "utt2gender",
    "session": "utt2session",
    "scene": "utt2scene",
    "split": "utt2split",
    "language": "utt2lang",
}
Table = dict[str, tuple[str, int]]  # key -> value, line


def read(folder: Path) -> Rows:
    """Rows of a data directory, one per utterance of its labels; ids of utterances are kept.

    Raises:
        UserError: there is no table of labels (``kaldi-labels``), or a table cannot be read.
    """
    file = next((folder / name for name in LABELS if (folder / name).is_file()), None)
    if file is None:
        found = ", ".join(sorted(path.name for path in folder.iterdir() if path.is_file()))
        raise UserError(
            f"{folder}: no table of labels, one line 'UTTERANCE LABEL' per utterance; expected {LABELS[0]}, found: "
            f"{found}",
            code="kaldi-labels",
        )
    rows = Rows("Kaldi data directory", (folder, *folder.parents[:3], Path.cwd()))
    names = ("wav.scp", "segments", "spk2gender", *OTHERS.values(), file.name)
    tables = {name: _table(folder / name, rows) for name in names if (folder / name).is_file()}
    others = {column: tables[name] for column, name in OTHERS.items() if name in tables}
    if "spk2gender" in tables:
        genders, speakers = tables["spk2gender"], others.get("speaker", {})
        others.setdefault("gender", {utt: (genders.get(who, ("", 0))[0], n) for utt, (who, n) in speakers.items()})
    labels = tables[file.name]
    if unlabelled := [utt for utt in tables.get("segments", tables["wav.scp"]) if utt not in labels]:
        rows.notes.append(
            f"{len(unlabelled)} utterances without a label in {file.name} are skipped, {unlabelled[0]} first"
        )
    for utt, (label, number) in labels.items():
        where = f"{file}:{number}"
        cells = {"utterance_id": utt, "label": label}
        cells |= {column: table.get(utt, ("", 0))[0] for column, table in others.items()}
        try:
            rows.rows.append(Row(where, cells | _recording(utt, tables)))
        except UserError as error:
            rows.issues.append(CorpusIssue(error.code, str(error), where, (utt,), (label,)))
    return rows


def _recording(utt: str, tables: Mapping[str, Table]) -> dict[str, str]:
    """Path, start and end of an utterance; UserError where there is no file."""
    recording, start, end = utt, "", ""
    if "segments" in tables:
        recording, start, end = [*tables["segments"].get(utt, ("", 0))[0].split(), "", "", ""][:3]
    path, line = tables["wav.scp"].get(recording, ("", 0))
    if path.endswith("|"):
        message = f"wav.scp:{line}: a command, and commands of data are not run; write its output to a file"
        raise UserError(message, code="recording-command")
    if not path:
        message = f"no recording {recording} in wav.scp" if recording else "not in segments"
        raise UserError(message, code="audio-missing")
    return {"path": path, "start": start, "end": end}


def _table(path: Path, rows: Rows) -> Table:
    """Lines ``key value``; of a key that occurs twice, the first, and an issue of ``rows``."""
    text, _ = read_text(path)
    table: Table = {}
    for number, line in numbered_lines(text):
        key, _, value = line.replace("\t", " ").strip().partition(" ")
        entry = table.setdefault(key, (value.strip(), number))
        if entry[1] != number:
            message = f"{key} is also in line {entry[1]}"
            rows.issues.append(CorpusIssue("row-twice", message, f"{path}:{number}"))
    return table
