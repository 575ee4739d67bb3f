"""What folds of others share: rows of the page about leaks, from docs/explanation/leaks.tsv."""

from __future__ import annotations

import re
from collections.abc import Sequence

from docpages.markdown import ROOT, code
from mscnn.corpora.emobox import entries
from mscnn.leakage.emobox import Leak, read

LISTED = entries()


def leaks() -> dict[str, list[Leak]]:
    """The folds of each corpus of EmoBox."""
    found: dict[str, list[Leak]] = {}
    for row in read(ROOT / "docs" / "explanation" / "leaks.tsv"):
        found.setdefault(row.corpus, []).append(row)
    return found


def leak_row(name: str, folds: Sequence[Leak]) -> list[object]:
    """Corpus, folds, speakers and sentences of test that train has (the worst fold), our protocol, note."""
    worst_speakers = max(folds, key=lambda fold: fold.shared_speakers or 0)
    worst_sentences = max(folds, key=lambda fold: fold.shared_sentences or 0)
    speakers = _part(worst_speakers.shared_speakers, worst_speakers.speakers)
    sentences = _part(worst_sentences.shared_sentences, worst_sentences.sentences)
    return [name, len(folds), speakers, sentences, _protocol(LISTED[name].corpus), folds[0].note]


def fold_row(fold: Leak) -> list[object]:
    """Corpus, fold, recordings of train and test, speakers, sentences."""
    speakers, sentences = _part(fold.shared_speakers, fold.speakers), _part(fold.shared_sentences, fold.sentences)
    return [fold.corpus, fold.fold, "not known" if fold.train is None else fold.train, fold.test, speakers, sentences]


def sharing(folds: dict[str, list[Leak]]) -> list[str]:
    """Corpora of several speakers whose test speakers are in train."""
    return [name for name, rows in folds.items() if any((f.speakers or 0) > 1 and f.shared_speakers for f in rows)]


def knowing(folds: dict[str, list[Leak]]) -> list[str]:
    """Corpora of several speakers for which it is known whether test speakers are in train."""
    rows = {name: [f for f in of if f.shared_speakers is not None] for name, of in folds.items()}
    return [n for n, of in rows.items() if of and not all(f.speakers == f.shared_speakers == 1 for f in of)]


def _part(shared: int | None, all_: int | None) -> str:
    if all_ is None or shared is None:
        return "not known"
    return f"{shared} of {all_}"


def _protocol(corpus: str) -> str:
    """The protocol of our recipe."""
    run = ROOT / "egs" / corpus / "run.sh"
    found = re.search(r"^protocol=\"?([\w ]+?)\"?\s*(#.*)?$", run.read_text("utf-8"), re.M) if run.is_file() else None
    return ", ".join(code(name) for name in found[1].split()) if found else ""
