"""Tables with random damage: each is read rightly, or is refused with one error; MSCNN_MUTATIONS tables (300)."""

import json
import os
import random
from collections.abc import Callable

import pytest

from mscnn.errors import DataErrors, UserError
from tests.unit.corpora.tables.conftest import TEN, table

NUMBER = int(os.environ.get("MSCNN_MUTATIONS", "300"))
CHUNKS = 10
JUNK = [
    *("", " ", "nan", "None", "0", "-1", "1e999", "a,b", "a;b", 'say "so"', '"', "'", "a\tb", "a\nb", "a\r\nb", "="),
    *("äöü", "生气", "\u2028", "\ufeff", "\x00", "../../etc/passwd", "/", "C:\\", "%00", "%zz", "x" * 3000, "{}"),
]
Rows = list[dict[str, str]]
BASE: Rows = [{"path": o.path, "label": o.label, "speaker": o.speaker, "text": "Hello, you"} for o in TEN]
RIGHT = {(row["path"], row["label"], row["speaker"]) for row in BASE}


def written(rows: Rows, rng: random.Random) -> bytes:
    """The rows in a random format, encoding and with random line ends, which must not matter."""
    kind = rng.choice(["csv", "csv", "csv", "json", "lines"])
    if kind == "json":
        return json.dumps(rows, ensure_ascii=rng.random() < 0.5, indent=rng.choice([None, 1])).encode()
    if kind == "lines":
        text = "".join(json.dumps(row) + "\n" for row in rows)
    else:
        text = table(rows, rng.choice([",", ";", "\t", "|"]))
    text = text.replace("\n", rng.choice(["\n", "\r\n", "\r"]))
    if rng.random() < 0.2:
        text = text.rstrip("\r\n")
    return text.encode(rng.choice(["utf-8", "utf-8-sig", "utf-16", "utf-16-le"]))


def in_other_words(rng: random.Random) -> tuple[bytes, str]:
    """Nothing is damaged: other names and orders of columns, empty lines, more columns, rows in another order."""
    names = {"path": ["file", "WAV", "File Name"], "label": ["Emotion", "emo", "class"], "speaker": ["spk", "Actor"]}
    columns = [*BASE[0]]
    rng.shuffle(columns)
    new = {column: rng.choice([column, *names.get(column, [])]) for column in columns}
    rows = [{new[column]: row[column] for column in columns} for row in BASE]
    if rng.random() < 0.3:
        rows = [{**row, "colour": rng.choice(["red", "", "1"])} for row in rows]
    rng.shuffle(rows)
    return written(rows, rng), "right"


def cells(rng: random.Random) -> tuple[bytes, str]:
    """Some cells have other content; the other rows must be right."""
    rows = [dict(row) for row in BASE]
    for _ in range(rng.choice([1, 1, 2, 5])):
        rows[rng.randrange(len(rows))][rng.choice([*BASE[0]])] = rng.choice(JUNK)
    return written(rows, rng), "rest"


def lines(rng: random.Random) -> tuple[bytes, str]:
    """Lines are lost, doubled, emptied, truncated or joined, and columns are lost or doubled."""
    text = table(BASE, rng.choice([",", ";", "\t"]))
    parts = text.splitlines(keepends=True)
    for _ in range(rng.choice([1, 2, 4])):
        n = rng.randrange(len(parts) or 1)
        change = rng.randrange(6)
        line = parts[n] if parts else "\n"
        parts[n : n + 1] = {
            0: [],
            1: [line, line],
            2: ["\n", line],
            3: [line[: rng.randrange(len(line))] + "\n"] if line.strip() else [line],
            4: [line.rstrip("\n")],
            5: [line, rng.choice(["# a comment\n", ",,,,\n", "a\n", '"\n', "path,label,speaker,text\n"])],
        }[change] or [""]
    return "".join(parts).encode(), "any"


def bytes_(rng: random.Random) -> tuple[bytes, str]:
    """Bytes are changed, lost or added, or the end is."""
    raw = bytearray(written(BASE, rng))
    for _ in range(rng.choice([1, 1, 3, 10])):
        at = rng.randrange(len(raw) or 1)
        change = rng.randrange(4)
        if change == 0 and raw:
            raw[at] = rng.randrange(256)
        elif change == 1:
            raw[at:at] = rng.randbytes(rng.choice([1, 2, 8]))
        elif change == 2:
            del raw[at : at + rng.choice([1, 2, 20])]
        else:
            del raw[max(at, 1) :]
    return bytes(raw), "any"


KINDS: tuple[Callable[[random.Random], tuple[bytes, str]], ...] = (in_other_words, cells, lines, bytes_)


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_mutated_tables(chunk, read_own, audio):
    outcomes = {"read": 0, "refused": 0}
    for seed in range(chunk, NUMBER, CHUNKS):
        rng = random.Random(seed)
        raw, promise = KINDS[seed // CHUNKS % len(KINDS)](rng)
        try:
            own = read_own(raw, skip=rng.random() < 0.3)
        except UserError as error:
            assert error.code and str(error) and promise != "right", f"seed {seed}: {error}"
            if isinstance(error, DataErrors):
                assert error.issues and all(issue.code for issue in error.issues), seed
            outcomes["refused"] += 1
            continue
        outcomes["read"] += 1
        found = {(os.path.relpath(item.wav, audio), item.label, item.speaker) for item in own.corpus.items}
        assert {path for path, _, _ in found} <= {row["path"] for row in BASE}, seed
        if promise == "right":
            assert found == RIGHT, seed
        if promise == "rest":  # a row is right, or one of its cells is not what it was
            assert len(found & RIGHT) >= len(RIGHT) - 5 and len(found) <= len(RIGHT), seed
    assert all(outcomes.values()) or NUMBER < 100
