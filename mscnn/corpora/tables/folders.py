"""Folders of recordings: labelled by folder or name, or by a table of metadata beside them (Hugging Face)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from mscnn.corpora.tables import delimited, jsons, parquet
from mscnn.corpora.tables.columns import KNOWN
from mscnn.corpora.tables.rows import AUDIO, SPLITS, Row, Rows, split_of
from mscnn.errors import UserError

METADATA = ("metadata.csv", "metadata.jsonl", "metadata.parquet")
JUNK = ("__MACOSX",)


def metadata(folder: Path) -> list[Path]:
    """Tables of an AudioFolder: in the folder itself, or in its folders train, dev, test."""
    found = [folder / name for name in METADATA if (folder / name).is_file()]
    inside = sorted(path for path in folder.iterdir() if path.is_dir())
    return found[:1] or [path / name for path in inside for name in METADATA if (path / name).is_file()]


def read_metadata(files: list[Path], audio: Path) -> Rows:
    """Rows of the tables of an AudioFolder; folders named train, dev and test give the column ``split``."""
    rows, parts = Rows("AudioFolder", tuple(dict.fromkeys(path.parent for path in files))), []
    for path in files:
        if path.suffix == ".parquet":
            source = parquet.read([path], path.parent, audio)
        else:
            source = jsons.read(path) if path.suffix == ".jsonl" else delimited.read(path, KNOWN)
        if len(files) > 1:  # the same name may be in several folders
            source.rows = [_inside(row, path.parent) for row in source.rows]
        rows.rows += source.rows
        rows.issues += source.issues
        rows.notes += source.notes
        parts += [split_of(path)] * len(source.rows)
    rows.add_splits(parts)
    return rows


def _inside(row: Row, folder: Path) -> Row:
    name = row.cells.get("file_name", "")
    return replace(row, cells={**row.cells, "file_name": str(folder.absolute() / name)}) if name else row


def read(folder: Path, *, labelled: bool) -> Rows:
    """A row per sound file; the label is the folder that has the file.

    Folders named train, dev or test are no labels, and give the column ``split``.

    Args:
        folder: the folder; its subfolders are searched too.
        labelled: whether names of files have the labels, so that those of folders are not taken.

    Raises:
        UserError: there is no sound file (``folder-without-audio``).
    """
    rows, parts, others = Rows("folder of recordings", (folder,)), [], 0
    for path in _files(folder):
        if path.suffix.lower() not in AUDIO:
            others += 1
            continue
        inside = path.relative_to(folder)
        named = [name for name in inside.parts[:-1] if name.lower() not in SPLITS]
        cells = {"path": inside.as_posix()}
        if not labelled:
            cells["label"] = named[-1] if named else ""
        rows.rows.append(Row(str(path), cells))
        parts.append(next((SPLITS[name.lower()] for name in inside.parts[:-1] if name.lower() in SPLITS), ""))
    if not rows.rows:
        some = ", ".join(sorted(path.name for path in folder.iterdir())[:10]) or "nothing"
        raise UserError(
            f"{folder}: no sound file ({', '.join(sorted(AUDIO))}) and no table that is known; it has: {some}. Give a "
            "table: --table FILE",
            code="folder-without-audio",
        )
    if others:
        rows.notes.append(f"{others} files of {folder} are not sound files")
    rows.add_splits(parts)
    return rows


def _files(folder: Path) -> Iterator[Path]:
    """Files in a folder and below, sorted, without hidden ones; a folder that links to one above is not entered."""
    seen: set[str] = set()
    for where, inside, names in os.walk(folder, followlinks=True):
        seen.add(os.path.realpath(where))
        inside[:] = sorted(
            name
            for name in inside
            if name[0] != "." and name not in JUNK and os.path.realpath(os.path.join(where, name)) not in seen
        )
        yield from (Path(where, name) for name in sorted(names) if name[0] != ".")
