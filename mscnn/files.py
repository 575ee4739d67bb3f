"""Files that are whole or absent, Kaldi tables, and digests."""

import hashlib
import json
import os
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from mscnn.errors import UserError


@contextmanager
def atomic(path: str | os.PathLike, mode: str = "w") -> Iterator[IO]:
    """Open a temporary file beside ``path``; rename it to ``path`` when the block succeeds.

    Whoever is killed half-way leaves the old file (or none), never half of the new one.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.tmp")
    text = {} if "b" in mode else {"encoding": "utf-8", "newline": "\n"}
    try:
        with open(temporary, mode, **text) as handle:
            yield handle
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def read_table(path: str | os.PathLike) -> dict[str, str]:
    """Read a Kaldi table: one ``key value`` a line.

    Returns:
        key -> value in file order; a value may be empty.

    Raises:
        UserError: not UTF-8, a carriage return, an empty line, a key twice or out of bytewise order,
            or no newline at the end; the message has file and line.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}") from None
    table: dict[str, str] = {}
    previous = b""
    lines = data.split(b"\n")
    if lines.pop():
        raise UserError(f"{path}:{len(lines) + 1}: no newline at the end; the file may have been cut short")
    for number, raw in enumerate(lines, 1):
        where = f"{path}:{number}"
        try:
            line = raw.decode("utf-8")
        except UnicodeDecodeError:
            raise UserError(f"{where}: not UTF-8: {raw[:60]!r}; convert it with iconv") from None
        if "\r" in line:
            raise UserError(f"{where}: carriage return; convert it with: sed -i 's/\\r$//' {path}")
        key, _, value = line.replace("\t", " ", 1).partition(" ")
        if not key:
            raise UserError(f"{where}: expected 'key value', found {line!r}")
        if key in table:
            raise UserError(f"{where}: key {key} a second time; keys must be unique")
        if key.encode() < previous:
            raise UserError(
                f"{where}: {key} stands after {previous.decode()}; sort with: LC_ALL=C sort -o {path} {path} "
                "(numbers in ids: pad with zeros)"
            )
        table[key], previous = value.strip(), key.encode()
    return table


def write_table(path: str | os.PathLike, table: Mapping[str, object]) -> None:
    """Write a Kaldi table, keys in bytewise order, atomically."""
    with atomic(path) as out:
        for key in sorted(table, key=str.encode):
            out.write(f"{key} {table[key]}".rstrip() + "\n")


def read_mapping(path: str | os.PathLike) -> dict:
    """A mapping that was left as JSON; empty where there is none, or something that is not one."""
    try:
        found = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def digest(value: object) -> str:
    """SHA-256 (hex) of a value that JSON can hold; the order of mappings does not count."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def file_digest(path: str | os.PathLike) -> str:
    """SHA-256 (hex) of a file's bytes."""
    state = hashlib.sha256()
    with open(path, "rb") as handle:
        for block in iter(lambda: handle.read(1 << 20), b""):
            state.update(block)
    return state.hexdigest()
