"""Arguments of jobs as JSON: plain values, paths, tuples, mappings, dataclasses, and functions.

Text, numbers, None and lists stand for themselves; everything else is an object with one key that says what it is, as
in ``{"path": "exp"}`` or ``{"mscnn.data.audio:UtteranceAudio": {"utt": "a", ...}}``. Names are resolved to dataclasses
and functions of this package only: a file of jobs cannot call anything else.
"""

from __future__ import annotations

import dataclasses
import importlib
import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mscnn.errors import UserError

PACKAGE = "mscnn"


def encode(value: object) -> Any:
    """A value as what :mod:`json` writes; raises TypeError where it cannot be."""
    if value is None or type(value) in (bool, int, float, str):
        return value
    if isinstance(value, list):
        return [encode(one) for one in value]
    if isinstance(value, tuple):
        return {"tuple": [encode(one) for one in value]}
    if isinstance(value, Path):
        return {"path": str(value)}
    if isinstance(value, Mapping):
        return {"map": [[encode(key), encode(one)] for key, one in value.items()]}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {name_of(type(value)): {f.name: encode(getattr(value, f.name)) for f in dataclasses.fields(value)}}
    if inspect.isfunction(value):
        return {"function": name_of(value)}
    raise TypeError(f"an argument of a job cannot be a {type(value).__name__}")


def decode(value: Any, anywhere: bool = False) -> Any:
    """The value that was encoded; its functions and dataclasses are of this package, unless ``anywhere``.

    Raises:
        UserError: it is not what :func:`encode` returns (``job-invalid``).
    """
    if isinstance(value, list):
        return [decode(one, anywhere) for one in value]
    if not isinstance(value, dict):
        return value
    if len(value) != 1:
        raise UserError(f"not an argument of a job: {str(value)[:100]}", code="job-invalid")
    [(kind, content)] = value.items()
    if kind == "path":
        return Path(content)
    if kind == "tuple":
        return tuple(decode(one, anywhere) for one in content)
    if kind == "map":
        return {decode(key, anywhere): decode(one, anywhere) for key, one in content}
    if kind == "function":
        return find(content, anywhere)
    cls = find(kind, anywhere, function=False)
    try:
        return cls(**{name: decode(one, anywhere) for name, one in content.items()})
    except (TypeError, AttributeError):
        raise UserError(f"{kind}: not its fields: {str(content)[:100]}", code="job-invalid") from None


def name_of(thing: Callable) -> str:
    """Name of a function or class of a module, ``package.module:name``."""
    return f"{thing.__module__}:{thing.__qualname__}"


def find(name: str, anywhere: bool = False, function: bool = True) -> Callable:
    """The function, or else the dataclass, that a module of this package, with ``anywhere`` of any, defines by a name.

    Raises:
        UserError: there is none (``job-invalid``).
    """
    module, _, attribute = name.partition(":")
    try:
        if not anywhere and module.partition(".")[0] != PACKAGE:
            raise ImportError
        found = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError):
        found = None
    right = inspect.isfunction(found) if function else isinstance(found, type) and dataclasses.is_dataclass(found)
    if found is None or not right or name_of(found) != name:
        what = "function" if function else "dataclass"
        raise UserError(f"{name[:100]}: no {what} of {PACKAGE}", code="job-invalid")
    return found
