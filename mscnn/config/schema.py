"""From YAML to typed objects; every YAML file that users write is read here.

Scalars are text until the type of a field decides. So names stay names (``no``, ``1``, ``on``), ``1e-4`` is a number,
and ``null``, ``~`` or an empty value mean None where a field may be None, and are text elsewhere.
"""

from __future__ import annotations

import difflib
import math
import re
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import is_dataclass
from functools import cache, lru_cache, reduce
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias, TypeVar, Union, cast, get_args, get_origin, get_type_hints

import yaml
from pydantic import AfterValidator, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic_core import PydanticCustomError
from typing_extensions import is_typeddict

from mscnn.errors import DataErrors, Issue, UserError
from mscnn.files import BaseLoader, regular, yaml_value

T = TypeVar("T")
Where: TypeAlias = Path | str | Callable[[str], Path | str]
MOST = 10**9  # of numbers without a limit of their own
# Types of numbers. Every number of a configuration has limits: what reads as one is refused before any work.
Positive: TypeAlias = Annotated[float, Field(gt=0, le=MOST)]
NotNegative: TypeAlias = Annotated[float, Field(ge=0, le=MOST)]
Probability: TypeAlias = Annotated[float, Field(ge=0, lt=1)]  # of dropout, and what decays
Fraction: TypeAlias = Annotated[float, Field(ge=0, le=1)]
Share: TypeAlias = Annotated[float, Field(gt=0, lt=1)]
Count: TypeAlias = Annotated[int, Field(ge=1, le=MOST)]
CountOr0: TypeAlias = Annotated[int, Field(ge=0, le=MOST)]
Seed: TypeAlias = Annotated[int, Field(ge=0, le=10**18)]
Length: TypeAlias = Annotated[int, Field(ge=1, le=10**7)]  # of what is read or padded, in frames, tokens or samples
LengthOr0: TypeAlias = Annotated[int, Field(ge=0, le=10**7)]
Bytes: TypeAlias = Annotated[int, Field(ge=1, le=1 << 50)]
Size: TypeAlias = Annotated[int, Field(ge=1, le=1 << 14)]  # of a layer, in units, or of a kernel
SizeOr0: TypeAlias = Annotated[int, Field(ge=0, le=1 << 14)]
SizeList: TypeAlias = Annotated[tuple[Size, ...], Field(min_length=1, max_length=64)]
MAX_SHOWN = 300  # characters of a value in a message
MAX_NUMBER = 100  # characters of a number
NULLS = ("", "~", "null")
STRICT = ConfigDict(extra="forbid", allow_inf_nan=False)
EXPECTED_TYPES = {  # of errors of pydantic, by the first word of their type
    "bool": "true or false",
    "int": "a whole number",
    "float": "a number",
    "string": "text",
    "dict": "a mapping",
    "mapping": "a mapping",
    "dataclass": "a mapping",
    "tuple": "a list",
    "list": "a list",
    "sequence": "a list",
}
BOUNDS = {  # of errors of pydantic that state a limit, by their type
    "greater_than": "a number above {gt:g}",
    "greater_than_equal": "a number of at least {ge:g}",
    "less_than": "a number below {lt:g}",
    "less_than_equal": "a number of at most {le:g}",
    "too_long": "a list of at most {max_length}",
    "too_short": "a list of at least {min_length}",
}
UNKNOWN_KEY_ERRORS = ("unexpected_keyword_argument", "extra_forbidden")


