"""What tests of documents need: the Markdown files of the repository, their code, and the commands in it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.conftest import ROOT

PAGES = sorted(
    path for pattern in ("*.md", "docs/**/*.md", "egs/*/*.md", "conf/**/*.md") for path in ROOT.glob(pattern)
)
FENCE = re.compile(r"(?:^<!-- (?P<mark>[^>]+) -->\n)?^```(?P<kind>\w*)\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(
    r"^(?:\$ )?(?P<name>(?!tests/)\S*run\.sh|python3? -m mscnn\.bin\.[a-z]\w*|mscnn [a-z][a-z-]+)(?P<rest>(?: .*)?)$"
)


class Block(NamedTuple):
    """A fenced block of code; ``mark`` is what the comment above it says."""

    mark: str
    kind: str
    code: str


def blocks(page: Path) -> list[Block]:
    """All fenced blocks of a page, in order."""
    text = page.read_text(encoding="utf-8")
    return [Block(m["mark"] or "", m["kind"], m["code"]) for m in FENCE.finditer(text)]


def commands(page: Path) -> Iterator[tuple[str, list[str]]]:
    """Every command of ours on a page, in blocks and inline: its name, and its arguments."""
    text = page.read_text(encoding="utf-8")
    lines = [line for block in blocks(page) if block.kind in ("", "bash") for line in _joined(block.code)]
    plain = FENCE.sub("", text)
    lines += [line for part in re.findall(r"(?:^ {4}.*\n)+", plain, re.MULTILINE) for line in _joined(part)]
    lines += [" ".join(code.split()) for code in re.findall(r"`([^`]+)`", plain)]
    parts = [part for line in lines for part in re.split(r"\s*(?:;|&&|\|| > )\s*", line.split(" #")[0])]
    for part in parts:
        if match := COMMAND.match(part.strip()):
            name = match["name"].removeprefix("python3 -m mscnn.bin.").removeprefix("python -m mscnn.bin.")
            yield name.removeprefix("mscnn ").replace("-", "_"), _arguments(match["rest"])


def _joined(code: str) -> list[str]:
    return [line.strip() for line in code.replace("\\\n", " ").splitlines()]


def _arguments(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:  # a quotation that is not closed on its line
        return text.split()
