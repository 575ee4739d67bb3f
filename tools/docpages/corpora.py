"""What conf/corpora says, for the pages of corpora."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from docpages.markdown import ROOT, code
from mscnn.config.corpus import Description
from mscnn.config.labels import LabelMap
from mscnn.corpora import CORPORA
from mscnn.corpora.counts import expected_rows
from mscnn.data.corpus_facts import CorpusFacts
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
    about = coded_facts(name) if name in CORPORA else described(name)
    yield ["source", about.source]
    yield ["licence", about.licence]
    yield ["language", ", ".join(map(code, about.language.split()))]
    if isinstance(about, Description):
        yield ["name of a recording", code(about.example)]
    for label_map in label_maps(name):
        origin = "" if label_map.field == "label" else f" (labels of the field `{label_map.field}`)"
        yield ["label map", f"`{label_map.name}`: {', '.join(label_map.classes)}{origin}"]
    if name in recipes():
        recipe, facts = recipes()[name]
        yield ["recipe", code(f"egs/{recipe}")]
        links = [f"[`{protocol}`](../reference/protocols.md#{protocol})" for protocol in facts["protocol"].split()]
        yield ["protocol", ", ".join(links)]


def corpus_counts(name: str) -> Iterator[list[object]]:
    """Rows: speakers, label, number of utterances."""
    for speakers, counts in described(name).counts.items():
        for label, number in counts.items():
            yield [{"*": "all"}.get(speakers, speakers), {"*": "all"}.get(label, label), f"{number:,}"]


def coded() -> list[str]:
    """Corpora with a parser of their own; not tables of users, whose labels are not known."""
    return sorted(name for name in CORPORA if "labels" in recipes().get(name, ("", {}))[1])


def coded_facts(name: str) -> CorpusFacts:
    """``corpus.yaml`` of the recipe of a corpus with a parser."""
    facts = CorpusFacts.find(ROOT / "egs" / recipes()[name][0])
    assert facts, name
    return facts


def coded_counts(name: str) -> list[list[object]]:
    """Rows: speakers, type, label, number of utterances; single speakers are omitted."""
    path = ROOT / "egs" / recipes()[name][0] / "local" / "expected_counts.tsv"
    rows = expected_rows(path) if path.is_file() else ()
    return [[{"*": "all"}.get(one, one) for one in cells[1:]] + [f"{n:,}"] for _, cells, n in rows if cells[0] == "*"]


def coded_row(name: str) -> list[object]:
    """As :func:`corpus_row`."""
    facts, totals = coded_facts(name), [row for row in coded_counts(name) if row[:2] == ["all", "all"]]
    labels = sorted({label for one in label_maps(name) for label in one.classes})
    recipe = code(f"egs/{recipes()[name][0]}")
    return [f"[{facts.name}]({name}.md)", totals[0][2] if totals else "", ", ".join(labels), facts.licence, recipe]
