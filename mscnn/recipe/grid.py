"""Requested experiments of a recipe: models, texts and protocols, from options or from a grid in ``conf/grids``."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Annotated, Any, TypeAlias

from pydantic import Field

from mscnn.config import schema
from mscnn.errors import UserError
from mscnn.paths import conf, stem

Names: TypeAlias = str | list[str]
Count: TypeAlias = schema.CountOr0


@dataclass(frozen=True)
class Request:
    """One requested experiment.

    Attributes:
        model: name in conf/models, or a YAML file.
        text: gt, an ASR engine, or none.
        protocol: name in conf/protocols, or a YAML file.
        labels: name in conf/labels, or a YAML file.
        subset: recordings to take: all, improvised or scripted.
        folds: number of folds to train, from the first; 0: all.
        runs: repetitions of every fold.
        set: changes of the configuration, KEY=VALUE.
        tested_on: an ASR engine whose transcripts the trained models are tested on; empty: those of ``text``.
        tag: folder of the experiment under exp/; empty: made from the other fields.
        varied: values that tell it apart from others of its entry in a grid, at the end of the name of that folder.
    """

    model: str = ""
    text: str = "gt"
    protocol: str = ""
    labels: str = ""
    subset: str = "all"
    folds: int = 0
    runs: int = 1
    set: tuple[str, ...] = ()
    tested_on: str = ""
    tag: str = ""
    varied: tuple[str, ...] = ()


@dataclass(frozen=True)
class Experiments:
    """One entry of a grid: every combination of its values; keys that it omits are as in the options of the recipe.

    ``set`` changes the configuration of all of them, ``vary`` has a list of values for each of its keys.
    """

    model: Names
    text: Names | None = None
    protocol: Names | None = None
    labels: Names | None = None
    subset: Names | None = None
    tested_on: Names = field(default_factory=list)
    folds: Count | None = None
    runs: schema.Count | None = None
    set: dict[str, Any] = field(default_factory=dict)
    vary: dict[str, Annotated[list[Any], Field(min_length=1)]] = field(default_factory=dict)
    tag: str | None = None


@dataclass(frozen=True)
class Grid:
    """A file of conf/grids."""

    experiments: Annotated[list[Experiments], Field(min_length=1)]


def from_options(
    models: Sequence[str], texts: Sequence[str], protocols: Sequence[str], common: Request
) -> list[Request]:
    """One request per combination of model, text and protocol; the other fields are those of ``common``.

    Raises:
        UserError: there are no models, texts or protocols (``plan-empty``).
    """
    requests = [replace(common, model=m, text=t, protocol=p) for m, t, p in product(models, texts, protocols)]
    if not requests:
        raise UserError("nothing to train: give --model, --text and --protocol, or --grid", code="plan-empty")
    return requests


def read_grid(
    name: str, common: Request, protocols: Sequence[str], engines: Sequence[str], given: Sequence[str] = ()
) -> list[Request]:
    """The requests of ``conf/grids/<name>.yaml``, or of the YAML file ``name``.

    Keys that an entry omits are as in ``common``; its protocols are ``protocols``. The text ``asr`` stands for each of
    the ASR engines ``engines``. Tests of a model on other transcripts follow the experiment that trains it.

    Raises:
        UserError: the file is malformed, or one of the options ``given`` would be ignored (``option-unused``).
    """
    rows = schema.load(conf("grids", name), Grid).experiments
    for option in ("model", "text", "protocol", "labels", "subset", "folds", "runs"):
        if option in given and (option in ("model", "text") or all(getattr(row, option) is not None for row in rows)):
            raise UserError(
                f"--{option} would be ignored: every entry of the grid {name} states its own; omit --{option} or "
                "--grid, or give a copy of the grid that has fewer entries: --grid FILE.yaml",
                code="option-unused",
            )
    return [r for row in rows for r in _requests(row, common, protocols, engines)]


def _requests(row: Experiments, common: Request, protocols: Sequence[str], engines: Sequence[str]) -> Iterator[Request]:
    """Requests for all combinations of an entry."""
    changes = tuple(f"{key}={_value(value)}" for key, value in row.set.items())
    common = replace(
        common,
        folds=common.folds if row.folds is None else row.folds,
        runs=row.runs or common.runs,
        set=(*changes, *common.set),
        tag=row.tag or common.tag,
    )
    texts, tested = (
        [engine for text in given for engine in (engines if text == "asr" else [text])]
        for given in (_names(row.text, common.text), _names(row.tested_on, ""))
    )
    columns = (
        _names(row.model, ""),
        texts,
        list(protocols) if row.protocol is None else _names(row.protocol, ""),
        _names(row.labels, common.labels),
        _names(row.subset, common.subset),
    )
    for model, text, protocol, labels, subset, *values in product(*columns, *row.vary.values()):
        varied = dict(zip(row.vary, map(_value, values), strict=True))
        request = replace(
            common,
            model=model,
            text=text,
            protocol=protocol,
            labels=labels,
            subset=subset,
            set=(*(f"{key}={value}" for key, value in varied.items()), *common.set),
            varied=tuple(_short(key, value) for key, value in varied.items()),
        )
        yield from (replace(request, tested_on=other) for other in dict.fromkeys(["", *tested]) if other != text)


def _names(given: Names | None, default: str) -> list[str]:
    if given is None:
        return [default]
    return [given] if isinstance(given, str) else given


def _short(key: str, value: str) -> str:
    """A value as a part of a file name: that of an input alone, others with their key."""
    return stem(value) if key.startswith("inputs.") else f"{key.rpartition('.')[2]}{value}"


def _value(value: object) -> str:
    """A value of a grid in the form that ``--set`` takes: YAML, with quotes where it would not be read as it is."""
    if isinstance(value, list):
        return f"[{','.join(map(_value, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{_value(key)}: {_value(one)}' for key, one in value.items())}}}"
    try:
        bare = schema.parse(f"[{value}]", "") == [value]
    except UserError:
        bare = False
    return str(value) if bare else json.dumps(value, ensure_ascii=False)
