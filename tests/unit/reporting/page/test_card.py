"""The card and what stands around the figures: limits that follow from facts, published rows, an audit of any keys."""

import json

import pytest
import yaml

from mscnn.reporting.page import context
from mscnn.reporting.page.card import card, limits
from mscnn.reporting.page.source import read_source
from tests.unit.reporting.page.conftest import LABELS, make_recipe, predict_again
from tests.unit.reporting.page.test_html import Reader


def test_limits_follow_from_facts(scored, tmp_path):
    found = " ".join(limits(read_source(scored)))
    for text in ("2 speakers", "Other emotions were left out", "own transcripts", "Weakest class: cross"):
        assert text in found, text
    assert "Test speakers are in training" not in found and "Synthetic" not in found
    (tmp_path / "toy.yaml").write_text(yaml.safe_dump({**LABELS, "drop": []}))
    (tmp_path / "MANIFEST.json").write_text('{"generator": "x"}')
    found = " ".join(limits(read_source(scored)))
    assert "Synthetic" in found and "left out" not in found


def test_card_has_data_labels_and_how_it_was_made(scored):
    (scored / "folds").mkdir()
    (scored / "folds" / "fold01.test").write_text("t1-00\nt1-01\nt1-02\nt1-03\nt1-10\nt1-11\n")
    text = Reader(card(read_source(scored))).text
    assert "toy: 20 utterances, 0 minutes, 4 speakers (2 f, 2 m)" in text
    assert "all data20128" in text and "fold 1test642" in text
    assert "calma" in text and "left out<i>c</i>" in text
    assert "audio_pool=max/mean/std" in text and "legacy_no_mask=false" in text and "1,468,036" in text
    assert "python -m mscnn.bin.train --model mscnn_spu" in text


def test_published_rows_are_those_of_the_same_protocol_and_set(scored, tmp_path):
    assert "None is known for protocol random10" in context.published(read_source(scored))
    (tmp_path / "data" / "toy").rename(tmp_path / "data" / "iemocap4")
    source = read_source(scored, tmp_path / "data" / "iemocap4")
    text = Reader(context.published(source)).text
    assert "this reportgt85.42 / 84.38" in text  # WA / UA of the score line
    assert "MSCNN-SPU-ATTgt80.3 / 81.4 [P]" in text and "Peng, Lu, Pan, Liu" in text  # as the abstract has it
    assert "Satt" not in text, "that is by session"
    assert text.count("79.5 / 80.4") == 1, "two tables have it"
    (tmp_path / "MANIFEST.json").write_text('{"generator": "x"}')
    source = read_source(scored, tmp_path / "data" / "iemocap4")
    assert "synthetic" in context.published(source) and "80.3 /" not in context.published(source)


def test_partial_experiments_and_predictions_are_not_compared(scored, tmp_path):
    (tmp_path / "data" / "toy").rename(tmp_path / "data" / "iemocap4")
    config = scored / "config.yaml"
    config.write_text(config.read_text().replace("data/toy", "data/iemocap4"))
    assert "80.3 / 81.4" in context.published(read_source(scored))
    found = context.published(read_source(predict_again(scored, "oh no")))
    assert "None: the report of exp/try, where the models were trained" in found and "80.3" not in found
    (tmp_path / "data").rename(tmp_path / "away")
    assert "nothing says whose recordings these were" in context.published(read_source(scored))
    (tmp_path / "away").rename(tmp_path / "data")
    (tmp_path / "b").mkdir()
    assert "partial" in context.published(read_source(make_recipe(tmp_path / "b", partial="2/10")))


