"""Lists of EmoBox: ``<corpus>/<corpus>.jsonl``, or the lists of one fold."""

from __future__ import annotations

import re
from pathlib import Path

from mscnn.corpora.tables import jsons
from mscnn.corpora.tables.rows import SPLITS, Rows

OF_FOLD = re.compile(r".+_(train|valid|test)_fold_\d+\.jsonl")


def find(folder: Path) -> list[Path]:
    """The lists in a folder: that of the corpus, or those of a fold; none where this is not a folder of EmoBox."""
    whole = folder / f"{folder.name}.jsonl"
    if whole.is_file():
        return [whole]
    return sorted(path for path in folder.glob("*.jsonl") if OF_FOLD.fullmatch(path.name))


def read(files: list[Path]) -> Rows:
    """Rows of the lists; those of a fold give the column ``split``. Paths are relative to the checkout of EmoBox."""
    rows, parts = Rows("EmoBox", (files[0].parent, *files[0].parent.absolute().parents[:4])), []
    for path in files:
        part = OF_FOLD.fullmatch(path.name)
        source = jsons.read(path)
        rows.rows += source.rows
        rows.notes += source.notes
        parts += [SPLITS[part[1]] if part else ""] * len(source.rows)
    rows.add_splits(parts)
    return rows
