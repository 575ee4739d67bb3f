"""Miniatures of described corpora: a few recordings of noise whose names follow the description (``conf/corpora``).

The path ``example`` of the description is the model: the parts that its pattern names are replaced by the codes of the
fields. Every label occurs with every speaker; other parts, such as sentences, take their codes in turn.
"""

import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from itertools import cycle
from pathlib import Path

import numpy as np

from mscnn.audio.pcm import pcm16, write_wav
from mscnn.config.corpus import EACH, OTHER, TEMPLATE, Description, Field
from mscnn.errors import UserError

SECONDS = 0.1
MOST = 10000  # values of a number that counts on
LFS_POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize 4242\n"


@dataclass(frozen=True)
class Recording:
    """A recording: its path below the corpus, and the values of the named parts of its name."""

    path: str
    groups: Mapping[str, str]


def recordings(description: Description, speakers: int = 2) -> list[Recording]:
    """The recordings of a miniature: those of the first ``speakers`` speakers, one for each label.

    Raises:
        UserError: the description has no ``example``, its patterns do not match it, or codes lead out of the corpus
            (``corpus-example``).
    """
    match = _example(description)
    who, what = (_choices(description, name, match) for name in ("speaker", "label"))
    rest = {name for name, value in match.groupdict().items() if value} - who[0].keys() - what[0].keys()
    others = {name: cycle(_codes(description, name, match[name])) for name in sorted(rest)}
    made = []
    for speaker in who[:speakers]:
        for label in what:
            groups = {**{name: next(values) for name, values in others.items()}, **speaker, **label}
            made.append(Recording(_inside(_path(description.example, match, groups)), groups))
    return made


def write(description: Description, root: Path, speakers: int = 2, rate: int = 16000) -> list[Recording]:
    """Write a miniature in the folder ``root``; returns its recordings."""
    made = recordings(description, speakers)
    for recording in made:
        write_noise(root / recording.path, rate)
    return made


def _inside(path: str) -> str:
    """A path below a folder; raises UserError (``corpus-example``) where it leads out of it."""
    if path.startswith("/") or ".." in path.split("/"):
        raise UserError(f"{path}: a recording outside of the corpus; correct example and codes", code="corpus-example")
    return path


def write_noise(path: Path, rate: int = 16000, seconds: float = SECONDS) -> None:
    """Write noise that depends on the names of file and folder, mono, 16 bit."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(zlib.crc32(f"{path.parent.name}/{path.name}".encode()))
    write_wav(path, pcm16(rng.normal(0, 0.05, round(seconds * rate))), rate)


def write_pointer(path: Path) -> None:
    """Write what git has in place of a large file that was not fetched."""
    path.write_text(LFS_POINTER.format("0" * 64), encoding="utf-8")


def _example(description: Description) -> re.Match:
    for pattern in description.names:
        match = re.fullmatch(f"(?:.*/)?(?:{pattern})", description.example.rpartition(".")[0])
        if match:
            return match
    raise UserError(
        f"{description.name}: example: no pattern of names matches {description.example!r}", code="corpus-example"
    )


def _choices(description: Description, name: str, match: re.Match) -> list[dict[str, str]]:
    """The parts of a name that say who speaks, or with which label: one for each meaning; the example's first."""
    rule = description.fields.get(name, Field(f"{{{name}}}"))
    parts = [part for part in TEMPLATE.findall(rule.of) if match.groupdict().get(part)]
    if rule.codes and parts:
        template = TEMPLATE.sub(r"(?P<\1>.+)", rule.of)
        codes = [codes.split()[0] for codes in rule.codes if codes.strip() and codes != OTHER]
        choices = [found.groupdict() for code in codes if (found := re.fullmatch(template, code))]
    else:
        values = {part: _codes(description, part, match[part]) for part in parts}
        part = max(values, key=lambda part: min(len(values[part]), 2), default="")  # the first that has several
        if name == "speaker" and part and values[part] == [match[part]]:
            part = parts[-1]
            values[part] = _counted(match[part])
        choices = [{part: code} for code in values[part]] if part else [{}]
    if not choices:
        raise UserError(f"{description.name}: fields.{name}: no code is of the form {rule.of}", code="corpus-example")
    own = {part: match[part] for part in choices[0]}
    return [own, *(choice for choice in choices if choice != own)] if own in choices else choices


def _codes(description: Description, part: str, value: str) -> list[str]:
    """Values that a part of a name may have, the example's first; long numbers count on."""
    for rule in description.fields.values():
        if rule.of == f"{{{part}}}" and rule.codes and not rule.table:
            codes = sorted({value, *(code for codes in rule.codes for code in codes.split() if code != OTHER)})
            return codes[codes.index(value) :] + codes[: codes.index(value)]
    if part in ("label", "speaker"):
        rows = description.counts.items()
        named = [key for key, _ in rows] if part == "speaker" else [label for _, counts in rows for label in counts]
        plain = [key for key in named if not re.search(r"[*?\[]", key) and not key.startswith(EACH)]
        return [*dict.fromkeys([value, *plain])]
    return _counted(value) if len(value) > 2 else [value]


def _counted(value: str) -> list[str]:
    return [str(int(value) + i).zfill(len(value)) for i in range(MOST)] if value.isdecimal() else [value]


def _path(example: str, match: re.Match, groups: Mapping[str, str]) -> str:
    """The example with other values; folders before the matched part that have a part's old value follow it."""
    start = match.end() - len(match[0].rpartition("/")[2])
    again = {match[name]: value for name, value in groups.items() if f"(?P={name})" in match.re.pattern}
    spans = sorted((match.span(name), value) for name, value in groups.items())
    path, end = "", 0
    for (first, last), value in [*spans, ((len(example), len(example)), "")]:
        path += reduce(lambda text, pair: text.replace(*pair), again.items(), example[end:first]) + value
        end = last
    head = example[: min([start, *(first for (first, _), _ in spans)])]
    new = head
    for name, value in groups.items():
        old = match[name]
        if len(old) > 1 and re.search(rf"(?<![A-Za-z0-9]){re.escape(old)}(?![A-Za-z0-9])", head):
            new = new.replace(old, value)
    return new + path[len(head) :]
