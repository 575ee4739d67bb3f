"""Where the facts of the project are: ``conf/`` of a checkout, or the copy of it inside an installed package."""

import difflib
from pathlib import Path

from mscnn.errors import UserError
from mscnn.files import read_yaml
from mscnn.log import get_logger

PACKAGE = Path(__file__).resolve().parent
ROOT = PACKAGE.parent  # of a checkout; an installed package has nothing of ours there
CONF = PACKAGE / "conf" if (PACKAGE / "conf").is_dir() else ROOT / "conf"


def conf(kind: str, name: str) -> Path:
    """The file ``<name>.yaml`` anywhere below ``conf/<kind>``, or ``name`` itself where it is the path of a YAML file.

    Raises:
        UserError: there is no such file (``conf-unknown``); the message has the nearest names.
    """
    if name.endswith((".yaml", ".yml")):
        path = Path(name)
        if path.is_file():
            return path
        raise UserError(f"{path}: no such file", code="conf-unknown")
    known, name = _files(kind), current(kind, name)
    if name not in known:
        near = difflib.get_close_matches(name, known, n=3)
        hint = f"did you mean {' or '.join(near)}? " if near else ""
        raise UserError(
            f"{CONF / kind / name}.yaml: no such file; {hint}conf/{kind} has: {', '.join(sorted(known))}. "
            "Or give the path of a .yaml file",
            code="conf-unknown",
        )
    return known[name]


def names(kind: str) -> list[str]:
    """Names of all files of a kind, sorted: what :func:`conf` finds."""
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
