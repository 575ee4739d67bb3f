"""Import of fold lists: EmoBox's layout, and lists that were exported."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from mscnn.data.datadir import DataDir
from mscnn.data.foldexport import export_folds, standalone
from mscnn.data.foldimport import import_folds
from mscnn.data.protocols import Fold, Protocol, folds_digest, make_folds, write_folds
from mscnn.paths import conf
from tests.raises import fails


def take(source: Path, data: DataDir, name: str, out: Path) -> tuple[Protocol, list[Fold]]:
    """Import, write, and read again; both give the same folds."""
    protocol, folds, text = import_folds(source, data, name, out)
    export_folds(protocol, folds, text, out)
    loaded = Protocol.load(str(out / f"{name}.yaml"))
    assert loaded == protocol and make_folds(loaded, data) == folds
    return protocol, folds


def test_names_of_emobox_with_the_split_at_their_end(tmp_path):
    """As of MELD, whose utterances have one name in several splits: dia0_utt0-dev, dia0_utt0.mp4."""
    emo = {f"A-{part}_dia{d}_utt0": "ab"[d % 2] for part in ("dev", "test", "train") for d in range(4)}
    DataDir.write(tmp_path / "data", tables_of(emo))
    for part in ("train", "valid", "test"):
        folder = tmp_path / "lists" / "fold_1"
        folder.mkdir(parents=True, exist_ok=True)
        split = part.replace("valid", "dev")
        lines = [{"key": f"x-dia{d}_utt0-{split}", "dataset": "x", "wav": f"down/dia{d}_utt0.mp4"} for d in range(4)]
        (folder / f"x_{part}_fold_1.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    _, (fold,) = take(tmp_path / "lists", DataDir.load(tmp_path / "data"), "toy", tmp_path / "out")
    for part, utts in fold.parts.items():
        assert utts == tuple(f"A-{part}_dia{d}_utt0" for d in range(4))


def tables_of(emo):
    """Tables of a data directory without recordings, of one speaker."""
    return {"utt2spk": dict.fromkeys(emo, "A"), "utt2emo": emo, "utt2dur": dict.fromkeys(emo, "1")}


@pytest.fixture
def emobox(shared_dir, tmp_path):
    """EmoBox's ``data/iemocap``: test of fold k is session k, there is no dev; other files lie beside the lists."""
    lines = (shared_dir / "data" / "iemocap" / "iemocap.jsonl").read_text().splitlines(keepends=True)
    for k in range(1, 6):
        for part in ("train", "test"):
            path = tmp_path / "emobox" / f"fold_{k}" / f"iemocap_{part}_fold_{k}.jsonl"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("".join(x for x in lines if (f"iemocap-Ses0{k}" in x) == (part == "test")))
            path.with_suffix(".json").write_text("{}")
    (tmp_path / "emobox" / "iemocap.jsonl").write_text("".join(lines))
    return tmp_path / "emobox"


def test_emobox_lists_are_mapped_to_ids_of_the_data(emobox, iemocap, tmp_path):
    data = iemocap()
    protocol, folds = take(emobox, data, "emobox_iemocap", tmp_path / "out")
    assert [len(f.test) for f in folds] == [1085, 1023, 1151, 1031, 1241]
    loso = make_folds(Protocol.load("loso5"), data)
    assert [f.test for f in folds] == [f.test for f in loso]
    assert folds == make_folds(Protocol.load("emobox5"), data)  # the dev rule is the same
    loaded = Protocol.load(str(tmp_path / "out" / "emobox_iemocap.yaml"))
    assert loaded.disjoint == {
        "train-test": ["speaker", "session"],
        "train-dev": [],
        "dev-test": ["speaker", "session"],
    }
    assert folds_digest(loaded, make_folds(loaded, data)) == folds_digest(protocol, folds)


def test_an_official_dev_part_is_kept(corpus, tmp_path):
    data = replace(corpus(), wav={u: f"/x/{u}_c.wav" for u in corpus().utts})
    parts = {"train": "12", "valid": "3", "test": "45"}
    (tmp_path / "in" / "fold_1").mkdir(parents=True)
    for part, sessions in parts.items():
        items = [
            {"key": f"toy-{u}_part", "dataset": "toy", "wav": f"a/{u}_c.mp4"} for u in data.utts if u[4] in sessions
        ]
        path = tmp_path / "in" / "fold_1" / f"toy_{part}_fold_1.jsonl"
        path.write_text("".join(json.dumps(item) + "\n" for item in items))  # the key is unknown: the wav identifies it
    protocol, (fold,) = take(tmp_path / "in", data, "toy", tmp_path / "out")
    assert protocol.dev == {"scheme": "predefined"}
    assert protocol.disjoint["train-test"] == ["speaker", "session"]  # no utterance has words
    assert {u[4] for u in fold.train} == {"1", "2"} and {u[4] for u in fold.dev} == {"3"} and len(fold.test) == 16


def test_exported_lists_are_imported_unchanged(iemocap, tmp_path):
    data, protocol = iemocap(), Protocol.load("scene_disjoint54")
    folds = make_folds(protocol, data)
    write_folds(folds, tmp_path / "out")
    back, again = take(tmp_path / "out", data, "back", tmp_path / "in")
    assert again == folds
    assert back.disjoint["train-test"] == ["speaker", "session", "scene"]
    for path in (tmp_path / "out").iterdir():
        assert path.read_bytes() == (tmp_path / "in" / path.name).read_bytes()


