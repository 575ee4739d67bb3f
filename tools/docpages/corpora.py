"""What conf/corpora says, for the pages of corpora."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from docpages.markdown import ROOT, code
from mscnn.config.corpus import Description
from mscnn.config.labels import LabelMap
from mscnn.corpora import CORPORA
from mscnn.paths import names

described = cache(Description.load)


@cache
def recipes() -> dict[str, tuple[str, dict[str, str]]]:
    """Corpus -> its recipe in egs, and the values that run.sh sets."""
    found = {}
    for path in sorted(ROOT.glob("egs/*/run.sh")):
        facts = dict(
            re.findall(r"^(\w+)=\"?([^\"#\n]*?)\"?\s*(?:#.*)?$", path.read_text(encoding="utf-8"), re.MULTILINE)
        )
        if "generator" not in facts:
            found[facts.get("parser", "")] = (path.parent.name, facts)
    return found


def label_maps(corpus: str) -> list[LabelMap]:
    """The label maps of a corpus."""
    return [one for one in map(LabelMap.load, names("labels")) if one.corpus == corpus]


def corpus_row(name: str) -> list[object]:
    """Corpus, recordings, labels, licence, recipe."""
    about, counts = described(name), described(name).counts.get("*", {})
    labels = sorted({label for one in label_maps(name) if one.field == "label" for label in one.mapping})
    recipe = code(f"egs/{recipes()[name][0]}") if name in recipes() else ""
    recordings = f"{counts['*']:,}" if "*" in counts else ""
    return [f"[{about.name}]({name}.md)", recordings, ", ".join(labels), about.licence, recipe]


def corpus_facts(name: str) -> Iterator[list[object]]:
    """Rows of the table at the top of a card."""
    about = described(name)
    yield ["source", about.source]
    yield ["licence", about.licence]
    yield ["name of a recording", code(about.example)]
    for label_map in label_maps(name):
        origin = "" if label_map.field == "label" else f" (labels of the field `{label_map.field}`)"
        yield ["label map", f"`{label_map.name}`: {', '.join(label_map.classes)}{origin}"]
    if name in recipes():
        recipe, facts = recipes()[name]
        yield ["recipe", code(f"egs/{recipe}")]
        protocol = facts["protocol"]
        yield ["protocol", f"[`{protocol}`](../reference/protocols.md#{protocol})"]


def corpus_counts(name: str) -> Iterator[list[object]]:
    """Rows: speakers, label, number of utterances."""
    for speakers, counts in described(name).counts.items():
        for label, number in counts.items():
            yield [{"*": "all"}.get(speakers, speakers), {"*": "all"}.get(label, label), f"{number:,}"]


def coded() -> str:
    """Recipes of corpora with a parser of their own."""
    return ", ".join(code(f"egs/{recipes()[name][0]}") for name in CORPORA if name in recipes())
