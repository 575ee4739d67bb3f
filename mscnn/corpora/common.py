"""Results of a parser: utterances, issues, and what was skipped."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from mscnn.audio.read import AUDIO_FIXES
from mscnn.errors import Issue, UserError

SUBSETS = ("all", "improvised", "scripted")  # recordings, by their style
ON_BAD = ("stop", "skip")  # what to do where a corpus has issues

ORIGINAL = "put the original file back"
AS_RELEASED = "put the original file back, or let stage 3 convert: --convert true"
# code of an issue -> its fix
FIXES: Mapping[str, str] = {
    "missing-session": "unpack the whole release again",
    "missing-wav": ORIGINAL,
    "path-characters": "rename the file or folder; to UTF-8: convmv -f latin1 -t utf8 -r --notest FOLDER",
    "unreadable-wav": "give yourself permission to read it",
    "empty-wav": ORIGINAL,
    "header-only-wav": ORIGINAL,
    **AUDIO_FIXES,
    "truncated-wav": ORIGINAL,
    "unclosed-wav": "repair it: sox --ignore-length FILE OUT.wav",
    "not-a-wav": "put the original file back, or convert it: ffmpeg -i FILE FILE.wav",
    "no-sound": ORIGINAL,
    "broken-video": ORIGINAL,
    "truncated-video": ORIGINAL,
    "lfs-pointer": "fetch the audio: git lfs pull",
    "wrong-channels": AS_RELEASED,
    "wrong-rate": AS_RELEASED,
    "duplicate-id": "keep the correct one, delete the other",
    "duplicate-recording": "keep the correct one, delete the other",
    "speaker-ambiguous": "give these speakers ids that differ in more than blanks",
    "malformed-line": "correct the line, or put the original file back",
    "malformed-name": "restore the original name of the file",
    "unknown-code": "restore the original name of the file, or add the code to the description in conf/corpora",
    "missing-table": ORIGINAL,
    "missing-row": "add the line, or put the original file back",
    "duplicate-row": "keep the correct line, delete the other",
    "row-without-file": "put the recording back",
    "incomplete-release": "unpack the whole release again",
    "known-bad": "none: it is so in every copy, and is always excluded",
    "unknown-label": "correct the label, or name it in the label map (map or drop)",
    "missing-label-file": ORIGINAL,
    "unlabelled-wav": "correct the unreadable line of its label file",
    "missing-transcription-file": ORIGINAL,
    "missing-transcript": "add the line, or put the original file back",
    "non-utf8": "put the original file back, or convert it: iconv -f WINDOWS-1252 -t UTF-8",
    # of tables of recordings
    "row-cells": "correct the line; a cell that has the separator in it needs quotes",
    "row-twice": "remove one of the rows",
    "row-contradiction": "keep the correct row, remove the others",
    "path-empty": "give the path of the recording, or remove the row",
    "label-empty": "give the label, or remove the row; NA, NaN, None, null and n/a stand for none",
    "speaker-empty": "give every row a speaker, or leave the column out; NA, NaN, None, null and n/a stand for none",
    "split-unknown": "give train, dev or test",
    "time-invalid": "give seconds, the start before the end, both within the recording",
    "audio-missing": "correct the path, or give the folder that paths are relative to: --audio-root FOLDER",
    "name-unmatched": "correct the pattern, or remove the recording",
    "recording-command": "write the output to a file and give its path",
}
# issues that leave the utterance usable: its text is repaired, or empty
REPAIRED = frozenset({"missing-transcription-file", "missing-transcript", "missing-row", "duplicate-row", "non-utf8"})
KNOWN = frozenset({"known-bad"})  # issues of the release itself: their utterances are excluded, and nothing stops


@dataclass(frozen=True)
class Item:
    """One utterance of a corpus, as a parser returns it. What a corpus does not have is empty.

    Kaldi needs ids without blanks, utterance ids that begin with the speaker, and an order of utterances that is the
    order of speakers too (bytewise, LC_ALL=C). A parser may return ids as the corpus has them: where they break these
    rules, :func:`mscnn.corpora.ids.valid_ids` changes them. Ids of utterances must differ.

    Attributes:
        utt: utterance id: the corpus' own, or ``<speaker>-<the corpus' own id>``.
        speaker: speaker id; empty: unknown.
        label: the corpus' own label; the label map assigns it to a class.
        text: reference transcript on one line (:func:`one_line`).
        wav: absolute path of the recording; empty where the corpus has none, or where the file is missing.
        where: ``file:line`` of the label, for messages.
        style: ``improvised`` or ``scripted`` in a corpus that has both, for ``--subset``.
        session: recording session, such as one of IEMOCAP's five pairs of speakers.
        scene: dialogue or scene, ``impro…`` or ``script…`` in a corpus of both styles; audits compare scenes.
        gender: ``f`` or ``m``, the values that protocols with balanced genders accept.
        split: the publisher's own split: ``train``, ``dev`` or ``test``; ``test1`` … where there are several test sets.
        seconds: duration as the corpus states it; used only where there is no recording.
        fields: further facts by name; label maps may take labels from them (:meth:`Corpus.labelled_by`).
        start, end: seconds of the recording that are the utterance; an end of 0: all of it.
    """

    utt: str
    speaker: str
    label: str
    text: str
    wav: str
    where: str
    style: str = ""
    session: str = ""
    scene: str = ""
    gender: str = ""
    split: str = ""
    seconds: float = 0.0
    fields: Mapping[str, str] = field(default_factory=dict, compare=False)
    start: float = 0.0
    end: float = 0.0


@dataclass(frozen=True)
class CorpusIssue(Issue):
    """An issue in a corpus; ``code`` is a key of ``FIXES``, ``message`` says what was expected and found.

    Attributes:
        where: a file, or file:line.
        utts: ids of the affected utterances.
        labels: labels that these may have, None where they are unknown; issues of labels that are not selected are
            only logged.
        style: style of the utterances, as ``Item.style``.
    """

    where: str = ""
    utts: tuple[str, ...] = ()
    labels: tuple[str, ...] | None = None
    style: str = ""

    @property
    def repaired(self) -> bool:
        """Whether the utterances stay usable."""
        return self.code in REPAIRED

    @property
    def fix(self) -> str:
        """How to fix it."""
        return FIXES.get(self.code, ORIGINAL)

    def __str__(self) -> str:
        who = self.utts[0] if len(self.utts) == 1 else f"{len(self.utts) or 'no'} utterances"
        return f"{self.where}: {self.code}: {who}: {self.message}; fix: {self.fix}"


@dataclass
class Corpus:
    """Content of a release.

    Attributes:
        items: utterances.
        issues: issues.
        notes: kind of what was skipped without error -> places.
        expected: counts of a complete copy, rows as those of :func:`mscnn.corpora.counts.expected_rows`.
    """

    items: list[Item] = field(default_factory=list)
    issues: list[CorpusIssue] = field(default_factory=list)
    notes: dict[str, list[str]] = field(default_factory=dict)
    expected: Sequence[tuple[str, list[str], int]] = ()

    def note(self, what: str, where: object) -> None:
        """Record what is skipped, and where it is."""
        self.notes.setdefault(what, []).append(str(where))

    def labelled_by(self, name: str) -> "Corpus":
        """The corpus with the labels in ``Item.fields[name]``; itself where ``name`` is ``label``.

        Raises:
            UserError: no utterance has such labels (``labels-absent``).
        """
        if name == "label":
            return self
        if not any(item.fields.get(name) for item in self.items):
            known = ", ".join(sorted({key for item in self.items for key, value in item.fields.items() if value}))
            absent = "".join(f"; {what}: {places[0]}" for what, places in self.notes.items() if "table" in what)
            message = f"no utterance has labels of the field {name}; fields: {known}{absent}"
            raise UserError(message, code="labels-absent")
        items = [replace(item, label=item.fields.get(name, "")) for item in self.items]
        return replace(self, items=items)


def decode(raw: bytes) -> tuple[str, str]:
    """Decoded text (Windows-1252 where it is not UTF-8), and a message about invalid bytes, empty if there are none."""
    try:
        return raw.decode("utf-8"), ""
    except UnicodeDecodeError:
        invalid = b"".join(re.findall(rb"[^ -~]", raw)).hex(" ")
        return raw.decode("cp1252", errors="ignore"), f"bytes {invalid} are not UTF-8; read as Windows-1252"


def one_line(text: str) -> str:
    """Text on one line: single spaces between words, no unprintable characters."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
