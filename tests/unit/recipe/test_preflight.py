"""Preflight: each seeded fault gives one line with its cure."""

import shutil
import sys

import pytest

from mscnn.recipe import preflight as doctor
from mscnn.recipe.preflight import Needs, examine


def report(needs: Needs) -> dict[str, list[str]]:
    lines: dict[str, list[str]] = {"ok": [], "warn": [], "FAIL": []}
    for finding in examine(needs):
        lines[finding.level].append(str(finding))
    return lines


@pytest.fixture(autouse=True)
def no_environment(monkeypatch):
    for name in ("KALDI_ROOT", "MSCNN_BACKEND", "GOOGLE_APPLICATION_CREDENTIALS"):
        monkeypatch.delenv(name, raising=False)


def test_this_machine_is_fine():
    found = report(Needs())
    assert found["FAIL"] == []
    assert [line.split()[1] for line in found["ok"]][-3:] == ["jobs:", "asr:", "disk:"]


def test_what_a_recipe_needs_is_there(shared_dir):
    needs = Needs(
        labels="ravdess8",
        features=["mfcc96"],
        protocols=["ravdess6"],
        engines=["pocketsphinx"],
        voices=True,
        corpus="ravdess",
        corpus_root=str(shared_dir / "data" / "ravdess"),
    )
    found = report(needs)
    assert found["FAIL"] == []
    assert any("corpus: ravdess, 1440 recordings" in line for line in found["ok"])
    assert any("voices: espeak-ng" in line for line in found["ok"])


@pytest.mark.parametrize(
    "needs, message, cure",
    [
        (Needs(labels="nope"), "nope.yaml: no such file", "conf/labels has: "),
        (Needs(protocols=["loso5", "nope"]), "nope.yaml: no such file", "conf/protocols has: "),
        (Needs(engines=["nope"]), "no ASR engine 'nope'", "pocketsphinx"),
        (Needs(engines=["file"]), "engine file: which file?", "--table FILE"),
        (Needs(files={"--xvector": "nope.scp"}), "nope.scp is not there", "give --xvector a file"),
        (Needs(xvector_model="voxcelebrity"), "voxcelebrity: no x-vector model", "tools/download_xvector_model.sh"),
        (Needs(models=["nope"]), "nope.yaml: no such file", "conf/models has: "),
        (Needs(models=["ca_mser_finetuned"], wav2vec2="/nope"), "wav2vec 2.0 /nope: cannot be read", "config.json"),
        (Needs(features=["wav2vec2"], models=["ca_mser"]), "facebook/wav2vec2-base-960h", "model.safetensors"),
        (Needs(corpus="nope", corpus_root="."), "no parser 'nope'", "--parser iemocap"),
        (Needs(corpus="iemocap", corpus_root="/nope"), "/nope: no such folder", "IEMOCAP_full_release"),
        (Needs(corpus="iemocap", corpus_root="."), "no Session1", "expected:"),
    ],
)
def test_faults_are_named_with_their_cure(needs, message, cure):
    (line,) = report(needs)["FAIL"]
    assert message in line and cure in line


def test_the_speech_model_of_features_and_systems_is_looked_at_where_it_is_needed(wav2vec2_folder, monkeypatch):
    given = {"wav2vec2": str(wav2vec2_folder)}
    for needs in (Needs(features=["wav2vec2"], **given), Needs(models=["ca_mser_finetuned"], **given)):
        (line,) = [line for line in report(needs)["ok"] if "wav2vec 2.0" in line]
        assert f"{wav2vec2_folder}, 16 values" in line
    for needs in (Needs(models=["mscnn_spu"], **given), Needs(features=["wav2vec2"], wav2vec2="none")):
        found = report(needs)
        assert found["FAIL"] == [] and not any("wav2vec 2.0" in line for line in found["ok"])
    monkeypatch.setitem(sys.modules, "transformers", None)
    (line,) = report(Needs(models=["ca_mser_finetuned"], **given))["FAIL"]
    assert "mscnn[ssl]" in line


def test_git_lfs_pointers(tmp_path):
    folder = tmp_path / "Actor_01"
    folder.mkdir()
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n"
    (folder / "03-01-01-01-01-01-01.wav").write_text(pointer)
    (line,) = report(Needs(corpus="ravdess", corpus_root=str(tmp_path)))["FAIL"]
    assert "1 of 1 recordings are git-LFS pointers" in line and "lfs pull" in line


def test_cuda_that_is_not_there(monkeypatch):
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    (line,) = report(Needs(device="cuda"))["FAIL"]
    assert "sees no CUDA device -> --device cpu" in line


def test_packages(monkeypatch, tmp_path):
    pins = tmp_path / "requirements.txt"
    monkeypatch.setattr(doctor, "PINS", pins)
    pins.write_text("# remark\nno-such-package==1.0\nnumpy==1.0\n")
    assert any("no-such-package missing" in line and "install" in line for line in report(Needs())["FAIL"])
    pins.write_text('numpy==1.0; python_version < "3"\nnumpy==2.0; python_version > "3"\n')
    assert any("(pinned: 1.0 or 2.0)" in line for line in report(Needs())["warn"])


def test_disk_backend_and_kaldi(monkeypatch, tmp_path):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(1, 1, 10**8))
    monkeypatch.setenv("MSCNN_BACKEND", "moon")
    monkeypatch.setenv("KALDI_ROOT", str(tmp_path))
    found = report(Needs())
    assert any("0.1 GB free" in line for line in found["FAIL"])
    assert any("no backend 'moon' -> in cmd.sh" in line for line in found["FAIL"])
    assert any("nnet3-xvector-compute; x-vectors are made without" in line for line in found["warn"])
    found = report(Needs(xvector_backend="kaldi"))
    assert any("kaldi: not found: compute-mfcc-feats" in line and "native" in line for line in found["FAIL"])
