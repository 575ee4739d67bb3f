"""Every number that a user can set has limits, and is refused beyond them before any work."""

import types
from collections.abc import Iterator
from importlib import import_module
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import pytest

from mscnn import models
from mscnn.config.model import ModelSpec, resolve
from mscnn.config.overrides import keys
from mscnn.config.protocol import Choice
from mscnn.config.segments import Segments
from mscnn.config.training import Training
from mscnn.features.config import LIMITS, Feature, _out_of_range
from mscnn.paths import names
from tests.raises import fails

BEYOND = ("-1", "1000000000000", ".nan", "1e999", "9" * 5000)
ROOTS = [name for name in names("models") if (layers := resolve(name)).path == layers.first]
OPTIONS = [vars(import_module(module))["Options"] for module in models.FAMILIES.values()]


def unlimited(hint: Any) -> Iterator[Any]:
    """The numbers in a type that have no limits."""
    if get_origin(hint) is Annotated:
        inner, *facts = get_args(hint)
        if inner not in (int, float) or len([m for fact in facts for m in getattr(fact, "metadata", ())]) < 2:
            yield from unlimited(inner)
    elif hint in (int, float):
        yield hint
    elif get_origin(hint) in (Union, types.UnionType) or get_args(hint):
        for inner in get_args(hint):
            yield from unlimited(inner)


@pytest.mark.parametrize("kind", [Training, Segments, Choice, *OPTIONS], ids=lambda kind: kind.__module__)
def test_every_number_has_two_limits(kind):
    hints = get_type_hints(kind, include_extras=True)
    assert [name for name, hint in hints.items() if [*unlimited(hint)]] == []


@pytest.mark.parametrize("name", ROOTS)
def test_numbers_beyond_their_limits_are_refused(name):
    """By --set, for every key of every family whose value is a number or a list of numbers."""
    layers, spec = resolve(name), ModelSpec.load(name)
    for key in keys(layers):
        section, _, option = key.partition(".")
        parts = {"options": spec.options, "training": vars(spec.training), "segments": vars(spec.segments or spec)}
        value = parts.get(section, {}).get(option)
        first = value[0] if isinstance(value, (list, tuple)) and value else value
        if isinstance(first, bool) or not isinstance(first, (int, float)):
            continue
        for text in BEYOND:
            shown = text if first is value else f"[{', '.join([text] * len(value))}]"
            with fails("config-value"):
                models.options(ModelSpec.load(name, [f"{key}={shown}"]))


@pytest.mark.parametrize("setting", ["filters=0", "filters=[]", "pool=[0, 2]", "dropout=1.0", "lstm_dim=0"])
def test_sizes_of_nothing_are_refused(setting):
    with fails("config-value", setting.partition("=")[0]):
        models.options(ModelSpec.load("acrnn_paper", [setting]))


@pytest.mark.parametrize("name", names("features"))
def test_numbers_of_features_have_limits(name):
    options = Feature.load(name).options
    for key, value in options.items():
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            continue
        least, most = LIMITS.get(key, (0, 1 << 22))
        for beyond in (least - 1, most + 1):
            assert key in dict(_out_of_range({**options, key: beyond}))
