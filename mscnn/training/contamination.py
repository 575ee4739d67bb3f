"""Contamination: corpora under test whose recordings a pretrained network saw before."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from mscnn.config.labels import LabelMap
from mscnn.data.corpus_facts import CorpusFacts
from mscnn.features.archive import FeatureDir

JOINT = "joint"  # corpus of the label map of A_to_B, which is tested on B


def corpora_under_test(labels: str, data: Path) -> set[str]:
    """Names of the corpus under test: that of its label map, and that of corpus.yaml; of synthetic ones the latter.

    Args:
        labels: label map: a name in conf/labels, or a file.
        data: data directory.
    """
    label_map, facts = LabelMap.load(labels), CorpusFacts.find(data)
    if label_map.corpus == JOINT:
        return {data.name.rpartition("_to_")[2]}
    named = {facts.name.lower().replace("-", "_").replace(" ", "_")} if facts else set()
    return named if facts and facts.synthetic else named | {label_map.corpus}


def pretrained_on(features: Mapping[str, FeatureDir], corpora: set[str]) -> list[str]:
    """Titles of the features whose network was trained on one of ``corpora``, sorted.

    Two names mean the same recordings where one begins with the other, as esd and esd_en.
    """
    return sorted(
        {
            one.title
            for one in features.values()
            if any(a.startswith(b) or b.startswith(a) for a in one.trained_on for b in corpora)
        }
    )
