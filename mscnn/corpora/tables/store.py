"""A corpus in a file: what was read from a table, for the stages."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from mscnn.corpora.common import Corpus, CorpusIssue, Item
from mscnn.errors import UserError
from mscnn.files import atomic, json_value

FILE = "corpus.jsonl"


def write(corpus: Corpus, folder: Path) -> None:
    """Write ``corpus.jsonl``: one JSON object per utterance and per issue."""
    entries = [*({"item": asdict(item)} for item in corpus.items), *({"issue": asdict(i)} for i in corpus.issues)]
    with atomic(folder / FILE) as out:
        out.writelines(json.dumps(entry, ensure_ascii=False) + "\n" for entry in entries)


def parse(root: Path) -> Corpus:
    """The corpus in the folder ``root``.

    Raises:
        UserError: there is none (``corpus-not-found``), or the file is damaged (``corpus-damaged``).
    """
    path, corpus = root / FILE, Corpus()
    fix = "read the table again: mscnn read-table TABLE, or egs/own/run.sh --table TABLE"
    try:
        *lines, _ = path.read_text(encoding="utf-8").split("\n")
    except OSError:
        raise UserError(f"{path}: no such file; {fix}", code="corpus-not-found") from None
    for number, line in enumerate(lines, 1):
        try:
            ((kind, values),) = json_value(line).items()
            if kind == "item":
                corpus.items.append(Item(**values))
            else:
                lists = {name: None if values[name] is None else tuple(values[name]) for name in ("utts", "labels")}
                corpus.issues.append(CorpusIssue(**{**values, **lists}))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise UserError(f"{path}:{number}: damaged: {error}; {fix}", code="corpus-damaged") from None
    return corpus
