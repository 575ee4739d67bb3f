"""Word error rate, in total and by group."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from mscnn.data.datadir import DataDir, kinds_of
from mscnn.files import atomic
from mscnn.text.normal import NORMALISATION, normalise


@dataclass(frozen=True)
class Errors:
    """Numbers of reference words and of edits from reference to hypothesis; they add up over utterances."""

    words: int = 0
    insertions: int = 0
    deletions: int = 0
    substitutions: int = 0

    def __add__(self, other: Errors) -> Errors:
        return Errors(
            self.words + other.words,
            self.insertions + other.insertions,
            self.deletions + other.deletions,
            self.substitutions + other.substitutions,
        )

    @property
    def edits(self) -> int:
        """Insertions, deletions and substitutions."""
        return self.insertions + self.deletions + self.substitutions

    @property
    def rate(self) -> float | None:
        """Word error rate in percent; None, undefined, where the reference has no words."""
        return 100 * self.edits / self.words if self.words else None

    def __str__(self) -> str:
        rate = "n/a" if self.rate is None else f"{self.rate:.2f}"
        return (
            f"%WER {rate} [ {self.edits} / {self.words}, {self.insertions} ins, {self.deletions} del, "
            f"{self.substitutions} sub ]"
        )


def count_errors(references: Mapping[str, str], hypotheses: Mapping[str, str]) -> dict[str, Errors]:
    """Errors of each utterance by minimum edit distance (jiwer); the texts must be normalised."""
    import jiwer

    utts = list(references)
    aligned = jiwer.process_words([references[u] for u in utts], [hypotheses[u] for u in utts])
    errors = {}
    for utt, chunks in zip(utts, aligned.alignments, strict=True):
        edits = {"equal": 0, "insert": 0, "delete": 0, "substitute": 0}
        for chunk in chunks:
            edits[chunk.type] += max(chunk.ref_end_idx - chunk.ref_start_idx, chunk.hyp_end_idx - chunk.hyp_start_idx)
        errors[utt] = Errors(len(references[utt].split()), edits["insert"], edits["delete"], edits["substitute"])
    return errors


def write_wer(out: str | os.PathLike, data: DataDir, hypotheses: Mapping[str, str], name: str) -> Errors:
    """Score ``hypotheses`` against the data directory's ``text``.

    Writes ``out/wer``: one line in total, then one per emotion, speaker and kind of scene; and ``out/wer_detail.tsv``
    with both texts and the number of edits of every utterance. Rates are summed edits over summed reference words, and
    n/a where there are no reference words.

    Returns:
        total errors.
    """
    references = {utt: normalise(data.text[utt]) for utt in data.utts}
    normalised = {utt: normalise(hypotheses[utt]) for utt in data.utts}
    errors = count_errors(references, normalised)
    with atomic(os.path.join(out, "wer_detail.tsv")) as detail:
        detail.write("utt\tref\thyp\tedits\twords\n")
        for utt in data.utts:
            detail.write(f"{utt}\t{references[utt]}\t{normalised[utt]}\t{errors[utt].edits}\t{errors[utt].words}\n")
    compared = f"text.{name} vs text, {data.path}"
    total = sum(errors.values(), Errors())
    with atomic(os.path.join(out, "wer")) as lines:
        empty = sum(not words for words in hypotheses.values())
        lines.write(f"# normalisation: {NORMALISATION}\n# {len(errors)} utterances, {empty} hypotheses without words\n")
        lines.write(f"{total} {compared}\n")
        for group, utts in _groups(data).items():
            part = sum((errors[utt] for utt in utts), Errors())
            lines.write(f"{part} {compared} {group} utterances={len(utts)}\n")
    return total


def _groups(data: DataDir) -> dict[str, list[str]]:
    """Utterances of each emotion, speaker and kind of scene (where scenes are known), sorted by name."""
    by = {
        "emotion": data.emo,
        "speaker": data.spk,
        "scenes": kinds_of(data.scene),
    }
    groups: dict[str, list[str]] = {}
    for kind, values in by.items():
        for value in sorted(set(values.values())):
            groups[f"{kind}={value}"] = [utt for utt in data.utts if values.get(utt) == value]
    return groups
