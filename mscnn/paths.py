"""Paths of configuration files: ``conf/`` of a checkout, or its copy in the installed package."""

import difflib
import unicodedata
from pathlib import Path

from mscnn.errors import UserError
from mscnn.files import read_yaml
from mscnn.log import get_logger

PACKAGE = Path(__file__).resolve().parent
ROOT = PACKAGE.parent  # of a checkout; without meaning for an installed package
CONF = PACKAGE / "conf" if (PACKAGE / "conf").is_dir() else ROOT / "conf"


def conf(kind: str, name: str) -> Path:
    """Path of ``<name>.yaml`` in ``conf/<kind>`` or its subfolders, or ``name`` itself where it ends in ``.yaml``.

    Raises:
        UserError: there is no such file (``conf-unknown``); it names the nearest, or all where none is near.
    """
    if name.endswith((".yaml", ".yml")):
        path = Path(name)
        if path.is_file():
            return path
        raise UserError(f"{path}: no such file", code="conf-unknown")
    known = _files(kind)
    if name not in known:
        name = current(kind, name)
    if name not in known:
        near = difflib.get_close_matches(name, known, n=3)
        hint = f"conf/{kind} has: {', '.join(sorted(known))}."
        if near:
            hint = f"did you mean {' or '.join(near)}? All are in {CONF / kind}."
        raise UserError(
            f"conf/{kind}/{name}.yaml: no such file; {hint} Or give the path of a .yaml file of your own",
            code="conf-unknown",
        )
    return known[name]


def why_no_name(name: str, most: int = 200) -> str:
    """Why something cannot be the name of a class, a file or a folder; empty where it can.

    A name has no blanks, control characters or ``/``, is not ``.`` or ``..``, and has at most ``most`` bytes, so that a
    folder may have it with an ending.
    """
    if not name or name in (".", ".."):
        return "it is empty, or . or .."
    if len(name.encode("utf-8", "surrogateescape")) > most:
        return f"it has more than {most} bytes"
    bad = next((c for c in name if c.isspace() or not c.isprintable() or c == "/"), "")
    return f"it has {bad!r}: blanks, control characters and / are not allowed" if bad else ""


def composed(name: str) -> str:
    """A name in composed characters (NFC): é is one name, also where it was written as e and an accent."""
    return name if name.isascii() else unicodedata.normalize("NFC", name)


def stem(name: str) -> str:
    """The name of a file of conf that is given by its name, or by the path of a .yaml file."""
    return Path(name).stem if name.endswith((".yaml", ".yml")) else name


def names(kind: str) -> list[str]:
    """Names of all files of a kind that :func:`conf` knows, sorted."""
    return sorted(_files(kind))


def current(kind: str, name: str) -> str:
    """The name that ``name`` has by now: names of before (``conf/renamed.yaml``) are accepted with a warning."""
    new = read_yaml(CONF / "renamed.yaml").get(kind, {}).get(name, name)
    if new != name:
        get_logger(__name__).warning(
            "%s: the name %s is now %s; the old one goes with the next version", kind, name, new
        )
    return new


def _files(kind: str) -> dict[str, Path]:
    return {path.stem: path for path in sorted((CONF / kind).rglob("*.yaml"))}
