"""Folds: sizes worked by hand, promises kept or refused, bytes that do not depend on the order of the input."""

import dataclasses
import json

import pytest
import yaml

from mscnn.data.datadir import DataDir
from mscnn.data.protocols import Protocol, folds_hash, make_folds, write_folds
from mscnn.errors import UserError
from mscnn.paths import conf


def corpus(utts_each: int = 4) -> DataDir:
    """Five sessions of a female and a male speaker, labels in turn."""
    speakers = [f"Ses{s:02d}{g}" for s in range(1, 6) for g in "FM"]
    spk = {f"{s}-{i}": s for s in speakers for i in range(utts_each)}
    emo = {u: ["ang", "hap", "sad", "neu"][i % 4] for i, u in enumerate(spk)}
    return DataDir(
        path="data", wav={}, text={u: "" for u in spk}, spk=spk, emo=emo, dur={u: 1.0 for u in spk},
        session={u: s[:5] for u, s in spk.items()}, gender={u: s[5].lower() for u, s in spk.items()},
    )  # fmt: skip


def test_loso5_is_three_one_one():
    data = corpus()
    folds = make_folds(Protocol.load("loso5"), data)
    sessions = [[sorted({data.session[u] for u in part}) for part in (f.train, f.dev, f.test)] for f in folds]
    assert sessions[0] == [["Ses03", "Ses04", "Ses05"], ["Ses02"], ["Ses01"]]
    assert sessions[4] == [["Ses02", "Ses03", "Ses04"], ["Ses01"], ["Ses05"]]


def test_speaker10_dev_is_the_partner():
    data = corpus()
    folds = make_folds(Protocol.load("speaker10"), data)
    assert len(folds) == 10
    assert {data.spk[u] for u in folds[3].test} == {"Ses02M"}
    assert {data.spk[u] for u in folds[3].dev} == {"Ses02F"}
    assert {data.session[u] for u in folds[3].train} == {"Ses01", "Ses03", "Ses04", "Ses05"}


def test_random10_is_stratified_eight_one_one():
    data = corpus(utts_each=20)  # 200 utterances, 50 a class
    folds = make_folds(Protocol.load("random10"), data)
    assert [(len(f.train), len(f.dev), len(f.test)) for f in folds] == [(160, 20, 20)] * 10
    for fold in folds:
        assert {sum(data.emo[u] == e for u in fold.test) for e in ("ang", "hap", "sad", "neu")} == {5}
    assert sorted(u for f in folds for u in f.test) == sorted(data.utts)


def test_ravdess6_balances_gender():
    names = [f"Actor{a:02d}" for a in range(1, 25)]
    spk = {f"{n}-x": n for n in names}
    data = DataDir(path="data", wav={}, text=spk, spk=spk, emo={u: "sad" for u in spk}, dur={},
                   gender={u: "fm"[int(n[5:]) % 2] for u, n in spk.items()})  # fmt: skip
    folds = make_folds(Protocol.load("ravdess6"), data)
    assert [data.spk[u] for u in folds[0].test] == ["Actor01", "Actor02", "Actor03", "Actor04"]
    assert [data.spk[u] for u in folds[0].dev] == ["Actor05", "Actor06", "Actor07", "Actor08"]
    assert all(len(f.train) == 16 for f in folds)


def test_files_do_not_depend_on_input_order(tmp_path):
    data, protocol = corpus(), Protocol.load("random10")
    write_folds(make_folds(protocol, data), tmp_path)
    assert (tmp_path / "fold01.test").read_text().splitlines() == sorted(make_folds(protocol, data)[0].test)
    assert folds_hash(protocol, make_folds(protocol, data)) == folds_hash(protocol, make_folds(protocol, corpus()))


def test_a_protocol_that_lies_is_refused(tmp_path):
    facts = yaml.safe_load(conf("protocols", "random10").read_text())
    facts["disjoint"]["train-test"] = ["speaker"]
    lie = tmp_path / "lie.yaml"
    lie.write_text(yaml.safe_dump(facts))
    with pytest.raises(
        UserError, match=r"promises train and test share no speaker, but in fold 1 \S+ \(train\) and \S+ "
    ):
        make_folds(Protocol.load(str(lie)), corpus())


def test_wrong_corpus_and_wrong_file_are_named(tmp_path):
    with pytest.raises(UserError, match="no utt2session"):
        make_folds(Protocol.load("loso5"), DataDir("data", {}, {}, {"a": "a"}, {"a": "sad"}, {}))
    with pytest.raises(UserError, match="conf/protocols has: .*loso5"):
        Protocol.load("lose5")
    (tmp_path / "p.yaml").write_text("name: p\n")
    with pytest.raises(UserError, match="expected the keys"):
        Protocol.load(str(tmp_path / "p.yaml"))


