"""``--set KEY=VALUE``: dotted keys reach every value of a configuration, bare keys those that only one section has."""

from __future__ import annotations

import difflib
from dataclasses import fields

from mscnn.config import schema
from mscnn.config.layers import Layers, follows
from mscnn.config.segments import Segments
from mscnn.config.training import Training
from mscnn.errors import UserError

OPEN = ("inputs.extra.", "normalise.", "segments.streams.")  # sections whose names are not fixed
WHOLE = ("inputs.extra", "segments.streams")
INPUTS = ("inputs.audio", "inputs.text", "inputs.xvector")


def apply(layers: Layers, setting: str) -> None:
    """Put the value of ``KEY=VALUE`` (VALUE in YAML) where the key belongs.

    Raises:
        UserError: not KEY=VALUE (``option-syntax``), no such key (``option-unknown``; all are listed), one that several
            sections have (``option-ambiguous``), or a value of the wrong type (``config-value``).
    """
    key, equals, text = setting.partition("=")
    where = f"--set {setting}"
    if not equals:
        raise UserError(f"{where}: expected KEY=VALUE, for example --set training.lr=0.001", code="option-syntax")
    layers.put(full_key(layers, key.replace("-", "_")), schema.parse(text, where), where)


def full_key(layers: Layers, key: str) -> str:
    """The dotted key that ``key`` means; raises as :func:`apply`."""
    known = keys(layers)
    if key in (*known, *WHOLE) or any(key.startswith(section) and key != section for section in OPEN):
        return key
    meant = [one for one in known if one.endswith(f".{key}")]
    option = key.removeprefix("options.")
    if not meant and option in layers.values.get("options", {}):  # one that follows an input
        return f"options.{option}"
    if len(meant) == 1:
        return meant[0]
    if meant:
        raise UserError(f"--set {key}: {' or '.join(meant)}? Give the dotted key", code="option-ambiguous")
    by_name = {one.rpartition(".")[2]: one for one in reversed(known)}
    near = difflib.get_close_matches(key, [*known, *by_name], n=1)
    hint = f"did you mean {by_name.get(near[0], near[0])}? " if near else ""
    everything = ", ".join([*known, *(f"{section}NAME" for section in OPEN)])
    raise UserError(
        f"--set {key}: no such key of {layers.path.stem}; {hint}All keys: {everything}", code="option-unknown"
    )


def keys(layers: Layers) -> list[str]:
    """Every dotted key that can be set, but those of the sections OPEN."""
    stated = layers.values.get("options", {})
    options = [f"options.{name}" for name, value in stated.items() if not follows(value)]
    rules = [f"segments.{one.name}" for one in fields(Segments) if one.name != "streams"]
    return [*options, *(f"training.{one.name}" for one in fields(Training)), *rules, *INPUTS, "xvec_norm"]
