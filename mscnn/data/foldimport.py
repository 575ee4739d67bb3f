"""Import of fold lists, EmoBox's or plain lists of the corpus' own ids, with ids mapped to those of the data."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import TypeAlias

from mscnn.config import schema
from mscnn.config.protocol import AGGREGATES
from mscnn.data.datadir import DataDir
from mscnn.data.foldexport import protocol_text
from mscnn.data.foldlists import LIST, PARTS, Lists, of_data, read_list, require_one_part
from mscnn.data.protocols import Fold, Protocol, make_folds, shared
from mscnn.data.schemes import attribute, own_id
from mscnn.errors import UserError
from mscnn.files import json_value
from mscnn.log import get_logger

EMOBOX = re.compile(r"fold_(\d+)/[^/]+_(train|valid|test)_fold_\1\.jsonl")
LAYOUTS = "fold_1/CORPUS_train_fold_1.jsonl, …_valid_…, …_test_… (EmoBox), or fold01.train, fold01.dev, fold01.test, …"
Names: TypeAlias = tuple[str, ...]  # alternative names of one utterance
# corpus of EmoBox, key -> path of its recordings: key -> utterance, where our description of the corpus knows it
Describe: TypeAlias = Callable[[str, Mapping[str, str]], Mapping[str, str]]
log = get_logger(__name__)


@dataclass(frozen=True)
class Recording:
    """A recording in a list of EmoBox: the corpus, its key, and its path."""

    dataset: str
    key: str
    path: str


def import_folds(
    source: Path, data: DataDir, name: str, out: Path, describe: Describe = lambda dataset, paths: {}
) -> tuple[Protocol, list[Fold], str]:
    """Folds from the lists in ``source``, and a protocol ``out/<name>.yaml`` that reads them from ``out``.

    Where the lists have no dev, it is a random fifth of train. The protocol states what is disjoint in every fold. Its
    aggregate is that of a protocol file beside the lists, or else one for which every score is defined. Utterances
    that the data lack are skipped, with a warning in the log.

    Args:
        source: folder of the lists.
        data: the data directory.
        name: name of the protocol.
        out: folder that will have the lists.
        describe: utterances of EmoBox's recordings, :func:`mscnn.corpora.emobox.utterances`; where it does not know
            one, its key or the stem of its recording must be the name of an utterance.

    Returns:
        protocol, folds, and text of the protocol file; nothing is written.

    Raises:
        UserError: ``out`` is the source; no fold lists, two lists of one part, a malformed line, an invalid ``name``,
            or invalid folds: without train or test, or with an utterance in two parts; or no utterance of the lists
            is in the data (``fold-lists-unmatched``).
    """
    if source.resolve() == out.resolve():
        raise UserError(f"{out}: --out is the folder given as --import; choose another --out", code="out-is-source")
    lists = _read(source, names_of(data), describe)
    if not any(utt in data.spk for fold in lists for utts in fold.values() for utt in utts):
        listed = next((utts[0] for fold in lists for utts in fold.values() if utts), "nothing")
        raise UserError(
            f"{source}: no utterance of these lists is in {data.path}: they name {listed}, the data has "
            f"{data.utts[0]}; give the lists of this corpus",
            code="fold-lists-unmatched",
        )
    folds = of_data(lists, data, source)
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
    comment = f"{len(folds)} folds imported from lists; disjoint states what holds in every fold."
    return Protocol.of(facts, path), made, protocol_text(facts, comment)


def names_of(data: DataDir) -> dict[str, str]:
    """Unambiguous name -> utterance; its names are its id, the corpus' own id and the stem of its recording."""
    names: dict[str, list[str]] = {}
    for utt in data.utts:
        for name in {utt, own_id(data, utt), Path(data.wav.get(utt, utt)).stem}:
            names.setdefault(name, []).append(utt)
    return {name: utts[0] for name, utts in names.items() if len(utts) == 1}


