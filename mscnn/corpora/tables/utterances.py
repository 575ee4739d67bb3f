"""Utterances of a table: their place in recordings, ids that differ, and no repetitions."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import PurePath

from mscnn.audio.check import Header, read_headers
from mscnn.corpora.common import CorpusIssue, Item

ROUNDING = 0.05  # seconds that a segment may end after its recording


def within_recordings(items: Sequence[Item], issues: list[CorpusIssue]) -> Iterator[Item]:
    """Utterances with an end in seconds where they are a part of their recording, and 0 where they are all of it.

    Those that end after their recording are issues. A recording that cannot be read is left to stage 1.
    """
    wavs = list(dict.fromkeys(item.wav for item in items if item.start or item.end))
    headers = dict(zip(wavs, read_headers(wavs), strict=True))
    for item in items:
        header = headers.get(item.wav)
        if not isinstance(header, Header):
            yield replace(item, start=0.0, end=0.0)
        elif item.start >= header.seconds or item.end > header.seconds + ROUNDING:
            message = f"from {item.start:g} to {item.end or 'the end'} s, but {item.wav} has {header.seconds:.3f} s"
            issues.append(CorpusIssue("time-invalid", message, item.where, (item.wav,), (item.label,)))
        else:
            end = min(item.end or header.seconds, header.seconds)
            whole = item.start == 0 and header.seconds - end < 0.001
            yield replace(item, start=0.0, end=0.0) if whole else replace(item, end=end)


def without_repetitions(items: Sequence[Item], issues: list[CorpusIssue]) -> list[Item]:
    """The first of the utterances that are the same part of a recording; none where they differ in label or speaker."""
    groups: defaultdict[tuple[str, float, float], list[Item]] = defaultdict(list)
    for item in items:
        groups[item.wav, item.start, item.end].append(item)
    kept = set()
    for same in groups.values():
        first = same[0]
        alike = len({(item.label, item.speaker) for item in same}) == 1
        if alike:
            kept.add(id(first))
        for item in same[1:] if alike else same:
            other = first if item is not first else same[1]
            if alike:
                code, message = "row-twice", f"the same recording as {first.where}"
            else:
                difference = f"{item.label} of {item.speaker or 'nobody'}, {other.label} of {other.speaker or 'nobody'}"
                code, message = "row-contradiction", f"the same recording as {other.where}, but {difference}"
            issues.append(CorpusIssue(code, message, item.where, (item.wav,), (item.label,)))
    return [item for item in items if id(item) in kept]


def with_ids(items: Iterable[Item]) -> list[Item]:
    """Utterances with the name of their file as id, and with as many folders of its path as tell files apart.

    Segments have their times in milliseconds behind it. Ids that the table gives are kept.
    """
    items = list(items)
    names = _names(items)
    named = []
    for item in items:
        utt = item.utt or names[item.wav, item.speaker]
        if item.end and not item.utt:
            utt += f"_{1000 * item.start:07.0f}_{1000 * item.end:07.0f}"
        named.append(replace(item, utt=utt))
    return named


def _names(items: Sequence[Item]) -> dict[tuple[str, str], str]:
    """(recording, speaker) -> name, which no other recording of the speaker has."""
    todo = {(item.wav, item.speaker): 1 for item in items}
    while True:
        names = {key: _name(key[0], parts) for key, parts in todo.items()}
        count = Counter((name, speaker) for (_, speaker), name in names.items())
        again = [key for key, name in names.items() if count[name, key[1]] > 1]
        longer = {key: todo[key] + 1 for key in again if todo[key] < len(PurePath(key[0]).parts)}
        if not longer:
            return names
        todo |= longer


def _name(wav: str, parts: int) -> str:
    path = PurePath(wav)
    kept = path.with_suffix("").parts[-parts:] if parts < len(path.parts) else path.parts  # a.wav beside a.flac
    return "_".join(part.strip("/") for part in kept if part.strip("/"))
