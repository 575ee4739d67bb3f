"""Random damage to the content of a file: bytes, words, lines, values of YAML and JSON, and cells of tables.

The damage is drawn from a ``random.Random``: one with a seed is repeatable, one of hypothesis can be shrunk.
"""

import csv
import gzip
import io
import json
import random
import struct
from collections.abc import Callable
from typing import Any

import yaml

JUNK = [
    *("", " ", "nan", "inf", "-inf", "null", "~", "-1", "0", "1", "1e999", "1e-4", "1e300", "true", "no", "9" * 5000),
    *("99999999999", "-0.0", "2147483648", "4294967295", "9223372036854775808", "0x10", "1_000", ".5", "1e5", "100000"),
    *("[" * 3000, "{" * 100, "[]", "{}", "[a, 1]", "{a: 1}", "*a", "&a [*a]", "!!timestamp x", "2001-99-99", "<<: *x"),
    *("a: b", "\n", "\t", "\r", "\x00", "\ufeff", "\u2028", "\x85", "ä", "e\u0301", "ß", "İ", "生气", "٣", "²"),
    *("x" * 400, "../..", "../../etc/passwd", "/dev/zero", "/", "|", "%", "\\", "'", '"', ",", ";", "=", "a=b", "a,b"),
    *("? a", "- ", ": ", "#", "\x1b[31m", "${inputs.text}", "${", "(", "[", "[^", "*", "(a+)+$", "{0}", "%s", "\udcff"),
]
VALUES: list[Any] = [
    *(None, True, False, 0, 1, -1, 2, 3, 1.5, -0.5, 1e-9, 1e300, 10**30, 2**31, 2**63, 100_000, float("nan")),
    *(float("inf"), "", " ", "a", "0", "é", "no", "a b", "a/b", "\n", [], [[]], {}, [1, 2], ["a"], {"a": 1}, {"": []}),
]
NUMBERS = [0, 1, 2, 255, 1 << 15, 1 << 16, 1 << 24, (1 << 31) - 1, 1 << 31, (1 << 32) - 1]


def mutated(content: bytes, name: str, rng: random.Random) -> bytes:
    """The content of a file with one to three damages; structure is damaged where the name's ending tells of one."""
    if content[:2] == b"\x1f\x8b" and rng.random() < 0.5:
        return gzip.compress(mutated(gzip.decompress(content), name.removesuffix(".gz"), rng), 1, mtime=0)
    binary = content.count(b"\0") > len(content) // 100
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        kinds = [of_bytes, of_integers, of_bytes] if binary else [of_words, of_lines, of_bytes, of_values]
        if structure := _structure(name):
            kinds += [structure] * 3
        content = rng.choice(kinds)(content, rng)
    return content


def of_bytes(content: bytes, rng: random.Random) -> bytes:
    """A byte is another, bytes are added, lost, or there twice, or the end is lost."""
    at = rng.randrange(len(content) + 1)
    junk = rng.choice(JUNK).encode("utf-8", "surrogateescape")
    size = rng.choice([1, 1, 4, 8, 40, 4000])
    return rng.choice(
        [
            content[:at] + bytes([rng.randrange(256)]) + content[at + 1 :],
            content[:at] + junk + content[at:],
            content[:at] + content[at + size :],
            content[:at] + content[at : at + size] + content[at:],
            content[:at] + bytes(rng.randrange(256) for _ in range(min(size, 40))) + content[at + size :],
            content[:at],
        ]
    )


def of_integers(content: bytes, rng: random.Random) -> bytes:
    """A number of two, four or eight bytes is another: one of a header, with luck."""
    at = rng.randrange(min(len(content), rng.choice([64, 600, 1 << 30])) + 1)
    kind, size = rng.choice([("H", 2), ("I", 4), ("I", 4), ("Q", 8), ("f", 4)])
    number = rng.choice(NUMBERS) & ((1 << 8 * size) - 1) if kind != "f" else rng.choice([float("nan"), 1e30, -1.0])
    return content[:at] + struct.pack(rng.choice("<>") + kind, number) + content[at + size :]


def of_words(content: bytes, rng: random.Random) -> bytes:
    """A word is another."""
    words = content.split(b" ")
    words[rng.randrange(len(words))] = rng.choice(JUNK).encode("utf-8", "surrogateescape")
    return b" ".join(words)


