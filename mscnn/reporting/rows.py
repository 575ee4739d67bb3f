"""Rows of tables of published results: those of the paper, one per ASR engine of ours, and the baselines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from mscnn.reporting.ours import BASELINES, Result
from mscnn.reporting.published import Row


@dataclass(frozen=True)
class Entry:
    """A published row or a baseline, and the ``text`` of our system: for a row with ``asr``, an ASR engine."""

    row: Row
    text: str


def baselines(rows: Sequence[Row]) -> Iterator[Row]:
    """Baselines: most frequent class, one per kind of text in the rows, and audio statistics if a row takes audio."""

    def baseline(model: str, text: Literal["none", "gt", "asr"], *, audio: bool = False) -> Row:
        return Row(f"{BASELINES[model]} (`{model}`)", text, rows[0].protocol, model=model, audio=audio)

    yield baseline("majority", "none")
    yield from (baseline("tfidf_lr", text) for text in dict.fromkeys(row.text for row in rows) if text != "none")
    if any(row.audio for row in rows):
        yield baseline("logmel_lr", "none", audio=True)


def by_engine(rows: Iterable[Row], results: Sequence[Result]) -> Iterator[Entry]:
    """Entries of rows; a row with the text ``asr`` has one entry per ASR engine of our results."""
    engines = sorted({r.text for r in results} - {"gt", "none"})
    for row in rows:
        texts = engines if row.text == "asr" and row.model and engines else [row.text]
        yield from (Entry(row, text) for text in texts)


def decimals(rows: Iterable[Row]) -> int:
    """Decimals of published scores, as in the paper: one, or two where a score has two."""
    return 1 if all(round(value, 1) == value for row in rows for value in row.numbers) else 2
