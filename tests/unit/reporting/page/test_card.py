"""Model card, published results and audit of the page."""

import pytest
import yaml

from mscnn.leakage.result import AuditResult
from mscnn.reporting.page import card, context
from mscnn.reporting.page.card import limits
from mscnn.reporting.page.source import read_data
from tests.unit.reporting.page.conftest import LABELS, change, predict_again, show, write_audit


def codes(notes):
    return [note.code for note in notes]


def none(data):
    """Code of the reason why there are no published results; None if there are some."""
    reason = context.published(data)["none"]
    return reason and reason.code


def test_limits_follow_from_facts(scored, tmp_path, monkeypatch):
    assert {note.code for note in limits(read_data(scored))}.isdisjoint(("by-speaker", "by-gender")), "few utterances"
    monkeypatch.setattr(card, "MIN_GROUP", 4)
    notes = {note.code: note.text for note in limits(read_data(scored))}
    general = {"few-speakers", "dropped-labels", "reference-text", "calibration", "xvectors"}
    assert notes.keys() == {*general, "weakest-class", "by-speaker", "by-gender"}
    assert " 2 " in notes["few-speakers"] and "cross" in notes["weakest-class"]
    assert "83.3 % (t1, 6 " in notes["by-speaker"] and "87.5 % (t2, 4 " in notes["by-speaker"]
    (tmp_path / "toy.yaml").write_text(yaml.safe_dump({**LABELS, "drop": []}))
    (tmp_path / "MANIFEST.json").write_text('{"generator": "x"}')
    notes = codes(limits(read_data(scored)))
    assert "synthetic" in notes and "dropped-labels" not in notes


def test_card_has_data_labels_system_and_command(written):
    shown = written.page["card"]
    assert shown["data"].text == "toy: 20 utterances, 0 minutes, 4 speakers (2 f, 2 m)."
    parts = shown["table-parts"].all("table")[0].rows
    assert parts[1:] == [["all data", "", "20", "12", "8"], ["fold 1", "test", "6", "4", "2"]]
    assert shown["table-labels"].all("table")[0].rows[1:] == [["calm", "a"], ["cross", "b"], ["excluded", "<i>c</i>"]]
    system = dict(shown["table-system"].all("table")[0].rows)
    assert "audio_pool=max/mean/std" in system["options"] and "legacy_no_mask=false" in system["options"]
    assert system["parameters"].startswith("1,468,036") and system["torch"] == "2.13.0"
    assert shown["command"].text == "python -m mscnn.bin.train --model mscnn_spu"


def test_published_rows_have_the_same_protocol_and_set(scored, tmp_path):
    assert none(read_data(scored)) == "none-known"
    (tmp_path / "data" / "toy").rename(tmp_path / "data" / "iemocap4")
    data = read_data(scored, tmp_path / "data" / "iemocap4")
    head, ours, *rows = show("published", scored, context.published, data.data)["table-published"].all("table")[0].rows
    assert ours[1:3] == ["gt", "85.42 / 84.38 †"] and head[:2] == ["system", "text"]  # WA / UA of the score line
    att = next(row for row in rows if row[0] == "MSCNN-SPU-ATT")
    assert att[1:] == ["gt", "80.3 / 81.4 [P]", "not stated", "peng2021"]  # as the abstract has it
    assert "satt2017" not in {row[4] for row in rows}, "that is by session"
    assert [row[2] for row in rows].count("79.5 / 80.4 [P]") == 1, "two tables have it"
    (tmp_path / "MANIFEST.json").write_text('{"generator": "x"}')
    assert none(read_data(scored, tmp_path / "data" / "iemocap4")) == "synthetic"


def test_partial_experiments_and_predictions_are_not_compared(scored, tmp_path):
    (tmp_path / "data" / "toy").rename(tmp_path / "data" / "iemocap4")
    config = scored / "config.yaml"
    config.write_text(config.read_text().replace("data/toy", "data/iemocap4"))
    assert none(read_data(scored)) is None
    assert none(read_data(predict_again(scored, "oh no"))) == "predicted"
    (tmp_path / "data").rename(tmp_path / "away")
    assert none(read_data(scored)) == "corpus-unknown"
    (tmp_path / "away").rename(tmp_path / "data")
    assert none(read_data(change(scored, partial="2/10"))) == "partial"


def test_the_audit_begins_with_sentences(scored, tmp_path):
    shared = {"speaker": 0, "session": 0, "scene": 3, "recording": 0}
    write_audit(tmp_path / "data" / "toy", shared)
    shown = show("audit", scored, context.audit)
    sentences = {next(iter(span.classes)): span.text for span in shown["findings"].all("span")}
    assert [*sentences] == ["shared", "disjoint", "texts", "baselines"]
    assert "scene" in sentences["shared"] and "text" in sentences["shared"] and "speaker" not in sentences["shared"]
    assert all(what in sentences["disjoint"] for what in ("speaker", "session", "recording"))
    assert "52.3 %" in sentences["texts"] and "64.1 %" in sentences["texts"]
    ours = read_data(scored).line
    numbers = ("60.4", "61.1", f"{ours.score('ua'):.1f}", f"{ours.score('wa'):.1f}")
    assert all(number in sentences["baselines"] for number in numbers) and "–" not in sentences["baselines"]
    rows = shown["table-audit"].all("table")[0].rows
    assert ["61.1 / 60.4", "70.0 / 70.0"] in [row[1:] for row in rows], "the table has all numbers"
    data = read_data(change(scored, model="tfidf_lr"))
    assert "60.4" not in {n.code: n.text for n in context.findings(data, data.audit)}.get("baselines", ""), "itself"
    (scored / "config.yaml").write_text((scored / "config.yaml").read_text() + "partial: 2/10\nmodel: toy\n")
    data = read_data(scored)
    notes = {note.code: note.text for note in context.findings(data, data.audit)}
    assert "2/10" in notes["partial"] and [*notes][0] == "partial"
    assert "60.4" in notes["baselines"] and f"{ours.score('ua'):.1f}" not in notes["baselines"]


def test_the_audit_of_pooled_protocols_is_pooled(scored, tmp_path):
    write_audit(tmp_path / "data" / "toy", {"scene": 3}, aggregate="pooled")
    data = read_data(scored)
    notes = {note.code: note.text for note in context.findings(data, data.audit)}
    assert "52.1 %" in notes["texts"] and "63.9 %" in notes["texts"]
    assert all(number in notes["baselines"] for number in ("60.2", "61.0", "49.9"))


def test_leaks_and_features_have_no_paths(scored, tmp_path):
    write_audit(tmp_path / "data" / "toy", {}, leaks=[f"a and b: {tmp_path}/my corpus/a.wav and /c/b.wav"])
    facts = dict(show("audit", scored, context.audit)["table-audited"].all("table")[0].rows)
    assert facts["leaks"] == "a and b: my corpus/a.wav and b.wav" and "logmel" in facts.values()


@pytest.mark.parametrize("text", [None, "[1]", "{", '{"protocol": {"hash": "1f3a"}}'])
def test_damaged_audits_and_those_of_another_split_are_not_shown(scored, tmp_path, text):
    assert "no-audit" in show("audit", scored, context.audit)
    write_audit(tmp_path / "data" / "toy", {"speaker": 1})
    file = tmp_path / "data" / "toy" / "audit" / "random10.json"
    assert isinstance(read_data(scored).audit, AuditResult)
    file.write_text(file.read_text().replace("1f3a", "0000") if text is None else text)
    assert read_data(scored).audit is None