def test_iemocap_sizes(shared_dir):
    """Real ids and labels: 5531 utterances in ten parts of 553 or 554, sessions as published."""
    import json

    lines = (shared_dir / "data" / "iemocap" / "iemocap.jsonl").read_text().splitlines()
    ids = {x["key"].split("-", 1)[1]: x["emo"] for x in map(json.loads, lines)}
    spk = {f"{i[:5]}{i[-4]}-{i}": f"{i[:5]}{i[-4]}" for i in ids}
    data = DataDir("data", {}, {}, dict(sorted(spk.items())), {u: ids[u.split("-")[1]] for u in spk}, {},
                   session={u: u[:5] for u in spk})  # fmt: skip
    assert [len(f.test) for f in make_folds(Protocol.load("loso5"), data)] == [1085, 1023, 1151, 1031, 1241]
    assert [len(f.test) for f in make_folds(Protocol.load("speaker10"), data)] == [
        528, 557, 481, 542, 522, 629, 528, 503, 590, 651,
    ]  # fmt: skip
    assert sorted({len(f.test) for f in make_folds(Protocol.load("random10"), data)}) == [553, 554]


def test_yoon5_has_the_authors_sizes(shared_dir):
    """Only ids, sessions and labels matter: those of the release, excited counted as happy."""
    lines = (shared_dir / "data" / "iemocap" / "iemocap.jsonl").read_text().splitlines()
    labels = {item["key"].removeprefix("iemocap-"): item["emo"] for item in map(json.loads, lines)}
    four = {u: {"exc": "hap"}.get(e, e) for u, e in labels.items() if e in ("ang", "exc", "hap", "neu", "sad")}
    spk = {f"{u[:5]}{u.rpartition('_')[2][0]}-{u}": u[:5] + u.rpartition("_")[2][0] for u in four}
    spk = dict(sorted(spk.items()))
    data = DataDir(path="data", wav={}, text=spk, spk=spk, emo={u: four[u.partition("-")[2]] for u in spk}, dur={})
    folds = make_folds(Protocol.load("yoon5"), data)
    assert [(len(f.train), len(f.dev), len(f.test)) for f in folds] == [
        (4445, 313, 773), (4374, 386, 771), (4399, 353, 779), (4432, 343, 756), (4474, 307, 750),
    ]  # fmt: skip


def test_session5_draws_dev_from_the_training_sessions():
    data = corpus(utts_each=20)
    for fold in make_folds(Protocol.load("session5"), data):
        tested = {data.session[u] for u in fold.test}
        assert len(tested) == 1 and len(fold.test) == 40
        assert not tested & {data.session[u] for u in fold.dev}
        assert [sum(data.emo[u] == e for u in fold.dev) for e in ("ang", "hap", "sad", "neu")] == [8] * 4


def test_the_publishers_split_is_taken_as_it_is():
    data = corpus()
    split = {u: {"Ses01": "test", "Ses02": "dev"}.get(data.session[u], "train") for u in data.utts}
    data = dataclasses.replace(data, split=split, scene=data.session)
    (fold,) = make_folds(Protocol.load("meld"), data)
    assert {name: {*getattr(fold, name)} for name in ("train", "dev", "test")} == {
        name: {u for u in split if split[u] == name} for name in ("train", "dev", "test")
    }
    with pytest.raises(UserError, match="no utt2split"):
        make_folds(Protocol.load("meld"), corpus())
    with pytest.raises(UserError, match="share no scene"):
        make_folds(Protocol.load("meld"), dataclasses.replace(data, scene=dict.fromkeys(split, "dia0")))


@pytest.mark.parametrize(("name", "tested"), [("glam80_20", [40] * 5), ("delta_s5", [40])])
def test_selection_on_test_is_named(name, tested):
    protocol = Protocol.load(name)
    folds = make_folds(protocol, corpus(utts_each=20))
    assert [len(f.test) for f in folds] == tested
    assert all(f.dev == f.test and not {*f.train} & {*f.test} for f in folds)
    assert protocol.legacy == ["legacy_test_best"] and protocol.selection == "test"


@pytest.mark.parametrize(
    "changes",
    [{"legacy": []}, {"selection": "dev"}, {"dev": {"scheme": "next_part"}}],
)
def test_selection_on_test_cannot_be_hidden(tmp_path, changes):
    facts = yaml.safe_load(conf("protocols", "glam80_20").read_text()) | changes
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(facts))
    with pytest.raises(UserError, match="models are selected on dev; where dev is the test part"):
        Protocol.load(str(tmp_path / "mine.yaml"))
