"""Atomic writing, Kaldi tables, YAML and JSON mappings, and digests."""

import codecs
import errno
import hashlib
import io
import json
import os
import re
import shlex
import shutil
import uuid
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import IO, Any

import yaml

from mscnn.errors import DENIED, SPACE, UserError

YAML_CHARACTERS = 4 << 20
YAML_DEPTH = 40
YAML_VALUES = 200_000


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
        with written_to(path):
            with open(temporary, mode, encoding=encoding, newline=newline) as handle:
                yield handle
            if path.is_dir():  # the error of os.replace names the temporary file
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
            os.replace(temporary, path)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


@contextmanager
def written_to(path: str | os.PathLike) -> Iterator[None]:
    """What is written in the block belongs to ``path``: no space and no permission are errors of this file or folder.

    Errors of ``write()`` name no file, those of temporary files another one; some libraries hide the error in a text.
    """
    path = Path(path)
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        hidden = re.search(r"(?:os error|\[Errno) (\d+)", str(error))
        number = getattr(error, "errno", None) or (int(hidden[1]) if hidden else None)
        named = getattr(error, "filename2", None) or getattr(error, "filename", None)  # copies name the source first
        temporary = named is None or any(part.startswith(f".{path.name}.") for part in Path(os.fsdecode(named)).parts)
        if number in (*SPACE, *DENIED, errno.EIO) and temporary:
            raise OSError(number, os.strerror(number), str(path)) from None
        raise


def copy(source: str | os.PathLike, target: str | os.PathLike) -> None:
    """Copy the content of a file, atomically."""
    with open(source, "rb") as content, atomic(target, "wb") as out:
        shutil.copyfileobj(content, out)


def read_table(path: str | os.PathLike) -> dict[str, str]:
    """Read a Kaldi table: one ``key value`` per line.

    Returns:
        key -> value in file order; a value may be empty.

    Raises:
        UserError: not UTF-8, a byte order mark, a carriage return, an empty line, a key twice or out of bytewise order,
            or no newline at the end; the message has file and line.
    """
    try:
        content = regular(path).read_bytes()
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}", code="file-unreadable") from None
    if content.startswith(codecs.BOM_UTF8):
        remove = _through("tail -c +4", path)
        raise UserError(f"{path}:1: a byte order mark, which no key has; remove it with: {remove}", code="table-mark")
    if content and not content.endswith(b"\n"):
        number = content.count(b"\n") + 1
        raise UserError(f"{path}:{number}: no newline at the end; the file may be truncated", code="table-cut-short")
    table: dict[str, str] = {}
    previous = ""
    for number, line in enumerate(io.BytesIO(content), 1):
        key, value = _key_and_value(line, path, number)
        if key <= previous:  # the order of characters is that of the bytes of UTF-8
            _refuse_key(key, previous, table, path, number)
        table[key], previous = value, key
    return table


def _key_and_value(raw: bytes, path: str | os.PathLike, number: int) -> tuple[str, str]:
    """Key and value of a line, which ends with a newline."""
    try:
        line = raw.decode()
    except UnicodeDecodeError:
        convert = _through("iconv -f LATIN1 -t UTF-8", path)
        raise UserError(
            f"{path}:{number}: not UTF-8: {raw[:-1][:60]!r}; convert it, where it is Latin-1 with: {convert}",
            code="table-encoding",
        ) from None
    if "\r" in line:
        convert = _through("tr -d '\\r'", path)
        raise UserError(f"{path}:{number}: carriage return; convert it with: {convert}", code="table-carriage-return")
    key, _, value = line[:-1].replace("\t", " ", 1).partition(" ")
    if not key:
        raise UserError(f"{path}:{number}: expected 'key value', found {line[:-1][:60]!r}", code="table-line")
    return key, value.strip()


def _refuse_key(key: str, previous: str, table: Mapping[str, str], path: str | os.PathLike, number: int) -> None:
    """Raise UserError for a key that does not follow ``previous`` in bytewise order."""
    if key in table:
        raise UserError(f"{path}:{number}: duplicate key {key}; keys must be unique", code="table-key-twice")
    file = shlex.quote(str(path))
    raise UserError(
        f"{path}:{number}: {key} follows {previous}; pad numbers in ids with zeros, and sort with: "
        f"LC_ALL=C sort -o {file} {file}",
        code="table-unsorted",
    )


def _through(command: str, path: str | os.PathLike) -> str:
    """A command of the shell that replaces a file by what another command makes of it."""
    file = shlex.quote(str(path))
    return f"{command} <{file} >{file}.new && mv {file}.new {file}"


def read_optional_table(path: str | os.PathLike) -> dict[str, str]:
    """As :func:`read_table`; empty where there is no such file."""
    return read_table(path) if Path(path).is_file() else {}


def write_table(path: str | os.PathLike, table: Mapping[str, object]) -> None:
    """Write a Kaldi table, keys in bytewise order, atomically."""
    with atomic(path) as out:
        for key in sorted(table, key=str.encode):
            out.write(f"{key} {table[key]}".rstrip() + "\n")


