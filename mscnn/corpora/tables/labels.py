"""The label map that is written for a table: its labels as classes, with counts and what looks like a mistake."""

from __future__ import annotations

import difflib
import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import yaml

from mscnn.config.labels import LabelMap
from mscnn.corpora.common import Item
from mscnn.errors import UserError
from mscnn.files import atomic

MOST = 50  # classes; a column with more values has no classes
CORPUS = "own"
SIGN = "# unchanged: "  # with a digest of the lines below it: a map that was edited is kept
SIMILAR = 0.75  # of difflib, from which two names look alike
SHORT = 3  # letters that names which begin alike have in common


def classes_of(labels: Mapping[str, int]) -> dict[str, str]:
    """Label -> class: one word without ``/``, and one spelling, the most frequent, of those that differ in capitals."""
    spelled: dict[str, Counter[str]] = {}
    for label, count in labels.items():
        name = _class_of(label)
        spelled.setdefault(name.casefold(), Counter())[name] += count
    best = {key: min(names, key=lambda name: (-names[name], name)) for key, names in spelled.items()}
    return {label: best[_class_of(label).casefold()] for label in sorted(labels)}


def _class_of(label: str) -> str:
    return "_".join(label.replace("/", " ").split())


def similar(classes: Sequence[str]) -> list[tuple[str, str]]:
    """Pairs of classes whose names look alike: anger and angry, ang and anger, hapy and happy."""
    pairs = []
    for a, b in combinations(sorted(classes), 2):
        one, other = a.casefold(), b.casefold()
        begins = min(len(one), len(other)) >= SHORT and (one.startswith(other) or other.startswith(one))
        if begins or difflib.SequenceMatcher(None, one, other).ratio() >= SIMILAR:
            pairs.append((a, b))
    return pairs


@dataclass(frozen=True)
class Written:
    """A label map in a file, and sentences about it."""

    path: Path
    labels: LabelMap
    lines: list[str]


def write_map(items: Sequence[Item], given: str, path: Path) -> Written:
    """Write the label map of a table to ``path``: that of the user, or one of all labels.

    A file that the user has edited is kept.

    Args:
        items: the utterances.
        given: label map of the user: a name in conf/labels, or a .yaml file; empty: none.
        path: the file.

    Raises:
        UserError: the map cannot be read, or the labels are no classes: there is one, or there are more than MOST
            (``labels-too-few``, ``labels-too-many``).
    """
    counts, lines = Counter(item.label for item in items), []
    if given:
        labels = LabelMap.load(given)
        classes, mapping = labels.classes, labels.mapping
    elif path.is_file() and not _is_ours(path):
        lines.append(f"{path}: kept, as it was edited; delete it, and it is made again")
        labels = LabelMap.load(str(path))
        classes, mapping = labels.classes, labels.mapping
    else:
        mapping = classes_of(counts)
        classes = tuple(sorted({*mapping.values()}))
        _require_classes(classes, items)
        lines.append(f"classes: {len(classes)}, in {path}: edit it to join or exclude labels")
        lines += [f"{label!r} is read as the class {name}" for label, name in mapping.items() if label != name]
        pairs = similar(classes)
        lines += [f"WARNING: the classes {a} and {b} look alike: are they one? Then edit {path}" for a, b in pairs]
    if given or not path.is_file() or _is_ours(path):
        _write(path, classes, mapping, counts)
    return Written(path, LabelMap.load(str(path)), lines)


def _require_classes(classes: Sequence[str], items: Sequence[Item]) -> None:
    if len(classes) < 2:
        raise UserError(
            f"all {len(items)} recordings have the label {classes[0] if classes else '(none)'}: a model needs two "
            "classes; is it the right column? Choose it with --columns label=NAME",
            code="labels-too-few",
        )
    if len(classes) > MOST:
        raise UserError(
            f"the label has {len(classes)} values in {len(items)} recordings, such as {', '.join(classes[:5])}: these "
            f"are no classes (at most {MOST}); choose the column with --columns label=NAME, or give --labels FILE",
            code="labels-too-many",
        )


def _is_ours(path: Path) -> bool:
    """Whether a map is as this module wrote it."""
    try:
        first, _, rest = path.read_text(encoding="utf-8").partition("\n")
    except (OSError, UnicodeDecodeError):
        return False
    return first == SIGN + _digest(rest)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _write(path: Path, classes: Sequence[str], mapping: Mapping[str, str | None], counts: Mapping[str, int]) -> None:
    """Write a map; a comment has the number of utterances of each label."""
    numbers = [f"#   {label}: {counts[label]}" for label in sorted(counts, key=lambda label: (-counts[label], label))]
    content = {
        "name": path.stem,
        "corpus": CORPUS,
        "classes": [*classes],
        "map": {label: name for label, name in mapping.items() if name is not None},
        "drop": [label for label, name in mapping.items() if name is None] or None,
    }
    head = (
        "# Classes of the recordings. To join labels, give them one class; to exclude one, move it to drop: [LABEL].\n"
    )
    text = f"{head}# utterances of each label:\n" + "\n".join(numbers) + "\n"
    text += yaml.safe_dump(content, allow_unicode=True, sort_keys=False, default_flow_style=False)
    text = f"{SIGN}{_digest(text)}\n{text}"
    if not path.is_file() or path.read_bytes() != text.encode():
        with atomic(path) as out:
            out.write(text)
