"""Which protocols fit a data directory, and why the others do not."""

from pathlib import Path

import pytest

from mscnn.data.datadir import DataDir
from mscnn.data.fit import applicable, check_fit, fitting, suggested
from mscnn.data.protocols import Protocol
from tests.raises import fails

CLASSES = ("a", "b", "c", "d")


def data(speakers, each=16, lack=()):
    """Speakers with as many utterances of every class, but the (speaker, class) of ``lack``."""
    emo = {f"S{k:02d}-{i:03d}": CLASSES[i % 4] for k in range(speakers) for i in range(each)}
    emo = {utt: label for utt, label in emo.items() if (int(utt[1:3]), label) not in lack}
    return DataDir(Path("data/toy"), {}, dict.fromkeys(emo, ""), {u: u[:3] for u in emo}, emo, dict.fromkeys(emo, 1.0))


@pytest.mark.parametrize(
    ("speakers", "lack", "name"),
    [
        (2, (), "leave_one_speaker_out_share"),
        (3, (), "leave_one_speaker_out"),
        (10, (), "leave_one_speaker_out"),
        (10, {(3, "a")}, "leave_one_speaker_out_pooled"),  # EMO-DB: one speaker has no disgust
        (3, {(1, "a")}, "leave_one_speaker_out_share"),  # the others are test and train: dev would lack a
        (65, {(k, c) for k in range(20) for c in "ab"}, "k_speakers"),
        (29, {(k, c) for k in range(25) for c in "ab"}, "k_speakers_pooled"),
        (29, {(k, "a") for k in range(2, 29)}, "k_speakers_share"),  # dev of whole speakers would take all of a
    ],
)
def test_the_suggested_protocol_fits(speakers, lack, name):
    corpus = data(speakers, lack=lack)
    protocol = suggested(corpus, CLASSES)
    assert protocol.name == name
    folds = check_fit(protocol, corpus, CLASSES)
    assert sorted(utt for fold in folds for utt in fold.test) == corpus.utts
    assert all({corpus.emo[u] for u in part} == {*CLASSES} for fold in folds for part in (fold.train, fold.dev))


def test_no_protocol_with_disjoint_speakers_fits():
    with fails("protocol-none-fits", "1 speaker;", "needs 2"):
        suggested(data(1))
    with fails("protocol-none-fits", "no a in train"):
        suggested(data(5, lack={(k, "a") for k in range(4)}))  # one speaker has all of a class
    with fails("protocol-none-fits", "a 2 (speakers: 2)"):
        suggested(data(2, each=4))  # one utterance of each class, so dev has none


def test_speakers_that_are_too_few_are_counted():
    for name, needed in (("k_speakers", 5), ("leave_one_speaker_out", 3), ("leave_one_speaker_out_pooled", 3)):
        with fails("groups-too-few", "2 speakers", f"needs {needed}"):
            Protocol.load(name).folds(data(2))


def test_a_protocol_that_does_not_fit_is_refused_with_those_that_do():
    with fails("class-absent", "leave_one_speaker_out_pooled (10 folds)", "k_speakers (5 folds)") as caught:
        check_fit(Protocol.load("leave_one_speaker_out"), data(10, lack={(3, "a")}), CLASSES)
    assert [issue.code for issue in caught.value.issues] == ["class-absent"] * 2  # as dev, and as test
    fits = {fit.protocol.name: fit for fit in fitting(data(10))}
    assert "legacy_test_best" not in str(fits) and fits["random10"].fits and not fits["random10"].speaker_disjoint
    assert "utt2split" in fits["predefined"].why_not and fits["predefined"].folds == 0


@pytest.mark.parametrize(
    ("name", "speakers", "lack", "used"),
    [
        ("leave_one_speaker_out", 4, (), "leave_one_speaker_out"),
        ("leave_one_speaker_out", 4, {(0, "b")}, "leave_one_speaker_out_pooled"),
        ("leave_one_speaker_out", 3, {(1, "a")}, "leave_one_speaker_out_share"),
        ("leave_one_speaker_out", 4, {(k, "a") for k in range(4)}, "leave_one_speaker_out"),  # none fits
        ("k_speakers", 29, {(k, c) for k in range(25) for c in "ab"}, "k_speakers_pooled"),
        ("k_speakers", 29, {(k, "a") for k in range(2, 29)}, "k_speakers_share"),
    ],
)
def test_speakers_may_lack_classes(name, speakers, lack, used, caplog):
    corpus = data(speakers, lack=lack)
    assert applicable(Protocol.load(name), corpus, CLASSES).name == used
    assert (f"so {used} is used" in caplog.text) == (name != used)


def test_a_class_that_the_data_lack_fits_nowhere():
    with fails("class-absent", "fold 1: no e in"):
        check_fit(Protocol.load("k_speakers"), data(10), (*CLASSES, "e"))


def test_dev_is_the_next_speakers_until_they_have_every_class():
    corpus = data(6, lack={(2, "a"), (3, "a"), (5, "b")})
    folds = Protocol.load("leave_one_speaker_out_pooled").folds(corpus)
    dev = [sorted({corpus.spk[utt] for utt in fold.dev}) for fold in folds]
    assert dev == [["S01"], ["S02", "S03", "S04"], ["S03", "S04"], ["S04"], ["S00", "S05"], ["S00"]]
