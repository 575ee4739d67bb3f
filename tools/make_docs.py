#!/usr/bin/env python3
"""Write the reference pages of docs/ that follow from the code and from conf/: python tools/make_docs.py [--check].

Pages are templates in tools/docs, filled with what the program itself reads: parsers of options, dataclasses with their
docstrings, YAML files. CONTRIBUTING.md and CHANGELOG.md become pages as well. With --check nothing is written: the exit
status is 1 where a page differs from what would be written.
"""

from __future__ import annotations

import difflib
import importlib
import inspect
import re
import sys
import types
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import MISSING, fields
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import jinja2

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from mscnn import cli  # noqa: E402
from mscnn.config.labels import _File as Labels  # noqa: E402
from mscnn.config.layers import File  # noqa: E402
from mscnn.config.model import ModelSpec  # noqa: E402
from mscnn.config.protocol import Choice  # noqa: E402
from mscnn.config.segments import Segments  # noqa: E402
from mscnn.config.training import Training  # noqa: E402
from mscnn.data.corpus_facts import CorpusFacts  # noqa: E402
from mscnn.data.protocols import DEV_SCHEMES, TEST_SCHEMES, Protocol  # noqa: E402
from mscnn.evaluation.metrics import METRICS  # noqa: E402
from mscnn.features.config import KINDS, Feature  # noqa: E402
from mscnn.files import read_yaml  # noqa: E402
from mscnn.options import Parser  # noqa: E402
from mscnn.paths import CONF, conf, names  # noqa: E402
from mscnn.reporting.lines import FIELDS, LEADING  # noqa: E402

DOCS = ROOT / "docs"
TEMPLATES = ROOT / "tools" / "docs"
MADE = "<!-- Made by tools/make_docs.py. Change the code, conf/ or tools/docs/, and run it again. -->\n\n"
WAV2VEC2 = 768  # values of the hidden states of wav2vec 2.0 base; no page needs its weights
SIGNS = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}
PLAIN = {bool: "true or false", int: "whole number", float: "number", str: "text"}


# --- Markdown


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


# --- what dataclasses say


def attributes(kind: type) -> dict[str, str]:
    """What the section ``Attributes:`` of a docstring says of each field."""
    section = (inspect.getdoc(kind) or "").partition("Attributes:\n")[2]
    entries = re.findall(r"^    (\S[^:\n]*): (.*(?:\n {8}.*)*)", section, re.MULTILINE)
    return {name: " ".join(text.split()) for names, text in entries for name in re.split(r",\s*", names)}


def form(hint: Any) -> str:
    """A type in words; that a value may be null is not said."""
    origin, inner = get_origin(hint), [one for one in get_args(hint) if one is not type(None)]
    if origin is Annotated:
        return " ".join([form(inner[0]), *(limit for rule in inner[1:] for limit in _limits(rule))])
    if origin is Literal:
        return ", ".join(map(code, inner))
    if origin in (Union, types.UnionType):
        return " or ".join(dict.fromkeys(map(form, inner)))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return "section" if inner[1] is Any else f"mapping of names to {form(inner[1])}"
    if "Required" in str(origin):
        return form(inner[0])
    return f"list of {form(inner[0])}" if origin else PLAIN.get(hint, "section" if isinstance(hint, type) else "any")


def _limits(rule: Any) -> Iterator[str]:
    """The bounds that pydantic's Field sets."""
    for part in getattr(rule, "metadata", ()):
        yield from (f"{sign} {getattr(part, name)}" for name, sign in SIGNS.items() if hasattr(part, name))
        if getattr(part, "pattern", None):
            yield code(part.pattern)


def keys(kind: type) -> str:
    """Table of the keys of a dataclass."""
    hints, about = get_type_hints(kind, include_extras=True), attributes(kind)
    rows = []
    for one in fields(kind):
        required = one.default is MISSING and one.default_factory is MISSING
        usual = "" if one.default in (MISSING, None, (), "") else one.default
        usual = [*usual] if isinstance(usual, tuple) else str(usual).lower() if isinstance(usual, bool) else usual
        default = "required" if required else code(usual)
        rows.append([code(one.name), form(hints[one.name]), default, about.get(one.name, "")])
    return table("key|value|default|meaning", rows)


# --- options


