"""``--set KEY=VALUE``: a dotted key sets any value of a configuration, a bare key one that only one section has."""

from __future__ import annotations

import difflib
from dataclasses import fields

from mscnn.config import schema
from mscnn.config.layers import Layers, follows
from mscnn.config.segments import Segments
from mscnn.config.training import Training
from mscnn.errors import UserError

OPEN_SECTIONS = (
    "inputs.extra.",
    "normalise.",
    "segments.streams.",
    "training.class_weights.",
)  # their keys are not fixed
SETTABLE_SECTIONS = ("inputs.extra", "segments.streams")  # can be set as a whole
INPUT_KEYS = ("inputs.audio", "inputs.text", "inputs.text_encoder", "inputs.xvector")


def apply(layers: Layers, setting: str) -> None:
    """Apply the setting ``KEY=VALUE`` (VALUE in YAML) to ``layers``.

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
    named = any(key.startswith(section) and key != section for section in OPEN_SECTIONS)
    if named or key in (*known, *SETTABLE_SECTIONS):
        return key
    candidates = [one for one in known if one.endswith(f".{key}")]
    option = key.removeprefix("options.")
    if not candidates and option in layers.values.get("options", {}):  # one that follows an input
        return f"options.{option}"
    if len(candidates) == 1:
        return candidates[0]
    if candidates:
        raise UserError(f"--set {key}: {' or '.join(candidates)}? Give the dotted key", code="option-ambiguous")
    by_name = {one.rpartition(".")[2]: one for one in reversed(known)}
    near = difflib.get_close_matches(key, [*known, *by_name], n=1)
    hint = f"did you mean {by_name.get(near[0], near[0])}? " if near else ""
    all_keys = ", ".join([*known, *(f"{section}NAME" for section in OPEN_SECTIONS)])
    raise UserError(
        f"--set {key}: {layers.path.stem} has no such key; {hint}All keys: {all_keys}", code="option-unknown"
    )


def keys(layers: Layers) -> list[str]:
    """Every dotted key that can be set, except those of OPEN_SECTIONS."""
    stated = layers.values.get("options", {})
    options = [f"options.{name}" for name, value in stated.items() if not follows(value)]
    segments = [f"segments.{one.name}" for one in fields(Segments) if one.name != "streams"]
    return [*options, *(f"training.{one.name}" for one in fields(Training)), *segments, *INPUT_KEYS, "xvec_norm"]
