"""Export of folds as a self-contained folder: the lists, the protocol that makes or reads them, and its hash."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Mapping, Sequence
from itertools import takewhile
from pathlib import Path

import yaml

from mscnn.config import schema
from mscnn.data.foldlists import list_texts
from mscnn.data.protocols import Fold, Protocol, folds_digest, short_hash
from mscnn.errors import UserError


def export_folds(protocol: Protocol, folds: Sequence[Fold], text: str, out: Path) -> str:
    """Write the folder ``out`` atomically: ``fold01.train``, …, ``<protocol>.yaml`` with ``text``, and ``hash``.

    Returns:
        name and hash of the protocol, as in score lines.

    Raises:
        UserError: ``out`` exists with other content; it is not overwritten.
    """
    out, sha256 = Path(os.path.realpath(out)), folds_digest(protocol, folds)
    title = f"{protocol.name}@{short_hash(sha256)}"
    files = list_texts(fold.parts for fold in folds)
    files[f"{protocol.name}.yaml"] = text
    files["hash"] = f"{title} version={protocol.version} folds={len(folds)} sha256={sha256}\n"
    if _exists(out, {name: content.encode() for name, content in files.items()}):
        return title
    temporary = out.with_name(f".{out.name}.{uuid.uuid4().hex[:8]}.tmp")
    try:
        temporary.mkdir(parents=True)
        for name, content in files.items():
            (temporary / name).write_bytes(content.encode())
        os.replace(temporary, out)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return title


def standalone(path: Path) -> str:
    """Text of a protocol file; a path of fold lists in it is replaced by the folder of the file."""
    facts, text = schema.read(path), path.read_text(encoding="utf-8")
    if "lists" not in facts["test"]:
        return text
    comments = takewhile(lambda line: line.startswith("#"), text.splitlines())
    facts["test"]["lists"] = "."
    return protocol_text(facts, *(line.removeprefix("#").strip() for line in comments))


def protocol_text(facts: Mapping[str, object], *comments: str) -> str:
    """Text of a protocol file: comment lines, then ``facts`` as :meth:`Protocol.of` takes them."""
    return "".join(f"# {line}\n" for line in comments) + yaml.safe_dump(
        facts, sort_keys=False, default_flow_style=None, width=120, allow_unicode=True
    )


def _exists(out: Path, files: Mapping[str, bytes]) -> bool:
    """Whether ``out`` has exactly these files; False where it is absent or empty, UserError where it has others."""
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return False
    contents = {p.name: p.read_bytes() if p.is_file() else None for p in out.iterdir()} if out.is_dir() else None
    if contents != files:
        raise UserError(
            f"{out}: exists with other content and is not overwritten; choose another --out, or remove it first",
            code="out-exists",
        )
    return True
