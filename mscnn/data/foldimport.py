"""Fold lists of others: EmoBox's, and plain ones with the corpus' own ids, under our utterance ids."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

import yaml

from mscnn.data.datadir import DataDir
from mscnn.data.foldlists import LIST, PARTS, Lists, read_list, say_what_differs, write_lists
from mscnn.data.protocols import Fold, Protocol, make_folds, shared
from mscnn.data.schemes import ATTRIBUTES, attribute, own_id
from mscnn.errors import UserError
from mscnn.files import atomic

EMOBOX = re.compile(r"fold_(?P<fold>\d+)/[^/]+_(?P<part>train|valid|test)_fold_(?P=fold)\.jsonl")
LAYOUTS = "fold_1/CORPUS_train_fold_1.jsonl (…_valid_…, …_test_…) as EmoBox has it, or fold01.train, fold01.dev, fold01.test"
Names = tuple[str, ...]  # what a list may call an utterance


def import_folds(source: Path, data: DataDir, name: str, out: Path) -> Protocol:
    """Write the fold lists of ``source`` with our ids, and the protocol ``out/<name>.yaml`` that reads them.

    Where the lists have no dev, it is a random fifth of train. The protocol promises what is disjoint in every fold.

    Raises:
        UserError: no fold lists, a line that is not what EmoBox writes, a fold that lacks train or test, none of whose
            utterances are in the data, or that has an utterance in two parts.
    """
    utts = _utterances(data)
    folds = []
    for number, lists in enumerate(_read(source), 1):
        found = {names[0]: next((utts[name] for name in names if name in utts), names[0]) for n in lists.values() for names in n}
        say_what_differs(found.values(), data, f"{source}, fold {number}")
        folds.append({part: [u for n in names if (u := found[n[0]]) in data.spk] for part, names in lists.items()})
    write_lists(folds, out)
    facts = {
        "name": name,
        "version": 1,
        "test": {"scheme": "predefined", "lists": "."},
        "dev": {"scheme": "predefined"} if "dev" in folds[0] else {"scheme": "share", "share": 0.2, "seed": 2021},
        "disjoint": {f"{a}-{b}": [] for a, b in combinations(PARTS, 2)},
        "selection": "dev",
        "aggregate": "fold-mean",
    }
    for promise in (facts["disjoint"], None):  # written twice: what is disjoint shows in the folds
        with atomic(out / f"{name}.yaml") as file:
            file.write(f"# Imported from {source.name}, {len(folds)} folds; disjoint is what was found to be.\n")
            yaml.safe_dump(facts, file, sort_keys=False, default_flow_style=None)
        protocol = Protocol.load(str(out / f"{name}.yaml"))
        if promise is not None:
            facts["disjoint"] = _disjoint(make_folds(protocol, data), data)
    return protocol
