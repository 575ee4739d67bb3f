"""Reads a corpus by its description (``conf/corpora``); collects all issues and raises none of them."""

import filecmp
import os
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from mscnn.config.corpus import EACH, ITEM_FIELDS, OTHER, Description, Field, filled
from mscnn.corpora.common import REPAIRED, Corpus, CorpusIssue, Item, one_line
from mscnn.corpora.sidecar import Lookup, read_rows
from mscnn.errors import UserError

SOUND = (".wav", ".flac", ".ogg", ".opus", ".mp3", ".aif", ".aiff", ".m4a", ".mp4", ".avi")
MISSING_ROW = {"label": "unlabelled-wav", "text": "missing-transcript"}  # field -> code where a table lacks the row


@dataclass
class Release:
    """A release on disk while it is read."""

    description: Description
    root: Path
    files: list[str]  # paths below the root, with /
    tables: dict[str, Lookup] = field(default_factory=dict)
    corpus: Corpus = field(default_factory=Corpus)
    seen: dict[str, Path] = field(default_factory=dict)  # utterance -> its recording
    understood: int = 0  # recordings whose names match

    def matching(self, pattern: str) -> list[Path]:
        """Files that a pattern of files matches."""
        match = re.compile(_glob(pattern)).fullmatch
        return [self.root / name for name in self.files if match(unicodedata.normalize("NFC", name))]


def parse(description: Description, root: Path, names: Iterable[str] | None = None) -> Corpus:
    """Utterances of the release in the folder ``root``, with its issues and notes.

    ``names`` are the paths of its files below ``root`` where they are known, as in a list of files without audio.

    Raises:
        UserError: there is no recording of this corpus in ``root`` (``corpus-not-found``).
    """
    root = Path(os.path.abspath(root))
    listed = _walk(root) if names is None else (name.lstrip("/") for name in names)
    release = Release(description, root, sorted(listed, key=lambda name: name.split("/")))
    corpus = release.corpus
    for name, table in description.tables.items():
        paths = sorted({path for pattern in table.files for path in release.matching(pattern)})
        rules = [rule for rule in description.fields.values() if name in rule.tables]
        release.tables[name] = read_rows(name, table, {rule.column for rule in rules}, paths, corpus)
    for path in _recordings(release):
        _add(path, release)
    if not release.understood:
        raise UserError(_not_found(release), code="corpus-not-found")
    for sign in description.incomplete:
        if sign.absent and not release.matching(sign.absent):
            message = f"no {sign.absent}: the release is not complete; {sign.fix}"
            corpus.issues.append(CorpusIssue("incomplete-release", message, str(root)))
    for name, rows in release.tables.items():
        for key in sorted(rows.rows.keys() - rows.used) if rows.table.complete else ():
            message = f"table {name} has {key}, for which there is no recording"
            corpus.issues.append(CorpusIssue("row-without-file", message, rows.rows[key].where))
    corpus.expected = tuple(_expected(description, corpus))
    return corpus


def recordings_in(root: Path) -> list[str]:
    """Paths of the recordings below a folder, in order."""
    names = (name for name in _walk(Path(os.path.abspath(root))) if not Path(name).name.startswith("."))
    return sorted(name for name in names if Path(name).suffix.lower() in SOUND)


def _walk(root: Path) -> Iterator[str]:
    """Paths of all files below a folder, also through links to folders; each folder once."""
    visited = set()
    for folder, folders, names in os.walk(root, followlinks=True):
        real = os.path.realpath(folder)
        if real in visited:
            folders.clear()
            continue
        visited.add(real)
        below = Path(folder).relative_to(root)
        yield from (str((below / name).as_posix()) for name in names)


def _glob(pattern: str) -> str:
    """Regular expression of a pattern of files: ``**/`` any folders; ``*``, ``?`` and ``[...]`` within a name."""
    parts = {"**/": "(?:.*/)?", "*": "[^/]*", "?": "[^/]"}
    pieces = re.findall(r"\*\*/|\*|\?|\[[^]]*\]|[^*?[]+", pattern)
    return "".join(parts.get(p) or (p.replace("[!", "[^") if p[0] == "[" else re.escape(p)) for p in pieces)


def _recordings(release: Release) -> Iterator[Path]:
    """Files that may be recordings, in order; others are noted."""
    formats = {f".{name}" for name in release.description.formats}
    for path in dict.fromkeys(path for pattern in release.description.files for path in release.matching(pattern)):
        if path.suffix.lower() not in formats or path.name.startswith(".") or "__MACOSX" in path.parts:
            release.corpus.note("files that are not audio", path)
        else:
            yield path


def _match(pattern: str, name: str) -> re.Match | None:
    return re.fullmatch(f"(?:.*/)?(?:{pattern})", name)


