"""Footnotes of tables of published results: what differs between a result of ours and the row that it stands in."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from string import ascii_lowercase

from mscnn.reporting.formats import counted
from mscnn.reporting.marks import dagger, dagger_meaning
from mscnn.reporting.notes import Note
from mscnn.reporting.ours import BASELINES, Result
from mscnn.reporting.published import Protocol, Row, Transcripts, split_set


class Footnotes:
    """The footnotes of a table; each is listed once, under a letter."""

    def __init__(self) -> None:
        self._letters: dict[Note, str] = {}

    def sign(self, notes: Sequence[Note]) -> str:
        """The marks behind a number: `` † (a, c)``; empty without notes."""
        for note in notes:
            self._letters.setdefault(note, _letter(len(self._letters)))
        letters = ", ".join(sorted((self._letters[note] for note in notes), key=lambda letter: (len(letter), letter)))
        return f"{dagger(notes)} ({letters})" if letters else ""

    @property
    def notes(self) -> list[Note]:
        """The meaning of the dagger, where it is used, and of each letter."""
        meaning = dagger_meaning(self._letters)
        used = [Note("dagger", meaning)] if meaning else []
        return used + [Note(note.code, f"({letter}) {note.text}") for note, letter in self._letters.items()]


def _letter(number: int) -> str:
    """a to z, then aa, ab and so on."""
    first, last = divmod(number, len(ascii_lowercase))
    return (ascii_lowercase[first - 1] if first else "") + ascii_lowercase[last]


def differences(
    row: Row, protocol: Protocol, result: Result, asr: Transcripts | None = None, said: Collection[str] = ()
) -> list[Note]:
    """Notes on a result of ours in a published row: its marks, and what differs from the published protocol.

    Args:
        row: the row; of a baseline, only the marks are notes.
        protocol: the protocol of the row.
        result: our result.
        asr: transcripts of the paper.
        said: codes of notes that the head of the column says already.
    """
    notes = [*_marks(row, result, asr)]
    if result.model != row.model:
        notes += [Note("no-xvectors", "without x-vectors"), Note("twin", f"the same system as `{result.model}`")]
    if row.model not in BASELINES:
        notes += _of_protocol(protocol, result)
    return [note for note in dict.fromkeys(notes) if note.code not in said]


def _marks(row: Row, result: Result, asr: Transcripts | None) -> Iterator[Note]:
    """Marks of the experiment, without the options of the row; ASR transcripts beside those of the paper."""
    for note in result.marks:
        key, _, value = note.text.partition("=")
        if note.code == "changed" and row.options.keys() & {key, key.rpartition(".")[2]}:
            continue
        if note.code == "asr" and asr:
            yield Note(note.code, f"{note.text}; the paper: {asr.engine}, WER {asr.wer:.2f} % [{asr.certain}]")
        else:
            yield note


def _of_protocol(protocol: Protocol, result: Result) -> Iterator[Note]:
    (labels, subset), (published_labels, published_subset) = split_set(result.set), split_set(protocol.set)
    if labels != published_labels:
        yield Note("classes", f"class set `{labels}`; published: `{published_labels}`")
    if subset != published_subset:
        yield Note("recordings", f"{subset} recordings; published: {published_subset}")
    if result.protocol != protocol.like:
        near = f", nearest to our `{protocol.like}`" if protocol.like else ""
        yield Note("protocol", f"published under another protocol ({protocol.source}){near}")
    if result.runs < protocol.runs:
        yield Note("runs", f"{counted(result.runs, 'run')} of each fold; published: {protocol.runs}")
    segmented = result.system is not None and result.system.segments is not None
    if protocol.short == "drop" and segmented and not any(note.code == "short-dropped" for note in result.marks):
        yield Note("short-kept", "utterances shorter than a segment are padded; the authors exclude them")
