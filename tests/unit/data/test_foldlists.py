"""Fold lists are written and read back; invalid ones are refused."""

import logging

import pytest
import yaml

from mscnn.data.foldlists import read_folds, write_lists
from mscnn.data.protocols import Protocol, make_folds
from tests.raises import fails

FACTS = {
    "name": "given",
    "version": 1,
    "test": {"scheme": "predefined", "lists": "lists"},
    "dev": {"scheme": "predefined"},
    "disjoint": {"train-test": [], "train-dev": [], "dev-test": []},
    "selection": "dev",
}


@pytest.fixture
def folds(corpus):
    """Two folds without some of the sessions."""
    data = corpus()
    by = {s: [u for u in data.utts if u.startswith(s)] for s in ("Ses01", "Ses02", "Ses03", "Ses04")}
    return [
        {"train": by["Ses01"], "dev": by["Ses02"], "test": by["Ses03"]},
        {"train": by["Ses03"], "dev": by["Ses04"], "test": by["Ses01"]},
    ]


@pytest.fixture
def protocol(tmp_path, folds):
    """A protocol of the two folds; their lists are in ``lists`` beside its file."""
    write_lists(folds, tmp_path / "lists")
    (tmp_path / "given.yaml").write_text(yaml.safe_dump(FACTS))
    return Protocol.load(str(tmp_path / "given.yaml"))


def test_given_lists_make_the_folds(corpus, folds, protocol, caplog):
    caplog.set_level(logging.WARNING)
    made = make_folds(protocol, corpus())
    assert [{part: [*utts] for part, utts in fold.parts.items()} for fold in made] == folds
    (record,) = caplog.records
    assert record.levelname == "WARNING" and {8, "Ses05F-0"} <= {*record.args}


def test_ids_that_the_data_lack_are_skipped_with_a_warning(corpus, protocol, tmp_path, caplog):
    with open(tmp_path / "lists" / "fold01.train", "a") as file:
        file.write("Ses09F-0\n")
    assert len(make_folds(protocol, corpus())[0].train) == 8
    assert any({1, "Ses09F-0"} <= {*record.args} and record.levelname == "WARNING" for record in caplog.records)


def test_without_dev_lists_dev_is_drawn_from_the_listed_train(corpus, protocol, tmp_path):
    for path in (tmp_path / "lists").glob("*.dev"):
        path.unlink()
    with fails("folds-invalid", "fold 1", "fold 2", "dev") as caught:
        make_folds(protocol, corpus())
    assert [issue.code for issue in caught.value.issues] == ["part-empty"] * 2
    facts = {**FACTS, "dev": {"scheme": "share", "share": 0.5, "seed": 1}}
    (tmp_path / "given.yaml").write_text(yaml.safe_dump(facts))
    fold = make_folds(Protocol.load(str(tmp_path / "given.yaml")), corpus())[0]
    assert {u[:5] for u in fold.train + fold.dev} == {"Ses01"} and len(fold.train) == 4 and len(fold.dev) == 4


def test_older_lists_are_removed(folds, tmp_path):
    write_lists(folds, tmp_path)
    (tmp_path / "notes").write_text("mine")
    write_lists(folds[:1], tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["fold01.dev", "fold01.test", "fold01.train", "notes"]


@pytest.mark.parametrize(
    ("name", "text", "code", "names"),
    [
        ("fold01.test", "Ses01F-0\n", "utterance-in-two-parts", ["fold01.test", "Ses01F-0", "fold01.train"]),
        ("fold01.dev", "Ses02F-0\nSes02F-0\n", "utterance-in-two-parts", ["fold01.dev", "Ses02F-0"]),
        ("fold02.train", "Ses03F-0 sad\n", "fold-list-line", ["fold02.train:1: ", "'Ses03F-0 sad'"]),
        ("fold02.train", "Ses03F-0\n\n", "fold-list-line", ["fold02.train:2: ", "''"]),
        ("fold02.train", b"\xff\n", "fold-list-unreadable", ["fold02.train"]),
        ("fold02.train", None, "fold-list-unreadable", ["fold02.train"]),
        ("fold04.test", "Ses03F-0\n", "fold-lists-absent", ["1, 2, 4"]),
    ],
)
def test_invalid_lists_are_refused(corpus, protocol, tmp_path, name, text, code, names):
    path = tmp_path / "lists" / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode()) if text else path.unlink()
    with fails(code, *names):
        make_folds(protocol, corpus())


def test_no_lists_at_all(corpus, tmp_path):
    with fails("fold-lists-absent", tmp_path / "absent"):
        read_folds(tmp_path / "absent", corpus())