def matching(pattern: str, words: str) -> AfterValidator:
    """Validator of text that must match ``pattern`` as a whole; errors say that ``words`` were expected."""

    def check(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise PydanticCustomError("pattern", "{words}", {"words": words})
        return text

    return AfterValidator(check)


def load(path: str | Path, kind: type[T]) -> T:
    """The values of the YAML file ``path`` as a ``kind`` (a dataclass).

    Raises:
        UserError: as :func:`read` and :func:`build`.
    """
    return build(kind, read(path), Path(path))


def read(path: str | Path) -> dict[str, Any]:
    """The mapping in a YAML file; its values are text, lists and mappings.

    Raises:
        UserError: the file cannot be read (``config-yaml``), or has a key twice (``config-key-twice``).
    """
    try:
        values = parse(regular(path).read_text(encoding="utf-8"), Path(path))
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: cannot be read: {error}", code="config-yaml") from None
    if not isinstance(values, dict):
        raise UserError(f"{path}: expected a mapping of names to values, found {shown(values)}", code="config-yaml")
    return values


def parse(text: str, where: Path | str) -> Any:
    """The value of a YAML text: text, or lists and mappings of text; raises as :func:`read`."""
    try:
        value = yaml_value(text, _Loader)
    except _DuplicateKey as error:
        line = f"{where}:{error.mark.line + 1}" if isinstance(where, Path) else where
        raise UserError(f"{line}: key {error.problem} occurs twice", code="config-key-twice") from None
    except yaml.YAMLError as error:
        raise UserError(f"{where}: not valid YAML: {str(error)[:1000]}", code="config-yaml") from None
    return "" if value is None else value


def build(kind: type[T], values: Mapping[str, Any], where: Where) -> T:
    """A ``kind`` (a dataclass) made of ``values``: text as :func:`read` returns it, or values that have their type.

    ``where`` names the origin in errors: a file, whose lines are then named, a title, or a function from a dotted key
    to either.

    Raises:
        UserError: a key is unknown (``config-unknown-key``) or missing (``config-missing-key``), or a value does not
            have the type of its field (``config-value``); several errors are listed together.
    """
    try:
        adapter: TypeAdapter = _adapter(cast(Any, kind))
        return adapter.validate_python((_prepared(kind, values),))[0]
    except ValidationError as error:
        issues = _issues(kind, values, where, error)
    except UserError as error:  # of a __post_init__: values that contradict each other
        raise UserError(f"{place(where, ())}: {error}", code=error.code) from None
    if len(issues) == 1:
        raise UserError(str(issues[0]), code=issues[0].code)
    raise DataErrors(f"{place(where, ())}: {len(issues)} errors", issues, code=issues[0].code)


def plain(text: Any) -> Any:
    """``text`` as a boolean, an integer or a number where it reads as one; also inside lists and mappings."""
    if isinstance(text, dict):
        return {key: plain(value) for key, value in text.items()}
    if isinstance(text, list):
        return [plain(value) for value in text]
    if not isinstance(text, str):
        return text
    if text in ("true", "false"):
        return text == "true"
    if re.fullmatch(r"[-+]?\d{1,18}", text, re.ASCII):
        return int(text)
    number = r"[-+]?(\d+\.\d*|\.\d+|\d+(?=[eE]))([eE][-+]?\d+)?"
    return float(text) if len(text) < MAX_NUMBER and re.fullmatch(number, text, re.ASCII) else text


def shown(value: object) -> str:
    """``value`` as messages show it, shortened where it is long."""
    text = repr(value)
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]} …"


def nearest(name: str, known: Sequence[str], section: str = "") -> str:
    """``did you mean SECTION.NAME?``, or all known names where none is similar."""
    near = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {section}{'.' if section else ''}{near[0]}?" if near else f"known: {', '.join(known)}"


class _Wrong:
    """In place of a value that is not of its type, but pydantic would convert: yes to true, 1_000 or 3.0 to 3."""


class _DuplicateKey(yaml.MarkedYAMLError):
    """A key that occurs twice in a mapping."""

    def __init__(self, key: yaml.Node) -> None:
        super().__init__(problem=key.value, problem_mark=key.start_mark)
        self.mark = key.start_mark


