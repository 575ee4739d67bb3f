"""What train and test of EmoBox's folds share, counted with our descriptions of the corpora."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TypeAlias

from mscnn.corpora.emobox import Entry, Listed, described, utterances
from mscnn.data.datadir import DataDir
from mscnn.data.foldimport import names_of
from mscnn.data.protocols import shared
from mscnn.data.schemes import attribute
from mscnn.errors import UserError
from mscnn.files import atomic

UNKNOWN = "-"


@dataclass(frozen=True)
class Leak:
    """A row of the table: one fold of a corpus. Counts that are not known are None.

    Attributes:
        corpus: name in EmoBox.
        fold: number of the fold, from 1.
        train, test: recordings of each part.
        speakers, shared_speakers: those of test, and those of them that are in train too.
        sentences, shared_sentences: those of test, and those of them that are in train too.
        note: what is not known, and why.
    """

    corpus: str
    fold: int
    train: int | None
    test: int
    speakers: int | None
    shared_speakers: int | None
    sentences: int | None
    shared_sentences: int | None
    note: str = ""


def count(name: str, entry: Entry, recordings: Sequence[Listed], data: DataDir | None = None) -> list[Leak]:
    """A row for each fold of a corpus; with ``data``, a data directory of it, speakers and texts are those of the data.

    Raises:
        UserError: a name is not understood (``corpus-name-unknown``).
    """
    speaker, sentence = _of_data(name, recordings, data) if data else _of_names(name, entry, recordings)
    numbers = sorted({n for listed in recordings for n in listed.parts})
    partition = len(numbers) > 1 and all(
        sum("test" in listed.parts.get(n, ()) for n in numbers) == 1 for listed in recordings
    )
    rows = []
    for n in numbers:
        parts = {p: [r.key for r in recordings if p in r.parts.get(n, ())] for p in ("train", "test")}
        absent = "" if parts["train"] else "the list of train was not available"
        if absent and partition:
            parts["train"] = [listed.key for listed in recordings if "test" not in listed.parts.get(n, ())]
            absent += ": it is taken to be what is not in test"
        origin = "speakers and texts are those of a data directory" if data else entry.note
        note = "; ".join(filter(None, (absent, origin)))
        of_speakers, of_sentences = (_overlap(table, parts["train"], parts["test"]) for table in (speaker, sentence))
        rows.append(Leak(name, n, len(parts["train"]) or None, len(parts["test"]), *of_speakers, *of_sentences, note))
    return rows


Values: TypeAlias = Mapping[str, str]  # key of a recording -> value


def _of_names(name: str, entry: Entry, recordings: Sequence[Listed]) -> tuple[Values, Values]:
    """Speakers, and texts or codes of sentences, as far as names tell them."""
    items = described(name, entry, {listed.key: listed.path for listed in recordings})
    if strange := next((listed for listed in recordings if listed.key not in items), None):
        raise UserError(
            f"{name}: {strange.path} is not understood by {entry.corpus or 'conf/emobox.yaml'}: correct its patterns",
            code="corpus-name-unknown",
        )
    texts = {key: item.text for key, item in items.items()}
    if not all(texts.values()):
        texts = {key: item.fields.get("sentence", "") for key, item in items.items()}
    speaker = {key: item.speaker for key, item in items.items() if item.speaker}
    return speaker, {key: text for key, text in texts.items() if text}


def _of_data(name: str, recordings: Sequence[Listed], data: DataDir) -> tuple[Values, Values]:
    """Speakers and normalised texts of the recordings that the data directory has."""
    known, ours = names_of(data), utterances(name, {listed.key: listed.path for listed in recordings})
    utts = {r.key: known.get(ours.get(r.key, ""), known.get(Path(r.path).stem, "")) for r in recordings}
    tables = (data.spk, attribute(data, "text"))
    speaker, text = ({key: table[utt] for key, utt in utts.items() if utt in table} for table in tables)
    return speaker, text


def _overlap(values: Mapping[str, str], train: Sequence[str], test: Sequence[str]) -> tuple[int | None, int | None]:
    """Values of the test part, and how many of them are in train; None where they are not known."""
    if not values:
        return None, None
    return len({values[key] for key in test if key in values}), len(shared(values, train, test)) if train else None


def write(rows: Iterable[Leak], path: Path) -> None:
    """Write the table, tab separated; ``-`` is what is not known."""
    with atomic(path) as out:
        print(*(field.name for field in fields(Leak)), sep="\t", file=out)
        for row in rows:
            print(*(UNKNOWN if value is None else value for value in asdict(row).values()), sep="\t", file=out)


def read(path: Path) -> list[Leak]:
    """The rows of a table that :func:`write` wrote."""
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    text = ("corpus", "note")
    return [
        Leak(**{k: v if k in text else None if v == UNKNOWN else int(v) for k, v in row.items()})  # type: ignore[arg-type]
        for row in rows
    ]
