"""YAML as text, converted by types; every error names key, place, expected and found value."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

import pytest

from mscnn.config import schema
from mscnn.errors import DataErrors, UserError
from tests.raises import check, fails


@dataclass(frozen=True)
class Inner:
    lr: float
    steps: int = 1
    on: bool = True
    name: str = "x"
    maybe: str | None = "x"
    kind: Literal["adam", "sgd"] = "adam"
    pair: tuple[float, float] = (0.0, 0.0)
    free: Mapping[str, object] = field(default_factory=dict)
    either: int | float | None = None
    word: Annotated[str, schema.matching(r"\w+", "one word")] = "x"
    count: schema.Count = 1


@dataclass(frozen=True)
class Outer:
    inner: Inner
    rows: tuple[Inner, ...] = ()
    named: Mapping[str, Inner] = field(default_factory=dict)
    short: Mapping[str, str | Inner] = field(default_factory=dict)
    weights: Literal["none"] | Mapping[str, float] = "none"


@pytest.fixture
def outer(tmp_path):
    """Function that reads a YAML text as an Outer."""

    def read(text: str) -> Outer:
        (tmp_path / "file.yaml").write_text(text)
        return schema.load(tmp_path / "file.yaml", Outer)

    return read


@pytest.mark.parametrize("name", ["no", "on", "1", "1e3", "null", "~", "2026-01-01", "0x10", "1_000", "'quoted'"])
def test_names_are_text_whatever_their_yaml_type(outer, name):
    inner = outer(f"inner: {{lr: 1, name: {name}}}").inner
    assert inner.name == name.strip("'")
    assert [*outer(f"inner: {{lr: 1}}\nnamed: {{{name}: {{lr: 2}}}}").named] == [name.strip("'")]


@pytest.mark.parametrize("text, value", [("1e-4", 1e-4), ("1.0e-4", 1e-4), ("3", 3.0), ("'3'", 3.0), ("-0.5", -0.5)])
def test_numbers(outer, text, value):
    assert outer(f"inner: {{lr: {text}}}").inner.lr == value


@pytest.mark.parametrize("text, value", [("3", 3), ("3.0", 3.0), ("1e1", 10.0), ("null", None)])
def test_a_number_that_may_be_whole(outer, text, value):
    either = outer(f"inner: {{lr: 1, either: {text}}}").inner.either
    assert (either, type(either)) == (value, type(value))


def test_a_value_or_a_mapping(outer):
    read = outer("inner: {lr: 1}\nshort: {a: x, b: {lr: 2, either: 3.0}}\nweights: {c: 1}")
    assert (read.short, read.weights) == ({"a": "x", "b": Inner(2.0, either=3.0)}, {"c": 1.0})


def test_anchors_and_merged_mappings(outer):
    read = outer("named:\n  a: &a {lr: 1, steps: 2}\n  b: {<<: *a, steps: 3}\ninner: *a\n")
    assert (read.named["b"], read.inner) == (Inner(1.0, 3), Inner(1.0, 2))


@pytest.mark.parametrize("text", ["null", "~", ""])
def test_none_where_the_type_is_optional_and_text_elsewhere(outer, text):
    inner = outer(f"inner:\n  lr: 1\n  maybe: {text}\n  name: {text}\n").inner
    assert (inner.maybe, inner.name) == (None, text)


def test_untyped_values_are_converted_by_their_form(outer):
    free = outer("inner: {lr: 1, free: {a: 1, b: 1e-4, c: true, d: no, e: [x, 2], f: 1.5.1}}").inner.free
    assert free == {"a": 1, "b": 1e-4, "c": True, "d": "no", "e": ["x", 2], "f": "1.5.1"}


@pytest.mark.parametrize(
    "text, code, names",
    [
        ("inner:\n  lrr: 1\n  lr: 1", "config-unknown-key", ["file.yaml:2", "inner.lrr", "inner.lr?"]),
        ("inner:\n  lr: 1\n  zzz: 1", "config-unknown-key", ["file.yaml:3", "inner.zzz", "lr, steps, on, name"]),
        ("inner:\n  steps: 1", "config-missing-key", ["file.yaml:1", "inner.lr"]),
        ("inner:\n  lr: fast", "config-value", ["file.yaml:2", "inner.lr", "'fast'"]),
        ("inner: {lr: nan}", "config-value", ["inner.lr", "'nan'"]),
        ("inner: {lr: .inf}", "config-value", ["inner.lr", "'.inf'"]),
        ("inner: {lr: 1e999}", "config-value", ["inner.lr", "'1e999'"]),
        ("inner: {lr: 1, steps: 1_000}", "config-value", ["inner.steps", "'1_000'"]),
        ("inner: {lr: 1, steps: 3.0}", "config-value", ["inner.steps", "'3.0'"]),
        ("inner: {lr: 1, steps: true}", "config-value", ["inner.steps", "'true'"]),
        ("inner: {lr: 1, steps: \u0663}", "config-value", ["inner.steps"]),
        ("inner: {lr: 1_0.5}", "config-value", ["inner.lr", "'1_0.5'"]),
        ("inner: {lr: true}", "config-value", ["inner.lr", "'true'"]),
        ("inner: {lr: 1, either: 1_0}", "config-value", ["inner.either", "'1_0'"]),
        ("inner: {lr: 1, pair: [1, 2, 3]}", "config-value", ["inner.pair", "at most 2", "['1', '2', '3']"]),
        ("inner: {lr: 1, word: a b}", "config-value", ["inner.word", "one word", "'a b'"]),
        ("inner: {lr: 1, count: 0}", "config-value", ["inner.count", "at least 1", "0"]),
        ("inner: {lr: 1, steps: 1.5}", "config-value", ["inner.steps", "'1.5'"]),
        ("inner: {lr: 1, on: yes}", "config-value", ["inner.on", "'yes'"]),
        ("inner: {lr: 1, on: 1}", "config-value", ["inner.on", "'1'"]),
        ("inner: {lr: 1, kind: adan}", "config-value", ["inner.kind", "'adam'", "'sgd'", "'adan'"]),
        ("inner: {lr: 1, pair: [1]}", "config-missing-key", ["inner.pair.1"]),
        ("inner: {lr: 1, pair: 1}", "config-value", ["inner.pair", "'1'"]),
        ("inner: {lr: 1, name: [a]}", "config-value", ["inner.name", "['a']"]),
        ("inner: {lr: 1}\nrows:\n- lr: 1\n- lr: x", "config-value", ["file.yaml:4", "rows.1.lr"]),
        ("inner: {lr: 1}\nnamed: {no: {lr: x}}", "config-value", ["file.yaml:2", "named.no.lr"]),
        ("inner: {lr: 1}\nshort: {a: [x]}", "config-value", ["file.yaml:2", "short.a", "['x']"]),
        ("inner: {lr: 1}\nshort: {a: {lr: x}}", "config-value", ["short.a.lr", "'x'"]),
        ("inner: {lr: 1}\nshort: {a: {lr: 1, stps: 2}}", "config-unknown-key", ["short.a.stps", "short.a.steps"]),
        ("inner: {lr: 1}\nshort: {a: {}}", "config-missing-key", ["short.a.lr"]),
        ("inner: {lr: 1}\nweights: {a: x}", "config-value", ["weights.a", "'x'"]),
        ("inner: {lr: 1}\nweights: one", "config-value", ["weights", "'none' or a mapping", "'one'"]),
        ("inner: 3", "config-value", ["file.yaml:1", "inner", "'3'"]),
        ("inner: {lr: 1}\ninner: {lr: 2}", "config-key-twice", ["file.yaml:2", "inner"]),
        ("inner: {lr: 1, lr: 2}", "config-key-twice", ["file.yaml:1", "lr"]),
        ("inner: {[a, b]: 2}", "config-yaml", ["file.yaml"]),
        ("inner: {lr: &x [*x]}", "config-yaml", ["file.yaml"]),
        ("inner: [", "config-yaml", ["file.yaml"]),
        ("- inner", "config-yaml", ["file.yaml"]),
        ("", "config-yaml", ["file.yaml"]),
        ("inner: !!python/object/apply:os.getcwd []", "config-value", ["inner"]),
    ],
)
def test_an_error_names_key_place_and_value(outer, text, code, names):
    with fails(code, *names):
        outer(text)


def test_errors_are_listed_together(outer):
    with pytest.raises(DataErrors) as caught:
        outer("inner: {lr: x, steps: y}\nmore: 1")
    check(caught.value, "config-value", "inner.lr", "inner.steps", "more")
    assert [issue.code for issue in caught.value.issues] == ["config-value", "config-value", "config-unknown-key"]


def test_a_missing_or_binary_file_is_refused(tmp_path):
    with fails("config-yaml", "none.yaml"):
        schema.read(tmp_path / "none.yaml")
    (tmp_path / "latin1.yaml").write_bytes(b"name: \xe9")
    with fails("config-yaml", "latin1.yaml"):
        schema.read(tmp_path / "latin1.yaml")


def test_typed_values_are_kept():
    values = {"lr": 0.5, "steps": 3, "on": False, "maybe": None, "pair": [1, 2], "free": {"a": None}}
    assert schema.build(Inner, values, "here") == Inner(0.5, 3, False, maybe=None, pair=(1.0, 2.0), free={"a": None})
    for wrong in ({"lr": 1, "steps": 3.0}, {"lr": 1, "steps": True}, {"lr": False}):
        with fails("config-value", "here"):
            schema.build(Inner, wrong, "here")
    with fails("config-value", "here", "lr", "True"):
        schema.build(Inner, {"lr": "True"}, "here")


def test_a_contradiction_between_values_names_its_place():
    @dataclass(frozen=True)
    class Picky:
        a: int

        def __post_init__(self) -> None:
            raise UserError(f"a {self.a}: no", code="picky")

    with fails("picky", "here", "a 3"):
        schema.build(Picky, {"a": "3"}, "here")
