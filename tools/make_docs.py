#!/usr/bin/env python3
"""Write the reference pages of docs/ that follow from the code and from conf/: python tools/make_docs.py [--check].

Pages are templates in tools/docpages, filled with what the program itself reads: parsers of options, dataclasses with
their docstrings, YAML files. CONTRIBUTING.md and CHANGELOG.md become pages as well. With --check nothing is written:
the exit status is 1 where a page differs from what would be written.
"""

from __future__ import annotations

import difflib
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jinja2

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
TEMPLATES = ROOT / "tools" / "docpages"
MADE = "\n\n<!-- Made by tools/make_docs.py. Change the code, conf/ or tools/docpages/, and run it again. -->\n"
sys.path[:0] = [str(ROOT), str(ROOT / "tools")]


def given() -> Mapping[str, Any]:
    """What templates may use: functions of tools/docpages, and classes and registries of mscnn."""
    from docpages import corpora, facts, leaks, markdown, program

    from mscnn.config import corpus, labels, layers, protocol, segments, training
    from mscnn.data import corpus_facts, protocols
    from mscnn.evaluation import metrics
    from mscnn.features import config as features
    from mscnn.recipe import grid
    from mscnn.reporting import lines

    modules = (corpora, facts, leaks, program, markdown)
    ours = {name: value for module in modules for name, value in vars(module).items()}
    classes = {
        "Choice": protocol.Choice,
        "CorpusFacts": corpus_facts.CorpusFacts,
        "Description": corpus.Description,
        "Experiments": grid.Experiments,
        "Field": corpus.Field,
        "File": layers.File,
        "Labels": labels._File,
        "Protocol": protocols.Protocol,
        "Segments": segments.Segments,
        "Sign": corpus.Sign,
        "Table": corpus.Table,
        "Training": training.Training,
    }
    registries = {"FIELDS": lines.FIELDS, "KINDS": features.KINDS, "LEADING": lines.LEADING, "METRICS": metrics.METRICS}
    return {**ours, **classes, **registries}


def rendered(template: str, **more: str) -> str:
    """A template of tools/docpages, filled with what :func:`given` has and ``more``."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template).render({**given(), **more})


def copied(name: str) -> str:
    """A file of the repository as a page; its links are made relative to docs/."""
    return re.sub(r"\]\(docs/", "](", (ROOT / name).read_text(encoding="utf-8"))


PAGES: dict[str, Callable[[], str]] = {
    **{f"reference/{path.name}": lambda path=path: rendered(path.name) for path in sorted(TEMPLATES.glob("*.md"))},
    "explanation/leaks.md": lambda: rendered("explanation/leaks.md"),
    "corpora/index.md": lambda: rendered("corpora/index.md"),
    **{
        f"corpora/{path.stem}.md": lambda path=path: rendered("corpora/card.md", name=path.stem)
        for path in sorted((ROOT / "conf" / "corpora").glob("*.yaml"))
    },
    **{
        f"corpora/{path.stem}.md": lambda path=path: rendered("corpora/coded.md", name=path.stem)
        for path in sorted((ROOT / "mscnn" / "corpora").glob("*.py"))
        if (ROOT / "egs" / path.stem / "run.sh").is_file()
    },
    "contributing.md": lambda: copied("CONTRIBUTING.md"),
    "changelog.md": lambda: copied("CHANGELOG.md"),
}


def main(check: bool) -> int:
    """Write every page, or compare them; returns the exit status."""
    stale = []
    for name, make in PAGES.items():
        path, text = DOCS / name, make().strip("\n") + MADE
        old = path.read_text(encoding="utf-8") if path.is_file() else ""
        if old == text:
            continue
        stale.append(name)
        if check:
            lines = difflib.unified_diff(old.splitlines(), text.splitlines(), f"docs/{name}", "now", n=0, lineterm="")
            print(*[*lines][:20], sep="\n")
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
            print(f"wrote docs/{name}")
    if check and stale:
        print(f"stale: {', '.join(stale)}; run python tools/make_docs.py and commit what it writes", file=sys.stderr)
    return int(check and bool(stale))


if __name__ == "__main__":
    raise SystemExit(main("--check" in sys.argv[1:]))