class _Loader(BaseLoader):
    """Loads text, lists and mappings with unique keys; ``<<: *name`` merges another mapping into one."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        common: dict = {}
        own: dict = {}
        for key_node, value_node in node.value:
            key, value = (self.construct_object(part, deep=True) for part in (key_node, value_node))
            if key == "<<" and isinstance(value, dict):
                common |= value
            elif not isinstance(key, str):
                raise yaml.MarkedYAMLError(problem="a key must be text", problem_mark=key_node.start_mark)
            elif key in own:
                raise _DuplicateKey(key_node)
            else:
                own[key] = value
        return common | own


@cache
def _adapter(kind: Any) -> TypeAdapter:
    return TypeAdapter(tuple[kind], config=STRICT)  # TypeAdapter of a dataclass accepts no config


@cache
def _fields(kind: Any) -> dict[str, Any]:
    """Type of each field of a dataclass or TypedDict; empty for other types."""
    known = isinstance(kind, type) and (is_dataclass(kind) or is_typeddict(kind))
    return get_type_hints(kind, include_extras=True) if known else {}


def _prepared(hint: Any, value: Any) -> Any:
    """``value`` with nulls, booleans and numbers converted, and values of type object; see :func:`plain`."""
    if get_origin(hint) is Annotated:
        return _prepared(get_args(hint)[0], value)
    if hint is object:
        return plain(value)
    if hint is bool and isinstance(value, str):
        return value == "true" if value in ("true", "false") else _Wrong()
    if hint in (int, float):
        return _number(hint, value)
    if get_origin(hint) in (Union, types.UnionType):
        kinds = [kind for kind in get_args(hint) if kind is not type(None)]
        if len(kinds) < len(get_args(hint)) and (value is None or value in NULLS):
            return None
        if {_bare(kind) for kind in kinds} == {int, float}:
            return _number(float, value)
        if isinstance(value, Mapping):
            kinds = [kind for kind in kinds if _is_mapping(kind)]
        return _prepared(kinds[0], value) if len(kinds) == 1 else value
    if isinstance(value, Mapping):
        return {key: _prepared(_inside(hint, key), inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_prepared(_inside(hint, i), inner) for i, inner in enumerate(value)]
    return value


def _number(kind: type, value: Any) -> Any:
    """The number that a text is; a value that is none, is not finite, or not an integer of ``kind`` int is wrong."""
    number = plain(value) if isinstance(value, str) else value
    right = isinstance(number, int if kind is int else (int, float)) and not isinstance(number, bool)
    return number if right and math.isfinite(number) else _Wrong()


def _inside(hint: Any, key: str | int) -> Any:
    """Type of the value of a mapping, a list or a dataclass under ``key``; Any where it is unknown."""
    while get_origin(hint) in (Annotated, Union, types.UnionType):
        hint = get_args(hint)[0]
    if isinstance(key, str):
        arguments = get_args(hint)
        return _fields(hint).get(key, arguments[1] if len(arguments) == 2 else Any)
    arguments = tuple(kind for kind in get_args(hint) if kind is not Ellipsis)
    return arguments[min(key, len(arguments) - 1)] if arguments else Any


def _issues(kind: type, values: Mapping[str, Any], where: Where, error: ValidationError) -> list[Issue]:
    """Issues of a validation error, one per key; the alternatives that a field expects are joined."""
    merged: dict[tuple, tuple[Any, list]] = {}
    for one in error.errors(include_url=False):
        if located := _located(kind, values, one["loc"][1:]):
            merged.setdefault(located[0], (located[1], []))[1].append(one)
    issues = []
    for key, (container, errors) in merged.items():
        name, at, sort = ".".join(map(str, key)), place(where, key), errors[0]["type"]
        if sort in UNKNOWN_KEY_ERRORS:
            hint = nearest(str(key[-1]), list(_fields(_bare(container))), ".".join(map(str, key[:-1])))
            issues.append(Issue("config-unknown-key", f"{at}: unknown key {name}; {hint}"))
        elif sort == "missing":
            issues.append(Issue("config-missing-key", f"{at}: {name} is missing"))
        else:
            wanted = " or ".join(dict.fromkeys(_expected(one) for one in errors))
            found = reduce(lambda inside, part: inside[part], key, cast(Any, values))
            issues.append(Issue("config-value", f"{at}: {name}: expected {wanted}, found {shown(found)}"))
    return issues


def _bare(hint: Any) -> Any:
    while get_origin(hint) in (Annotated, Union, types.UnionType):
        hint = get_args(hint)[0]
    return hint


def _expected(error: Mapping[str, Any]) -> str:
    """What pydantic expected, in terms of YAML."""
    sort, limits = error["type"], error.get("ctx", {})
    if sort in BOUNDS:
        return BOUNDS[sort].format(**limits)
    return EXPECTED_TYPES.get(sort.partition("_")[0]) or re.sub(r"^Input should (be )?", "", error["msg"])


def _located(kind: Any, values: Any, location: Sequence[Any]) -> tuple[tuple[str | int, ...], Any] | None:
    """The keys in pydantic's ``location``, and the type of what has the last; names of a union's alternatives are none.

    None: the error is that of an alternative that the value cannot be, as text where it is a mapping.
    """
    key: list[str | int] = []
    hint = container = kind
    for part in location:
        alternatives = _alternatives(hint)
        if len(alternatives) > 1:  # pydantic names the alternative
            mappings = [one for one in alternatives if _is_mapping(one)] if isinstance(values, Mapping) else []
            if mappings and str(part).partition("[")[0] not in ("dict", getattr(_bare(mappings[0]), "__name__", "")):
                return None
            hint = mappings[0] if mappings else Any
        elif isinstance(values, Mapping if isinstance(part, str) else list):
            key.append(part)
            container, hint = hint, _inside(hint, part)
            there = part in values if isinstance(part, str) else part < len(values)
            values = values[part] if there else None
    return tuple(key), container


def _alternatives(hint: Any) -> list[Any]:
    """The types that a value may have, besides None."""
    while get_origin(hint) is Annotated:
        hint = get_args(hint)[0]
    if get_origin(hint) not in (Union, types.UnionType):
        return [hint]
    kinds = [kind for kind in get_args(hint) if kind is not type(None)]
    return kinds if len(kinds) > 1 else _alternatives(kinds[0])


def _is_mapping(kind: Any) -> bool:
    """Whether a value of a type is written as a mapping."""
    kind = _bare(kind)
    return bool(_fields(kind)) or (len(get_args(kind)) == 2 and get_origin(kind) not in (Literal, tuple))


def place(where: Where, key: Sequence[str | int]) -> str:
    """The origin of a key, for messages: a title, or a file with the line of the key."""
    origin = where(".".join(map(str, key))) if callable(where) else where
    line = _line(origin, key) if isinstance(origin, Path) and key else None
    return f"{origin}:{line}" if line else str(origin)


@lru_cache(maxsize=1)  # of the lines of many errors
def _composed(text: str) -> yaml.Node | None:
    return yaml.compose(text, BaseLoader)


def _line(path: Path, key: Sequence[str | int]) -> int | None:
    """Line of a key in a file, or of the mapping that lacks it; None where the file cannot be read."""
    try:
        node = _composed(regular(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return None
    line = 1
    for part in key:
        if isinstance(node, yaml.MappingNode):
            pairs = {name.value: (name, value) for name, value in node.value}
            if part not in pairs:
                break
            line, node = pairs[part][0].start_mark.line + 1, pairs[part][1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
    return line
