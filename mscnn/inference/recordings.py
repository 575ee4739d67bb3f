"""Recordings that a user names: files, folders, tables of paths, a wav.scp, or standard input."""

from __future__ import annotations

import csv
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mscnn.errors import UserError
from mscnn.files import read_table
from mscnn.inference.load import SHIPPED

SUFFIXES = (
    ".wav", ".flac", ".mp3", ".ogg", ".oga", ".opus", ".aif", ".aiff", ".au", ".caf", ".sph", ".w64", ".rf64",
    ".mp4", ".m4a", ".mov", ".mkv", ".webm", ".avi",
)  # fmt: skip
TABLES = {".tsv": "\t", ".csv": ","}
PATH_COLUMNS = ("path", "wav", "audio", "file", "filename", "recording")
STDIN, STDIN_NAME = "-", "stdin"


@dataclass(frozen=True)
class Named:
    """A recording: the name in answers, its path, and its transcript or None."""

    name: str
    path: str
    text: str | None = None

    def told(self, error: UserError) -> UserError:
        """An error of the recording, without the path of the file that holds standard input."""
        if self.name != STDIN_NAME:
            return error
        return UserError(str(error).replace(self.path, self.name), code=error.code)


@contextmanager
def expanded(given: Sequence[str], text_column: str | None = None) -> Iterator[list[Named]]:
    """The recordings that the words of a command line name, in their order; standard input is kept in a file meanwhile.

    Args:
        given: audio files; folders, with all audio files in them; .tsv or .csv tables with a column ``path``; Kaldi
            tables named ``*.scp``; ``-`` for standard input.
        text_column: column of the transcripts in tables; beside a ``wav.scp`` the name of a Kaldi table, such as text.

    Raises:
        UserError: a table cannot be read or lacks the column, or a folder has no audio files.
    """
    with tempfile.TemporaryDirectory(prefix="mscnn-") as temporary:
        yield [one for word in given for one in _expand(word, text_column, Path(temporary))]


def _expand(word: str, text_column: str | None, temporary: Path) -> Iterator[Named]:
    path = Path(word)
    if word == STDIN:
        yield _standard_input(temporary)
    elif path.is_dir():
        yield from _folder(path)
    elif path.suffix.lower() in TABLES:
        yield from _table(path, text_column)
    elif path.suffix.lower() == ".scp":
        yield from _scp(path, text_column)
    elif word == "sample.wav" and not path.exists():
        yield Named(word, str(SHIPPED / word))  # the recording that the package has
    else:
        yield Named(word, word)


def _standard_input(temporary: Path) -> Named:
    path = temporary / STDIN_NAME
    if path.exists():
        raise UserError("standard input (-) is given twice", code="stdin-twice")
    with open(path, "wb") as out:
        shutil.copyfileobj(sys.stdin.buffer, out)
    return Named(STDIN_NAME, str(path))


def _folder(folder: Path) -> Iterator[Named]:
    found = sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES and not p.name.startswith("."))
    if not found:
        raise UserError(f"{folder}: no audio files in it; known endings: {' '.join(SUFFIXES)}", code="folder-empty")
    for path in found:
        yield Named(str(path), str(path))


def _table(path: Path, text_column: str | None) -> Iterator[Named]:
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            rows = list(csv.reader(file, delimiter=TABLES[path.suffix.lower()]))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path}: cannot be read as a table: {error}", code="table-unreadable") from None
    if not rows:
        raise UserError(f"{path}: no header; expected a column path", code="table-columns")
    header = [name.strip() for name in rows[0]]
    column = next((name for name in PATH_COLUMNS if name in header), None)
    if column is None:
        raise UserError(
            f"{path}:1: no column {' or '.join(PATH_COLUMNS)}; found: {', '.join(header)}", code="table-columns"
        )
    if text_column and text_column not in header:
        raise UserError(f"{path}:1: no column {text_column}; found: {', '.join(header)}", code="table-columns")
    for number, row in enumerate(rows[1:], 2):
        if not row:
            continue
        if len(row) != len(header):
            raise UserError(f"{path}:{number}: {len(row)} fields, the header has {len(header)}", code="table-line")
        cells = dict(zip(header, row, strict=True))
        name = cells[column]
        yield Named(name, _beside(path, name), cells[text_column] if text_column else None)


def _scp(path: Path, text_column: str | None) -> Iterator[Named]:
    texts = read_table(path.parent / text_column) if text_column else {}
    for key, wav in read_table(path).items():
        if wav.endswith("|"):
            raise UserError(
                f"{path}: {key}: a command, and commands are not run; write its output to a file", code="scp-command"
            )
        if text_column and key not in texts:
            raise UserError(f"{path.parent / text_column}: no transcript of {key}", code="transcript-missing")
        yield Named(key, _beside(path, wav), texts.get(key))


def _beside(table: Path, name: str) -> str:
    """A path in a table: relative to the working folder, or to the folder of the table."""
    inside = os.path.join(table.parent, name)  # os.path: a name that is too long does not exist
    return name if os.path.exists(name) or not os.path.exists(inside) else inside
