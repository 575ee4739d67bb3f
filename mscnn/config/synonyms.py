"""Classes by name: names of one class in different corpora, from ``conf/synonyms.yaml``."""

from collections.abc import Mapping
from pathlib import Path

from mscnn.config import schema
from mscnn.errors import UserError
from mscnn.paths import CONF


def synonyms(path: Path = CONF / "synonyms.yaml") -> Mapping[str, str]:
    """Name -> class, for the classes of the file and all their other names.

    Raises:
        UserError: the file cannot be read, or a name has two classes (``synonym-twice``).
    """
    classes: dict[str, str] = {}
    for name, others in schema.read(path).items():
        for other in (name, *others):
            if classes.setdefault(other, name) != name:
                raise UserError(f"{path}: {other} is of {classes[other]} and of {name}", code="synonym-twice")
    return classes


def canonical(name: str, classes: Mapping[str, str]) -> str:
    """Class of a name, whatever its case; a name without synonyms is its own class."""
    lower = name.lower()
    return classes.get(lower, lower)
