"""Corpora under test that a pretrained network saw: which, by label map and corpus.yaml, and what score lines say."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from mscnn.reporting.footnotes import Footnotes
from mscnn.reporting.marks import SEEN, dagger, dagger_meaning, marks
from mscnn.training.contamination import corpora_under_test, pretrained_on, unknown


@pytest.mark.parametrize(
    ("labels", "facts", "corpora"),
    [
        ("iemocap4", "", {"iemocap"}),
        ("iemocap4", "name: mini_iemocap\nabout: invented\nsynthetic: true\n", {"mini_iemocap"}),
        ("ravdess8", "name: RAVDESS\nabout: acted\n", {"ravdess"}),
        ("msp_improv4", "name: MSP-IMPROV\nabout: acted\n", {"msp_improv"}),
    ],
)
def test_the_corpus_under_test(tmp_path, labels, facts, corpora):
    data = tmp_path / "data" / labels
    data.mkdir(parents=True)
    if facts:
        (tmp_path / "corpus.yaml").write_text(facts)
    assert corpora_under_test(labels, data) == corpora


def test_of_joint_corpora_it_is_the_one_that_is_tested(tmp_path):
    labels = tmp_path / "a.yaml"
    labels.write_text("name: emodb_to_ravdess\ncorpus: joint\nclasses: [x, y]\nmap: {x: x, y: y}\ndrop: []\n")
    assert corpora_under_test(str(labels), tmp_path / "emodb+savee_to_ravdess") == {"ravdess"}


def test_a_table_of_recordings_has_its_own_name(tmp_path):
    (tmp_path / "corpus.yaml").write_text("name: own recordings\nabout: a table\n")
    labels = tmp_path / "Clinic.yaml"
    labels.write_text("name: Clinic\ncorpus: own\nclasses: [x, y]\nmap: {x: x, y: y}\ndrop: []\n")
    assert corpora_under_test(str(labels), tmp_path / "data" / "Clinic") == {"clinic"}


def test_features_whose_network_saw_it():
    features = {
        "audio": SimpleNamespace(title="a", trained_on=("ravdess", "esd")),
        "b": SimpleNamespace(title="b", trained_on=()),
        "c": SimpleNamespace(title="c", trained_on=("meld",)),
    }
    assert pretrained_on(features, {"ravdess"}) == ["a"]
    assert pretrained_on(features, {"esd_en"}) == ["a"] and pretrained_on(features, {"meld"}) == ["c"]
    assert pretrained_on(features, {"iemocap"}) == pretrained_on(features, {"r", "rav", "melda", "meld_2"}) == []
    own = {"audio": SimpleNamespace(title="a", trained_on=("Größe", "my"))}
    assert pretrained_on(own, {"größe"}) == ["a"] and pretrained_on(own, {"my_clinic"}) == []


def test_names_that_no_score_line_can_have():
    corpora = ("iemocap", "msp_podcast", "esd", "emodb2", "clinic", "iemocp", "mosei", "msp")
    hints = unknown(corpora, {"clinic"})
    assert hints.keys() == {"iemocp", "mosei", "msp"} and "iemocap?" in hints["iemocp"] and "clinic" in hints["mosei"]


def test_it_is_marked_with_its_own_meaning(tmp_path):
    config = {"model": "?", "xvector": "none", "text": "none", "legacy": [], "protocol": {}}
    assert marks(config, tmp_path) == ()
    notes = marks({**config, "pretrained_on_test": ["emotion2vec_base model=a.onnx"]}, tmp_path)
    assert [note.code for note in notes] == [SEEN] and "emotion2vec_base" in notes[0].text and dagger(notes)
    footnotes = Footnotes()
    assert "†" in footnotes.sign(notes) and [note.code for note in footnotes.notes] == ["dagger", SEEN]
    replaced = replace(notes[0], code="xvectors")
    meanings = {dagger_meaning([one]) for one in (notes[0], replaced)}
    assert len(meanings) == 2 and all(text.split(": ")[1] in dagger_meaning([*notes, replaced]) for text in meanings)
