"""Atomic writing, Kaldi tables, YAML and JSON mappings, and digests."""

import hashlib
import json
import os
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import yaml

from mscnn.errors import UserError


@contextmanager
def atomic(path: str | os.PathLike, mode: str = "w") -> Iterator[IO]:
    """Open a temporary file beside ``path``; rename it to ``path`` when the block succeeds.

    A process that is killed leaves the old file (or none), never a part of the new one.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.tmp")
    encoding, newline = (None, None) if "b" in mode else ("utf-8", "\n")
    try:
        with open(temporary, mode, encoding=encoding, newline=newline) as handle:
            yield handle
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def read_table(path: str | os.PathLike) -> dict[str, str]:
    """Read a Kaldi table: one ``key value`` per line.

    Returns:
        key -> value in file order; a value may be empty.

    Raises:
        UserError: not UTF-8, a carriage return, an empty line, a key twice or out of bytewise order,
            or no newline at the end; the message has file and line.
    """
    try:
        *lines, rest = Path(path).read_bytes().split(b"\n")
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}", code="file-unreadable") from None
    if rest:
        raise UserError(
            f"{path}:{len(lines) + 1}: no newline at the end; the file may be truncated", code="table-cut-short"
        )
    table: dict[str, str] = {}
    previous = b""
    for number, line in enumerate(lines, 1):
        key, value = _key_and_value(line, path, f"{path}:{number}")
        if key in table:
            raise UserError(f"{path}:{number}: duplicate key {key}; keys must be unique", code="table-key-twice")
        if key.encode() < previous:
            raise UserError(
                f"{path}:{number}: {key} follows {previous.decode()}; sort with: LC_ALL=C sort -o {path} {path} "
                "(pad numbers in ids with zeros)",
                code="table-unsorted",
            )
        table[key], previous = value, key.encode()
    return table


def _key_and_value(raw: bytes, path: str | os.PathLike, where: str) -> tuple[str, str]:
    try:
        line = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise UserError(f"{where}: not UTF-8: {raw[:60]!r}; convert it with iconv", code="table-encoding") from None
    if "\r" in line:
        raise UserError(
            f"{where}: carriage return; convert it with: sed -i 's/\\r$//' {path}", code="table-carriage-return"
        )
    key, _, value = line.replace("\t", " ", 1).partition(" ")
    if not key:
        raise UserError(f"{where}: expected 'key value', found {line[:60]!r}", code="table-line")
    return key, value.strip()


def read_optional_table(path: str | os.PathLike) -> dict[str, str]:
    """As :func:`read_table`; empty where there is no such file."""
    return read_table(path) if Path(path).is_file() else {}


def write_table(path: str | os.PathLike, table: Mapping[str, object]) -> None:
    """Write a Kaldi table, keys in bytewise order, atomically."""
    with atomic(path) as out:
        for key in sorted(table, key=str.encode):
            out.write(f"{key} {table[key]}".rstrip() + "\n")


def read_mapping(path: str | os.PathLike) -> dict[str, Any]:
    """The mapping in a JSON file; empty where the file is absent, damaged or has no mapping."""
    try:
        value = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def read_yaml(path: str | os.PathLike) -> dict[str, Any]:
    """The mapping in YAML that this package wrote (``config.yaml`` of an experiment, ``feature.yaml``).

    Raises:
        UserError: the file cannot be read as YAML, or is not a mapping.
    """
    try:
        value = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}", code="file-unreadable") from None
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise UserError(f"{path}: cannot be read as YAML: {error}", code="yaml-invalid") from None
    if not isinstance(value, dict):
        raise UserError(
            f"{path}: expected a mapping of names to values, found {type(value).__name__}", code="yaml-no-mapping"
        )
    return value


def digest(value: object) -> str:
    """SHA-256 (hex) of a value that can be written as JSON, independent of the order of mappings."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def file_digest(path: str | os.PathLike) -> str:
    """SHA-256 (hex) of a file's bytes."""
    state = hashlib.sha256()
    with open(path, "rb") as handle:
        for block in iter(lambda: handle.read(1 << 20), b""):
            state.update(block)
    return state.hexdigest()
