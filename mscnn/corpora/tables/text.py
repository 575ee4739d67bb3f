"""Bytes of a text file as text, whatever program wrote them."""

from __future__ import annotations

import codecs
import re
from pathlib import Path

from mscnn.errors import UserError

BOMS = (  # UTF-32 begins like UTF-16
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
CONTROL = {chr(code) for code in range(32)} - {"\t", "\n", "\r", "\f", "\v"}


def read_text(path: Path) -> tuple[str, list[str]]:
    """Text of a file, and a notice where it is not UTF-8.

    Byte order marks are obeyed; UTF-16 without one is recognised by its zeros; what is not UTF-8 is read as
    Windows-1252, or Latin-1 where a byte is not defined there.

    Raises:
        UserError: the file cannot be read (``table-unreadable``), is empty (``table-empty``), or is not text
            (``table-not-text``).
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}", code="table-unreadable") from None
    if not raw.strip():
        raise UserError(f"{path}: the file is empty; is the download complete?", code="table-empty")
    text, encoding = _decoded(raw, path)
    if odd := sorted(CONTROL & {*text}):
        line = text[: text.index(odd[0])].count("\n") + 1
        raise UserError(
            f"{path}:{line}: not a text file: it has the character {odd[0]!r}; save it as CSV in UTF-8",
            code="table-not-text",
        )
    return text, [] if encoding == "utf-8" else [f"{path}: not UTF-8, read as {encoding}"]


def _decoded(raw: bytes, path: Path) -> tuple[str, str]:
    """The text, and its encoding; ``utf-8`` for UTF-8 with and without byte order mark."""
    marked = next((name for bom, name in BOMS if raw.startswith(bom)), "")
    even, odd = raw[::2].count(0), raw[1::2].count(0)
    if not marked and max(even, odd) > len(raw) / 5:
        marked = "utf-16-le" if odd > even else "utf-16-be"
    try:
        text = raw.decode(marked or "utf-8")
        return text, "utf-8" if marked in ("", "utf-8-sig") else marked
    except UnicodeDecodeError as error:
        if marked.startswith("utf-16") or marked == "utf-32":
            raise UserError(
                f"{path}: not valid {marked} at byte {error.start}; save it as CSV in UTF-8", code="table-not-text"
            ) from None
    try:
        return raw.decode("cp1252"), "Windows-1252"
    except UnicodeDecodeError:
        return raw.decode("latin-1"), "Latin-1"


def numbered_lines(text: str) -> list[tuple[int, str]]:
    """Number and content of each line that is not blank, whatever its end."""
    return [(number, line) for number, line in enumerate(re.split(r"\r\n|\r|\n", text), 1) if line.strip()]
