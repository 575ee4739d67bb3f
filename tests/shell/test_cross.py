"""run.sh --train-on A --test-on B: joint data directories of any two, their plan, audit and features."""

import json
import re

import numpy as np
import pytest
import soundfile

from mscnn.data.datadir import DataDir


@pytest.fixture
def corpora(tmp_path):
    """Data directories one (16 kHz) and two (44.1 kHz, stereo), with other names of the same two classes."""
    rng = np.random.default_rng(0)
    for name, rate, channels, classes in (
        ("one", 16000, 1, ("angry", "sad", "calm")),
        ("two", 44100, 2, ("ang", "sadness")),
    ):
        utts = {f"S{speaker}-{label}": label for speaker in range(3) for label in classes}
        for utt in utts:
            soundfile.write(tmp_path / f"{name}{utt}.wav", rng.uniform(-0.5, 0.5, (rate // 2, channels)), rate)
        tables = {"wav.scp": {utt: tmp_path / f"{name}{utt}.wav" for utt in utts}, "text": dict.fromkeys(utts, "")}
        tables |= {"utt2spk": {utt: utt[:2] for utt in utts}, "utt2emo": utts, "utt2dur": dict.fromkeys(utts, "0.5")}
        DataDir.write(tmp_path / name, tables)
    return tmp_path


def test_all_pairs_are_made_from_two_data_directories(sh, checkout, corpora):
    options = ("--model", "majority logmel_lr", "--nj", 1, "--stage", "data", "--stop-stage", "features")
    result = sh(
        checkout / "egs/cross/run.sh",
        "--train-on",
        "one two",
        "--test-on",
        "one two",
        *options,
        cwd=corpora,
        timeout=300,
    )
    assert result.returncode == 0, result.stderr + result.stdout
    recipe = checkout / "egs/cross"
    rows = [json.loads(line) for line in (recipe / "exp/plan.jsonl").read_text().splitlines()]
    assert {(row["model"], row["data"], row["protocol"]) for row in rows} == {
        (model, f"data/{pair}", "cross_corpus")
        for model in ("majority", "logmel_lr")
        for pair in ("one_to_two", "two_to_one")
    }
    for train, test in (("one", "two"), ("two", "one")):
        data = DataDir.load(recipe / f"data/{train}_to_{test}")
        assert {utt.partition("-")[0] for utt in data.utts if data.split[utt] == "test"} == {test}
        assert data.classes == ["angry", "sad"] and len(data.utts) == 12
        assert (recipe / f"dump/logmel3d/{train}_to_{test}/feats.scp").is_file()
    assert "one: excluded: calm 3" in result.stderr and re.search("sad ← one: sad; two: sadness", result.stderr)


def test_options_that_do_not_fit(sh, checkout, corpora):
    run = checkout / "egs/cross/run.sh"
    assert sh(run, cwd=corpora).returncode == 2
    result = sh(run, "--train-on", "one", cwd=corpora)
    assert result.returncode == 2 and "--test-on" in result.stderr
    result = sh(run, "--train-on", "one", "--test-on", "gone", cwd=corpora)
    assert result.returncode == 1 and "error[joint-source]" in result.stderr
    result = sh(run, "--train-on", "one", "--test-on", "two", "--dry-run", cwd=corpora)
    assert result.returncode == 0 and "mscnn.bin.join" in result.stdout and not (checkout / "egs/cross/data").exists()