def of_lines(content: bytes, rng: random.Random) -> bytes:
    """A line is there twice, lost, in another place, or ends otherwise."""
    lines = content.split(b"\n")
    at, to = rng.randrange(len(lines)), rng.randrange(len(lines))
    kind = rng.randrange(5)
    if kind == 0:
        lines.insert(to, lines[at])
    elif kind == 1:
        del lines[at]
    elif kind == 2:
        lines[at], lines[to] = lines[to], lines[at]
    elif kind == 3:
        lines[at] += rng.choice([b"\r", b" ", b"\t", b"\\", b'"', b"\x85", b"\x0c"])
    else:
        lines[at] = lines[at][: rng.randrange(len(lines[at]) + 1)]
    return b"\n".join(lines)


def of_values(content: bytes, rng: random.Random) -> bytes:
    """What follows the first colon, equals sign or blank of a line is another value."""
    lines = content.split(b"\n")
    at, separator = rng.randrange(len(lines)), rng.choice([b":", b"=", b" "])
    key, found, _ = lines[at].partition(separator)
    blank = b" " if separator == b":" else b""
    lines[at] = key + found + blank + rng.choice(JUNK).encode("utf-8", "surrogateescape")
    return b"\n".join(lines)


def of_yaml(content: bytes, rng: random.Random) -> bytes:
    """A value of a YAML file, or a key, is another, lost, or there twice."""
    try:
        tree = _damaged(yaml.load(content.decode(), yaml.CSafeLoader), rng)
        text = yaml.dump(tree, Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=rng.random() < 0.5)
        return text.encode()
    except Exception:  # of earlier damage: PyYAML raises many kinds
        return of_values(content, rng)


def of_json(content: bytes, rng: random.Random) -> bytes:
    """As :func:`of_yaml`, for JSON, or for one of the lines of JSON."""
    text = content.decode("utf-8", "surrogateescape")
    lines = text.splitlines() or [""]
    at = rng.randrange(len(lines))
    try:
        return json.dumps(_damaged(json.loads(text), rng), ensure_ascii=rng.random() < 0.5).encode(errors="replace")
    except (ValueError, RecursionError, TypeError):
        pass
    try:
        lines[at] = json.dumps(_damaged(json.loads(lines[at]), rng))
    except (ValueError, RecursionError, TypeError):
        return of_values(content, rng)
    return "\n".join(lines).encode("utf-8", "surrogateescape") + b"\n"


def of_table(content: bytes, rng: random.Random) -> bytes:
    """Cells of a table are others, or a column or a row is lost, there twice or in another place."""
    text = content.decode("utf-8", "surrogateescape")
    separator = max("\t,;|", key=text.partition("\n")[0].count)
    try:
        rows = list(csv.reader(io.StringIO(text), delimiter=separator))
    except csv.Error:
        return of_words(content, rng)
    if not rows or not rows[0]:
        return of_words(content, rng)
    kind, column, row = rng.randrange(6), rng.randrange(len(rows[0])), rng.choice(rows)
    if kind < 3:
        row[column : column + 1] = [rng.choice(JUNK)]
    elif kind == 3:
        for one in rows:
            del one[column : column + 1]
    elif kind == 4:
        for one in rows:
            one.insert(rng.choice([0, len(one)]), one[column] if column < len(one) else "")
    else:
        rows.insert(rng.randrange(len(rows) + 1), [*row])
    out = io.StringIO()
    csv.writer(out, delimiter=separator, lineterminator="\n", escapechar="\\").writerows(rows)
    return out.getvalue().encode("utf-8", "surrogateescape")


def _structure(name: str) -> Callable[[bytes, random.Random], bytes] | None:
    endings = {"yaml": of_yaml, "json": of_json, "jsonl": of_json, "csv": of_table, "tsv": of_table}
    return endings.get(name.rpartition(".")[2])


def _damaged(tree: Any, rng: random.Random) -> Any:
    """A tree of lists and dictionaries with one node that is another."""
    places: list[tuple[Any, Any]] = []

    def visit(node: Any) -> None:
        entries = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
        for key, inner in entries:
            places.append((node, key))
            visit(inner)

    visit(tree)
    if not places or rng.random() < 0.03:
        return rng.choice(VALUES)
    node, key = rng.choice(places)
    kind = rng.randrange(8)
    if kind < 3:
        node[key] = rng.choice(VALUES)
    elif kind == 3:
        node[key] = [node[key]]
    elif kind == 4:
        node[key] = {rng.choice(["a", "", "x y"]): node[key]}
    elif kind == 5:
        del node[key]
    elif kind == 6:
        other, place = rng.choice(places)
        if place in other if isinstance(other, dict) else place < len(other):
            node[key] = json.loads(json.dumps(other[place], default=str))  # a copy, never a part of itself
    elif isinstance(node, dict):
        node[rng.choice(["a", "", "é", "x" * 300, "name", f"{key}_"])] = node[key]
    else:
        node.insert(key, node[key])
    return tree
