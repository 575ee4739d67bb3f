"""Folds of the shipped protocols, against published sizes or sizes counted in another way."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from sklearn.model_selection import GroupKFold

from mscnn.data.protocols import Protocol, folds_digest, make_folds, short_hash
from mscnn.data.schemes import attribute
from tests.raises import fails

SESSIONS = [1085, 1023, 1151, 1031, 1241]
SPEAKERS = [528, 557, 481, 542, 522, 629, 528, 503, 590, 651]


def folds_of(name, data):
    return make_folds(Protocol.load(name), data)


def sizes(folds):
    return [(len(f.train), len(f.dev), len(f.test)) for f in folds]


def values(table, utts):
    return {table[u] for u in utts}


def test_loso5_is_three_one_one(corpus):
    data = corpus()
    folds = folds_of("loso5", data)
    sessions = [[sorted(values(data.session, part)) for part in (f.train, f.dev, f.test)] for f in folds]
    assert sessions[0] == [["Ses03", "Ses04", "Ses05"], ["Ses02"], ["Ses01"]]
    assert sessions[4] == [["Ses02", "Ses03", "Ses04"], ["Ses01"], ["Ses05"]]


def test_speaker10_dev_is_the_partner(corpus):
    data = corpus()
    folds = folds_of("speaker10", data)
    assert len(folds) == 10
    assert values(data.spk, folds[3].test) == {"Ses02M"}
    assert values(data.spk, folds[3].dev) == {"Ses02F"}
    assert values(data.session, folds[3].train) == {"Ses01", "Ses03", "Ses04", "Ses05"}


def test_speaker9_trains_on_the_partner_too(corpus):
    data = corpus(utts_each=20)
    for fold in folds_of("speaker9", data):
        assert len(values(data.spk, fold.train)) == 9 and len(values(data.spk, fold.test)) == 1
        assert sizes([fold]) == [(144, 36, 20)]


def test_random10_is_stratified_eight_one_one(corpus):
    data = corpus(utts_each=20)  # 200 utterances, 50 per class
    folds = folds_of("random10", data)
    assert sizes(folds) == [(160, 20, 20)] * 10
    for fold in folds:
        assert {sum(data.emo[u] == e for u in fold.test) for e in ("ang", "hap", "sad", "neu")} == {5}
    assert sorted(u for f in folds for u in f.test) == sorted(data.utts)


def test_random80_20_tests_what_glam80_20_tests(corpus):
    data = corpus(utts_each=20)
    folds = folds_of("random80_20", data)
    assert sizes(folds) == [(128, 32, 40)] * 5
    assert [f.test for f in folds] == [f.test for f in folds_of("glam80_20", data)]


def test_ravdess6_balances_gender(corpus):
    names = [f"Actor{a:02d}" for a in range(1, 25)]
    spk = {f"{n}-x": n for n in names}
    data = replace(
        corpus(), spk=spk, emo={u: "sad" for u in spk}, gender={u: "fm"[int(n[5:]) % 2] for u, n in spk.items()}
    )
    folds = folds_of("ravdess6", data)
    assert [data.spk[u] for u in folds[0].test] == ["Actor01", "Actor02", "Actor03", "Actor04"]
    assert [data.spk[u] for u in folds[0].dev] == ["Actor05", "Actor06", "Actor07", "Actor08"]
    assert all(len(f.train) == 16 for f in folds)
    with fails("gender-unknown", "utt2gender", "Actor07", "'x'"):
        folds_of("ravdess6", replace(data, gender={**data.gender, "Actor07-x": "x"}))
    with fails("attribute-absent", "utt2gender"):
        folds_of("ravdess6", replace(data, gender={}))


def test_session5_draws_dev_from_the_training_sessions(corpus):
    data = corpus(utts_each=20)
    for fold in folds_of("session5", data):
        tested = values(data.session, fold.test)
        assert len(tested) == 1 and len(fold.test) == 40
        assert not tested & values(data.session, fold.dev)
        assert [sum(data.emo[u] == e for u in fold.dev) for e in ("ang", "hap", "sad", "neu")] == [8] * 4


@pytest.mark.parametrize(
    ("name", "tested"),
    [("glam80_20", [40] * 5), ("delta_s5", [40]), ("ca_mser_session", [40] * 5), ("ca_mser_speaker", [20] * 10)],
)
def test_selection_on_test_is_named(corpus, name, tested):
    protocol = Protocol.load(name)
    folds = make_folds(protocol, corpus(utts_each=20))
    assert [len(f.test) for f in folds] == tested
    assert all(f.dev == f.test and not {*f.train} & {*f.test} for f in folds)
    assert protocol.legacy == ["legacy_test_best"] and protocol.selection == "test"


def test_ca_mser_trains_on_all_but_the_session_or_speaker_that_is_tested(corpus):
    data = corpus()
    sessions = folds_of("ca_mser_session", data)
    assert [values(data.session, fold.test) for fold in sessions] == [{f"Ses0{i}"} for i in range(1, 6)]
    assert all({*fold.train, *fold.test} == {*data.utts} for fold in sessions)
    fourth = folds_of("ca_mser_speaker", data)[3]
    assert values(data.spk, fourth.test) == {"Ses02M"}
    assert values(data.spk, fourth.train) == {*data.spk.values()} - {"Ses02M"}


def test_k_speakers_are_as_even_as_scikit_learns(corpus):
    rng = np.random.default_rng(0)
    spk = {f"s{s:02d}-{i:02d}": f"s{s:02d}" for s in range(13) for i in range(rng.integers(1, 40))}
    data = replace(corpus(), spk=spk, emo=dict.fromkeys(spk, "sad"))
    folds = folds_of("k_speakers", data)
    groups = [spk[u] for u in data.utts]
    reference = [len(test) for _, test in GroupKFold(5).split(groups, groups=groups)]
    assert sorted(len(f.test) for f in folds) == sorted(reference)
    assert sorted(u for f in folds for u in f.test) == data.utts


def test_leave_one_speaker_out_has_a_fold_for_each(corpus):
    data = corpus()
    folds = folds_of("leave_one_speaker_out", data)
    speakers = sorted(set(data.spk.values()))
    assert [values(data.spk, f.test) for f in folds] == [{s} for s in speakers]
    assert values(data.spk, folds[-1].dev) == {speakers[0]} and len(values(data.spk, folds[0].train)) == 8


def test_predefined_takes_the_corpus_own_parts(corpus):
    data = corpus()
    split = {u: {"Ses01": "test", "Ses02": "dev"}.get(data.session[u], "train") for u in data.utts}
    (fold,) = folds_of("predefined", replace(data, split=split))
    assert {part: {*utts} for part, utts in fold.parts.items()} == {
        part: {u for u in split if split[u] == part} for part in ("train", "dev", "test")
    }
    with fails("attribute-absent", "utt2split"):
        folds_of("predefined", data)
    with fails("split-unknown", "utt2split", "Ses03F-0", "'eval'"):
        folds_of("predefined", replace(data, split={**split, "Ses03F-0": "eval"}))


def test_scenario_and_side(iemocap):
    data = iemocap()
    scenario, side = attribute(data, "scenario"), attribute(data, "side")
    assert scenario["Ses03M-Ses03M_impro05a_M000"] == "impro05" and side["Ses03M-Ses03M_impro05a_M000"] == "Ses03M"
    assert (
        scenario["Ses05F-Ses05M_script01_1b_F000"] == "script01" and side["Ses05F-Ses05M_script01_1b_F000"] == "Ses05M"
    )
    assert len(set(scenario.values())) == 11 and len(set(side.values())) == 10


@pytest.mark.parametrize(
    ("name", "tested"),
    [
        ("loso5", SESSIONS), ("loso5_devsession", SESSIONS), ("session5", SESSIONS), ("emobox5", SESSIONS),
        ("fixed_s123_4_5", SESSIONS[4:]), ("delta_s5", SESSIONS[4:]), ("speaker10", SPEAKERS), ("speaker9", SPEAKERS),
        ("leave_one_speaker_out", SPEAKERS),
    ],
)  # fmt: skip
def test_iemocap_is_split_as_published(iemocap, name, tested):
    assert [len(f.test) for f in folds_of(name, iemocap())] == tested


def test_iemocap_subsets_are_split_as_published(iemocap):
    assert [len(f.test) for f in folds_of("loso5", iemocap("impro"))] == [521, 530, 627, 534, 731]
    assert [len(f.test) for f in folds_of("loso5", iemocap("script"))] == [564, 493, 524, 497, 510]


def test_iemocap_sizes_of_other_protocols(iemocap):
    data = iemocap()
    assert sorted({len(f.test) for f in folds_of("random10", data)}) == [553, 554]
    assert sorted({len(f.test) for f in folds_of("random80_20", data)}) == [1106, 1107]
    assert sizes(folds_of("fixed_s123_4_5", data)) == [(3259, 1031, 1241)]
    own = Counter(u.partition("-")[2][:6] for u in data.utts)
    assert [len(f.test) for f in folds_of("side10", data)] == [own[side] for side in sorted(own)]
    assert sizes(folds_of("yoon5", data)) == [
        (4445, 313, 773), (4374, 386, 771), (4399, 353, 779), (4432, 343, 756), (4474, 307, 750),
    ]  # fmt: skip


def test_side10_is_not_speaker_disjoint(iemocap):
    data = iemocap()
    for fold in folds_of("side10", data):
        assert values(data.spk, fold.test) <= values(data.spk, fold.train) and len(values(data.spk, fold.test)) == 2


@pytest.mark.parametrize(("part", "cells"), [("", 54), ("impro", 39), ("script", 15)])
def test_scene_disjoint54_has_disjoint_scenarios_and_sessions(iemocap, part, cells):
    data = iemocap(part)
    folds = folds_of("scene_disjoint54", data)
    assert len(folds) == cells
    assert sorted(u for f in folds for u in f.test) == data.utts
    for fold in folds:
        (where,) = {(u[:5], data.scene[u].split("_")[0].rstrip("ab")) for u in fold.test}
        others = [u for u in data.utts if u[:5] != where[0] and data.scene[u].split("_")[0].rstrip("ab") != where[1]]
        dev = f"Ses{int(where[0][3:]) % 5 + 1:02d}"
        assert fold.dev == tuple(u for u in others if u.startswith(dev))
        assert fold.train == tuple(u for u in others if not u.startswith(dev))


def test_two_names_of_the_same_folds(iemocap):
    data = iemocap()
    assert folds_of("loso5", data) == folds_of("loso5_devsession", data)
    assert folds_of("session5", data) == folds_of("emobox5", data)


def test_folds_on_iemocap_never_change(iemocap):
    """The hashes of score lines; a protocol whose folds must change gets another name or version."""
    data = iemocap()
    hashes = {
        "delta_s5": "dd8e", "emobox5": "6bdc", "fixed_s123_4_5": "5702", "glam80_20": "3215", "glam811": "1705",
        "k_speakers": "b15d", "leave_one_speaker_out": "ebfd", "loso5": "ab20", "loso5_devsession": "4013",
        "random10": "81f4", "random80_20": "1146", "scene_disjoint54": "12d6", "session5": "b1b1", "side10": "c505",
        "speaker10": "5891", "speaker9": "7b75", "yoon5": "65b4",
    }  # fmt: skip
    assert {name: short_hash(folds_digest(Protocol.load(name), folds_of(name, data))) for name in hashes} == hashes
