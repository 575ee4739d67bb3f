"""Audits as files, and leaks that stop a recipe."""

import json
import shutil
import sys
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import yaml

from mscnn.data.datadir import DataDir
from mscnn.data.protocols import Protocol
from mscnn.features.archive import FeatureDir, write_archive
from mscnn.features.config import Feature
from mscnn.files import write_table
from mscnn.leakage import report
from mscnn.leakage.report import audit, require_no_leaks, write_audits
from mscnn.leakage.result import AuditResult
from tests.raises import fails
from tests.shell.conftest import ROOT, sh  # noqa: F401  (a fixture)

CELLS = {"scheme": "group", "by": ["session", "scenario"]}
AT_RANDOM = {"scheme": "random", "folds": 2, "seed": 1}


def write(names: list[str], data: Path, out: Path, **options) -> list[AuditResult]:
    return write_audits(names, DataDir.load(data), out, **options)


@pytest.fixture
def out(tmp_path) -> Path:
    return tmp_path / "audit"


@pytest.fixture
def measured(monkeypatch) -> list[int]:
    """One entry per measured audit."""
    calls, measure = [], report.measure
    monkeypatch.setattr(report, "measure", lambda *args, **more: calls.append(1) or measure(*args, **more))
    return calls


def test_a_file_holds_the_result(make, protocol, out):
    (result,) = write([protocol("toy2", ("speaker", "session"))], make(), out)
    assert json.loads((out / "toy2.json").read_text()) == asdict(result)
    assert (result.data, result.utterances, len(result.folds)) == ("toy", 24, 2)
    assert result.protocol.disjoint["train-test"] == ["speaker", "session"]
    assert result.common == ["scene"] and result.disjoint == ["speaker", "session", "recording", "text"]
    assert result.scores["tfidf_lr"]["all"].wa.mean == 100 and result.leaks == []


def test_the_function_writes_nothing(make, protocol, tmp_path):
    data, name = make(), protocol("toy2")
    before = sorted(tmp_path.rglob("*"))
    result = audit(DataDir.load(data), Protocol.load(name))
    assert sorted(tmp_path.rglob("*")) == before
    (written,) = write([name], data, tmp_path / "audit")
    assert result == replace(written, inputs="") == audit(DataDir.load(data), str(name))
    assert all(text in str(result) for text in (f"toy2@{result.protocol.hash}", "scene", "100.0 / 100.0"))


def test_unchanged_audits_are_kept_and_changes_are_noticed(make, protocol, out, measured):
    name, data = protocol("toy2"), make()
    write([name], data, out)
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    write([name], data, out)
    assert before == {path.name: path.read_bytes() for path in out.iterdir()} and len(measured) == 1
    write([name], make(text={"A1-0": "new words"}), out)
    assert len(measured) == 2


@pytest.mark.parametrize("name", ["toy2.json", "recordings.json"])
def test_a_damaged_audit_is_made_again(make, protocol, out, name):
    data = make()
    (first,) = write([protocol("toy2")], data, out)
    (out / name).write_text("[1, 2]")
    assert write([protocol("toy2")], data, out) == [first]


def test_audits_of_other_code_or_packages_are_made_again(make, protocol, out, monkeypatch, measured):
    name, data, digest, version = protocol("toy2"), make(), report.source_digest, report.version
    changed = {"mscnn.evaluation.metrics", "mscnn.features.archive", "mscnn.leakage.measures", "scikit-learn"}
    write([name], data, out)
    for one in sorted(changed):
        monkeypatch.setattr(report, "source_digest", lambda module, one=one: "new" if module == one else digest(module))
        monkeypatch.setattr(report, "version", lambda package, one=one: "0" if package == one else version(package))
        write([name], data, out)
    assert len(measured) == 1 + len(changed)


def test_two_protocols_of_one_name_are_refused(make, protocol, tmp_path, out):
    first = protocol("toy2")
    (tmp_path / "other.yaml").write_text((tmp_path / "toy2.yaml").read_text())
    with fails("protocol-name-twice", "toy2.yaml", "other.yaml", out / "toy2.json"):
        write([first, str(tmp_path / "other.yaml")], make(), out)
    assert not out.exists()


def test_a_corpus_without_text_is_neither_text_disjoint_nor_not(make, protocol, out, tables):
    (result,) = write([protocol("toy2")], make(text=dict.fromkeys(tables["text"], "")), out)
    assert "text" not in result.common + result.disjoint and not result.has_text
    assert result.texts["all"].near.mean is result.texts["all"].near.worst is None


