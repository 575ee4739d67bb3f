"""Exported folds are self-contained and atomic, can be moved, and overwrite nothing."""

import os
import shutil

import pytest
import yaml

from mscnn.data.foldexport import export_folds, standalone
from mscnn.data.foldlists import write_lists
from mscnn.data.protocols import Protocol, folds_digest, make_folds
from mscnn.paths import conf
from tests.raises import fails

FACTS = {
    "name": "given",
    "version": 3,
    "test": {"scheme": "predefined", "lists": "../lists"},
    "dev": {"scheme": "predefined"},
    "disjoint": {"train-test": ["session"], "train-dev": [], "dev-test": []},
    "selection": "dev",
    "aggregate": "pooled",
}
SELECTED_ON_TEST = {"dev": {"scheme": "test"}, "selection": "test", "legacy": ["legacy_test_best"]}


@pytest.mark.parametrize(
    ("changes", "dev"),
    [
        ({}, True),
        ({"dev": {"scheme": "share", "share": 0.5, "seed": 1}}, False),
        ({"dev": {"scheme": "next_part"}}, False),
        (SELECTED_ON_TEST, False),
    ],
)
def test_exported_lists_can_be_moved(corpus, tmp_path, changes, dev):
    data = corpus()
    by = [[u for u in data.utts if u.startswith(f"Ses0{k}")] for k in range(1, 6)]
    folds = [
        {"train": by[0] + by[1], "dev": by[2], "test": by[3]},
        {"train": by[0] + by[3], "dev": by[4], "test": by[1]},
    ]
    write_lists([{part: fold[part] for part in fold if dev or part != "dev"} for fold in folds], tmp_path / "lists")
    (tmp_path / "conf").mkdir()
    path = tmp_path / "conf" / "given.yaml"
    path.write_text("# Folds that a paper gave: é.\n" + yaml.safe_dump(FACTS | changes))
    protocol = Protocol.load(str(path))
    made = make_folds(protocol, data)
    title = export_folds(protocol, made, standalone(path), tmp_path / "out")
    shutil.rmtree(tmp_path / "lists")
    (tmp_path / "moved" / "far").mkdir(parents=True)
    shutil.move(tmp_path / "out", tmp_path / "moved" / "far")
    text = (tmp_path / "moved" / "far" / "out" / "given.yaml").read_text()
    again = Protocol.load(str(tmp_path / "moved" / "far" / "out" / "given.yaml"))
    assert text.startswith("# Folds that a paper gave: é.\n") and again.aggregate == "pooled" and again.version == 3
    assert make_folds(again, data) == made and title == f"given@{folds_digest(again, made)[:4]}"


def test_a_protocol_that_makes_its_folds_is_copied(corpus, tmp_path):
    text = conf("protocols", "loso5").read_text()
    assert standalone(conf("protocols", "loso5")) == text
    protocol = Protocol.load("loso5")
    export_folds(protocol, make_folds(protocol, corpus()), text, tmp_path)  # an empty folder is allowed
    assert (tmp_path / "loso5.yaml").read_text() == text and len([*tmp_path.iterdir()]) == 17


def test_nothing_is_overwritten(corpus, tmp_path):
    protocol, out = Protocol.load("loso5"), tmp_path / "out"
    folds = make_folds(protocol, corpus())

    def content():
        return {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in out.iterdir()}

    export_folds(protocol, folds, "text\n", out)
    before = content()
    export_folds(protocol, folds, "text\n", out)  # the same again
    with fails("out-exists", out):
        export_folds(protocol, folds[:4], "text\n", out)
    with fails("out-exists", out):
        export_folds(protocol, folds, "other text\n", out)
    assert content() == before
    (tmp_path / "file").write_text("mine")
    with fails("out-exists", tmp_path / "file"):
        export_folds(protocol, folds, "text\n", tmp_path / "file")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "out"]


def test_a_killed_export_leaves_nothing(corpus, tmp_path, monkeypatch):
    protocol = Protocol.load("loso5")

    def full(*_):
        raise OSError("no space left")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="no space"):
        export_folds(protocol, make_folds(protocol, corpus()), "text\n", tmp_path / "out")
    assert not [*tmp_path.iterdir()]
