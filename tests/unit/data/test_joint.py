"""Joint data directories: classes by name, ids of both corpora, dev of one, all of the other tested."""

from dataclasses import replace
from pathlib import Path

import pytest

from mscnn.config.synonyms import canonical, synonyms
from mscnn.data import joint
from mscnn.data.datadir import DataDir
from mscnn.data.fit import check_fit
from mscnn.data.protocols import Protocol
from tests.raises import fails


def source(name, classes, speakers=4, each=3, **tables):
    """A corpus whose speakers have ``each`` utterances of each class."""
    emo = {f"S{k}-{c}{i}": c for k in range(speakers) for c in classes for i in range(each)}
    spk = {utt: utt[:2] for utt in emo}
    made = DataDir(Path("nowhere/x"), {}, dict.fromkeys(emo, "some words"), spk, emo, dict.fromkeys(emo, 1.0))
    return joint.Source(name, replace(made, **{key: dict.fromkeys(emo, value) for key, value in tables.items()}))


A = source("a", ["anger", "hap", "sad", "calm"], gender="f")
B = source("b", ["angry", "Happy", "sadness", "bored"], speakers=3)


def written(made, tmp_path):
    assert joint.write(made, tmp_path / made.name) and not joint.write(made, tmp_path / made.name)
    return DataDir.load(tmp_path / made.name)


def test_classes_are_matched_by_name():
    made = joint.join([A], B)
    assert (made.name, made.classes) == ("a_to_b", ("angry", "happy", "sad"))
    assert made.mapping == {
        "anger": "angry", "angry": "angry", "hap": "happy", "Happy": "happy", "sad": "sad", "sadness": "sad",
        "calm": None, "bored": None,
    }  # fmt: skip
    assert made.label_map()["drop"] == ["calm", "bored"]
    lines = list(joint.describe([A, B], made))
    assert lines[0] == "angry ← a: anger; b: angry" and lines[-2:] == [
        *("a: excluded: calm 12", "b: excluded: bored 9"),
    ]
    assert joint.join([A], B, ["anger", "sadness"]).classes == ("angry", "sad")


def test_synonyms_are_classes_of_one_name():
    known = synonyms()
    assert canonical("Wut", known) == "angry" and canonical("xyz", known) == "xyz"
    assert {known[name] for name in known.values()} == {*known.values()}


def test_all_of_the_other_corpus_is_tested_and_dev_is_of_the_training_corpus(tmp_path):
    data = written(joint.join([A], B), tmp_path)
    (fold,) = check_fit(Protocol.load("cross_corpus"), data, ("angry", "happy", "sad"))
    assert fold.test == tuple(f"b-{u}" for u in sorted(B.data.utts, key=str.encode) if "bored" not in u)
    assert {data.spk[utt] for utt in fold.dev} == {"a-S3"} and {data.spk[utt] for utt in fold.train} == {
        *("a-S0", "a-S1", "a-S2"),
    }
    assert not data.gender  # one corpus has none


def test_a_corpus_of_two_speakers_that_lack_classes_gives_a_random_dev():
    emo = {f"S{k}-{c}{i}": c for k, cs in enumerate(("ab", "bc")) for c in cs for i in range(10)}
    two = DataDir(Path("nowhere/x"), {}, {u: "" for u in emo}, {u: u[:2] for u in emo}, emo, dict.fromkeys(emo, 1.0))
    split = joint.join([joint.Source("x", two)], source("y", ["a", "b", "c"])).tables["utt2split"]
    parts = {part: sorted(two.emo[u[2:]] for u in split if split[u] == part) for part in ("train", "dev")}
    assert parts["dev"] == ["a"] * 2 + ["b"] * 4 + ["c"] * 2 and len(parts["train"]) == 32


def test_mixed_training_sets_and_what_not_all_have(tmp_path):
    c = source("c", ["angry", "happy"], text="")
    made = joint.join([A, B], c)
    data = written(made, tmp_path)
    assert made.name == "a+b_to_c" and data.classes == ["angry", "happy"]
    dev = {data.spk[utt] for utt in data.utts if data.split[utt] == "dev"}
    assert dev == {"a-S3", "b-S2"} and not any(data.text.values())


def test_recordings_and_segments_keep_their_corpus(tmp_path):
    (tmp_path / "x.wav").touch()
    utts = A.data.utts
    whole = replace(A.data, wav={"rec": str(tmp_path / "x.wav")}, segments={u: ("rec", 0.0, 1.5) for u in utts})
    other = replace(B.data, wav=dict.fromkeys(B.data.utts, str(tmp_path / "x.wav")))
    made = joint.join([joint.Source("a", whole)], joint.Source("b", other))
    data = written(made, tmp_path)
    assert data.segments["a-S0-hap0"] == ("a-rec", 0.0, 1.5)
    assert data.segments["b-S0-angry0"] == ("b-S0-angry0", 0.0, 1.0) and {*data.segments} == {*data.spk}


@pytest.mark.parametrize(
    ("train", "test", "wanted", "code", "names"),
    [
        ([A], A, (), "joint-same", ["a, a"]),
        ([A], source("d", ["sad", "bored"]), (), "joint-classes", ["1 classes", "d: bored, sad"]),
        ([A], B, ("happy", "calm"), "joint-classes", ["no calm in b"]),
    ],
)
def test_corpora_that_do_not_fit(train, test, wanted, code, names):
    with fails(code, *names):
        joint.join(train, test, wanted)


def test_sources_are_data_directories_or_recipes_with_one(tmp_path):
    made = joint.join([A], B)
    for name in ("one", "two-x"):
        joint.write(made, tmp_path / "recipe" / "data" / name)
    with fails("joint-source", "one, two-x", f"{tmp_path}/recipe:one"):
        joint.find_source(f"{tmp_path}/recipe")
    assert joint.find_source(f"{tmp_path}/recipe:one").name == "recipe_one"
    assert joint.find_source(f"{tmp_path}/recipe/data/two-x").name == "two_x"
    with fails("joint-source", "run.sh --stop-stage data"):
        joint.find_source(str(tmp_path))


def test_facts_of_the_corpora_are_joined(tmp_path):
    (tmp_path / "corpus.yaml").write_text("name: Town\nabout: 4 speakers\nlimits: [acted]\nsynthetic: true\n")
    town = joint.Source("a", replace(A.data, path=tmp_path))
    facts = joint.facts([town, B], "a_to_b")
    assert (facts.name, facts.about, facts.limits, facts.synthetic) == ("a_to_b", "a: 4 speakers", ("acted",), True)