def test_results_do_not_depend_on_the_number_of_processes(make, protocol, tmp_path, monkeypatch):
    monkeypatch.setattr(report, "SERIAL_BELOW", 0)
    data, names = make(), [protocol("toy2"), protocol("toy4", test={"scheme": "group", "by": "speaker"})]
    write(names, data, tmp_path / "one", nj=1)
    write(names, data, tmp_path / "two", nj=2)
    for name in ("toy2.json", "toy4.json"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_audits_of_large_sets_are_jobs_of_a_cluster(make, protocol, tmp_path, monkeypatch):
    monkeypatch.setattr(report, "SERIAL_BELOW", 0)
    data, names = make(), [str(protocol("toy2")), str(protocol("toy4", test={"scheme": "group", "by": "speaker"}))]
    expected = write(names, data, tmp_path / "here")
    submitted, run_jobs = [], report.run_jobs

    def elsewhere(function, jobs, **options):
        submitted.append(len(jobs))
        with monkeypatch.context() as task:
            task.setenv("MSCNN_BACKEND_AUDIT", "local")
            run_jobs(function, jobs, **options)

    monkeypatch.setattr(report, "run_jobs", elsewhere)
    monkeypatch.setenv("MSCNN_BACKEND_AUDIT", "slurm")
    assert write(names, data, tmp_path / "there") == expected and submitted == [2]
    assert write(names, data, tmp_path / "there") == expected and submitted == [2, 0], "all are up to date"


def test_audio_is_scored_where_features_are_given(make, protocol, tmp_path, out, tables):
    rng, feature, folder = np.random.default_rng(0), Feature.load("mfcc96"), tmp_path / "feats"
    loud = {u: 3 * (e == "sad") for u, e in tables["utt2emo"].items()}
    frames = write_archive(
        folder / "feats.1", ((u, rng.normal(loud[u], size=(9, 96)).astype(np.float32)) for u in loud)
    )
    shutil.copy(folder / "feats.1.scp", folder / "feats.scp")
    write_table(folder / "utt2num_frames", frames)
    facts = {"feature": "mfcc96", "options": feature.options, "hash": feature.hash, "dim": 96, "frame_shift": 0.01}
    (folder / "feature.yaml").write_text(yaml.safe_dump({**facts, "content": "0"}))
    data = make()
    (result,) = write([protocol("toy2")], data, out, features=FeatureDir.load(folder))
    assert result.scores["logmel_lr"]["all"].wa.mean == 100 and result.features == "mfcc96"
    assert write([protocol("toy2")], data, out) == [result]  # stage 1 once more


def test_a_single_shared_text_among_many_is_noticed(make, protocol, out):
    (result,) = write([protocol("toy2")], make(text={"A2-3": "Oh dear!", "B1-0": "oh dear"}), out)
    assert result.common == ["scene", "text"]
    none = replace(result.texts["all"].verbatim, mean=0.0, worst=0.0, pooled=0.0)  # 1 in 30 000, rounded
    rounded = replace(result, texts={**result.texts, "all": replace(result.texts["all"], verbatim=none)})
    assert rounded.common == ["scene", "text"]


def test_a_copied_recording_fails(make, protocol, out, tables):
    data = make()
    shutil.copy(tables["wav.scp"]["A2-3"], tables["wav.scp"]["B1-0"])
    for _ in range(2):  # also for an unchanged audit
        results = write([protocol("toy2")], data, out)
        with fails("recording-twice", "B1-0 (train)", "A2-3 (test)", "A2-3.wav") as caught:
            require_no_leaks(results)
        assert len(caught.value.issues) == 1


def test_a_copied_line_fails_where_texts_are_stated_to_be_disjoint(make, protocol, out):
    data = make(text={"A2-3": "Oh dear, the boat!", "B1-0": "oh dear [SIGH] the boat"})
    (result,) = write([protocol("toy2")], data, out)  # nothing stated: reported
    assert result.texts["all"].verbatim.worst > 0
    with fails("folds-invalid", "A2-3", "B1-0", "text"):
        write([protocol("words", ("text",))], data, out)
    assert not (out / "words.json").exists()


def test_a_speaker_on_both_sides_fails_where_speakers_are_stated_to_be_disjoint(make, protocol, out):
    data = make()
    (result,) = write([protocol("free", test=AT_RANDOM)], data, out)
    assert result.shared["speaker"].worst == 4
    with fails("folds-invalid", "fold 1", "speaker 'A1'"):
        write([protocol("lie", ("speaker",), test=AT_RANDOM)], data, out)


def test_an_utterance_on_both_sides_fails(make, protocol, tmp_path, out):
    lists = tmp_path / "lists"
    lists.mkdir()
    for part, utts in {"train": ("A1-0", "A1-1", "B1-2"), "dev": ("A2-0",), "test": ("B1-1", "B1-2")}.items():
        (lists / f"fold01.{part}").write_text("".join(f"{u}\n" for u in utts))
    name = protocol("given", test={"scheme": "predefined", "lists": "lists"}, dev={"scheme": "predefined"})
    with fails("utterance-in-two-parts", "fold01.test", "B1-2", "fold01.train"):
        write([name], make(), out)


def test_every_part_must_have_every_class(make, protocol, out):
    """Where they are given; of pooled protocols the test parts together, and only of the folds that are trained."""
    data = make(utt2emo={"A1-1": "happy", "A2-1": "happy"})  # all of the first cell is happy
    cells, pooled = protocol("cells", test=CELLS), protocol("pooled", test=CELLS, aggregate="pooled")
    with fails("class-absent", "cells", data, "fold 1", "sad", "test") as caught:
        write([cells], data, out, classes=("happy", "sad"))
    assert len(caught.value.issues) == 1 and not out.exists()
    write([cells], data, out)
    write([pooled], data, out, classes=("happy", "sad"))
    with fails("class-absent", "pooled", "sad", "test"):
        write([pooled], data, out, classes=("happy", "sad"), first_folds=1)


def test_the_entry_point_ends_with_1_and_names_both(sh, make, protocol, tmp_path, tables):  # noqa: F811
    command = [sys.executable, "-m", "mscnn.bin.audit", "--protocol", protocol("toy2"), "--out", tmp_path / "audit"]
    result = sh(*command, "--data", make(), cwd=ROOT)
    assert result.returncode == 0 and "toy2@" in result.stderr and "scene" in result.stderr
    assert sorted(path.name for path in (tmp_path / "audit").iterdir()) == ["recordings.json", "toy2.json", "toy2.md"]
    shutil.copy(tables["wav.scp"]["A2-3"], tables["wav.scp"]["B1-0"])
    result = sh(*command, "--data", tmp_path / "data" / "toy", cwd=ROOT)
    assert result.returncode == 1 and "Traceback" not in result.stderr
    assert "A2-3" in result.stderr and "B1-0" in result.stderr and "error[recording-twice]: " in result.stderr
    assert "LEAK: " in (tmp_path / "audit" / "toy2.md").read_text()
