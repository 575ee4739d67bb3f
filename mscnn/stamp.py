"""Fingerprints of finished work: unchanged work is skipped, stale work is noticed."""

import ast
import importlib.util
import json
import os
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path

from mscnn.errors import UserError
from mscnn.files import atomic, checksum, digest, file_digest, read_mapping
from mscnn.log import get_logger

SEAL = "written.json"  # record of the files that a stage wrote in a folder
FORMAT = 1  # increase it to make all finished work stale
ERRORS = ("UserError", "DataErrors", "Issue", "CorpusIssue")
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
LEVELS = ("debug", "info", "warning", "error")  # methods of a logger


class Stamp:
    """Record of what finished work was made from, written beside its outputs.

    The fingerprint covers the content of ``inputs`` (files), the ``options`` and the source of the packages or modules
    in ``code``. Size and CRC-32 of every output are recorded, so that damaged outputs are noticed and made again.
    """

    def __init__(
        self,
        path: str | os.PathLike,
        *,
        inputs: Iterable[str | os.PathLike] = (),
        options: Mapping[str, object] | None = None,
        code: Iterable[str] = (),
    ) -> None:
        self.path = Path(path)
        self._inputs, self._options, self._code = list(inputs), dict(options or {}), list(code)

    @property
    def fingerprint(self) -> dict[str, str]:
        """Digests of inputs, options and code."""
        return {
            "inputs": digest([[str(p), file_digest(p) if Path(p).is_file() else None] for p in self._inputs]),
            "options": digest(self._options),
            "code": digest([source_digest(name) for name in self._code]),
        }

    def fresh(self) -> bool:
        """Whether the recorded fingerprint is equal, and all outputs have the bytes that were written."""
        recorded = read_mapping(self.path)
        outputs = recorded.get("outputs")
        if recorded.get("fingerprint") != self.fingerprint or not isinstance(outputs, dict):
            return False
        for path in (files := damaged(self.path)):
            get_logger(__name__).warning("%s is damaged or missing; it is made again", path)
        return not files

    def stale(self) -> list[str]:
        """What changed since the record: inputs, options, code; empty where nothing is recorded."""
        recorded = read_mapping(self.path).get("fingerprint")
        if not isinstance(recorded, dict):
            return []
        return [part for part, value in self.fingerprint.items() if recorded and recorded.get(part) != value]

    def write(self, outputs: Iterable[str | os.PathLike] = ()) -> None:
        """Record that the work is done; paths of ``outputs`` are stored relative to the stamp."""
        _record(self.path, {"fingerprint": self.fingerprint}, outputs)


def seal(path: str | os.PathLike, outputs: Iterable[str | os.PathLike]) -> None:
    """Record in ``path`` what a stage wrote, so that :func:`damaged` can compare it."""
    _record(Path(path), {}, outputs)


def damaged(record: str | os.PathLike) -> list[Path]:
    """Files of a stamp or seal that are missing or have other bytes than were written.

    The record itself, where it cannot be read; empty where there is none, or one of a version that had no checksums.
    """
    record = Path(record)
    if not record.exists():
        return []
    outputs = read_mapping(record).get("outputs")
    if not isinstance(outputs, dict):
        return [] if isinstance(outputs, list) else [record]
    return [path for name, written in outputs.items() if checksum(path := record.parent / name) != written]


def require_intact(record: str | os.PathLike, fix: str, code: str) -> None:
    """Raise UserError with ``code`` and ``fix`` where a file of a stamp or seal is damaged; see :func:`damaged`."""
    if files := damaged(record):
        more = f", and {len(files) - 1} more" if len(files) > 1 else ""
        raise UserError(f"{files[0]}{more}: missing, or not the bytes that were written; {fix}", code=code)


def _record(path: Path, facts: Mapping[str, object], outputs: Iterable[str | os.PathLike]) -> None:
    files = {os.path.relpath(output, path.parent): checksum(output) for output in outputs}
    with atomic(path) as out:
        json.dump({**facts, "outputs": files}, out, indent=1)
        out.write("\n")


def source_digest(name: str) -> str:
    """Digest of the code of a module, or of all modules of a package.

    It covers the syntax tree without comments, docstrings and messages of errors and log lines: a change of wording
    makes no finished work stale.
    """
    spec = importlib.util.find_spec(name)
    if spec is None or not (spec.origin or spec.submodule_search_locations):
        raise ValueError(f"no module {name}")
    folders = [Path(folder) for folder in spec.submodule_search_locations or ()]
    files = [(path, folder) for folder in folders for path in sorted(folder.rglob("*.py"))]
    files = files or [(Path(str(spec.origin)), Path(str(spec.origin)).parent)]
    return _digest_of(FORMAT, *((str(path.relative_to(at)), path.read_bytes()) for path, at in files))


@lru_cache(maxsize=64)
def _digest_of(version: int, *sources: tuple[str, bytes]) -> str:
    return digest([version, *([name, _plain(_without_prose(source))] for name, source in sources)])


def functions_digest(module: str, names: Iterable[str]) -> str:
    """Digest of the functions ``names`` of a module, and of all in the module that they use, without prose.

    A change of the rest of the module does not change it.
    """
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        raise ValueError(f"no module {module}")
    defined = _definitions(_without_prose(Path(spec.origin).read_bytes()))
    used: set[str] = set()
    todo = set(names)
    while todo:
        used |= todo
        nodes = [node for name in todo for part in defined[name] for node in ast.walk(part)]
        todo = {node.id for node in nodes if isinstance(node, ast.Name) and node.id in defined} - used
    return digest([FORMAT, *([name, *map(_plain, defined[name])] for name in sorted(used))])


def _definitions(tree: ast.Module) -> dict[str, list[ast.stmt]]:
    """Statements at the top of a module that give each name its value: functions, classes, constants, imports."""
    defined: dict[str, list[ast.stmt]] = {}
    for part in tree.body:
        names = [node.id for node in ast.walk(part) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)]
        if isinstance(part, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            names = [part.name]
        elif isinstance(part, (ast.Import, ast.ImportFrom)):
            names = [(alias.asname or alias.name).split(".")[0] for alias in part.names]
        for name in dict.fromkeys(names):
            defined.setdefault(name, []).append(part)
    return defined


def _plain(value: object) -> object:
    """Lists, mappings and texts for a syntax tree, equal for all versions of Python.

    Newer versions give nodes more fields, which are empty in code that older ones read too: empty fields are omitted.
    """
    if isinstance(value, ast.AST):
        fields = {name: _plain(field) for name, field in ast.iter_fields(value) if field is not None and field != []}
        return [type(value).__name__, fields]
    return [_plain(one) for one in value] if isinstance(value, list) else repr(value)


def _without_prose(source: bytes) -> ast.Module:
    return _Prose().visit(ast.parse(source))


class _Prose(ast.NodeTransformer):
    """Removes docstrings and messages of errors and log lines from a syntax tree."""

    def generic_visit(self, node: ast.AST) -> ast.AST:
        super().generic_visit(node)
        if isinstance(node, DOCUMENTED) and ast.get_docstring(node):
            node.body = node.body[1:] or [ast.Pass()]
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        if name in ERRORS or (name in LEVELS and isinstance(node.func, ast.Attribute)):
            node.args = []
        return self.generic_visit(node)
