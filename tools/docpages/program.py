"""What the program says of itself: keys of configurations, options of commands, names of the package."""

from __future__ import annotations

import importlib
import inspect
import re
import types
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, fields
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import mscnn
from docpages.markdown import ROOT, code, table
from mscnn import cli
from mscnn.options import Parser

SIGNS = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}
PLAIN = {bool: "true or false", int: "whole number", float: "number", str: "text"}


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


def interface() -> Iterator[tuple[str, str, str]]:
    """Name, signature and docstring of what ``import mscnn`` offers; of classes, of their public methods as well."""
    for name in mscnn.__all__:
        one = getattr(mscnn, name)
        if not inspect.isclass(one):
            yield name, _signature(name, one), inspect.getdoc(one) or ""
            continue
        yield name, f"class {name}", inspect.getdoc(one) or ""
        for method in vars(one):
            text = inspect.getdoc(getattr(one, method))
            if not method.startswith("_") and text and callable(getattr(one, method)):
                yield f"{name}.{method}", _signature(f"{name}.{method}", getattr(one, method)), text


def _signature(name: str, one: Callable) -> str:
    """``def``, one line per parameter."""
    signature = inspect.signature(one)
    lines, keywords = [], False
    for parameter in signature.parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY and not keywords:
            lines += [] if any(line.startswith("*") for line in lines) else ["*"]
            keywords = True
        if parameter.name != "self":
            lines.append(str(parameter))
    body = "".join(f"    {line},\n" for line in lines)
    result = "" if signature.return_annotation is signature.empty else f" -> {signature.return_annotation}"
    return f"{name}({chr(10) if body else ''}{body}){result}".replace("'", "")
