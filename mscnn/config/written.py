"""``config.yaml`` of an experiment, which training writes: the types of its values, which every reader relies on."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from typing_extensions import Required, TypedDict

from mscnn.config.schema import shown
from mscnn.errors import UserError
from mscnn.files import read_yaml

MOST = 100_000  # folds times runs
AGAIN = "run stage 5 (train) again"


STRICT = ConfigDict(strict=True, extra="allow")


class _Protocol(TypedDict, total=False):
    __pydantic_config__ = STRICT  # type: ignore[misc]
    name: Required[str]
    hash: Required[str]
    disjoint: Required[dict[str, list[str]]]
    selection: Required[str]
    version: int
    aggregate: str
    legacy: list[str]


class _Text(TypedDict, total=False):
    __pydantic_config__ = ConfigDict(strict=True, extra="forbid")  # type: ignore[misc]
    tokens: str
    embeddings: str | None
    dim: int
    pieces: int
    words: int


class _Config(TypedDict, total=False):
    """Older versions wrote fewer keys, later ones may write more."""

    __pydantic_config__ = STRICT  # type: ignore[misc]
    model: str
    family: str
    features: dict[str, str]
    normalise: dict[str, str]
    segments: dict[str, Any] | None
    model_options: dict[str, Any]
    xvec_norm: str
    training: dict[str, Any]
    data: str
    labels: str
    classes: Annotated[list[str], Field(min_length=1)]
    protocol: _Protocol
    text: str
    trained_on: str
    trained_in: str
    text_options: _Text
    xvector: str
    xvector_model: str
    embeddings: str
    seed: int
    device: str
    legacy: list[str]
    changed: list[str]
    feature_dirs: dict[str, str]
    folds: Annotated[int, Field(ge=1, le=MOST)]
    runs: Annotated[int, Field(ge=1, le=MOST)]
    partial: str
    short_excluded: int
    pretrained_on_test: list[str]
    parameters: int | None
    inputs: dict[str, Any]
    environment: dict[str, Any]
    command: str


@cache
def _adapter() -> TypeAdapter:
    return TypeAdapter(_Config)


def read_config(path: str | os.PathLike, needed: Sequence[str] = ()) -> dict[str, Any]:
    """The configuration of an experiment, whose values have their types; it has the keys ``needed``.

    Raises:
        UserError: the file cannot be read, lacks a key, or has a value that training cannot have written
            (``experiment-config``).
    """
    config = read_yaml(path)
    if missing := [key for key in needed if key not in config]:
        raise UserError(f"{Path(path)}: missing keys: {', '.join(missing)}; {AGAIN}", code="experiment-config")
    try:
        _adapter().validate_python(config)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(map(str, first["loc"]))
        reason = first["msg"].replace("Input should be", "expected").replace("Extra inputs are", "further keys are")
        raise UserError(
            f"{Path(path)}: {key}: {reason}, found {shown(first['input'])}; {AGAIN}", code="experiment-config"
        ) from None
    if (trainings := config.get("folds", 1) * config.get("runs", 1)) > MOST:
        raise UserError(
            f"{Path(path)}: folds times runs: expected at most {MOST}, found {trainings}; {AGAIN}",
            code="experiment-config",
        )
    return config
