"""Texts without absolute paths, so that a report can be passed on."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

# an absolute path in quotes, or up to a usual end of a path; not after a word (and/or), a colon (https://) or < (</p>)
ABSOLUTE = re.compile(r"""'/[^']+'|(?<![\w.:/~<])/[^\s'",;:()\[\]{}]+""")
Value = TypeVar("Value")


def portable(value: Value, root: Path) -> Value:
    """The value with absolute paths shortened: relative to ``root``, or to the last name of the path.

    Args:
        value: texts, lists and mappings, as in YAML and JSON.
        root: folder of the recipe.
    """
    return _portable(value, root)


def _portable(value: Any, root: Path) -> Any:
    if isinstance(value, dict):
        return {key: _portable(item, root) for key, item in value.items()}
    if isinstance(value, list):
        return [_portable(item, root) for item in value]
    return _shortened(value, root) if isinstance(value, str) else value


def _shortened(text: str, root: Path) -> str:
    for folder in {root.absolute(), root.resolve()}:
        if folder.name:  # the root of the file system is not the folder of a recipe
            text = re.sub(rf"(?<![\w.:/~<]){re.escape(str(folder))}/", "", text)
    return ABSOLUTE.sub(lambda match: PurePosixPath(match[0].strip("'")).name, text)