def _add(path: Path, release: Release) -> None:
    """Add one recording, or the issue of its name."""
    description, corpus = release.description, release.corpus
    name = unicodedata.normalize("NFC", path.relative_to(release.root).with_suffix("").as_posix())
    for what, pattern in description.skip.items():
        if _match(pattern, name):
            corpus.note(what, path)
            return
    match = next(filter(None, (_match(pattern, name) for pattern in description.names)), None)
    if not match:
        hint = f"a name such as {description.example}" if description.example else " or ".join(description.names)
        corpus.issues.append(CorpusIssue("malformed-name", f"expected {hint}", str(path)))
        return
    release.understood += 1
    groups = {key: value or "" for key, value in match.groupdict().items()}
    built_in = {"stem": name.rpartition("/")[2], "folder": path.parent.name, "path": name}
    values, issues = _values(groups | built_in, path, release)
    values |= description.corrections.get(built_in["stem"], {})
    utt = "-".join(filter(None, (values.get("speaker"), filled(description.id, values))))
    labels = (values["label"],) if values.get("label") else None
    if not labels and all(code in REPAIRED for code, _ in issues):  # else nothing would say that it is excluded
        issues.append(("unlabelled-wav", "its name or table gives an empty label"))
    bad = description.known_bad.get(built_in["stem"])
    if bad:
        issues = [("known-bad", bad)]
    if utt in release.seen:
        _second(path, utt, labels, release)
        return
    corpus.issues += [CorpusIssue(code, message, str(path), (utt,), labels) for code, message in issues]
    if labels and not bad:
        release.seen[utt] = path
        values["text"] = one_line(values.get("text", ""))
        kept: dict[str, Any] = {key: values.get(key, "") for key in ITEM_FIELDS}
        corpus.items.append(Item(utt=utt, wav=str(path), where=str(path), fields=values, **kept))


def _second(path: Path, utt: str, labels: tuple[str, ...] | None, release: Release) -> None:
    """Note a second file of an utterance if it is the same file, else add an issue."""
    first = release.seen[utt]
    if path.suffix == first.suffix and filecmp.cmp(path, first, shallow=False):
        release.corpus.note("second copies of a recording", path)
    else:
        message = f"another file has this name: {first}"
        release.corpus.issues.append(CorpusIssue("duplicate-id", message, str(path), (utt,), labels))


def _values(values: dict[str, str], path: Path, release: Release) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """The values of all fields of a recording, and code and message of their issues."""
    issues: list[tuple[str, str]] = []
    for name, rule in release.description.fields.items():
        value = key = filled(rule.of, values)
        if rule.table:
            row = next(filter(None, (release.tables[table].look_up(key) for table in rule.tables)), None)
            value = row.cells.get(rule.column, "") if row else ""
            if not row and any(release.tables[table].rows for table in rule.tables):
                message = f"{name}: no row {key} in table {' or '.join(rule.tables)}"
                issues.append((MISSING_ROW.get(name, "missing-row"), message))
            elif row and not value and name == "label":
                issues.append(("unlabelled-wav", f"{row.where}: {rule.column} is empty"))
        values[name] = _decoded(name, value, rule, issues)
    return values, issues


def _decoded(name: str, value: str, rule: Field, issues: list[tuple[str, str]]) -> str:
    """What a value stands for; an unknown code is added to ``issues``."""
    codes = {code: meaning for codes, meaning in rule.codes.items() for code in codes.split()}
    if not codes or not value:
        return value
    if value not in codes and OTHER not in codes:
        issues.append(("unknown-code", f"{name}: expected one of {' '.join(codes)}, found {value}"))
    return codes.get(value, codes.get(OTHER, ""))


def _expected(description: Description, corpus: Corpus) -> Iterator[tuple[str, list[str], int]]:
    """Rows of expected counts as :func:`mscnn.corpora.counts.expected_rows` gives them."""
    speakers = sorted({item.speaker for item in corpus.items})
    for pattern, counts in description.counts.items():
        each = pattern.removeprefix(EACH)
        for speaker in [s for s in speakers if fnmatchcase(s, each)] if pattern.startswith(EACH) else [pattern]:
            yield from ((f"counts of {description.name}", [speaker, "*", label], n) for label, n in counts.items())


def _not_found(release: Release) -> str:
    description = release.description
    listing = [str(path.relative_to(release.root)) for path in release.root.iterdir()] if release.root.is_dir() else []
    hints = [sign.fix for sign in description.incomplete if sign.found and release.matching(sign.found)]
    return "\n".join(
        [
            f"{release.root}: no recording of {description.name} here",
            f"expected, here or in a subfolder:\n  {description.example or ' or '.join(description.names)}",
            "found:\n  " + "\n  ".join(sorted(listing)[:12] or ["nothing"]),
            *(f"fix: {hint}" for hint in hints),
        ]
    )
