"""Audits as files, and the seeded leaks that must stop a recipe: both utterances are named."""

import json
import shutil
import sys

import numpy as np
import pytest
import yaml

from mscnn.errors import DataErrors, UserError
from mscnn.features.archive import write_archive
from mscnn.features.config import Feature
from mscnn.files import write_table
from mscnn.leakage import markdown, report
from mscnn.leakage.report import write_audits
from tests.raises import fails
from tests.shell.conftest import ROOT, sh  # noqa: F401  (a fixture)


def test_files_and_what_they_say(make, protocol, tmp_path):
    (result,) = write_audits([protocol("toy2", ("speaker", "session"))], make(), tmp_path / "audit")
    assert json.loads((tmp_path / "audit" / "toy2.json").read_text()) == result
    page = (tmp_path / "audit" / "toy2.md").read_text()
    title, _, short, _, folds, *_ = page.splitlines()
    assert title == f"# Audit of toy2@{result['protocol']['hash']}" and folds == "2 folds of toy, 24 utterances."
    assert short == (
        f"In short, over all folds: toy2@{result['protocol']['hash']}: train and test share scene; disjoint: speaker, "
        "session, recording, text; texts of test in train: 0.0 % verbatim, 0.0 % nearly; memorising train earns "
        "WA / UA 100.0 / 100.0 by words."
    )
    assert (
        "IDF weights of near and nearest texts come from the whole corpus" in page
        and "No utterance has words" not in page
    )
    assert "Promised to be disjoint: train-test: speaker, session.\n" in page
    assert "|  | fold mean | worst fold | improvised | scripted |" in page
    assert "| scenes that are in train and in test | 2 | 2 |  |  |" in page
    assert "| WA / UA by words: TF-IDF, logistic regression | 100.0 / 100.0 | 100.0 / 100.0 | 100.0 / 100.0 |" in page
    assert "| WA / UA by sound: mean and deviation, logistic regression | – | – | – | – |" in page
    assert "LEAK" not in page


def test_unchanged_audits_are_kept_and_changes_are_seen(make, protocol, tmp_path, monkeypatch):
    name, calls, measure = protocol("toy2"), [], report.measure
    monkeypatch.setattr(report, "measure", lambda *args, **more: calls.append(1) or measure(*args, **more))
    write_audits([name], make(), tmp_path / "audit")
    before = {path.name: path.read_bytes() for path in (tmp_path / "audit").iterdir()}
    write_audits([name], tmp_path / "data" / "toy", tmp_path / "audit")
    assert before == {path.name: path.read_bytes() for path in (tmp_path / "audit").iterdir()} and len(calls) == 1
    write_audits([name], make(text={"A1-0": "new words"}), tmp_path / "audit")
    assert len(calls) == 2


@pytest.mark.parametrize("name", ["toy2.json", "recordings.json"])
def test_what_is_no_mapping_is_made_again(make, protocol, tmp_path, name):
    (first,) = write_audits([protocol("toy2")], make(), tmp_path / "audit")
    (tmp_path / "audit" / name).write_text("[1, 2]")
    assert write_audits([protocol("toy2")], tmp_path / "data" / "toy", tmp_path / "audit") == [first]


def test_numbers_made_by_other_code_or_packages_are_made_again(make, protocol, tmp_path, monkeypatch):
    name, calls, measure, digest, version = protocol("toy2"), [], report.measure, report.source_digest, report.version
    monkeypatch.setattr(report, "measure", lambda *args, **more: calls.append(1) or measure(*args, **more))
    changed = {"mscnn.evaluation.metrics", "mscnn.features.archive", "mscnn.leakage", "scikit-learn"}
    write_audits([name], make(), tmp_path / "audit")
    for one in sorted(changed):
        monkeypatch.setattr(report, "source_digest", lambda module, one=one: "new" if module == one else digest(module))
        monkeypatch.setattr(report, "version", lambda package, one=one: "0" if package == one else version(package))
        write_audits([name], tmp_path / "data" / "toy", tmp_path / "audit")
    assert len(calls) == 1 + len(changed)