class _Made(Exception):
    """Carries the parser of an entry point out of its ``main``."""


def parser_of(command: str) -> Parser:
    """The parser that a command makes, before it parses anything."""

    def stop(parser: Parser, *args: object, **kwargs: object) -> None:
        raise _Made(parser)

    usual, Parser.parse_known_args = Parser.parse_known_args, stop  # type: ignore[assignment, method-assign]
    try:
        importlib.import_module(f"mscnn.bin.{command}").main()
    except _Made as made:
        return made.args[0]
    finally:
        Parser.parse_known_args = usual  # type: ignore[method-assign]
    raise AssertionError(f"mscnn.bin.{command} parses no options")


def options(parser: Parser) -> Iterator[list[str]]:
    """Rows of a table: option, default, meaning."""
    for action in parser._actions:
        names_ = [name for name in action.option_strings if name.startswith("--")]
        if {"--help", "--config"} & {*names_}:
            continue
        choices = "{" + ",".join(map(str, action.choices)) + "}" if action.choices else action.metavar
        usual = "" if action.default in (None, [], "==SUPPRESS==") else action.default
        usual = str(usual).lower() if isinstance(usual, bool) else usual
        usual = " ".join(map(str, usual)) if isinstance(usual, (list, tuple)) else usual
        shown = " ".join([*(names_ or [action.dest]), *([str(choices)] if choices else [])])
        required = action.required and (names_ or action.nargs != "*")
        yield [code(shown), "required" if required else code(usual), (action.help or "") % vars(action)]


def recipe_options() -> Iterator[list[str]]:
    """The same of run.sh: the configuration section of utils/stages.sh."""
    text = (ROOT / "utils" / "stages.sh").read_text(encoding="utf-8")
    section = text.partition("# begin configuration section\n")[2].partition("# end configuration section")[0]
    for name, usual, meaning in re.findall(r"^(\w+)=(.*?)\s+# (.*)$", section, re.MULTILINE):
        usual = "number of processors" if usual.startswith("$(") else code(usual)
        yield [code(f"--{name.replace('_', '-')}"), usual, meaning]


def commands() -> Iterator[tuple[str, dict[str, Parser]]]:
    """Title and parsers of each group, as ``mscnn --help`` groups them."""
    known = cli.commands()
    staged = {name for group in cli.STAGES.values() for name in group}
    others = [name for name in known if name not in staged]
    for title, group in [*cli.STAGES.items(), *([("others", others)] if others else [])]:
        yield title, {name.replace("_", "-"): parser_of(name) for name in group if name in known}


# --- conf

spec_of = cache(ModelSpec.load)


def families() -> dict[str, list[Path]]:
    """Configurations by folder: first the file that states all options, then those that change it."""
    found: dict[str, list[Path]] = {}
    for path in (conf("models", name) for name in names("models")):
        found.setdefault(path.parent.name, []).append(path)
    order = sorted(found, key=lambda folder: (folder != "mscnn", folder))
    return {folder: sorted(found[folder], key=lambda path: ("base" in read_yaml(path), path.stem)) for folder in order}


def model_row(path: Path, published: Mapping[str, str]) -> list[object]:
    """Configuration, audio features, text, x-vector, parameters, published, what it is."""
    spec = spec_of(path.stem)
    features = ", ".join(code(name) for name in spec.features.values())
    takes = ["yes" if given else "" for given in (spec.text, spec.xvector)]
    number = published.get(path.stem, "")
    return [f"[`{path.stem}`](#{path.stem})", features, *takes, _parameters(spec), number, _header(path)]


def _header(path: Path) -> str:
    """The first sentence of the comment that opens a file."""
    lines = [line[1:].strip() for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("#")]
    return re.split(r"(?<!et al)(?<!vs)\.(?:\s|$)", " ".join(lines))[0]


def _parameters(spec: ModelSpec) -> str:
    """Number of parameters, of a network without values; empty where it has none, or brings its own weights."""
    import torch

    from mscnn import models
    from mscnn.models.inputs import Sizes

    if spec.family == "baseline" or spec.options.get("wav2vec2"):
        return ""
    dims = {name: _dim(Feature.load(feature)) for name, feature in spec.features.items()}
    sizes = Sizes(classes=4, audio=dims.pop("audio", 96), extra=dims)
    with torch.device("meta"):
        return f"{models.build(spec, sizes).num_parameters():,}".replace(",", " ")


