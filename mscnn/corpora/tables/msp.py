"""The consensus tables of MSP-Podcast: ``labels_consensus.csv``, or ``labels_concensus.csv`` in older releases."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from mscnn.corpora.msp_podcast import TABLES
from mscnn.corpora.tables import delimited
from mscnn.corpora.tables.columns import KNOWN
from mscnn.corpora.tables.rows import Row, Rows

EMOTIONS: Mapping[str, str] = {
    **{"A": "angry", "S": "sad", "H": "happy", "U": "surprise", "F": "fear", "D": "disgust", "C": "contempt"},
    **{"N": "neutral", "O": "other", "X": "no_agreement"},
}
SPLITS = {"train": "train", "development": "dev", "validation": "dev", "test1": "test", "test": "test"}
COLUMNS = {"FileName": "path", "EmoClass": "label", "SpkrID": "speaker", "Gender": "gender"}


def find(path: Path) -> Path | None:
    """The consensus table that a path is, or that a release has; None where it has none."""
    if path.is_file():
        return path if path.name.lower() in TABLES else None
    return next(
        (file for folder in (path, path / "Labels") for name in TABLES if (file := folder / name).is_file()), None
    )


def read(path: Path) -> Rows:
    """Rows of a consensus table: classes by name; Train, Development (or Validation) and Test1 are the split.

    Utterances of Test2 and Test3 are skipped, and so are those without agreement and those of another emotion.
    """
    source, skipped = delimited.read(path, KNOWN), Counter[str]()
    folders = (path.parent, path.parent.parent)
    roots = tuple(folder / name for folder in folders for name in ("", "Audios", "Audio"))
    rows = Rows("MSP-Podcast", roots, issues=source.issues, notes=source.notes)
    for row in source.rows:
        part, label = row.cells.get("Split_Set", ""), row.cells.get("EmoClass", "")
        if part and part.lower() not in SPLITS:
            skipped[part] += 1
        elif label in ("O", "X"):
            skipped[EMOTIONS[label]] += 1
        else:
            cells = {name: row.cells.get(column, "") for column, name in COLUMNS.items() if column in row.cells}
            cells["label"] = EMOTIONS.get(label, label)
            rows.rows.append(Row(row.where, {**cells, **({"split": SPLITS[part.lower()]} if part else {})}))
    rows.notes += [f"{count} utterances of {what} are skipped" for what, count in sorted(skipped.items())]
    return rows
