"""The format of a table or folder, found by its content, and its rows."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from mscnn.corpora.tables import audformat, delimited, emobox, folders, jsons, kaldi, msp, parquet
from mscnn.corpora.tables.rows import Rows
from mscnn.errors import UserError


def read_rows(path: Path, known: Collection[str], audio: Path, *, labelled: bool = False) -> Rows:
    """Rows of a table or folder in any of the formats that are understood (docs/howto/own_data.md).

    Args:
        path: the file or folder.
        known: names of columns that are understood.
        audio: folder for audio that a table holds.
        labelled: whether names of files have the labels, so that a folder needs no others.

    Raises:
        UserError: there is no such file or folder (``table-missing``), or it cannot be read.
    """
    if path.is_dir():
        try:
            return _of_folder(path, audio, labelled=labelled)
        except PermissionError as error:
            raise UserError(
                f"{error.filename}: cannot be read; check its permissions", code="table-unreadable"
            ) from None
    if not path.is_file():
        near = path.parent if path.parent.is_dir() else None
        beside = f"; {near} has: {', '.join(sorted(p.name for p in near.iterdir())[:10])}" if near else ""
        raise UserError(f"{path}: no such file or folder{beside}", code="table-missing")
    if audformat.is_table(path):
        return audformat.read(path.parent, audformat.name_of(path), audio)
    if msp.find(path):
        return msp.read(path)
    start = _start(path)
    if start[:4] == b"PAR1" or path.suffix == ".arrow":
        return parquet.read([path], path.parent, audio)
    if start.replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")[:1] in (b"{", b"["):
        return jsons.read(path)
    if start[:4] == b"PK\x03\x04" or start[:4] == b"\xd0\xcf\x11\xe0":
        raise UserError(f"{path}: an archive or a spreadsheet; save the sheet as CSV in UTF-8", code="table-not-text")
    return delimited.read(path, known)


def _of_folder(path: Path, audio: Path, *, labelled: bool) -> Rows:
    if (path / "db.yaml").is_file():
        return audformat.read(path, "", audio)
    if (path / "wav.scp").is_file():
        return kaldi.read(path)
    if table := msp.find(path):
        return msp.read(table)
    if tables := folders.metadata(path):
        return folders.read_metadata(tables, audio)
    for ending in ("parquet", "arrow"):
        if files := sorted(file for file in path.rglob(f"*.{ending}") if not file.name.startswith(".")):
            rows = parquet.read(files, path, audio)
            rows.kind = "Hugging Face dataset"
            return rows
    if lists := emobox.find(path):
        return emobox.read(lists)
    return folders.read(path, labelled=labelled)


def _start(path: Path) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(64)
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}", code="table-unreadable") from None
