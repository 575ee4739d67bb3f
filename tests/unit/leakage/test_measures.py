"""Numbers of an audit, worked by hand."""

from dataclasses import replace

import pytest

from mscnn.data.datadir import DataDir
from mscnn.data.protocols import Fold, Protocol
from mscnn.leakage.measures import leaks, measure

# utterance: speaker, session, scene, class, text
UTTS = {
    "a1": ("a", "1", "impro01", "sad", "I miss her so."),
    "a2": ("a", "1", "script01_1", "happy", "Great news, everybody!"),
    "a3": ("a", "1", "impro02", "sad", "[LAUGHTER]"),
    "b1": ("b", "1", "impro01", "happy", "i miss HER, so"),
    "b2": ("b", "1", "script01_1", "sad", "great great news everybody"),
    "c1": ("c", "2", "script01_1", "sad", "something else entirely"),
    "c2": ("c", "2", "script02_1", "happy", ""),
}
FOLDS = [
    Fold(1, ("a1", "a2", "a3", "c2"), ("c1",), ("b1", "b2")),
    Fold(2, ("a2", "b1", "b2"), ("a1",), ("a3", "c1", "c2")),
]


@pytest.fixture
def data():
    spk, session, scene, emo, text = ({u: facts[k] for u, facts in UTTS.items()} for k in range(5))
    return DataDir("toy", {u: f"{u}.wav" for u in UTTS}, text, spk, emo, {}, session=session, scene=scene)


@pytest.fixture
def found(data):
    return measure(FOLDS, data, {u: f"digest of {u}" for u in UTTS} | {"c2": "digest of a2"})


def test_what_is_shared(found):
    assert [row["shared"] for row in found["folds"]] == [
        {"speaker": 0, "session": 1, "scene": 2, "recording": 0},
        {"speaker": 1, "session": 1, "scene": 1, "recording": 1},  # a; 1; script01_1; c2 is a2
    ]
    assert found["shared"]["speaker"] == {"mean": 0.5, "worst": 1, "pooled": None}


def test_texts_by_kind(found):
    first, second = (row["texts"] for row in found["folds"])
    assert first["all"] == {"test": 2, "verbatim": 1, "near": 2}  # b1 as a1; b2 nearly as a2
    assert first["improvised"] == {"test": 1, "verbatim": 1, "near": 1}
    assert first["scripted"] == {"test": 1, "verbatim": 0, "near": 1}
    assert second["all"] == {"test": 3, "verbatim": 0, "near": 0}  # texts without words are like nothing
    assert found["texts"]["all"]["verbatim"] == {"mean": 25.0, "worst": 50.0, "pooled": 20.0}
    assert found["texts"]["scripted"]["near"] == {"mean": 50.0, "worst": 100.0, "pooled": 33.33}


def test_scores(found):
    nearest = found["scores"]["text_1nn"]  # fold 1: sad, happy, both wrong; fold 2: nothing is known, so happy
    of_folds = [row["scores"] for row in found["folds"]]
    assert [row["text_1nn"]["all"] for row in of_folds] == [{"wa": 0.0, "ua": 0.0}, {"wa": 33.33, "ua": 50.0}]
    assert of_folds[0]["text_1nn"]["improvised"] == {"wa": 0.0, "ua": None} and of_folds[0]["logmel_lr"] is None
    assert nearest["all"]["wa"] == {"mean": 16.67, "worst": 33.33, "pooled": 20.0}
    assert nearest["all"]["ua"] == {"mean": 25.0, "worst": 50.0, "pooled": 25.0}
    assert nearest["improvised"]["ua"] == {"mean": None, "worst": None, "pooled": 0.0}  # one class in each fold
    assert found["scores"]["tfidf_lr"]["all"]["wa"]["mean"] is not None
    assert found["scores"]["logmel_lr"] is None and found["features"] is None


def test_what_the_corpus_lacks_is_left_out(data):
    bare = replace(data, wav={}, session={}, scene={}, text=dict.fromkeys(UTTS, ""))
    found = measure(FOLDS, bare, {})
    assert {*found["shared"]} == {"speaker"} and {*found["texts"]} == {"all"}
    assert found["scores"] == {"tfidf_lr": None, "text_1nn": None, "logmel_lr": None}
    assert found["texts"]["all"]["near"] == {"mean": None, "worst": None, "pooled": None}


def test_leaks_name_both_and_come_once(data):
    protocol = Protocol("toy", 1, {}, {}, {}, "dev")
    recordings = {u: u for u in UTTS} | {"b1": "a1", "c1": "a1"}
    found = leaks(protocol, FOLDS, data, recordings)
    assert [line.split(" are")[0] for line in found] == [
        "protocol toy, fold 1: a1 (train) and c1 (dev)",
        "protocol toy, fold 1: a1 (train) and b1 (test)",
        "protocol toy, fold 1: c1 (dev) and b1 (test)",
    ]
    assert found[0].endswith("are the same recording: a1.wav and c1.wav")
    assert leaks(protocol, FOLDS[:1], data, {u: u for u in UTTS} | {"a2": "a1", "b2": "b1"}) == []  # one part's affair
    legacy = replace(protocol, legacy=("legacy_test_best",))
    same = [Fold(1, ("a1",), ("b1", "c1"), ("b1", "c1"))]
    assert len(leaks(legacy, same, data, {u: u for u in UTTS})) == 0
