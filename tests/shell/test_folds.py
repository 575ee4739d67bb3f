"""python -m mscnn.bin.folds: lists out, lists in."""

import re
import sys

import pytest

from mscnn.data.datadir import DataDir
from mscnn.paths import conf
from tests.shell.conftest import ROOT


@pytest.fixture
def data(tmp_path):
    utts = {f"Ses{s:02d}{g}-{i}": f"Ses{s:02d}{g}" for s in range(1, 6) for g in "FM" for i in range(2)}
    wav = tmp_path / "x.wav"
    wav.write_bytes(b"RIFF")
    tables = {"wav.scp": dict.fromkeys(utts, wav), "text": dict.fromkeys(utts, "yes"), "utt2spk": utts}
    tables |= {"utt2emo": dict.fromkeys(utts, "sad"), "utt2dur": dict.fromkeys(utts, "1")}
    DataDir.write(tmp_path / "data", {**tables, "utt2session": {u: u[:5] for u in utts}})
    return tmp_path / "data"


def test_out_and_in_again(sh, data, tmp_path):
    folds = [sys.executable, "-m", "mscnn.bin.folds", "--data", data]
    result = sh(*folds, "--protocol", "loso5", "--out", tmp_path / "out", cwd=ROOT)
    assert result.returncode == 0
    out = tmp_path / "out"
    assert (out / "fold01.test").read_text() == "Ses01F-0\nSes01F-1\nSes01M-0\nSes01M-1\n"
    assert (out / "loso5.yaml").read_bytes() == conf("protocols", "loso5").read_bytes()
    title, *facts = (out / "hash").read_text().split()
    sha256 = facts.pop().removeprefix("sha256=")
    assert facts == ["version=1", "folds=5"] and title == f"loso5@{sha256[:4]}" and len(sha256) == 64

    result = sh(*folds, "--import", out, "--name", "mine", "--out", tmp_path / "in", cwd=ROOT)
    assert result.returncode == 0
    lists = sorted(path.name for path in out.glob("fold*"))
    assert len(lists) == 15
    assert all((out / name).read_bytes() == (tmp_path / "in" / name).read_bytes() for name in lists)
    result = sh(*folds, "--protocol", tmp_path / "in" / "mine.yaml", "--out", tmp_path / "again", cwd=ROOT)
    assert result.returncode == 0
    assert (tmp_path / "in" / "hash").read_bytes() == (tmp_path / "again" / "hash").read_bytes()

    before = {path.name: path.read_bytes() for path in out.iterdir()}
    for options in (("--import", out), ("--import", tmp_path / "in"), ("--protocol", "leave_one_speaker_out")):
        result = sh(*folds, *options, "--out", out, cwd=ROOT)
        assert result.returncode == 1 and re.match(r"error\[[a-z-]+\]: ", result.stderr) and "--out" in result.stderr
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


@pytest.mark.parametrize(
    ("options", "status", "words"),
    [
        ([], 2, ["--protocol --import"]),
        (["--protocol", "loso5", "--import", "x"], 2, ["--protocol", "--import"]),
        (["--import", "/absent"], 1, ["error[", "/absent", "fold_1/CORPUS_train_fold_1.jsonl"]),
        (["--protocol", "scene_disjoint54"], 1, ["error[", "utt2scene"]),
    ],
)
def test_wrong_use(sh, data, tmp_path, options, status, words):
    result = sh(sys.executable, "-m", "mscnn.bin.folds", "--data", data, "--out", tmp_path / "out", *options, cwd=ROOT)
    assert (
        result.returncode == status and all(word in result.stderr for word in words) and not (tmp_path / "out").exists()
    )
