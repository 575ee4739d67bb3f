"""Parquet and Arrow files, as pandas and Hugging Face datasets write them; needs pyarrow, the extra ``tables``."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mscnn import packages
from mscnn.corpora.tables.rows import AUDIO, Row, Rows, cell, split_of
from mscnn.errors import UserError
from mscnn.files import atomic

BATCH = 64  # rows with audio that are in memory at a time
MAGIC = ((b"RIFF", ".wav"), (b"fLaC", ".flac"), (b"OggS", ".ogg"), (b"FORM", ".aiff"), (b"ID3", ".mp3"))
Values = Mapping[str, Any]


def read(files: Sequence[Path], root: Path, audio: Path) -> Rows:
    """Rows of parquet or Arrow files; the audio that they hold is written to files in the folder ``audio``.

    Numbers of classes are replaced by their names where the file has these. Files that are named after train, dev and
    test, or are in such folders, give the column ``split``.

    Raises:
        UserError: pyarrow is missing (``package-missing``), or a file cannot be read (``table-unreadable``).
    """
    packages.require("pyarrow", "parquet files")
    import pyarrow as pa

    rows, parts = Rows("parquet", (root,)), []
    for path in files:
        try:
            for number, values in enumerate(_values(path), 1):
                cells = {name: _cell(value, path, number, audio) for name, value in values.items()}
                rows.rows.append(Row(f"{path}: row {number}", cells))
                parts.append(split_of(path))
        except (pa.ArrowException, OSError, ValueError) as error:
            why = " ".join(str(error).split())[:200]
            raise UserError(
                f"{path}: cannot be read: {why}; is the download complete?", code="table-unreadable"
            ) from None
    rows.add_splits(parts)
    return rows


def _values(path: Path) -> Iterator[Values]:
    """Rows of a file, column -> value."""
    import pyarrow as pa
    from pyarrow import parquet

    if path.suffix == ".arrow":
        with pa.memory_map(str(path)) as source:
            stream = pa.ipc.open_stream(source)
            yield from _decoded(stream.schema, stream)
    else:
        file = parquet.ParquetFile(path)
        yield from _decoded(file.schema_arrow, file.iter_batches(BATCH))


def _decoded(schema: Any, batches: Iterable[Any]) -> Iterator[Values]:
    """Rows of batches; numbers of classes are replaced by their names."""
    names = _class_names(json.loads((schema.metadata or {}).get(b"huggingface", b"{}")))
    for batch in batches:
        for row in batch.to_pylist():
            for name in names.keys() & row.keys():
                if isinstance(row[name], int) and 0 <= row[name] < len(names[name]):
                    row[name] = names[name][row[name]]
            yield {name: value for name, value in row.items() if not name.startswith("__index_level_")}


def _class_names(facts: object) -> dict[str, list[str]]:
    """Column -> names of its classes, as Hugging Face datasets states them in the metadata of a file."""
    for key in ("info", "features"):
        facts = facts.get(key) if isinstance(facts, dict) else None
    features = facts.items() if isinstance(facts, dict) else ()
    return {name: f["names"] for name, f in features if isinstance(f, dict) and isinstance(f.get("names"), list)}


def _cell(value: object, path: Path, number: int, audio: Path) -> str:
    """Text of a value; of audio, the path of the file, which is written here where the value has bytes."""
    if not isinstance(value, dict) or "path" not in value:
        return cell(value)
    named, content = str(value["path"] or ""), value.get("bytes")
    if not isinstance(content, bytes) or not content:
        return named
    stem, suffix = Path(named.replace("\\", "/")).stem, Path(named).suffix.lower()
    if suffix not in AUDIO:
        suffix = next((ending for magic, ending in MAGIC if content.startswith(magic)), ".wav")
    name = re.sub(r"[^\w.+-]", "_", stem) or f"{path.stem}-{number:06d}"
    file = audio / f"{path.stem}-{number:06d}" / f"{name}{suffix}"  # names may recur
    if not file.is_file() or file.read_bytes() != content:
        with atomic(file, "wb") as out:
            out.write(content)
    return str(file)
