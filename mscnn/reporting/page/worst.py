"""The misclassified utterances with the largest loss."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mscnn.evaluation.misses import Miss, misses
from mscnn.reporting.formats import fixed
from mscnn.reporting.page.audio import recording
from mscnn.reporting.page.source import ReportData
from mscnn.reporting.table import Cell, Column, Table, column_each
from mscnn.reporting.templates import macro

MAX_UTTERANCES = 15


def worst(data: ReportData, audio: str) -> dict[str, object]:
    """Values for the template: the table, with audio players where recordings are available; None: no errors."""
    shown: Sequence[Miss] = misses(data.exp, MAX_UTTERANCES)
    recordings = {miss.utt: recording(data, miss.utt, audio) for miss in shown}
    text, speakers, names = data.tables["text"], data.tables["utt2spk"], data.exp.classes

    def utterance(miss: Miss) -> Cell:
        return Cell(macro("utterance", miss.utt, text.get(miss.utt, ""), recordings[miss.utt]), classes="utt")

    columns: list[Column[Miss]] = [
        Column("utterance", utterance, left=True),
        Column("speaker", lambda miss: speakers.get(miss.utt), left=True),
        Column("truth", lambda miss: miss.truth, left=True),
        Column("predicted", lambda miss: _predicted(miss.predicted), left=True),
        Column("loss", lambda miss: fixed(miss.loss)),
        *column_each(range(len(names)), lambda k: f"p {names[k]}", lambda miss, k: fixed(float(miss.prob[k]), 3)),
    ]
    return {
        "table": Table.of(columns, shown) if shown else None,
        "silent": audio != "none" and not any(recordings.values()),
    }


def _predicted(counts: Mapping[str, int]) -> str:
    """``happy``, or ``happy 2, sad 1`` if runs disagree."""
    if len(counts) == 1:
        return next(iter(counts))
    return ", ".join(f"{name} {n}" for name, n in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))
