"""Fold lists of others, EmoBox's or plain ones with the corpus' own ids, under our utterance ids."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import yaml

from mscnn.data.datadir import DataDir
from mscnn.data.foldlists import LIST, PARTS, read_list, say_what_lacks, write_lists
from mscnn.data.protocols import Fold, Protocol, make_folds, shared
from mscnn.data.schemes import attribute, own_id
from mscnn.errors import UserError
from mscnn.files import atomic

EMOBOX = re.compile(r"fold_(\d+)/[^/]+_(train|valid|test)_fold_\1\.jsonl")
LAYOUTS = "fold_1/CORPUS_train_fold_1.jsonl, …_valid_…, …_test_… (EmoBox), or fold01.train, fold01.dev, fold01.test, …"
Names = tuple[str, ...]  # what a list may call an utterance


def import_folds(source: Path, data: DataDir, name: str, out: Path) -> tuple[Protocol, list[Fold]]:
    """Write the fold lists of ``source`` with our ids, and the protocol ``out/<name>.yaml`` that reads them.

    Where the lists have no dev, it is a random fifth of train. The protocol promises what is disjoint in every fold.
    Utterances that the data have not are left out, and the log says so.

    Raises:
        UserError: no fold lists, a line that is not EmoBox's, or folds that cannot be: without train or test, or with
            an utterance in two parts.
    """
    utts, folds = _utterances(data), []
    for lists in _read(source):
        folds.append({part: [next((utts[n] for n in u if n in utts), u[-1]) for u in lists[part]] for part in lists})
    say_what_lacks((utt for fold in folds for part in fold.values() for utt in part), data, source)
    write_lists([{part: [u for u in fold[part] if u in data.spk] for part in fold} for fold in folds], out)
    facts = {
        "name": name,
        "version": 1,
        "test": {"scheme": "predefined", "lists": "."},
        "dev": {"scheme": "predefined"} if "dev" in folds[0] else {"scheme": "share", "share": 0.2, "seed": 2021},
        "disjoint": {f"{a}-{b}": [] for a, b in combinations(PARTS, 2)},
        "selection": "dev",
        "aggregate": "fold-mean",
    }
    protocol = Protocol(**{**facts, "test": {"scheme": "predefined", "lists": out}})
    made = make_folds(protocol, data)
    facts["disjoint"] = _disjoint(made, data)
    with atomic(out / f"{name}.yaml") as file:
        file.write(f"# {len(folds)} folds imported from lists; disjoint is what they were found to be.\n")
        yaml.safe_dump(facts, file, sort_keys=False, default_flow_style=None, width=120)
    return replace(protocol, disjoint=facts["disjoint"]), made


def _utterances(data: DataDir) -> dict[str, str]:
    """Our utterances by every name that only one of them has: its id, the corpus' own id, the name of its recording."""
    names: dict[str, list[str]] = {}
    for utt in data.utts:
        for name in {utt, own_id(data, utt), Path(data.wav.get(utt, utt)).stem}:
            names.setdefault(name, []).append(utt)
    return {name: utts[0] for name, utts in names.items() if len(utts) == 1}


def _read(source: Path) -> list[dict[str, list[Names]]]:
    """The names of the utterances of each part of each fold."""
    folds: dict[int, dict[str, list[Names]]] = {}
    for path in sorted(source.rglob("*")):
        where = path.relative_to(source).as_posix()
        found = EMOBOX.fullmatch(where) or LIST.fullmatch(where)
        if found:
            part = found[2].replace("valid", "dev")
            folds.setdefault(int(found[1]), {})[part] = _read_names(path)
    if (
        not folds
        or {*folds} != {*range(1, len(folds) + 1)}
        or any({"train", "test"} - {*fold} for fold in folds.values())
    ):
        found = "; ".join(f"fold {n}: {', '.join(folds[n])}" for n in sorted(folds)) or "none"
        raise UserError(f"{source}: expected fold lists {LAYOUTS}; found {found}")
    return [folds[number] for number in sorted(folds)]


def _read_names(path: Path) -> list[Names]:
    """Names in a list: a line is an id, or EmoBox's ``{"key": "iemocap-Ses01F_impro01_F000", "wav": …, …}``."""
    if path.suffix != ".jsonl":
        return [(utt,) for utt in read_list(path)]
    names = []
    for number, line in enumerate(path.read_bytes().splitlines(), 1):
        try:
            item = json.loads(line)
            key = item["key"]
            names.append((key, Path(item.get("wav", key)).stem, key.removeprefix(f"{item.get('dataset')}-")))
        except (ValueError, TypeError, KeyError, AttributeError):
            raise UserError(f'{path}:{number}: expected {{"key": UTTERANCE, …}}, found {line[:80]!r}') from None
    return names


def _disjoint(folds: Sequence[Fold], data: DataDir) -> dict[str, list[str]]:
    """For each pair of parts, what they share in no fold."""
    known = {"speaker": data.spk, "session": data.session, "scene": data.scene, "text": data.text}
    values = {name: attribute(data, name) for name, table in known.items() if table}
    return {
        f"{a}-{b}": [what for what in values if not any(shared(values[what], f.parts[a], f.parts[b]) for f in folds)]
        for a, b in combinations(PARTS, 2)
    }
