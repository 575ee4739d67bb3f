"""Folders in audformat, as audb publishes databases: ``db.yaml`` and a CSV or parquet file per table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from mscnn.corpora.tables import delimited, parquet
from mscnn.corpora.tables.columns import ALIASES, KNOWN, plain
from mscnn.corpora.tables.rows import SPLITS, Rows, cell
from mscnn.errors import UserError
from mscnn.files import read_yaml

PREFERRED = ("gold_standard", "gold", "consensus", "")  # parts of the names of tables, where several have emotions


def read(folder: Path, table: str, audio: Path) -> Rows:
    """Rows of a table with emotions, with what other tables of files say of the same files, such as the speaker.

    Args:
        folder: the folder with ``db.yaml``.
        table: name of the table; empty: the one with emotions. Tables with a split, as ``emotion.train`` and
            ``emotion.test``, count as one.
        audio: folder for audio that a table holds.

    Raises:
        UserError: ``db.yaml`` or a table cannot be read; no table has emotions, or several have (``audformat-table``).
    """
    header = read_yaml(folder / "db.yaml")
    tables = _mapping(header, "tables")
    chosen = [table] if table else _with_emotions(tables, folder)
    if unknown := [name for name in chosen if name not in tables]:
        raise UserError(
            f"{folder}/db.yaml: no table {unknown[0]!r}; there are: {', '.join(tables)}", code="audformat-table"
        )
    rows = Rows("audformat", (folder,))
    facts = _facts(folder, {name: tables[name] for name in tables if name not in chosen}, audio)
    speakers = _speakers(folder, header, audio)
    for name in chosen:
        part = _split(header, tables[name])
        source = _table(folder, name, audio)
        rows.issues += source.issues
        for row in source.rows:
            cells = {**facts.get(row.cells.get("file", ""), {}), **({"split": part} if part else {}), **row.cells}
            rows.rows.append(replace(row, cells={**speakers.get(cells.get("speaker", ""), {}), **cells}))
    rows.notes.append(f"tables of {folder}/db.yaml: {', '.join(chosen)} of {', '.join(tables)}")
    return rows


def _mapping(value: Mapping[str, Any], key: str) -> dict[str, Any]:
    found = value.get(key)
    return {str(k): v for k, v in found.items() if isinstance(v, dict)} if isinstance(found, dict) else {}


def _with_emotions(tables: Mapping[str, Any], folder: Path) -> list[str]:
    """The tables with a column of emotions: one, or those of a split; several others are ambiguous."""
    found = [name for name, facts in tables.items() if any(_is_label(column) for column in _mapping(facts, "columns"))]
    for preferred in PREFERRED:
        names = [name for name in found if preferred in name]
        stems = {name if not tables[name].get("split_id") else name.rpartition(".")[0] for name in names}
        if len(stems) == 1:
            return names
        if names and preferred:
            break
    raise UserError(
        f"{folder}/db.yaml: {len(found)} tables have a column of emotions: {', '.join(found) or 'none'}; tables: "
        f"{', '.join(tables)}. Give the file of one: --table {folder}/db.TABLE.csv",
        code="audformat-table",
    )


def _is_label(column: str) -> bool:
    return plain(column) in ALIASES["label"]


def _table(folder: Path, name: str, audio: Path) -> Rows:
    text, binary = folder / f"db.{name}.csv", folder / f"db.{name}.parquet"
    if binary.is_file() and not text.is_file():
        return parquet.read([binary], folder, audio)
    return delimited.read(text, KNOWN)


def _facts(folder: Path, tables: Mapping[str, Any], audio: Path) -> dict[str, dict[str, str]]:
    """File -> cells of the tables that have a row per file and no emotions."""
    facts: dict[str, dict[str, str]] = {}
    for name, table in tables.items():
        if table.get("type") != "filewise" or any(_is_label(column) for column in _mapping(table, "columns")):
            continue
        for row in _table(folder, name, audio).rows:
            known = {column: value for column, value in row.cells.items() if value}
            facts.setdefault(known.pop("file", ""), {}).update(known)
    return facts


def _speakers(folder: Path, header: Mapping[str, Any], audio: Path) -> dict[str, dict[str, str]]:
    """Speaker -> what the scheme of speakers says of them: its labels, or a table of its own."""
    labels = _mapping(header, "schemes").get("speaker", {}).get("labels")
    if isinstance(labels, dict):
        return {
            str(who): {str(k): cell(v) for k, v in facts.items()} for who, facts in _mapping({"": labels}, "").items()
        }
    if not isinstance(labels, str) or labels not in _mapping(header, "misc_tables"):
        return {}
    rows = _table(folder, labels, audio).rows
    return {row.cells.get("speaker", ""): {k: v for k, v in row.cells.items() if k != "speaker"} for row in rows}


def _split(header: Mapping[str, Any], table: Mapping[str, Any]) -> str:
    """Part that a table is of: train, dev or test; empty where it is of none."""
    name = str(table.get("split_id") or "")
    kind = _mapping(header, "splits").get(name, {}).get("type", name)
    return SPLITS.get(str(kind).lower(), "")


def is_table(path: Path) -> bool:
    """Whether a file is a table of a folder in audformat."""
    return path.name.startswith("db.") and path.name != "db.yaml" and (path.parent / "db.yaml").is_file()


def name_of(path: Path) -> str:
    """Name of the table in a file, ``emotion`` of ``db.emotion.csv``."""
    return path.name.removeprefix("db.").removesuffix(path.suffix)
