"""Counts of utterances by speaker, type and label, and their comparison with published counts."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TypeAlias

from mscnn.corpora.common import Item
from mscnn.errors import Issue, UserError

Row: TypeAlias = tuple[str, list[str], int]
COLUMNS = "speaker\ttype\tlabel\tcount"
MAX_SPEAKERS = 50  # with more speakers, the table has no rows for speakers and sessions


def table(items: Sequence[Item], labels: Sequence[str]) -> str:
    """Table of counts per label: one row per speaker (up to MAX_SPEAKERS), session and type, and the total."""
    labels = [*labels, *sorted({item.label for item in items} - {*labels})]
    rows: list[tuple[str, Iterable[Item]]] = []
    many = len({item.speaker for item in items}) > MAX_SPEAKERS
    for session in sorted({item.session for item in items} if not many else ()):
        here = [item for item in items if item.session == session]
        rows += [(s, [i for i in here if i.speaker == s]) for s in sorted({item.speaker for item in here})]
        rows += [(session, here)] if session else []
    rows += [(kind, [i for i in items if _type(i) == kind]) for kind in sorted({_type(i) for i in items} - {""})]
    rows.append(("all", items))
    width = max(len(name) for name, _ in rows)
    lines = [" ".join([" " * width, *(f"{label:>9}" for label in labels), "    total"])]
    for name, members in rows:
        counts = Counter(item.label for item in members)
        cells = [*(counts[label] for label in labels), counts.total()]
        lines.append(" ".join([f"{name:<{width}}", *(f"{cell:>9}" for cell in cells)]))
    return "\n".join(lines)


def differences(items: Iterable[Item], expected: Iterable[Row]) -> list[Issue]:
    """Differences between the corpus and rows of expected counts, one issue each.

    The patterns of a row are those of speaker, type and label (``*``, ``?``, ``[...]``); its count is the sum over all
    that match them. The type of an utterance is its style (improvised, scripted), or else its split (train, dev, test).
    """
    cells = Counter((item.speaker, _type(item), item.label) for item in items)
    issues = []
    for where, patterns, count in expected:
        total = sum(n for cell, n in cells.items() if all(map(fnmatchcase, cell, patterns)))
        if total != count:
            message = f"{where}: {' '.join(patterns)}: expected {count}, found {total} ({total - count:+d})"
            issues.append(Issue("count-differs", message))
    return issues


def _type(item: Item) -> str:
    return item.style or item.split


def expected_rows(path: Path) -> Iterator[Row]:
    """Rows of a table of expected counts: ``file:line``, patterns of speaker, type and label, and the expected count.

    The table is tab separated with the header ``speaker type label count``. Lines that begin with ``#`` are comments.

    Raises:
        UserError: the table cannot be read; file and line are named.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: expected counts cannot be read: {error}", code="counts-table") from None
    rows = [(f"{path}:{n}", line) for n, line in enumerate(lines, 1) if line.strip() and not line.startswith("#")]
    if not rows or rows[0][1] != COLUMNS:
        raise UserError(f"{path}: expected the header {COLUMNS!r} (tab separated)", code="counts-table")
    for where, line in rows[1:]:
        *patterns, count = line.split("\t")
        if len(patterns) != 3 or not count.isdecimal():
            raise UserError(
                f"{where}: expected 'speaker<tab>type<tab>label<tab>count', found {line!r}", code="counts-table"
            )
        yield where, patterns, int(count)
