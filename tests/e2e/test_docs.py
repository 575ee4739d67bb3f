"""Pages are run as they are printed: blocks below ``<!-- run -->``, in order, and what they show of their output.

Of a shown line, numbers may be others, blanks may be more, and … stands for anything.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.documents import PAGES, Block, blocks, commands

pytestmark = pytest.mark.e2e

# where the first command of a page is given: at the top of the repository, or in the folder of a recipe
AT_TOP = ("README.md", "docs/tutorial/first_run.md", "docs/howto/own_data.md")
IN_RECIPE = tuple(f"docs/howto/add_{what}.md" for what in ("feature", "metric", "model", "protocol"))
MARKER = "@@ block {} @@"


def script(page: Path, folder: Path) -> str:
    """The shell script of a page; files that it shows are written beside."""
    lines = ["exec 2>&1"]
    for number, block in enumerate(blocks(page)):
        lines.append(f"echo '{MARKER.format(number)}'")
        if block.mark.startswith("file: "):
            file = folder / block.mark.removeprefix("file: ")
            file.parent.mkdir(exist_ok=True)
            file.write_text(block.code)
        elif block.mark == "run" and block.kind == "python":
            (folder / f"block{number}.py").write_text(block.code)
            lines.append(f"python3 {folder}/block{number}.py || exit 1")
        elif block.mark == "run":
            lines.append(f"{{\n{block.code}}} || exit 1")
        elif block.mark == "run: fails":
            lines.append(f"(\n{block.code}) && exit 1")
    return "\n".join(lines) + f"\necho '{MARKER.format('end')}'\n"


def pattern(line: str) -> str:
    """Regular expression of a shown line."""
    parts = re.split(r"(…|\s+|(?<![\w@.])[-+−]?\d+(?:\.\d+)*(?![\w@]))", line.strip())
    kinds = {"…": ".*", "": ""}
    return "".join(kinds.get(part, re.escape(part)) if i % 2 == 0 else _variable(part) for i, part in enumerate(parts))


def _variable(part: str) -> str:
    return ".*" if part == "…" else r"\s*" if part.isspace() else r"[-+−]?\d[\d.]*"


def run(page: Path, top: Path, start: Path, bin_: Path) -> str:
    """What a page prints."""
    if not shutil.which("mscnn"):  # the tests' environment may lack the installed command
        (bin_ / "mscnn").write_text(f'#!/bin/sh\nexec {sys.executable} -m mscnn.cli "$@"\n')
        (bin_ / "mscnn").chmod(0o755)
    path = os.pathsep.join([str(bin_), os.path.dirname(sys.executable), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, "VIRTUAL_ENV": sys.prefix, "HF_HUB_OFFLINE": "1", "PYTHONPATH": str(top)}
    text = f"cd {top} && . ./path.sh && cd {start} || exit 1\n{script(page, start)}"
    result = subprocess.run(
        ["bash", "-c", text], env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert MARKER.format("end") in result.stdout, result.stdout[-6000:]
    return result.stdout


@pytest.mark.parametrize("name", [*AT_TOP, *IN_RECIPE])
def test_a_page_does_what_it_says(name, mini, tmp_path):
    page = ROOT / name
    shown: list[tuple[int, Block]] = [(n, block) for n, block in enumerate(blocks(page)) if block.mark == "output"]
    if not any(block.mark == "run" for block in blocks(page)):
        pytest.skip("no block is marked")
    for csv in ("predictions", "a", "b") if name == "README.md" else ():  # what a reader brings along
        rows = [f"u{i},s{i % 4},{'xy'[i % 2]},{'xy'[i % 3 % 2]}" for i in range(16)]
        (mini.root / f"{csv}.csv").write_text("\n".join(["utterance,speaker,truth,prediction", *rows]) + "\n")
    printed = run(page, mini.root, mini.root if name in AT_TOP else mini.path, tmp_path)
    parts = dict(re.findall(r"@@ block (\d+) @@\n(.*?)(?=@@ block)", printed, re.DOTALL))
    for number, block in shown:
        before = parts[str(number - 1)]
        for line in block.code.splitlines():
            assert re.search(pattern(line), before), f"{name}: {line}\n{before[-3000:]}"


def dry_runs() -> list[tuple[str, ...]]:
    """Arguments of every recipe that pages show and that names nothing of a reader's own."""
    shown: set[tuple[str, ...]] = set()
    for page in PAGES:
        for command, arguments in commands(page):
            if command.endswith("run.sh") and "mini_voices" not in f"{command} {page}":
                given = list(arguments)
                while "--corpus" in given:
                    del given[(at := given.index("--corpus")) : at + 2]
                shown.add(tuple(given))
    own = re.compile(r"/|…|\.(?:txt|yaml|scp)\b|--help|--table|--train-on|--labels (?!iemocap)|cuda|mine|options\.cc")
    return sorted(given for given in shown if given and not own.search(shlex.join(given)))


def test_recipes_that_pages_show_can_be_planned(mini):
    given = dry_runs()
    assert len(given) > 20
    with ThreadPoolExecutor(2) as pool:
        # the recipe has an experiment already, which other options would replace
        replace = ("--overwrite", "true", "--dry-run")
        results = list(pool.map(lambda arguments: mini.run(*arguments, *replace), given))
    for arguments, result in zip(given, results, strict=True):
        assert result.returncode == 0, f"{arguments}\n{result.stdout}"


def test_patterns():
    assert re.search(pattern("%UA 80.11 … [ 251 / 313 ] a=loso5@aff4"), "%UA 79.90 %WA 2 [ 250 / 313 ] a=loso5@aff4")
    assert not re.search(pattern("folds=5 a=loso5@aff4"), "folds=5 a=loso5@aff5")
    assert re.search(pattern("stage 1 data: done in 8 s"), "2026 stage 1 data: done in 11 s")
