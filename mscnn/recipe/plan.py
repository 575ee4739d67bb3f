"""What a recipe is to train: systems, texts and protocols, from options or from a grid in ``conf/grids``."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

from mscnn.config.model import ModelSpec
from mscnn.errors import UserError
from mscnn.files import read_yaml
from mscnn.paths import conf

KEYS = ("model", "text", "protocol", "folds", "runs", "set", "tested_on", "tag")


@dataclass(frozen=True)
class Cell:
    """One cell: a system that reads one text under one protocol.

    Attributes:
        model: name in conf/models, or a YAML file.
        text: gt, an ASR engine, or none.
        protocol: name in conf/protocols, or a YAML file.
        folds: the first so many only; 0 for all.
        runs: repetitions of every fold.
        settings: changes of the configuration, KEY=VALUE.
        tested_on: an ASR engine whose words the models trained on ``text`` are tested on; empty: those of ``text``.
        tag: folder of the experiment under exp/; empty: made of the others.
    """

    model: str = ""
    text: str = "gt"
    protocol: str = ""
    folds: int = 0
    runs: int = 1
    settings: tuple[str, ...] = ()
    tested_on: str = ""
    tag: str = ""


def from_options(models: Sequence[str], texts: Sequence[str], protocols: Sequence[str], common: Cell) -> list[Cell]:
    """Every system with every text under every protocol; the rest is as in ``common``.

    Raises:
        UserError: there is nothing to train.
    """
    cells = [replace(common, model=m, text=t, protocol=p) for m, t, p in product(models, texts, protocols)]
    if not cells:
        raise UserError("nothing to train: give --model, --text and --protocol")
    return cells


def read_grid(
    name: str, common: Cell, protocols: Sequence[str], engines: Sequence[str], xvector: bool = True
) -> list[Cell]:
    """Read ``conf/grids/<name>.yaml`` (or the YAML file ``name``).

    ``experiments`` is a list of mappings with the keys model, text, protocol (a name or a list of names: every
    combination), folds, runs, set (changes of the configuration), tag, and tested_on: words that the trained models are
    tested on besides their own, in experiments that follow. What one leaves out is as in ``common``, its protocol each
    of ``protocols``; the words ``asr`` are those of each of the recognisers ``engines``. Without ``xvector``, systems
    that are audio and x-vectors only are left out; others do without.

    Raises:
        UserError: malformed, or a key is unknown.
    """
    path = conf("grids", name)
    facts = read_yaml(path)
    rows = facts.get("experiments")
    if facts.keys() != {"experiments"} or not isinstance(rows, list) or not rows:
        raise UserError(f"{path}: expected a list named experiments, and nothing else")
    numbered = enumerate(rows, 1)
    cells = [c for n, row in numbered for c in _cells(f"{path}: experiment {n}", row, common, protocols, engines)]
    return [cell for cell in cells if xvector or not ModelSpec.load(cell.model, cell.settings).only_with_xvector]


def _cells(where: str, row: object, common: Cell, protocols: Sequence[str], engines: Sequence[str]) -> Iterator[Cell]:
    """All combinations of a row of a grid."""
    if not isinstance(row, dict) or row.keys() - {*KEYS}:
        raise UserError(f"{where}: expected {', '.join(KEYS)}; found {row}")
    numbers = {key: row.get(key, getattr(common, key)) for key in ("folds", "runs")}
    changes = row.get("set", {})
    if not isinstance(changes, dict) or any(type(value) is not int or value < 0 for value in numbers.values()):
        raise UserError(f"{where}: folds and runs are numbers, set is a mapping of options to values")
    names = [row.get("model"), row.get("text", common.text), row.get("protocol", list(protocols)),
             row.get("tested_on", "")]  # fmt: skip
    names = [value if isinstance(value, list) else [value] for value in names]
    if not all(values and all(isinstance(name, str) for name in values) for values in names):
        raise UserError(f"{where}: model, text, protocol and tested_on are names, or lists of names; found {row}")
    models, texts, protocols, others = names
    texts, others = ([e for t in some for e in (engines if t == "asr" else [t])] for some in (texts, others))
    settings = [
        f"{key}={v if isinstance(v, str) else json.dumps(v, separators=(',', ':'))}" for key, v in changes.items()
    ]
    common = replace(common, **numbers, settings=tuple(settings), tag=str(row.get("tag", common.tag)))
    for model, text, protocol in product(models, texts, protocols):
        for other in dict.fromkeys(["", *others]):
            if other != text:
                yield replace(common, model=model, text=text, protocol=protocol, tested_on=other)


def resolved(cells: Sequence[Cell], suffix: str, wav2vec2: str = "") -> list[tuple[Cell, ModelSpec]]:
    """The experiments with their tags and the configurations that they come to, each once.

    A system that reads no words has the text none, and no other words to be tested on. ``suffix`` ends every tag that
    is not given, ``_on_ENGINE`` those of models that are tested on other words; ``wav2vec2`` replaces the speech model
    of the systems that train one along.

    Raises:
        UserError: a system reads words and is given none, or two experiments have the same tag.
    """
    found: dict[str, tuple[Cell, ModelSpec]] = {}
    for cell in cells:
        spec = ModelSpec.load(cell.model, cell.settings)
        if wav2vec2 and spec.options.get("wav2vec2"):
            if wav2vec2 == "none":
                raise UserError(f"{spec.name} trains wav2vec 2.0: --wav2vec2 none leaves it without")
            cell = replace(cell, settings=(*cell.settings, f"wav2vec2={wav2vec2}"))
        if spec.text and cell.text == "none":
            raise UserError(f"{spec.name} reads words: --text none leaves it without")
        if cell.tested_on and not spec.text:
            continue
        text = cell.text if spec.text else "none"
        tag = cell.tag or f"{spec.name}_{text}_{Path(cell.protocol).stem}{suffix}"
        tag += f"_on_{cell.tested_on}" if cell.tested_on else ""
        cell = replace(cell, text=text, tag=tag)
        if tag in found and found[tag][0] != cell:
            raise UserError(
                f"two experiments would be exp/{tag}: give one of them a tag of its own (--tag names one experiment)"
            )
        found[tag] = (cell, spec)
    return list(found.values())