def _read(source: Path, utts: Mapping[str, str], describe: Describe) -> list[Lists]:
    """Lists of each fold, with ids of the data where an utterance is known."""
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
        listed = "; ".join(f"fold {n}: {', '.join(paths[n])}" for n in sorted(paths)) or "none"
        raise UserError(f"{source}: expected fold lists {LAYOUTS}; found {listed}", code="fold-lists-absent")
    folds = []
    names = _names([path for fold in paths.values() for path in fold.values()], describe)
    for _, fold in sorted(paths.items()):
        folds.append({p: [next((utts[n] for n in u if n in utts), u[-1]) for u in names[fold[p]]] for p in fold})
        require_one_part(folds[-1], fold)
    return folds


def _names(paths: Sequence[Path], describe: Describe) -> dict[Path, list[Names]]:
    """Names of each utterance of each list, whose lines are ids, or objects as :func:`read_jsonl` reads them."""
    lists = {path: [*read_jsonl(path)] for path in paths if path.suffix == ".jsonl"}
    known: dict[str, str] = {}
    for dataset in sorted({item.dataset for items in lists.values() for item in items}):
        recordings = {item.key: item.path for items in lists.values() for item in items if item.dataset == dataset}
        known |= describe(dataset, recordings)
    names: dict[Path, list[Names]] = {path: [(utt,) for utt in read_list(path)] for path in paths if path not in lists}
    for path, items in lists.items():
        once = dict.fromkeys(items)
        if len(once) < len(items):
            log.warning("%s: %d lines are there twice", path, len(items) - len(once))
        names[path] = [(known.get(i.key, i.key), *_spellings(i)) for i in once]
    return names


def _spellings(item: Recording) -> Names:
    """Names that an utterance may have: its key, without the corpus, with its last part first, or its recording."""
    key = item.key.removeprefix(f"{item.dataset}-")
    rest, _, last = key.rpartition("-")
    return (item.key, *([f"{last}_{rest}"] if rest else []), Path(item.path).stem, key)


def read_jsonl(path: Path) -> Iterator[Recording]:
    """The recordings of a list of EmoBox, whose lines are ``{"key": "iemocap-Ses01F_…", "dataset": …, "wav": …}``.

    Raises:
        UserError: a line is malformed (``fold-list-line``).
    """
    for number, line in enumerate(path.read_bytes().splitlines(), 1):
        try:
            item = json_value(line)
            key = item["key"]
            yield Recording(str(item.get("dataset", "")), key.strip(), item.get("wav", key).strip())
        except (ValueError, TypeError, KeyError, AttributeError):
            raise UserError(
                f'{path}:{number}: expected {{"key": UTTERANCE, …}}, found {line[:80]!r}', code="fold-list-line"
            ) from None


def _disjoint(folds: Sequence[Fold], data: DataDir) -> dict[str, list[str]]:
    """Pair of parts -> attributes that they share in no fold; attributes that no utterance has are omitted."""
    known = {"speaker": data.spk, "session": data.session, "scene": data.scene, "text": data.text}
    values = {name: value for name, table in known.items() if table and (value := attribute(data, name))}
    return {
        f"{a}-{b}": [what for what in values if not any(shared(values[what], f.parts[a], f.parts[b]) for f in folds)]
        for a, b in combinations(PARTS, 2)
    }


def _aggregate(source: Path, folds: Sequence[Lists], data: DataDir) -> str:
    """Aggregate of the protocol file beside the lists; else ``pooled`` where a test part lacks a class (no UA)."""
    protocols = [schema.read(path) for path in source.glob("*.yaml")]
    stated = [aggregate for aggregate in AGGREGATES if any(p.get("aggregate") == aggregate for p in protocols)]
    if len(stated) == 1:
        return stated[0]
    classes = set(data.emo.values())
    incomplete = next((n for n, fold in enumerate(folds, 1) if {data.emo[utt] for utt in fold["test"]} < classes), None)
    if incomplete:
        message = "%s: the test part of fold %d lacks a class, so its UA is undefined: scores are pooled over folds"
        log.info(message, source, incomplete)
    return "pooled" if incomplete else "fold-mean"
