"""Data directories in memory: an invented corpus, and IEMOCAP's real ids and labels where they are available."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from mscnn.data.datadir import DataDir


def corpus(utts_each: int = 4) -> DataDir:
    """Five sessions of a female and a male speaker, labels in turn."""
    speakers = [f"Ses{s:02d}{g}" for s in range(1, 6) for g in "FM"]
    spk = {f"{s}-{i}": s for s in speakers for i in range(utts_each)}
    emo = {u: ["ang", "hap", "sad", "neu"][i % 4] for i, u in enumerate(spk)}
    return DataDir(
        path=Path("data"), wav={}, text={u: "" for u in spk}, spk=spk, emo=emo, dur={u: 1.0 for u in spk},
        session={u: s[:5] for u, s in spk.items()}, gender={u: s[5].lower() for u, s in spk.items()},
    )  # fmt: skip


@pytest.fixture(name="corpus")
def _corpus() -> Callable[..., DataDir]:
    """Function that makes the invented corpus: (utts_each=4)."""
    return corpus


@pytest.fixture(scope="session")
def iemocap(shared_dir) -> Callable[..., DataDir]:
    """Function that gives the four classes of IEMOCAP, 5,531 utterances, or those whose scene starts with ``part``."""
    lines = (shared_dir / "data" / "iemocap" / "iemocap.jsonl").read_text().splitlines()
    labels = {item["key"].removeprefix("iemocap-"): item["emo"] for item in map(json.loads, lines)}

    def make(part: str = "") -> DataDir:
        spk = {}
        for own in labels:
            _, scene, turn = own.split("_", 1)[0], own.split("_", 1)[1].rpartition("_")[0], own.rpartition("_")[2]
            if scene.startswith(part):
                spk[f"{own[:5]}{turn[0]}-{own}"] = own[:5] + turn[0]
        own = {u: u.partition("-")[2] for u in spk}
        return DataDir(
            path=Path("iemocap4"), wav={}, text={}, spk=spk, dur={},
            emo={u: {"exc": "hap"}.get(labels[own[u]], labels[own[u]]) for u in spk},
            session={u: u[:5] for u in spk},
            scene={u: own[u].partition("_")[2].rpartition("_")[0] for u in spk},
        )  # fmt: skip

    return make