def test_two_protocols_of_one_name_are_refused(make, protocol, tmp_path):
    first = protocol("toy2")
    (tmp_path / "other.yaml").write_text((tmp_path / "toy2.yaml").read_text())
    with pytest.raises(
        UserError, match=r"toy2.yaml and .*other.yaml have one name, toy2, .*toy2.json: change name in one"
    ):
        write_audits([first, str(tmp_path / "other.yaml")], make(), tmp_path / "audit")
    assert not (tmp_path / "audit").exists()


def test_a_corpus_without_words_is_neither_text_disjoint_nor_not(make, protocol, tmp_path, tables):
    (result,) = write_audits([protocol("toy2")], make(text=dict.fromkeys(tables["text"], "")), tmp_path / "audit")
    page = (tmp_path / "audit" / "toy2.md").read_text()
    assert (
        "disjoint: speaker, session, recording; there are no words; what memorising train earns was not computed.\n"
        in page
    )
    assert "| texts of test that are in train, verbatim, % | – | – | – | – |" in page
    assert "\nNo utterance has words: whether train and test share texts cannot be asked" in page
    assert result["texts"]["all"]["near"] == {"mean": None, "worst": None, "pooled": None}


def test_processes_give_what_this_process_gives(make, protocol, tmp_path, monkeypatch):
    monkeypatch.setattr(report, "SMALL", 0)
    data, names = make(), [protocol("toy2"), protocol("toy4", test={"scheme": "group", "by": "speaker"})]
    write_audits(names, data, tmp_path / "one", nj=1)
    write_audits(names, data, tmp_path / "two", nj=2)
    for name in ("toy2.json", "toy4.json", "toy2.md", "toy4.md"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_sound_is_scored_where_features_are_given(make, protocol, tmp_path, tables):
    rng, feature, folder = np.random.default_rng(0), Feature.load("mfcc96"), tmp_path / "feats"
    loud = {u: 3 * (e == "sad") for u, e in tables["utt2emo"].items()}
    frames = write_archive(
        folder / "feats.1", ((u, rng.normal(loud[u], size=(9, 96)).astype(np.float32)) for u in loud)
    )
    shutil.copy(folder / "feats.1.scp", folder / "feats.scp")
    write_table(folder / "utt2num_frames", frames)
    facts = {"feature": "mfcc96", "options": feature.options, "hash": feature.hash, "dim": 96, "frame_shift": 0.01}
    (folder / "feature.yaml").write_text(yaml.safe_dump({**facts, "content": "0"}))
    (result,) = write_audits([protocol("toy2")], make(), tmp_path / "audit", feature_dir=folder)
    assert result["scores"]["logmel_lr"]["all"]["wa"]["mean"] == 100
    page = (tmp_path / "audit" / "toy2.md").read_text()
    assert "Sound: mfcc96." in page and ", 100.0 / 100.0 by sound.\n" in page
    again = write_audits([protocol("toy2")], tmp_path / "data" / "toy", tmp_path / "audit")  # stage 1 once more
    assert again == [result]


def test_pooled_protocols_show_pooled_scores(make, protocol, tmp_path):
    name = protocol("cells", test={"scheme": "group", "by": ["session", "scenario"]}, aggregate="pooled")
    (result,) = write_audits([name], make(utt2emo={"A1-0": "sad", "A2-0": "sad"}), tmp_path / "audit")
    assert len(result["folds"]) == 4 and result["scores"]["tfidf_lr"]["all"]["ua"]["mean"] is None
    page = (tmp_path / "audit" / "cells.md").read_text()
    assert "|  | all folds pooled | worst fold | improvised | scripted |" in page
    assert "| scenes that are in train and in test | 1 a fold | 1 |  |  |" in page  # that of the other session


def test_a_shared_text_among_very_many_is_no_disjoint_text(make, protocol, tmp_path):
    (result,) = write_audits([protocol("toy2")], make(text={"A2-3": "Oh dear!", "B1-0": "oh dear"}), tmp_path / "audit")
    assert "train and test share scene, text;" in markdown.summary(result)
    result["texts"]["all"]["verbatim"] = dict.fromkeys(("mean", "worst", "pooled"), 0.0)  # 1 in 30 000, rounded
    assert "train and test share scene, text;" in markdown.summary(result)


def test_a_copied_recording_fails(make, protocol, tmp_path, tables):
    shutil.copy(tables["wav.scp"]["A2-3"], tables["wav.scp"]["B1-0"])
    with pytest.raises(DataErrors, match=r"(?s)1 pair.s. of .*B1-0 \(train\) and A2-3 \(test\) are the same.*A2-3.wav"):
        write_audits([protocol("toy2")], make(), tmp_path / "audit")
    assert "LEAK: protocol toy2" in (tmp_path / "audit" / "toy2.md").read_text()
    with pytest.raises(DataErrors, match="A2-3"):  # not forgotten when nothing changed
        write_audits([protocol("toy2")], tmp_path / "data" / "toy", tmp_path / "audit")


def test_a_copied_line_fails_where_texts_are_promised(make, protocol, tmp_path):
    data = make(text={"A2-3": "Oh dear, the boat!", "B1-0": "oh dear [SIGH] the boat"})
    write_audits([protocol("toy2")], data, tmp_path / "audit")  # nothing promised: reported
    assert "| texts of test that are in train, verbatim, % |" in (tmp_path / "audit" / "toy2.md").read_text()
    with fails("folds-invalid", "A2-3", "B1-0", "text"):
        write_audits([protocol("words", ("text",))], data, tmp_path / "audit")
    assert not (tmp_path / "audit" / "words.json").exists()


def test_a_speaker_on_both_sides_fails_where_speakers_are_promised(make, protocol, tmp_path):
    test = {"scheme": "random", "folds": 2, "seed": 1}
    (result,) = write_audits([protocol("free", test=test)], make(), tmp_path / "audit")
    assert result["shared"]["speaker"]["worst"] == 4
    with fails("folds-invalid", "fold 1", "speaker 'A1'"):
        write_audits([protocol("lie", ("speaker",), test=test)], tmp_path / "data" / "toy", tmp_path / "audit")


def test_an_utterance_on_both_sides_fails(make, protocol, tmp_path):
    lists = tmp_path / "lists"
    lists.mkdir()
    for part, utts in {"train": ("A1-0", "A1-1", "B1-2"), "dev": ("A2-0",), "test": ("B1-1", "B1-2")}.items():
        (lists / f"fold01.{part}").write_text("".join(f"{u}\n" for u in utts))
    name = protocol("given", test={"scheme": "predefined", "lists": "lists"}, dev={"scheme": "predefined"})
    with fails("utterance-in-two-parts", "fold01.test", "B1-2", "fold01.train"):
        write_audits([name], make(), tmp_path / "audit")


def test_the_entry_point_ends_with_1_and_names_both(sh, make, protocol, tmp_path, tables):  # noqa: F811
    command = [sys.executable, "-m", "mscnn.bin.audit", "--protocol", protocol("toy2"), "--out", tmp_path / "audit"]
    result = sh(*command, "--data", make(), cwd=ROOT)
    assert result.returncode == 0 and "toy2@" in result.stderr and "train and test share scene" in result.stderr
    shutil.copy(tables["wav.scp"]["A2-3"], tables["wav.scp"]["B1-0"])
    result = sh(*command, "--data", tmp_path / "data" / "toy", cwd=ROOT)
    assert result.returncode == 1 and "Traceback" not in result.stderr
    assert "A2-3" in result.stderr and "B1-0" in result.stderr and "Keep one of each pair" in result.stderr
