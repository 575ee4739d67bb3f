"""Proposes the description of a corpus from the names of its recordings.

Names are divided into words, numbers and what separates them. Names of the same shape have the same parts in the same
places; a part that varies is a group of the pattern. One part is taken for the label (known words for emotions, or else
a word with few values), one for the speaker (the part after a folder or a word such as ``speaker``, or else the first
part that is not the label).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from mscnn.config.corpus import Description
from mscnn.errors import UserError

PIECE = re.compile(r"[^\W\d_]+\d+(?=[\W_]|$)|[^\W\d_]+|\d+|[\W_]+")
SPEAKER_WORDS = re.compile(r"(?i)actor|speaker|spea?k|spkr?|subj(ect)?|sub|sprecher|voice|singer")
COUNTED = re.compile(r"(?i)(take|rec|recording|file|utt|utterance|clip|sent|sentence|item|line|text|no|nr)\d+")
GENDERS = {"f": "f", "m": "m", "female": "f", "male": "m", "w": "f", "woman": "f", "man": "m", "fem": "f"}
EMOTIONS = {
    "anger": "anger angry ang",
    "boredom": "boredom bored boring bor",
    "calm": "calm",
    "contempt": "contempt",
    "disgust": "disgust disgusted dis",
    "excitement": "excitement excited exc",
    "fear": "fear fearful fea scared afraid",
    "frustration": "frustration frustrated fru",
    "happiness": "happiness happy hap joy joyful",
    "neutral": "neutral neu neut normal",
    "sadness": "sadness sad",
    "surprise": "surprise surprised sur surp",
}
KNOWN = {word: emotion for emotion, words in EMOTIONS.items() for word in words.split()}
MOST_LABELS = 12  # values of a part that is taken for the label
MOST_SHAPES = 4  # patterns
MIN_SHARE = 0.01  # of the names, for a shape to get a pattern


@dataclass(frozen=True)
class Part:
    """A part of a name that varies: its values in the names of its shape, in order."""

    place: int
    values: Sequence[str]
    before: str  # the word that stands before it
    in_folder: bool  # whether it is in the name of a folder

    @property
    def distinct(self) -> list[str]:
        """Its different values, sorted."""
        return sorted({*self.values})

    @property
    def pattern(self) -> str:
        """Regular expression of its values."""
        lengths = {len(value) for value in self.values}
        if all(value.isdecimal() for value in self.values):
            return rf"\d{{{lengths.pop()}}}" if len(lengths) == 1 and lengths != {1} else r"\d+"
        letters = "[A-Za-z]" if all(value.isascii() for value in self.values) else r"[^\W\d_]"
        if any(value[-1].isdecimal() for value in self.values):
            return rf"{letters}+\d+"
        return letters if lengths == {1} else f"{letters}+"


@dataclass
class Shape:
    """Names with the same parts: their pieces, and the parts that vary."""

    names: list[list[str]] = field(default_factory=list)

    @property
    def parts(self) -> list[Part]:
        """The parts that vary."""
        columns = list(zip(*self.names, strict=True))
        last = max((i for i, piece in enumerate(self.names[0]) if "/" in piece), default=-1)
        return [
            Part(i, column, "".join(self.names[0][max(i - 2, 0) : i]), i < last)
            for i, column in enumerate(columns)
            if len({*column}) > 1
        ]


@dataclass(frozen=True)
class Proposal:
    """What is proposed, and what it was seen in.

    Attributes:
        values: content of the description, as YAML has it.
        classes: class of each label.
        seen: lines that say what each group of the patterns is, and its values.
        unfit: names that no pattern understands.
    """

    values: Mapping[str, object]
    classes: Mapping[str, str]
    seen: Sequence[str]
    unfit: Sequence[str]

    def description(self) -> Description:
        """The description."""
        return Description.of(self.values, "proposal")


def propose(name: str, paths: Sequence[str]) -> Proposal:
    """A description of the corpus ``name`` from the paths of its recordings, below its folder, with extension.

    Raises:
        UserError: there are no paths (``no-recordings``), or no part of the names can be a label (``names-unclear``).
    """
    if not paths:
        raise UserError("no recordings to see names in", code="no-recordings")
    stems = [path.rpartition(".")[0] for path in sorted(paths)]
    shapes = _shapes(stems)
    first, parts = shapes[0], shapes[0].parts
    label = _label(parts)
    speaker = _speaker(parts, label)
    if label is None:
        label = _by_size(parts, speaker)
    if label is None:
        varying = "; ".join(f"{part.distinct[:6]}" for part in parts) or "nothing"
        raise UserError(
            f"no part of names such as {stems[0]!r} has 2 to {MOST_LABELS} values; what varies: {varying}; give a "
            "folder with recordings of several labels and speakers, or describe the names yourself",
            code="names-unclear",
        )
    gender = next((part for part in parts if part not in (label, speaker) and _is_gender(part)), None)
    roles = {part.place: role for part, role in ((label, "code"), (speaker, "speaker"), (gender, "sex")) if part}
    groups = _groups(parts, roles)
    patterns = [_pattern(first, groups)]
    for shape in shapes[1:]:
        other = _alike(shape, label, speaker)
        if other:
            patterns.append(_pattern(shape, _groups(shape.parts, other)))
    codes = {value: KNOWN.get(value.lower(), value) for part in _all(shapes, label, speaker) for value in part.distinct}
    values: dict[str, object] = {"name": name, "example": sorted(paths)[0], "names": patterns}
    if speaker and _repeated(stems, speaker, first):
        values["id"] = "-".join(f"{{{group}}}" for group in dict.fromkeys(groups.values()) if group != "speaker")
    values["fields"] = _fields(codes, speaker, gender)
    formats = sorted({path.rpartition(".")[2].lower() for path in paths})
    if not {*formats} <= {"wav", "flac"}:
        values["formats"] = formats
    fits = [re.compile(f"(?:.*/)?(?:{pattern})").fullmatch for pattern in patterns]
    unfit = [stem for stem in stems if not any(match(stem) for match in fits)]
    named = {part.place: groups[part.place] for part in parts if part.place in groups}
    seen = [f"{named[part.place]}: {_listed(part.distinct)}" for part in parts if part.place in named]
    return Proposal(values, codes, list(dict.fromkeys(seen)), unfit)


def _shapes(stems: Sequence[str]) -> list[Shape]:
    """Shapes of names, the most frequent first; names of rare shapes have none."""
    found: dict[tuple[str, ...], Shape] = {}
    for stem in stems:
        pieces = PIECE.findall(stem)
        found.setdefault(tuple(map(_kind, pieces)), Shape()).names.append(pieces)
    order = sorted((_divided(shape) for shape in found.values()), key=lambda shape: -len(shape.names))
    return [order[0], *(shape for shape in order[1:MOST_SHAPES] if len(shape.names) >= MIN_SHARE * len(stems))]


def _divided(shape: Shape) -> Shape:
    """The shape with pieces divided that say several things: ``a01`` beside ``su15``, ``Wa`` beside ``Fb``."""
    places: dict[int, str] = {}
    for part in shape.parts:
        letters = {re.sub(r"\d", "", value).lower() for value in part.values}
        if (
            _kind(part.values[0]) == "coded"
            and len(letters) > 1
            and not {word[-1] for word in letters} <= {"f", "m", "w"}
        ):
            places[part.place] = r"\d+|\D+"
        elif len(part.distinct) > MOST_LABELS and all(re.fullmatch("[A-Z][a-z]", value) for value in part.values):
            places[part.place] = "."
    return Shape(
        [
            [
                piece
                for i, whole in enumerate(name)
                for piece in (re.findall(places[i], whole) if i in places else [whole])
            ]
            for name in shape.names
        ]
    )


def _kind(piece: str) -> str:
    if piece.isdecimal():
        return "number"
    return ("coded" if piece[-1].isdecimal() else "word") if piece[0].isalnum() else piece


def _label(parts: Sequence[Part]) -> Part | None:
    """The part most of whose values are words for emotions; the last of equals, since folders repeat names."""
    shares = [(sum(value.lower() in KNOWN for value in part.values) / len(part.values), part) for part in parts]
    best = max((share for share, _ in shares), default=0)
    return [part for share, part in shares if share == best][-1] if best >= 0.5 else None


def _speaker(parts: Sequence[Part], label: Part | None) -> Part | None:
    """The part after a word for speakers; or else of letter and number, in names before folders; or else the first."""
    others = [p for p in parts if p is not label and not _is_gender(p) and len(p.distinct) < len(p.values)]
    others = [p for p in others if not all(map(COUNTED.fullmatch, p.distinct))]
    hinted = [part for part in others if SPEAKER_WORDS.search(part.before)]
    coded = sorted((part for part in others if _kind(part.values[0]) == "coded"), key=lambda part: part.in_folder)
    return next(iter([*hinted, *coded, *others]), None)


def _by_size(parts: Sequence[Part], speaker: Part | None) -> Part | None:
    """The part with most values, but few; words before others. A speaker has several labels."""
    others = [
        part
        for part in parts
        if len(part.distinct) <= MOST_LABELS and len(part.distinct) < len(part.values) and not _follows(part, speaker)
    ]
    words = [part for part in others if _kind(part.values[0]) == "word"]
    return max(words or others, key=lambda part: len(part.distinct), default=None)


def _follows(part: Part, speaker: Part | None) -> bool:
    """Whether the speaker determines the part."""
    return speaker is not None and len({*zip(speaker.values, part.values, strict=True)}) == len(speaker.distinct)


def _is_gender(part: Part) -> bool:
    return {value.lower() for value in part.values} <= GENDERS.keys()


def _groups(parts: Sequence[Part], roles: Mapping[int, str]) -> dict[int, str]:
    """Name of the group of each part; parts that are always equal have the same name."""
    names: dict[int, str] = {}
    same: dict[tuple[str, ...], str] = {}
    for part in sorted(parts, key=lambda part: part.place not in roles):
        names[part.place] = same.setdefault(
            tuple(part.values), roles.get(part.place, f"part{len(same) + 1 - len(roles)}")
        )
    return names


def _pattern(shape: Shape, groups: Mapping[int, str]) -> str:
    """The pattern of a shape: its constant pieces, and groups; a group that occurs again is a reference."""
    made, parts = [], {part.place: part for part in shape.parts}
    used: set[str] = set()
    for i, piece in enumerate(shape.names[0]):
        group = groups.get(i)
        if group is None:
            made.append(re.escape(piece).replace(r"\-", "-").replace(r"\ ", " "))
        elif group in used:
            made.append(f"(?P={group})")
        else:
            used.add(group)
            made.append(f"(?P<{group}>{parts[i].pattern})")
    return "".join(made)


def _alike(shape: Shape, label: Part, speaker: Part | None) -> dict[int, str] | None:
    """Roles of the parts of another shape, by values shared with those of the first; None without label."""
    roles = {}
    for role, part in (("code", label), ("speaker", speaker)):
        shared = [
            (len({*other.distinct} & {*part.distinct}), -other.place)
            for other in shape.parts
            if part and other.place not in roles
        ]
        if shared and max(shared)[0]:
            roles[-max(shared)[1]] = role
    return roles if "code" in roles.values() else None


def _all(shapes: Sequence[Shape], label: Part, speaker: Part | None) -> Iterator[Part]:
    """The parts of all shapes that are the label."""
    yield label
    for shape in shapes[1:]:
        roles = _alike(shape, label, speaker) or {}
        yield from (part for part in shape.parts if roles.get(part.place) == "code")


def _repeated(stems: Sequence[str], speaker: Part, shape: Shape) -> bool:
    """Whether a speaker has several recordings with the same name, in different folders."""
    names = ["".join(pieces).rpartition("/")[2] for pieces in shape.names]
    return len({*zip(speaker.values, names, strict=True)}) < len(names)


def _fields(codes: Mapping[str, str], speaker: Part | None, gender: Part | None) -> dict[str, object]:
    fields: dict[str, object] = {"label": {"of": "{code}", "codes": dict(codes)}}
    if gender:
        fields["gender"] = {"of": "{sex}", "codes": {value: GENDERS[value.lower()] for value in gender.distinct}}
        if speaker and all(value.isdecimal() for value in speaker.values):
            fields["speaker"] = "{sex}{speaker}"
    return fields


def _listed(values: Sequence[str]) -> str:
    return " ".join(values) if len(values) <= MOST_LABELS else f"{' '.join(values[:6])} … {values[-1]} ({len(values)})"
