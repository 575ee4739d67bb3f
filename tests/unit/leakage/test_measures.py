"""Measures of an audit, computed by hand."""

import json
from dataclasses import fields, replace
from pathlib import Path

import pytest

from mscnn.data.datadir import DataDir
from mscnn.data.protocols import Fold, Protocol
from mscnn.leakage.measures import leaks, measure
from mscnn.leakage.result import AuditResult, FoldOverlap, FoldScores, Spread

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


PROTOCOL = Protocol("toy", 1, {"scheme": "speakers"}, {"scheme": "next_part"}, {"train-test": []}, "dev")


@pytest.fixture
def data():
    spk, session, scene, emo, text = ({u: facts[k] for u, facts in UTTS.items()} for k in range(5))
    return DataDir(Path("toy"), {u: f"{u}.wav" for u in UTTS}, text, spk, emo, {}, session=session, scene=scene)


@pytest.fixture
def result(data):
    return measure(PROTOCOL, FOLDS, data, {u: f"digest of {u}" for u in UTTS} | {"c2": "digest of a2"})


def test_what_is_shared(result):
    assert [fold.shared for fold in result.folds] == [
        {"speaker": 0, "session": 1, "scene": 2, "recording": 0},
        {"speaker": 1, "session": 1, "scene": 1, "recording": 1},  # a; 1; script01_1; c2 is a2
    ]
    assert result.shared["speaker"] == Spread(0.5, 1, None)
    assert result.common == ["speaker", "session", "scene", "recording", "text"] and result.disjoint == []


def test_text_overlap_by_kind(result):
    first, second = (fold.texts for fold in result.folds)
    assert first["all"] == FoldOverlap(test=2, verbatim=1, near=2)  # b1 as a1; b2 nearly as a2
    assert first["improvised"] == FoldOverlap(test=1, verbatim=1, near=1)
    assert first["scripted"] == FoldOverlap(test=1, verbatim=0, near=1)
    assert second["all"] == FoldOverlap(test=3, verbatim=0, near=0)  # texts without words have no near duplicates
    assert result.texts["all"].verbatim == Spread(25.0, 50.0, 20.0)
    assert result.texts["scripted"].near == Spread(50.0, 100.0, 33.33)


def test_scores(result):
    nearest = result.scores["text_1nn"]  # fold 1: sad, happy, both wrong; fold 2: no neighbour, so happy
    of_folds = [fold.scores for fold in result.folds]
    assert [scores["text_1nn"]["all"] for scores in of_folds] == [FoldScores(0.0, 0.0), FoldScores(33.33, 50.0)]
    assert of_folds[0]["text_1nn"]["improvised"] == FoldScores(0.0, None) and of_folds[0]["logmel_lr"] is None
    assert nearest["all"].wa == Spread(16.67, 33.33, 20.0)
    assert nearest["all"].ua == Spread(25.0, 50.0, 25.0)
    assert nearest["improvised"].ua == Spread(None, None, 0.0)  # one class in each fold
    assert result.scores["tfidf_lr"]["all"].wa.mean is not None
    assert result.scores["logmel_lr"] is None and result.features is None


def test_what_the_corpus_lacks_is_absent(data):
    bare = replace(data, wav={}, session={}, scene={}, text=dict.fromkeys(UTTS, ""))
    result = measure(PROTOCOL, FOLDS, bare, {})
    assert {*result.shared} == {"speaker"} and {*result.texts} == {"all"} and not result.has_text
    assert result.scores == {"tfidf_lr": None, "text_1nn": None, "logmel_lr": None}
    assert result.texts["all"].near == Spread(None, None, None)
    assert result.disjoint == [] and result.common == ["speaker"]


def test_a_result_is_written_and_read_back(result, tmp_path):
    result.write(tmp_path / "toy.json")
    assert AuditResult.read(tmp_path / "toy.json") == result
    assert [*json.loads((tmp_path / "toy.json").read_text())] == [field.name for field in fields(AuditResult)]
    (tmp_path / "toy.json").write_text(json.dumps({"protocol": {"name": "toy"}}))
    assert AuditResult.read(tmp_path / "toy.json") is None is AuditResult.read(tmp_path / "absent.json")


def test_leaks_name_both_utterances_and_are_listed_once(data):
    recordings = {u: u for u in UTTS} | {"b1": "a1", "c1": "a1"}
    lines = leaks(PROTOCOL, FOLDS, data, recordings)
    pairs = [("a1 (train)", "c1 (dev)"), ("a1 (train)", "b1 (test)"), ("c1 (dev)", "b1 (test)")]
    assert len(lines) == 3 and all(a in line and b in line for line, (a, b) in zip(lines, pairs, strict=True))
    assert all(part in lines[0] for part in ("toy", "fold 1", "a1.wav", "c1.wav"))
    assert leaks(PROTOCOL, FOLDS[:1], data, {u: u for u in UTTS} | {"a2": "a1", "b2": "b1"}) == []  # within one part
    legacy = replace(PROTOCOL, legacy=("legacy_test_best",))
    same = [Fold(1, ("a1",), ("b1", "c1"), ("b1", "c1"))]
    assert len(leaks(legacy, same, data, {u: u for u in UTTS})) == 0


@pytest.mark.parametrize("text", ["I miss her", "a", "x y", "I"])
def test_text_in_the_test_part_only_has_no_baselines_of_text(data, text):
    """Joined corpora of which one has transcripts; texts of single letters are texts, too."""
    fold = Fold(1, ("a1", "a2", "b1"), ("b2", "a3"), ("c1", "c2"))
    found = measure(PROTOCOL, [fold], replace(data, text={**dict.fromkeys(UTTS, ""), "c1": text}), {})
    assert found.scores["tfidf_lr"] is None and found.scores["text_1nn"] is None
    assert found.texts["all"].verbatim.worst == 0.0 and str(found)
    letters = replace(data, text=dict.fromkeys(UTTS, text))
    assert measure(PROTOCOL, [fold], letters, {}).texts["all"].verbatim.worst == 100.0
