"""A configuration as YAML, each value with its origin as a comment."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import yaml

from mscnn.config import schema
from mscnn.config.model import TEXT_ENCODER, ModelSpec, resolve
from mscnn.paths import CONF, conf

COMMENT_COLUMN = 48  # column of the origins, after short values


def model(name: str, settings: Sequence[str] = ()) -> str:
    """The resolved configuration of a model, itself a valid file of ``conf/models``; raises as ModelSpec.load."""
    layers = resolve(name, settings)
    spec = ModelSpec.of(layers)
    values: dict[str, Any] = {
        "family": spec.family,
        "inputs": {
            "audio": spec.audio,
            "text": spec.text,
            "text_encoder": spec.text_encoder,
            "xvector": spec.xvector,
            "extra": {name: feature for name, feature in spec.extra.items() if name != TEXT_ENCODER},
        },
        "options": dict(spec.options),
        "normalise": {key: how for key, how in spec.normalise.items() if key in spec.features},
        "segments": asdict(spec.segments) if spec.segments else {},
        "xvec_norm": spec.xvec_norm,
        "training": asdict(spec.training),
    }
    return annotated(values, lambda key: layers.origin(key) if layers.states(key) else "default")


def file(kind: str, name: str) -> str:
    """The values in a file of conf/labels, conf/protocols or conf/grids."""
    path = conf(kind, name)
    return annotated(schema.plain(schema.read(path)), lambda key: path)


def origin(path: Path, settings: Sequence[str]) -> Callable[[str], Path | str]:
    """Function from a key to the setting ``KEY=VALUE`` that states it, or to ``path``."""
    stated = {setting.partition("=")[0].replace("-", "_"): f"--set {setting}" for setting in settings}
    return lambda key: stated.get(key, path)


def annotated(values: Mapping[str, Any], where: Callable[[str], Path | str]) -> str:
    """YAML of ``values``, each followed by a comment: its origin, ``where(dotted key)``."""
    return "\n".join(_lines(values, where, ())) + "\n"


def _lines(values: Mapping[str, Any], where: Callable, above: tuple[str | int, ...]) -> Iterator[str]:
    indent = 2 * len(above)
    for name, value in values.items():
        key, start = (*above, name), f"{' ' * indent}{_flow(name)}:"
        if isinstance(value, Mapping) and value:
            yield start
            yield from _lines(value, where, key)
        elif isinstance(value, list) and value and isinstance(value[0], Mapping):
            yield start
            for number, entry in enumerate(value):
                for i, line in enumerate(_lines(entry, where, (*key, number))):
                    yield line if i else f"{line[: indent + 2]}- {line[indent + 4 :]}"
        else:
            place = schema.place(where(".".join(map(str, key))), key)
            yield f"{f'{start} {_flow(value)}':<{COMMENT_COLUMN}}  # {_short(place)}"


def _flow(value: Any) -> str:
    """A value as one line of YAML."""
    value = list(value) if isinstance(value, tuple) else value
    text = yaml.safe_dump([value], default_flow_style=True, width=float("inf"), allow_unicode=True, sort_keys=False)
    return text.strip()[1:-1]


def _short(place: str) -> str:
    """``place`` with paths of the project relative to the folder that contains conf/."""
    return place.removeprefix(f"{CONF.parent}{os.sep}")