def regular(path: str | os.PathLike) -> Path:
    """The path of a file; raises OSError where it is a FIFO or a device, which may have no end."""
    path = Path(path)
    if path.exists() and not path.is_file():
        number = errno.EISDIR if path.is_dir() else errno.EINVAL
        raise OSError(number, "a folder" if path.is_dir() else "not a regular file", str(path))
    return path


class BaseLoader(yaml.BaseLoader):
    """Loads text, lists and mappings from YAML of bounded depth and number of values.

    Tags are without meaning. Aliases count as what they stand for: a few lines can stand for more than memory holds.
    """

    tags = True

    def __init__(self, stream) -> None:
        super().__init__(stream)
        self.depth = 0
        self.extent: dict[yaml.Node, tuple[int, int]] = {}  # values and depth of finished nodes

    def compose_node(self, parent, index):
        event = self.peek_event()
        self.depth += 1
        node = None
        if (self.tags or not getattr(event, "tag", None)) and self.depth <= YAML_DEPTH:
            node = super().compose_node(parent, index)
        self.depth -= 1
        if node is None or (isinstance(event, yaml.AliasEvent) and node not in self.extent):
            problem = f"a tag, a value inside itself, or deeper than {YAML_DEPTH} levels"
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=event.start_mark)
        if node not in self.extent:
            inner = node.value if isinstance(node, yaml.CollectionNode) else []
            parts = [self.extent[n] for one in inner for n in (one if isinstance(one, tuple) else (one,))]
            values, depth = 1 + sum(n for n, _ in parts), 1 + max((d for _, d in parts), default=0)
            if values > YAML_VALUES or depth > YAML_DEPTH:
                problem = f"stands for more than {YAML_VALUES} values, or more than {YAML_DEPTH} levels"
                raise yaml.MarkedYAMLError(problem=problem, problem_mark=event.start_mark)
            self.extent[node] = values, depth
        return node


class SafeLoader(BaseLoader, yaml.SafeLoader):
    """As :class:`BaseLoader`, without tags; scalars are numbers, booleans, dates or null where they read as one."""

    tags = False


def yaml_value(text: str, loader: type[BaseLoader] = SafeLoader) -> Any:
    """The value of a YAML text; every text that has none raises YAMLError."""
    if len(text) > YAML_CHARACTERS:
        raise yaml.YAMLError(f"{len(text)} characters; {YAML_CHARACTERS} are read")
    try:
        return yaml.load(text, loader)
    except (ValueError, OverflowError, AttributeError, TypeError) as error:  # of constructors: 2001-99-99
        raise yaml.YAMLError(f"{type(error).__name__}: {str(error)[:200]}") from None


def json_value(text: str | bytes) -> Any:
    """The value of a JSON text; every text that has none raises ValueError."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def read_mapping(path: str | os.PathLike) -> dict[str, Any]:
    """The mapping in a JSON file; empty where the file is absent, damaged or has no mapping."""
    try:
        value = json_value(regular(path).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def read_yaml(path: str | os.PathLike) -> dict[str, Any]:
    """The mapping in YAML that this package wrote (``config.yaml`` of an experiment, ``feature.yaml``).

    Raises:
        UserError: the file cannot be read as YAML, or is not a mapping.
    """
    try:
        value = yaml_value(regular(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}", code="file-unreadable") from None
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise UserError(f"{path}: cannot be read as YAML: {str(error)[:1000]}", code="yaml-invalid") from None
    if not isinstance(value, dict):
        raise UserError(
            f"{path}: expected a mapping of names to values, found {type(value).__name__}", code="yaml-no-mapping"
        )
    return value


def digest(value: object) -> str:
    """SHA-256 (hex) of a value that can be written as JSON, independent of the order of mappings."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def checksum(path: str | os.PathLike) -> list[int] | None:
    """Size and CRC-32 of a file, ``[bytes, crc]``: a flipped bit changes it; None where there is no regular file.

    A process reads a file once, unless its size or time of change are others.
    """
    path = Path(path)
    try:
        if not path.is_file():
            return None
        facts = path.stat()
    except OSError:  # a name that no file can have, or a folder that cannot be entered
        return None
    return [facts.st_size, _crc(path.absolute(), facts.st_size, facts.st_mtime_ns, facts.st_ino)]


@lru_cache(1 << 16)
def _crc(path: Path, *state: int) -> int:
    crc = 0
    with open(path, "rb") as handle:
        for block in iter(lambda: handle.read(1 << 20), b""):
            crc = zlib.crc32(block, crc)
    return crc


def file_digest(path: str | os.PathLike) -> str:
    """SHA-256 (hex) of a file's bytes."""
    state = hashlib.sha256()
    with open(path, "rb") as handle:
        for block in iter(lambda: handle.read(1 << 20), b""):
            state.update(block)
    return state.hexdigest()
