"""Contamination: corpora under test whose recordings a pretrained network saw before."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from functools import cache
from pathlib import Path

from mscnn.config.labels import LabelMap
from mscnn.config.schema import nearest
from mscnn.data.corpus_facts import CorpusFacts
from mscnn.features.archive import FeatureDir
from mscnn.paths import names

JOINT = "joint"  # corpus of the label map of A_to_B, which is tested on B
OWN = "own"  # corpus of the label map of any table of recordings, which has the name of the table


def corpora_under_test(labels: str, data: Path) -> set[str]:
    """Names of the corpus under test: that of its label map, and that of corpus.yaml; of synthetic ones the latter.

    Args:
        labels: label map: a name in conf/labels, or a file.
        data: data directory.
    """
    label_map, facts = LabelMap.load(labels), CorpusFacts.find(data)
    if label_map.corpus == JOINT:
        return {data.name.rpartition("_to_")[2]}
    if label_map.corpus == OWN:
        return {label_map.name.lower()}
    named = {facts.name.lower().replace("-", "_").replace(" ", "_")} if facts else set()
    return named if facts and facts.synthetic else named | {label_map.corpus}


def pretrained_on(features: Mapping[str, FeatureDir], corpora: Collection[str]) -> list[str]:
    """Titles of the features whose network was trained on one of ``corpora``, sorted."""
    return sorted({one.title for one in features.values() if any(_seen(name, corpora) for name in one.trained_on)})


def unknown(trained_on: Iterable[str], under_test: Collection[str]) -> dict[str, str]:
    """Names in ``trained_on`` that no label map of conf/labels is for and that are not under test -> what is known."""
    known = _with_recipe() | {*under_test}
    return {name: nearest(name, sorted(known)) for name in trained_on if not _seen(name, known)}


@cache
def _with_recipe() -> frozenset[str]:
    return frozenset(LabelMap.load(name).corpus for name in names("labels"))


def _seen(name: str, corpora: Collection[str]) -> bool:
    """Whether one of ``corpora`` has the name, or is a part or version of a corpus with a recipe, as esd_en of esd."""
    return any(name.lower() == other or {name, other} <= _with_recipe() and _part(name, other) for other in corpora)


def _part(a: str, b: str) -> bool:
    short, long = sorted((a, b), key=len)
    return long.startswith(short) and not long[len(short)].isalpha()
