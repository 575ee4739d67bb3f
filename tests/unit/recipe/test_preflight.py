"""Preflight: each error gives one line with its fix."""

import shutil
from collections import namedtuple
from importlib import metadata
from pathlib import Path

import pytest

from mscnn.config import embeddings
from mscnn.corpora import names, read
from mscnn.paths import conf
from mscnn.recipe import preflight
from mscnn.recipe.make import make_plan
from mscnn.recipe.needs import Needs
from mscnn.recipe.options import Options
from mscnn.recipe.plan import Plan, Row
from mscnn.recipe.preflight import examine, requirements
from tests import tiny_encoders
from tests.raises import fails


def report(needs: Needs) -> dict[str, list[str]]:
    lines: dict[str, list[str]] = {"ok": [], "warn": [], "FAIL": []}
    for finding in examine(needs):
        lines[finding.level].append(str(finding))
    return lines


def planned(**options) -> Plan:
    """A plan of one experiment, without the checks of its options."""
    usual = {
        "tag": "t",
        "exp": "exp/t",
        "model": "majority",
        "data": "data/d",
        "labels": "ravdess8",
        "protocol": "ravdess6",
    }
    return Plan((Row(**{**usual, **options}),))


@pytest.fixture(autouse=True)
def no_environment(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for name in ("KALDI_ROOT", "MSCNN_BACKEND", "GOOGLE_APPLICATION_CREDENTIALS"):
        monkeypatch.delenv(name, raising=False)


def test_without_a_plan_only_the_machine_is_checked():
    lines = report(Needs())
    subjects = ["python:", "packages:", "torch:", "machine:", "kaldi:", "jobs:", "disk:"]
    assert lines["FAIL"] == [] and [line.split()[1] for line in lines["ok"]] == subjects


def test_missing_word_vectors_are_named_with_both_ways_out(monkeypatch, tmp_path):
    monkeypatch.setattr(embeddings, "FOLDER", tmp_path)
    needs = Needs(planned(model="text_cnn", text="gt", embeddings="glove.840B.300d"))
    (line,) = report(needs)["FAIL"]
    assert "tools/download_glove.sh" in line and "word2vec" in line
    file = tmp_path / "glove.840B.300d" / "glove.840B.300d.txt"
    file.parent.mkdir()
    file.write_text("the 0.1 0.2 0.3\n")
    lines = report(needs)
    assert not lines["FAIL"] and any("3 dimensions" in line and str(file) in line for line in lines["ok"])
    file.write_text("<html>not found</html>\n")
    assert str(file) in report(needs)["FAIL"][0]
    assert not report(Needs(planned(model="text_cnn", text="gt", embeddings="word2vec")))["FAIL"]


def test_the_needs_of_a_recipe_are_available(shared_dir):
    options = Options(labels="ravdess8", models=("mscnn_spu",), texts=("pocketsphinx",), protocols=("ravdess6",))
    root = str(shared_dir / "data" / "ravdess")
    lines = report(Needs(make_plan(options), corpus="ravdess", root=root, asr_options=(("language", ""),)))
    assert lines["FAIL"] == []
    for words in (
        "corpus: ravdess, 1440 ",
        "asr: pocketsphinx",
        "x-vector model: espeak",
        "plan: 1 ",
        "mscnn_spu; ravdess6",
    ):
        assert any(words in line for line in lines["ok"])
    assert any("voices: " in line for line in report(Needs(voices=True, corpus="iemocap"))["ok"])


@pytest.mark.parametrize(
    "needs, words",
    [
        (Needs(engines=("nope",)), ["nope", "pocketsphinx"]),
        (Needs(engines=("file",)), ["--table"]),
        (Needs(planned(text="file")), ["--table"]),
        (Needs(planned(xvector="x/xvector.scp", xvector_model="voxcelebrity")), ["voxcelebrity"]),
        (Needs(planned(model="ca_mser_finetuned", set=("wav2vec2=/nope",))), ["/nope", "config.json"]),
        (Needs(planned(features={"wav2vec2": "dump/wav2vec2/d"})), ["facebook/wav2vec2-base-960h"]),
        (Needs(planned(device="cuda")), ["CUDA", "--device cpu"]),
        (Needs(corpus="nope", root="."), ["nope", "--parser ", "|iemocap|"]),
        (Needs(corpus="iemocap", root="/nope"), ["/nope"]),
        (Needs(corpus="iemocap", root="."), ["Session1"]),
    ],
)
def test_errors_are_named_with_their_fix(needs, words, monkeypatch):
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    (line,) = report(needs)["FAIL"]
    assert all(word in line for word in words)


def test_only_the_needs_of_the_stages_that_run_are_checked():
    plan = planned(
        text="file", xvector="x/xvector.scp", xvector_model="voxcelebrity", features={"wav2vec2": "dump/w/d"}
    )
    assert report(Needs(plan, stages=(0, 1)))["FAIL"] == []
    (line,) = report(Needs(plan, stages=(0, 2)))["FAIL"]
    assert "voxcelebrity" in line
    given = planned(features={"wav2vec2": "dump/w/d"}, given=("wav2vec2",))
    assert report(Needs(given))["FAIL"] == []
    assert len(report(Needs(plan, stages=(0, 0)))["FAIL"]) == 3


def test_the_speech_model_is_checked_where_it_is_needed(wav2vec2_folder, monkeypatch):
    change = f"wav2vec2={wav2vec2_folder}"
    tuned, features = (
        planned(model="ca_mser_finetuned", set=(change,)),
        planned(features={"wav2vec2": "dump/w/d"}, feature_set={"wav2vec2": (f"model={wav2vec2_folder}",)}),
    )
    for plan in (tuned, features):
        lines = report(Needs(plan))
        assert lines["FAIL"] == [] and any(f"wav2vec 2.0: {wav2vec2_folder}, 16 " in line for line in lines["ok"])


def test_corpora_without_recipe_that_an_encoder_was_trained_on(tmp_path):
    tiny_encoders.write_onnx(tmp_path / "a.onnx")
    options = conf("features", "emotion2vec_base").read_text().replace("emotion2vec_base.onnx", f"{tmp_path}/a.onnx")
    Path("a.yaml").write_text(options.replace("trained_on: [", "trained_on: [ravdes, "))
    lines = report(Needs(planned(features={"a.yaml": "dump/a/d"})))
    assert lines["FAIL"] == [] and len(lines["warn"]) == 1 and "ravdess?" in lines["warn"][0]


def test_git_lfs_pointers(tmp_path):
    folder = tmp_path / "Actor_01"
    folder.mkdir()
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n"
    (folder / "03-01-01-01-01-01-01.wav").write_text(pointer)
    (line,) = report(Needs(corpus="ravdess", root=str(tmp_path)))["FAIL"]
    assert "1 of 1" in line and "lfs pull" in line


@pytest.mark.parametrize("name", names())
def test_the_folder_of_a_corpus_must_exist(tmp_path, name):
    (line,) = report(Needs(corpus=name, root=str(tmp_path / "typo")))["FAIL"]
    assert str(tmp_path / "typo") in line
    with fails("corpus-missing", tmp_path / "typo"):
        read(name, tmp_path / "typo")


def test_features_of_a_corpus_without_recordings_fail(shared_dir):
    root = str(shared_dir / "data" / "meld")
    text = Needs(planned(model="text_cnn", text="gt"), corpus="meld", root=root)
    assert report(text)["FAIL"] == []
    audio = Needs(planned(features={"mfcc96": "dump/mfcc96/d"}), corpus="meld", root=root)
    (line,) = report(audio)["FAIL"]
    assert "mfcc96" in line and "--text gt" in line


def test_packages(monkeypatch):
    assert any(requirement.startswith("torch") for requirement in requirements())
    required = ["no-such-package>=1", "numpy<1.0", 'other; python_version < "3"']
    monkeypatch.setattr(preflight, "requirements", lambda: required)
    lines = report(Needs())
    (line,) = lines["FAIL"]
    assert "no-such-package" in line and "install" in line
    assert any("numpy" in line and "<1.0" in line for line in lines["warn"])


def test_requirements_of_an_installed_package_come_from_its_metadata(monkeypatch, tmp_path):
    monkeypatch.setattr(preflight, "ROOT", tmp_path)
    monkeypatch.setattr(metadata, "requires", lambda name: [f"{name}-needs>=2"])
    assert requirements() == ["mscnn-needs>=2"]


def test_memory_that_was_measured(monkeypatch, tmp_path):
    assert not any("memory:" in line for line in report(Needs(planned()))["ok"])
    (tmp_path / "exp/t").mkdir(parents=True)
    (tmp_path / "exp/t/memory.json").write_text('{"bytes": 2000000000}')
    monkeypatch.setattr("mscnn.jobs.memory", lambda: 5 * 10**9)
    assert any(
        "memory:" in line and "exp/t takes 2.00 GB, 2 at" in line for line in report(Needs(planned(), nj=2))["ok"]
    )
    assert any("memory:" in line and "2 at" in line for line in report(Needs(planned(), nj=8))["warn"])


def test_disk_backend_processors_and_kaldi(monkeypatch, tmp_path):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(1, 1, 10**8))
    monkeypatch.setenv("MSCNN_BACKEND", "moon")
    monkeypatch.setenv("KALDI_ROOT", str(tmp_path))
    lines = report(Needs(nj=10**6))
    assert any("disk: 0.1 GB" in line for line in lines["FAIL"])
    assert sum("moon" in line and "local" in line for line in lines["FAIL"]) == 1
    assert any("nnet3-xvector-compute" in line for line in lines["warn"])
    assert any("machine: " in line and "--nj 1000000" in line for line in lines["warn"])
    lines = report(Needs(xvector_backend="kaldi"))
    assert any("compute-mfcc-feats" in line and "native" in line for line in lines["FAIL"])
