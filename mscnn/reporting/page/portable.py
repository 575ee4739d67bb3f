"""Texts without the paths of a machine: a report is handed around."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

# in quotes, or up to where a path usually ends; not what follows a word (and/or), a colon (https://) or a tag (</p>)
ABSOLUTE = re.compile(r"""'/[^']+'|(?<![\w.:/~<])/[^\s'",;:()\[\]{}]+""")
Value = TypeVar("Value")


def portable(value: Value, root: Path) -> Value:
    """The same texts, lists and mappings; of absolute paths what comes after ``root``, or the last name.

    Args:
        value: what YAML and JSON can hold.
        root: the folder of the recipe.
    """
    return _portable(value, root)


def _portable(value: Any, root: Path) -> Any:
    if isinstance(value, dict):
        return {key: _portable(one, root) for key, one in value.items()}
    if isinstance(value, list):
        return [_portable(one, root) for one in value]
    return _shortened(value, root) if isinstance(value, str) else value


def _shortened(text: str, root: Path) -> str:
    for folder in {root.absolute(), root.resolve()}:
        if folder.name:  # all of the disk is nobody's recipe
            text = re.sub(rf"(?<![\w.:/~<]){re.escape(str(folder))}/", "", text)
    return ABSOLUTE.sub(lambda found: PurePosixPath(found[0].strip("'")).name, text)
