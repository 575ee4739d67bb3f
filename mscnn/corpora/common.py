"""What every parser of a corpus returns: utterances, faults, and what it passed over."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

ORIGINAL = "put the original file back"
AS_RELEASED = "put the original file back, or let stage 3 convert: --convert true"
# kind of fault -> its cure
CURES: Mapping[str, str] = {
    "missing-session": "unpack the release again, whole",
    "missing-wav": ORIGINAL,
    "unreadable-wav": "give yourself permission to read it",
    "empty-wav": ORIGINAL,
    "header-only-wav": ORIGINAL,
    "truncated-wav": ORIGINAL,
    "not-a-wav": ORIGINAL,
    "lfs-pointer": "fetch the audio: git lfs pull",
    "wrong-channels": AS_RELEASED,
    "wrong-rate": AS_RELEASED,
    "duplicate-id": "keep the right one, delete the other",
    "duplicate-recording": "keep the right one, delete the other",
    "malformed-line": "correct the line, or put the original file back",
    "malformed-name": "rename the file as the corpus names it",
    "unknown-label": "correct the label, or name it in the label map (map or drop)",
    "missing-label-file": ORIGINAL,
    "unlabelled-wav": "correct the unreadable line of its label file",
    "missing-transcription-file": ORIGINAL,
    "missing-transcript": "add the line, or put the original file back",
    "non-utf8": "put the original file back, or convert it: iconv -f WINDOWS-1252 -t UTF-8",
}
# faults that leave the utterance usable: its text is repaired, or empty
REPAIRED = frozenset({"missing-transcription-file", "missing-transcript", "non-utf8"})


@dataclass(frozen=True)
class Item:
    """One utterance of a corpus.

    ``label`` is the corpus' own; ``wav`` is an absolute path, empty where there is no file; ``where`` is the file and
    line of the label; ``part`` is what ``--subset`` selects (improvised or scripted); ``split`` is the publisher's own
    (train, dev or test). ``seconds`` counts only in a corpus without recordings: there it is the length of the
    utterance as the corpus states it. What a corpus has not is empty.
    """

    utt: str
    speaker: str
    label: str
    text: str
    wav: str
    where: str
    part: str = ""
    session: str = ""
    scene: str = ""
    gender: str = ""
    split: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class Fault:
    """Something wrong in the corpus.

    ``where`` is a file, or file:line; the message says what was found there. ``labels`` are those that the utterances
    may have, None if they cannot be known: where none of them is selected, the fault does not concern the user.
    """

    kind: str
    where: str
    message: str
    utts: tuple[str, ...] = ()
    labels: tuple[str, ...] | None = None
    part: str = ""

    @property
    def repaired(self) -> bool:
        """Whether the utterances stay usable."""
        return self.kind in REPAIRED

    def __str__(self) -> str:
        who = self.utts[0] if len(self.utts) == 1 else f"{len(self.utts) or 'no'} utterances"
        return f"{self.where}: {self.kind}: {who}: {self.message}; cure: {CURES.get(self.kind, ORIGINAL)}"


@dataclass
class Corpus:
    """All that a parser found. ``notes`` maps what was passed over, and is no fault, to the places where it stands."""

    items: list[Item] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    notes: dict[str, list[str]] = field(default_factory=dict)

    def note(self, what: str, where: object) -> None:
        """Count something that is passed over."""
        self.notes.setdefault(what, []).append(str(where))


def decode(raw: bytes) -> tuple[str, str]:
    """Text, by Windows-1252 where it is not UTF-8; and what was wrong with its bytes."""
    try:
        return raw.decode("utf-8"), ""
    except UnicodeDecodeError:
        odd = b"".join(re.findall(rb"[^ -~]", raw)).hex(" ")
        return raw.decode("cp1252", errors="ignore"), f"bytes {odd} are not UTF-8; read as Windows-1252"


def one_line(text: str) -> str:
    """Text on one line, words parted by one blank, nothing unprintable."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
