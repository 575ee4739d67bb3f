"""The card and what stands around the figures: limits that follow from facts, published rows, an audit of any keys."""

import json

import pytest
import yaml

from mscnn.report import context
from mscnn.report.card import card, limits
from mscnn.report.source import read_source

from .conftest import LABELS, make_recipe
from .test_html import Reader


def test_limits_follow_from_facts(scored, tmp_path):
    found = " ".join(limits(read_source(scored)))
    for text in (
        "Acted speech",
        "2 speakers",
        "Other emotions were left out",
        "own transcripts",
        "Weakest class: cross",
    ):
        assert text in found, text
    assert "Test speakers are in training" not in found and "Synthetic" not in found
    (tmp_path / "toy.yaml").write_text(yaml.safe_dump({**LABELS, "drop": [], "corpus": "another"}))
    (tmp_path / "MANIFEST.json").write_text('{"generator": "x"}')
    found = " ".join(limits(read_source(scored)))
    assert "Synthetic" in found and "Acted" not in found and "left out" not in found


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


def test_partial_experiments_are_not_compared(tmp_path):
    assert "partial" in context.published(read_source(make_recipe(tmp_path, partial="2/10")))


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