@pytest.mark.parametrize(
    ("line", "code", "names"),
    [
        ("{}", "fold-list-line", ["toy_test_fold_1.jsonl:1: ", "'{}'"]),
        ("[1]", "fold-list-line", ["toy_test_fold_1.jsonl:1: ", "'[1]'"]),
        ("Ses01", "fold-list-line", ["toy_test_fold_1.jsonl:1: ", "'Ses01'"]),
        ('{"key": 3}', "fold-list-line", ["toy_test_fold_1.jsonl:1: "]),
        (
            '{"key": "toy-Ses01F-0", "dataset": "toy"}',
            "utterance-in-two-parts",
            ["toy_train_fold_1.jsonl", "Ses01F-0", "toy_test_fold_1.jsonl"],
        ),
        ('{"key": "toy-unknown", "dataset": "toy"}', "part-empty", ["fold 1", "test"]),
    ],
)
def test_invalid_lists_are_refused(corpus, tmp_path, line, code, names):
    folder = tmp_path / "in" / "fold_1"
    folder.mkdir(parents=True)
    (folder / "toy_train_fold_1.jsonl").write_text('{"key": "toy-Ses01F-0", "dataset": "toy"}\n')
    (folder / "toy_test_fold_1.jsonl").write_text(line + "\n")
    with fails(code, *names):
        import_folds(tmp_path / "in", corpus(), "toy", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_folder_without_lists(corpus, tmp_path):
    (tmp_path / "fold_1").mkdir()
    (tmp_path / "fold_1" / "toy_train_fold_1.jsonl").write_text("")
    with fails("fold-lists-absent", tmp_path, "fold 1: train"):
        import_folds(tmp_path, corpus(), "toy", tmp_path / "out")


def write(folder: Path, **lists: list[str]) -> Path:
    folder.mkdir()
    for name, utts in lists.items():
        (folder / name.replace("_", ".")).write_text("".join(f"{utt}\n" for utt in utts))
    return folder


def test_pooled_protocols_stay_pooled(corpus, tmp_path):
    """By the protocol beside the lists; without one, where the mean over folds is undefined."""
    data, protocol = corpus(), Protocol.load("loso5")
    export_folds(replace(protocol, name="p"), make_folds(protocol, data), "aggregate: pooled\n", tmp_path / "stated")
    assert take(tmp_path / "stated", data, "a", tmp_path / "a")[0].aggregate == "pooled"
    (tmp_path / "stated" / "p.yaml").unlink()
    assert take(tmp_path / "stated", data, "b", tmp_path / "b")[0].aggregate == "fold-mean"
    parts = {"fold01_train": data.utts[8:], "fold01_test": data.utts[:3]}  # ang, hap, sad
    protocol, _ = take(write(tmp_path / "poor", **parts), data, "c", tmp_path / "c")
    assert protocol.aggregate == "pooled"
    assert yaml.safe_load((tmp_path / "c" / "c.yaml").read_text())["aggregate"] == "pooled"


def test_pooled_folds_of_iemocap_stay_pooled(iemocap, tmp_path):
    data, protocol = iemocap(), Protocol.load("scene_disjoint54")
    text = standalone(conf("protocols", "scene_disjoint54"))
    export_folds(protocol, make_folds(protocol, data), text, tmp_path / "out")
    assert take(tmp_path / "out", data, "back", tmp_path / "in")[0].aggregate == "pooled"


def test_the_source_is_never_written_to(corpus, tmp_path):
    utts = corpus().utts
    source = write(tmp_path / "mine", fold01_train=utts[8:], fold01_test=utts[:8])
    before = {path.name: path.read_bytes() for path in source.iterdir()}
    with fails("out-is-source", "mine"):
        import_folds(source, corpus(), "toy", tmp_path / "x" / ".." / "mine")
    assert {path.name: path.read_bytes() for path in source.iterdir()} == before


def test_an_invalid_name_is_refused(corpus, tmp_path):
    source = write(tmp_path / "in", fold01_train=corpus().utts[8:], fold01_test=corpus().utts[:8])
    with fails("config-value", "name", "../toy"):
        import_folds(source, corpus(), "../toy", tmp_path / "out")


def test_two_corpora_in_one_folder(corpus, tmp_path):
    (tmp_path / "in" / "fold_1").mkdir(parents=True)
    for name in ("a_train", "a_test", "b_train"):
        (tmp_path / "in" / "fold_1" / f"{name}_fold_1.jsonl").write_text('{"key": "Ses01F-0"}\n')
    with fails("fold-list-twice", "b_train_fold_1.jsonl", "a_train_fold_1.jsonl"):
        import_folds(tmp_path / "in", corpus(), "toy", tmp_path / "out")


def test_selection_on_test_is_not_imported(corpus, tmp_path):
    utts = corpus().utts
    source = write(tmp_path / "in", fold01_train=utts[8:], fold01_dev=utts[:8], fold01_test=utts[:8])
    with fails("folds-invalid", "Ses01F-0", "dev", "test"):
        import_folds(source, corpus(), "toy", tmp_path / "out")
