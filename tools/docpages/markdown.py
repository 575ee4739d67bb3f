"""Tables, code and files as Markdown."""

from collections.abc import Iterable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def cell(text: object) -> str:
    """Text as a cell of a table can hold it; what stands between backquotes is code."""
    parts = " ".join(str(text).split()).replace("``", "`").replace("|", "\\|").split("`")
    parts[::2] = [part.replace("<", "&lt;").replace("*", "\\*") for part in parts[::2]]
    return "`".join(parts)


def table(head: str, rows: Iterable[Sequence[object]]) -> str:
    """A table; titles of columns are separated by bars."""
    lines = [head.split("|"), ["---"] * len(head.split("|")), *([cell(value) for value in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def code(value: object) -> str:
    """Inline code; nothing for nothing."""
    return f"`{value}`" if value not in ("", None) else ""


def listing(path: Path) -> str:
    """A file of conf as it is, below its name."""
    text = path.read_text(encoding="utf-8").strip()
    return f"`{path.relative_to(ROOT)}`\n\n```yaml\n{text}\n```"
