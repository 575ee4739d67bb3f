"""Kaldi's data directories: wav.scp, utt2spk, segments, and a table of labels."""

from __future__ import annotations

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
    recordings = _table(folder / "wav.scp")
    segments = _table(folder / "segments") if (folder / "segments").is_file() else None
    others = {column: _table(folder / name) for column, name in OTHERS.items() if (folder / name).is_file()}
    if (folder / "spk2gender").is_file():
        genders, speakers = _table(folder / "spk2gender"), others.get("speaker", {})
        others.setdefault("gender", {utt: (genders.get(who, ("", 0))[0], n) for utt, (who, n) in speakers.items()})
    rows = Rows("Kaldi data directory", (folder, *folder.parents[:3], Path.cwd()))
    for utt, (label, number) in _table(file).items():
        where = f"{file}:{number}"
        cells = {"utterance_id": utt, "label": label}
        cells |= {column: table.get(utt, ("", 0))[0] for column, table in others.items()}
        recording = utt
        if segments is not None:
            recording, *times = [*segments.get(utt, ("", 0))[0].split(), "", "", ""][:3]
            cells |= dict(zip(("start", "end"), times, strict=True))
        path, line = recordings.get(recording, ("", 0))
        if path.endswith("|"):
            message = "a command, and commands of data are not run; write its output to a file"
            rows.issues.append(CorpusIssue("recording-command", message, f"{folder / 'wav.scp'}:{line}", (utt,)))
        elif not path:
            message = f"no recording {recording} in wav.scp" if recording else "not in segments"
            rows.issues.append(CorpusIssue("audio-missing", message, where, (utt,), (label,)))
        else:
            rows.rows.append(Row(where, {**cells, "path": path}))
    return rows


def _table(path: Path) -> Table:
    """Lines ``key value``; of a key that occurs twice, the first."""
    text, _ = read_text(path)
    table: Table = {}
    for number, line in numbered_lines(text):
        key, _, value = line.replace("\t", " ").strip().partition(" ")
        table.setdefault(key, (value.strip(), number))
    return table
