"""EmoBox (Ma et al., Interspeech 2024): its lists, and what our descriptions say about the recordings that they name.

A release of the lists has ``<corpus>/fold_1/<corpus>_train_fold_1.jsonl`` and the like. A condensed one has a table
``<corpus>.tsv.gz`` with the columns ``key wav emotion seconds speaker fold_1 …``, the parts in the columns of folds.
"""

import csv
import gzip
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from mscnn import paths
from mscnn.config import schema
from mscnn.config.corpus import Description, Field
from mscnn.corpora import declarative
from mscnn.corpora.common import Item
from mscnn.corpora.ids import valid_ids
from mscnn.data.foldimport import read_jsonl
from mscnn.errors import UserError

LIST = re.compile(r"fold_(?P<fold>\d+)/[^/]+_(?P<part>train|valid|test)_fold_(?P=fold)\.jsonl")
FORMATS = ("wav", "flac", "mp4", "avi", "m4a", "webm")


@dataclass(frozen=True)
class Entry:
    """A corpus of ``conf/emobox.yaml``; the keys are explained there.

    Attributes:
        corpus: our name of the corpus, where it has a recipe.
        names, fields, id: as in a description.
        by: what ``names`` match.
        note: what names do not tell.
    """

    corpus: str = ""
    names: tuple[str, ...] = ()
    fields: Mapping[str, str | Field] = field(default_factory=dict)
    id: str = "{stem}"
    by: Literal["path", "key"] = "path"
    note: str = ""

    def description(self) -> Description:
        """The description that reads the names; recordings that recipes exclude are not excluded here."""
        if not self.names:
            return replace(Description.load(self.corpus), known_bad={})
        own = {name: Field(rule) if isinstance(rule, str) else rule for name, rule in self.fields.items()}
        fields = {"label": Field("{stem}"), **own}
        return Description("EmoBox", self.names, formats=FORMATS, id=self.id, fields=fields)


@dataclass(frozen=True)
class Listed:
    """A recording in lists: its key, its path, and the part that it has in each fold; it may be in several."""

    key: str
    path: str
    parts: Mapping[int, frozenset[str]]


def entries() -> dict[str, Entry]:
    """The corpora of EmoBox by their names there."""
    path = paths.CONF / "emobox.yaml"
    return {name: schema.build(Entry, facts, path) for name, facts in schema.read(path).items()}


def described(dataset: str, entry: Entry, recordings: Mapping[str, str]) -> dict[str, Item]:
    """Key of each recording (key -> path) that is understood -> the utterance, with the id that data directories have.

    The id is the corpus' own where names do not tell speakers.
    """
    names = {_name(dataset, key if entry.by == "key" else path): key for key, path in recordings.items()}
    try:
        corpus = declarative.parse(entry.description(), Path("/"), names)
    except UserError as error:
        if error.code != "corpus-not-found":
            raise
        return {}
    if any(item.speaker for item in corpus.items):
        corpus = valid_ids(corpus)
    return {names[item.wav.removeprefix("/")]: item for item in corpus.items}


def _name(dataset: str, name: str) -> str:
    """The path below the corpus; a key becomes the name of a recording."""
    if "/" not in name:
        return f"{name.removeprefix(f'{dataset}-')}.wav"
    return name.partition(f"/{dataset}/")[2] or name.lstrip("/")


def utterances(dataset: str, recordings: Mapping[str, str]) -> dict[str, str]:
    """Key of each recording of a corpus of EmoBox (key -> path) that has a recipe here -> id of its utterance."""
    entry = entries().get(dataset)
    if not entry or not entry.corpus:
        return {}
    return {key: item.utt for key, item in described(dataset, entry, recordings).items()}


def read_lists(folder: Path) -> dict[str, list[Listed]]:
    """Corpus of EmoBox -> recordings of its lists in ``folder``, in one of the two layouts.

    Raises:
        UserError: there are no lists (``fold-lists-absent``), or a line is malformed (``fold-list-line``).
    """
    lists = {path.name.removesuffix(".tsv.gz"): _condensed(path) for path in sorted(folder.glob("*.tsv.gz"))}
    found: dict[str, dict[tuple[str, str], dict[int, set[str]]]] = {}
    for path in sorted(folder.rglob("*.jsonl")):
        if match := LIST.fullmatch(f"{path.parent.name}/{path.name}"):
            rows = found.setdefault(path.parents[1].name, {})
            for item in read_jsonl(path):
                row = rows.setdefault((item.key, item.path), {})
                row.setdefault(int(match["fold"]), set()).add(match["part"])
    for name, rows in found.items():
        lists[name] = [Listed(*row, {n: frozenset(part) for n, part in parts.items()}) for row, parts in rows.items()]
    if not lists:
        raise UserError(
            f"{folder}: no lists of EmoBox: expected CORPUS/fold_1/CORPUS_train_fold_1.jsonl …, or CORPUS.tsv.gz",
            code="fold-lists-absent",
        )
    return dict(sorted(lists.items()))


def _condensed(path: Path) -> list[Listed]:
    try:
        with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
        folds = [name for name in rows[0] if (name or "").startswith("fold_")]
        return [
            Listed(row["key"], row["wav"], {int(f[5:]): frozenset(row[f].split("+")) - {"-"} for f in folds})
            for row in rows
        ]
    except (OSError, EOFError, zlib.error, ValueError, csv.Error, LookupError, AttributeError) as error:
        raise UserError(
            f"{path}: expected a packed table of key, wav and fold_N: {type(error).__name__}: {error}",
            code="fold-list-line",
        ) from None
