"""Fold lists of others, EmoBox's or plain ones with the corpus' own ids, under our utterance ids."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path

from mscnn.config import schema
from mscnn.config.protocol import AGGREGATES
from mscnn.data.datadir import DataDir
from mscnn.data.foldexport import protocol_text
from mscnn.data.foldlists import LIST, PARTS, Lists, of_data, read_list, require_one_part
from mscnn.data.protocols import Fold, Protocol, make_folds, shared
from mscnn.data.schemes import attribute, own_id
from mscnn.errors import UserError
from mscnn.log import get_logger

EMOBOX = re.compile(r"fold_(\d+)/[^/]+_(train|valid|test)_fold_\1\.jsonl")
LAYOUTS = "fold_1/CORPUS_train_fold_1.jsonl, …_valid_…, …_test_… (EmoBox), or fold01.train, fold01.dev, fold01.test, …"
Names = tuple[str, ...]  # what a list may call an utterance
log = get_logger(__name__)


def import_folds(source: Path, data: DataDir, name: str, out: Path) -> tuple[Protocol, list[Fold], str]:
    """The folds of the lists of ``source`` with our ids, and a protocol ``out/<name>.yaml`` that reads them there.

    Where the lists have no dev, it is a random fifth of train. The protocol states what is disjoint in every fold, and
    aggregates as a protocol beside the lists says, or else so that every score exists. Utterances that the data lack
    are skipped, and the log says so.

    Returns:
        the protocol, its folds, and the text of its file; nothing is written.

    Raises:
        UserError: ``out`` is the source; no fold lists, two lists of one part, a line that is not EmoBox's, a name that
            no file can have, or folds that cannot be: without train or test, or with an utterance in two parts.
    """
    if source.resolve() == out.resolve():
        raise UserError(f"{out}: --out is the folder that --import reads; choose another --out", code="out-is-source")
    folds = of_data(_read(source, _utterances(data)), data, source)
    facts = {
        "name": name,
        "version": 1,
        "test": {"scheme": "predefined", "lists": "."},
        "dev": {"scheme": "predefined"} if "dev" in folds[0] else {"scheme": "share", "share": 0.2, "seed": 2021},
        "disjoint": {f"{a}-{b}": [] for a, b in combinations(PARTS, 2)},
        "selection": "dev",
        "aggregate": _aggregate(source, folds, data),
    }
    path = out / f"{name}.yaml"
    made = make_folds(Protocol.of(facts, path), data, folds)
    facts["disjoint"] = _disjoint(made, data)
    remark = f"{len(folds)} folds imported from lists; disjoint is what they were found to be."
    return Protocol.of(facts, path), made, protocol_text(facts, remark)


def _utterances(data: DataDir) -> dict[str, str]:
    """Our utterances by every name that only one of them has: its id, the corpus' own id, the name of its recording."""
    names: dict[str, list[str]] = {}
    for utt in data.utts:
        for name in {utt, own_id(data, utt), Path(data.wav.get(utt, utt)).stem}:
            names.setdefault(name, []).append(utt)
    return {name: utts[0] for name, utts in names.items() if len(utts) == 1}


def _read(source: Path, utts: Mapping[str, str]) -> list[Lists]:
    """The utterances of each part of each fold, under our ids where there is one."""
    paths: dict[int, dict[str, Path]] = {}
    for path in sorted(source.rglob("*")):
        where = path.relative_to(source).as_posix()
        if fields := EMOBOX.fullmatch(where) or LIST.fullmatch(where):
            fold, part = paths.setdefault(int(fields[1]), {}), fields[2].replace("valid", "dev")
            if part in fold:
                raise UserError(
                    f"{path}: {fold[part]} is {part} of fold {fields[1]} too; import one corpus at a time",
                    code="fold-list-twice",
                )
            fold[part] = path
    if (
        not paths
        or {*paths} != {*range(1, len(paths) + 1)}
        or any({"train", "test"} - {*fold} for fold in paths.values())
    ):
        there = "; ".join(f"fold {n}: {', '.join(paths[n])}" for n in sorted(paths)) or "none"
        raise UserError(f"{source}: expected fold lists {LAYOUTS}; found {there}", code="fold-lists-absent")
    folds = []
    for _, fold in sorted(paths.items()):
        names = {part: _read_names(path) for part, path in fold.items()}
        folds.append({part: [next((utts[n] for n in u if n in utts), u[-1]) for u in names[part]] for part in names})
        require_one_part(folds[-1], fold)
    return folds


def _read_names(path: Path) -> list[Names]:
    """Names in a list: a line is an id, or EmoBox's ``{"key": "iemocap-Ses01F_impro01_F000", "wav": …, …}``."""
    if path.suffix != ".jsonl":
        return [(utt,) for utt in read_list(path)]
    names: list[Names] = []
    for number, line in enumerate(path.read_bytes().splitlines(), 1):
        try:
            item = json.loads(line)
            key = item["key"]
            names.append((key, Path(item.get("wav", key)).stem, key.removeprefix(f"{item.get('dataset')}-")))
        except (ValueError, TypeError, KeyError, AttributeError):
            raise UserError(
                f'{path}:{number}: expected {{"key": UTTERANCE, …}}, found {line[:80]!r}', code="fold-list-line"
            ) from None
    return names


def _disjoint(folds: Sequence[Fold], data: DataDir) -> dict[str, list[str]]:
    """For each pair of parts, what they share in no fold; nothing is said of what no utterance has, such as text."""
    known = {"speaker": data.spk, "session": data.session, "scene": data.scene, "text": data.text}
    values = {name: value for name, table in known.items() if table and (value := attribute(data, name))}
    return {
        f"{a}-{b}": [what for what in values if not any(shared(values[what], f.parts[a], f.parts[b]) for f in folds)]
        for a, b in combinations(PARTS, 2)
    }


def _aggregate(source: Path, folds: Sequence[Lists], data: DataDir) -> str:
    """What the protocol beside the lists says; else pooled where a test part lacks a class, and so has no UA."""
    protocols = [schema.read(path) for path in source.glob("*.yaml")]
    stated = [aggregate for aggregate in AGGREGATES if any(p.get("aggregate") == aggregate for p in protocols)]
    if len(stated) == 1:
        return stated[0]
    classes = set(data.emo.values())
    poor = next((n for n, fold in enumerate(folds, 1) if {data.emo[utt] for utt in fold["test"]} < classes), None)
    if poor:
        log.info("%s: test of fold %d lacks a class, so that it has no UA: scores are pooled over folds", source, poor)
    return "pooled" if poor else "fold-mean"
