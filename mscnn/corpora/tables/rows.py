"""What a reader of a table returns: rows of cells, which have the names of the table's own columns."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mscnn.corpora.common import CorpusIssue

MISSING = frozenset(  # how programs write that a cell has no value
    {"", "nan", "NaN", "NAN", "null", "NULL", "None", "NA", "N/A", "n/a", "#N/A", "<NA>", "NaT"}
)
AUDIO = frozenset(  # endings of files that libsndfile reads, or FFmpeg
    {
        *(".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".aifc", ".au", ".snd", ".caf", ".w64"),
        *(".rf64", ".sph", ".nist", ".voc", ".mp4", ".m4a", ".avi", ".mkv", ".webm", ".mov"),
    }
)
SPLITS: Mapping[str, str] = {  # how tables name the parts of a split -> train, dev or test
    **dict.fromkeys(("train", "training", "trn", "tr"), "train"),
    **dict.fromkeys(("dev", "development", "devel", "val", "valid", "validation", "cv"), "dev"),
    **dict.fromkeys(("test", "testing", "tst", "te", "eval", "evaluation", "test1"), "test"),
}


@dataclass(frozen=True)
class Row:
    """One utterance: where it stands, ``file:line`` for messages, and its cells by column."""

    where: str
    cells: Mapping[str, str]


@dataclass
class Rows:
    """Content of a table or folder.

    Attributes:
        kind: name of the format, for messages.
        roots: folders that relative paths may be relative to.
        rows: the rows.
        issues: issues of lines that are no rows.
        notes: sentences about what was assumed or skipped.
        header: names of the columns, where the table states them.
    """

    kind: str
    roots: tuple[Path, ...]
    rows: list[Row] = field(default_factory=list)
    issues: list[CorpusIssue] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    header: tuple[str, ...] = ()

    @property
    def columns(self) -> list[str]:
        """Names of all columns, in the order in which they occur."""
        return list(dict.fromkeys([*self.header, *(name for row in self.rows for name in row.cells)]))

    def add_splits(self, parts: Sequence[str]) -> None:
        """Add the column ``split``, if every row has a part, and there are train and test; else note what there is."""
        found = sorted({*parts} - {""})
        if "" not in parts and {"train", "test"} <= {*parts}:
            pairs = zip(self.rows, parts, strict=True)
            self.rows = [Row(row.where, {"split": part, **row.cells}) for row, part in pairs]
        elif found:
            lacking = "some rows are in none" if "" in parts else "train and test are needed"
            self.notes.append(
                f"files or folders are named after {' and '.join(found)}, but {lacking}: no split is used"
            )


def cell(value: object) -> str:
    """A value of JSON, YAML or parquet as the text of a cell; empty where it is missing, ``3`` for 3.0."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace")
    text = str(value).strip()
    return "" if text in MISSING else text


def split_of(path: Path) -> str:
    """The part (train, dev, test) that a file or folder is named after, as in ``test-00000-of-00001.parquet``."""
    for name in (path.name.split("-")[0].split(".")[0], path.parent.name):
        if part := SPLITS.get(name.lower()):
            return part
    return ""
