"""Miniatures of described corpora: a few recordings of noise whose names follow the description (``conf/corpora``).

The path ``example`` of the description is the model: the parts that its pattern names are replaced by the codes of the
fields. Every label occurs with every speaker; other parts, such as sentences, take their codes in turn.
"""

import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

import numpy as np

from mscnn.audio.pcm import pcm16, write_wav
from mscnn.config.corpus import EACH, OTHER, TEMPLATE, Description, Field
from mscnn.errors import UserError

SECONDS = 0.1
LFS_POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize 4242\n"


@dataclass(frozen=True)
class Recording:
    """A recording: its path below the corpus, and the values of the named parts of its name."""

    path: str
    groups: Mapping[str, str]


def recordings(description: Description, speakers: int = 2) -> list[Recording]:
    """The recordings of a miniature: those of the first ``speakers`` speakers, one for each label.

    Raises:
        UserError: the description has no ``example``, or its patterns do not match it (``corpus-example``).
    """
    example, match = _example(description)
    choices = {name: _codes(description, name, value) for name, value in match.groupdict().items() if value}
    who, what = (_groups(description, name) & choices.keys() for name in ("speaker", "label"))
    others = {name: cycle(choices[name]) for name in choices.keys() - who - what}
    made = []
    for speaker in _together(choices, sorted(who), speakers):
        for label in _together(choices, sorted(what)):
            groups = {**{name: next(values) for name, values in sorted(others.items())}, **speaker, **label}
            made.append(Recording(_path(example, match, groups), groups))
    return made


def write(description: Description, root: Path, speakers: int = 2, rate: int = 16000) -> list[Recording]:
    """Write a miniature in the folder ``root``; returns its recordings."""
    made = recordings(description, speakers)
    for recording in made:
        write_noise(root / recording.path, rate)
    return made


def write_noise(path: Path, rate: int = 16000, seconds: float = SECONDS) -> None:
    """Write noise that depends on the name, mono, 16 bit."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(zlib.crc32(path.name.encode()))
    write_wav(path, pcm16(rng.normal(0, 0.05, round(seconds * rate))), rate)


def write_pointer(path: Path) -> None:
    """Write what git has in place of a large file that was not fetched."""
    path.write_text(LFS_POINTER.format("0" * 64), encoding="utf-8")


def _example(description: Description) -> tuple[str, re.Match]:
    stem = description.example.rpartition(".")[0]
    for pattern in description.names:
        match = re.fullmatch(f"(?:.*/)?(?:{pattern})", stem)
        if match:
            return description.example, match
    raise UserError(
        f"{description.name}: example: no pattern of names matches {description.example!r}", code="corpus-example"
    )


def _groups(description: Description, name: str) -> set[str]:
    """Parts of a name that a field depends on."""
    rule = description.fields.get(name, "")
    parts = {*TEMPLATE.findall(rule.of if isinstance(rule, Field) else rule)} if name in description.fields else {name}
    return parts & {name} | {group for part in parts - {name} for group in _groups(description, part)}


def _codes(description: Description, group: str, value: str) -> list[str]:
    """Values that a part of a name may have; that of the example where the description lists none."""
    for rule in description.fields.values():
        if isinstance(rule, Field) and rule.of == f"{{{group}}}" and not rule.table:
            return [code for codes in rule.codes for code in codes.split() if code != OTHER] or [value]
    if group in ("label", "speaker"):
        rows = description.counts.items()
        named = [key for key, _ in rows] if group == "speaker" else [label for _, counts in rows for label in counts]
        plain = [key for key in dict.fromkeys(named) if not re.search(r"[*?\[]", key) and not key.startswith(EACH)]
        return plain or [value]
    return [value]


def _together(choices: Mapping[str, Sequence[str]], names: Sequence[str], most: int | None = None) -> Iterator[dict]:
    """Values of parts that belong together, in step; one empty choice where there are no such parts."""
    if not names:
        yield {}
        return
    number = max(len(choices[name]) for name in names)
    for i in range(min(number, most or number)):
        yield {name: choices[name][i % len(choices[name])] for name in names}


def _path(example: str, match: re.Match, groups: Mapping[str, str]) -> str:
    """The example with other values; folders before the matched part that have a part's old value follow it."""
    start = match.end() - len(match[0].rpartition("/")[2])
    spans = sorted((match.span(name), value) for name, value in groups.items())
    path, end = "", 0
    for (first, last), value in spans:
        path += example[end:first] + value
        end = last
    path += example[end:]
    head = example[: min([start, *(first for (first, _), _ in spans)])]
    new = head
    for name, value in groups.items():
        old = match[name]
        if len(old) > 1 and re.search(rf"(?<![A-Za-z0-9]){re.escape(old)}(?![A-Za-z0-9])", head):
            new = new.replace(old, value)
    return new + path[len(head) :]
