"""Kinds of features, and their options as ``conf/features/*.yaml`` states them."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, get_type_hints

from mscnn.errors import UserError
from mscnn.features.mfcc import Mfcc
from mscnn.files import digest
from mscnn.paths import conf, read_yaml

if TYPE_CHECKING:
    import numpy as np


class Extractor(Protocol):
    """A kind of features: a frozen dataclass whose fields are its options."""

    rate: int

    @property
    def dim(self) -> int: ...

    @property
    def frame_shift(self) -> float: ...

    @property
    def short(self) -> int: ...

    def __call__(self, samples: np.ndarray) -> np.ndarray: ...


KINDS: dict[str, type[Extractor]] = {"mfcc": Mfcc}


@dataclass(frozen=True)
class Feature:
    """A named feature: its extractor, and ``trim_db`` (dB below the loudest part; None: edges stay as they are)."""

    name: str
    kind: str
    trim_db: float | None
    extractor: Extractor

    @classmethod
    def load(cls, name: str) -> Feature:
        """Read ``conf/features/<name>.yaml`` (or the YAML file ``name``); every option must be stated.

        Raises:
            UserError: unknown kind, an option is missing, unknown, of the wrong type or out of range.
        """
        path = conf("features", name)
        facts = read_yaml(path)
        kind = KINDS.get(facts.pop("kind", None))
        if kind is None:
            raise UserError(f"{path}: kind: expected one of {', '.join(KINDS)}")
        types = get_type_hints(kind)
        names = ["trim_db", *(f.name for f in fields(kind))]
        if facts.keys() != set(names):
            wrong = ", ".join(sorted(facts.keys() ^ set(names)))
            raise UserError(f"{path}: expected exactly kind, {', '.join(names)}; missing or unknown: {wrong}")
        trim_db = facts.pop("trim_db")
        if not (trim_db is None or (type(trim_db) in (int, float) and trim_db > 0)):
            raise UserError(f"{path}: trim_db: expected null or decibels above 0, found {trim_db!r}")
        for option, value in facts.items():
            if type(value) is not types[option] or (types[option] is int and value < 0):
                raise UserError(f"{path}: {option}: expected {types[option].__name__}, not negative; found {value!r}")
        kind_name = next(k for k, v in KINDS.items() if v is kind)
        return cls(Path(path).stem, kind_name, trim_db, kind(**facts))

    @property
    def options(self) -> dict[str, object]:
        """All options, as the YAML file has them."""
        return {"kind": self.kind, "trim_db": self.trim_db, **asdict(self.extractor)}

    @cached_property
    def hash(self) -> str:
        """Twelve hex digits that name the options."""
        return options_hash(self.options)


def options_hash(options: dict[str, object]) -> str:
    """Twelve hex digits that name a set of options."""
    return digest(options)[:12]