AUDIT = {
    "protocol": {"hash": "1f3a"},
    "shared": {"speaker": {"mean": 0.0, "worst": 0}, "session": {"mean": 0.0, "worst": 0},
               "scene": {"mean": 1.5, "worst": 3}, "recording": {"mean": 0.0, "worst": 0}},
    "texts": {"all": {"verbatim": {"mean": 52.27, "worst": 61.3, "pooled": 52.08},
                      "near": {"mean": 64.08, "worst": 74.2, "pooled": 63.9}}},
    "scores": {"tfidf_lr": {"all": {"wa": {"mean": 61.09, "pooled": 61.0}, "ua": {"mean": 60.42, "pooled": 60.2}}},
               "text_1nn": {"all": {"wa": {"mean": 50.0, "pooled": 50.1}, "ua": {"mean": None, "pooled": 49.9}}},
               "logmel_lr": None},
}  # fmt: skip


def test_the_audit_begins_with_what_it_means(scored, tmp_path):
    file = tmp_path / "data" / "toy" / "audit" / "random10.json"
    file.parent.mkdir()
    file.write_text(json.dumps(AUDIT))
    found = Reader(context.audit(read_source(scored)))
    assert found.elements[0][0] == "p" and found.text.startswith(
        "Training and test share scenes. No speaker and no session and no recording is in both training and test. "
        "52.3 % of the test utterances have word for word a text of training, 64.1 % nearly. "
        "Remembering training earns UA 60.4 and WA 61.1 % by words (TF-IDF, logistic regression); "
        "this system earns UA 84.4 and WA 85.4 %."
    )
    assert "tfidf_lr" in found.text, "all numbers stand below"
    (scored / "config.yaml").write_text((scored / "config.yaml").read_text() + "partial: 2/10\n")
    first, *_, last = context.findings(read_source(scored))
    assert first == "This is about all folds of the protocol, of which 2/10 were done here."
    assert last.startswith("Remembering training earns UA 60.4") and "this system" not in last


def test_the_audit_of_pooled_protocols_is_pooled(tmp_path):
    protocol = {"name": "random10", "version": 1, "hash": "1f3a", "selection": "dev", "aggregate": "pooled",
                "disjoint": {"train-test": ["speaker"], "train-dev": [], "dev-test": []}}  # fmt: skip
    folder = make_recipe(tmp_path, protocol=protocol)
    (tmp_path / "data" / "toy" / "audit").mkdir()
    (tmp_path / "data" / "toy" / "audit" / "random10.json").write_text(json.dumps(AUDIT))
    found = " ".join(context.findings(read_source(folder)))
    line = read_source(folder).lines["test"][0]
    for text in ("52.1 % of", "63.9 % nearly", "UA 60.2 and WA 61.0 % by words", "UA 49.9 and WA 50.1 % by the nearest",
                 f"this system earns UA {line.values['ua']:.1f} and"):  # fmt: skip
        assert text in found, text


@pytest.mark.parametrize("given, expected", [
    ({"shared": {"speaker": {"mean": 10.0, "worst": 10}, "<b>": {"mean": 12.345, "worst": None}}, "leaks": ["a", "b"],
      "folds": [{"fold": 1}], "deep": {"er": {"text": "x"}}},
     ["meanworst", "shared: speaker1010", "shared: <b>12.35–", "leaksa, b", "deep: er: textx"]),
    ({"protocol": {"hash": "1f3a"}, "n": 3}, ["protocol: hash1f3a", "n3"]),
    ({"protocol": "random10", "empty": {}, "nothing": None}, ["protocolrandom10", "empty–", "nothing–"]),
])  # fmt: skip
def test_audits_of_any_keys_are_shown(scored, tmp_path, given, expected):
    assert "Not made" in context.audit(read_source(scored))
    (tmp_path / "data" / "toy" / "audit").mkdir()
    (tmp_path / "data" / "toy" / "audit" / "random10.json").write_text(json.dumps(given))
    text = Reader(context.audit(read_source(scored))).text
    assert all(part in text for part in expected), text
    assert "fold1" not in text


def test_audits_of_another_cut_are_not(scored, tmp_path):
    (tmp_path / "data" / "toy" / "audit").mkdir()
    file = tmp_path / "data" / "toy" / "audit" / "random10.json"
    for text in ('{"protocol": {"hash": "0000"}}', "[1]", "{"):
        file.write_text(text)
        assert "Not made" in context.audit(read_source(scored))