def _dim(feature: Feature) -> int:
    return WAV2VEC2 if feature.kind == "wav2vec2" else feature.extractor.dim


def published() -> dict[str, str]:
    """What is reported of each configuration as it is: the first row with reference, and the first with ASR text."""
    first: dict[str, dict[bool, str]] = {}
    for rows in (one["rows"] for one in read_yaml(CONF / "published.yaml")["tables"].values()):
        for row in rows:
            values = [row.get("wa"), row.get("ua")]
            if row.get("model") and any(values) and not row.get("options"):
                shown = " / ".join("–" if value is None else str(value) for value in values)
                first.setdefault(row["model"], {}).setdefault(row["text"] == "asr", f"{shown} {row['certain']}")
    return {name: "; ".join(by_text[asr] for asr in sorted(by_text)) for name, by_text in first.items()}


def protocol_row(name: str) -> list[object]:
    """Protocol, folds, test, dev, disjoint, aggregate, marks."""
    one = Protocol.load(name)
    chosen = [
        " ".join(
            [choice["scheme"], *(f"{key}={_joined(choice[key])}" for key in ("by", "name", "share") if key in choice)]
        )
        for choice in (one.test, one.dev)
    ]
    apart, marks = ", ".join(one.disjoint["train-test"]), ", ".join(map(code, one.legacy))
    return [f"[`{name}`](#{name})", one.test.get("folds", ""), *chosen, apart, one.aggregate, marks]


def _joined(value: object) -> str:
    return "+".join(value) if isinstance(value, (list, tuple)) else str(value)


def feature_row(name: str) -> list[object]:
    """Feature, kind, values per row, milliseconds, rate, models."""
    one = Feature.load(name)
    used = [model for model in names("models") if name in spec_of(model).features.values()]
    shift = 0 if one.kind == "wav2vec2" else 1000 * one.extractor.frame_shift
    links = ", ".join(f"[`{model}`](models.md#{model})" for model in used)
    rate = f"{one.extractor.rate:,}".replace(",", " ")
    return [f"[`{name}`](#{name})", code(one.kind), _dim(one), f"{shift:g}" if shift else "", rate, links]


def grid_keys() -> str:
    """Keys of an entry of a grid."""
    return keys(importlib.import_module("mscnn.recipe.grid").Experiments)


def schemes() -> Iterator[list[str]]:
    """Part, scheme, options, options that may be left away."""
    for part, known in (("test", TEST_SCHEMES), ("dev", DEV_SCHEMES)):
        for name, one in known.items():
            yield [part, code(name), ", ".join(map(code, one.required)), ", ".join(map(code, one.optional))]


# --- pages

NAMED = (
    *(Choice, CorpusFacts, File, Protocol, Segments, Training, attributes, code, commands, conf, families, feature_row),
    *(fields, form, get_type_hints, grid_keys, keys, listing, model_row, names, options, protocol_row, published),
    *(read_yaml, recipe_options, schemes, table),
)
CONSTANTS = {"CONF": CONF, "FIELDS": FIELDS, "KINDS": KINDS, "LEADING": LEADING, "METRICS": METRICS, "Labels": Labels}
GIVEN = {**{one.__name__.lstrip("_"): one for one in NAMED}, **CONSTANTS}  # what templates may use


def rendered(name: str) -> str:
    """A template of tools/docs, filled."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(name).render(GIVEN)


def copied(name: str) -> str:
    """A file of the repository as a page; its links are made relative to docs/."""
    return re.sub(r"\]\(docs/", "](", (ROOT / name).read_text(encoding="utf-8"))


PAGES: dict[str, Callable[[], str]] = {
    **{f"reference/{path.name}": lambda path=path: rendered(path.name) for path in sorted(TEMPLATES.glob("*.md"))},
    "contributing.md": lambda: copied("CONTRIBUTING.md"),
    "changelog.md": lambda: copied("CHANGELOG.md"),
}


def main(check: bool) -> int:
    """Write every page, or compare them; returns the exit status."""
    stale = []
    for name, make in PAGES.items():
        path, text = DOCS / name, MADE + make().rstrip("\n") + "\n"
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
