"""egs/mini_voices/run.sh, and the model that it made."""

import re
import sys

import numpy as np
import pytest
import soundfile

from mscnn.data.datadir import DataDir
from mscnn.synthetic import mini_voices
from mscnn.xvector.frontend import Frontend, sliding_cmn
from mscnn.xvector.trials import score
from mscnn.xvector.vectors import read_vectors
from tests.shell.conftest import ROOT

MODEL = ROOT / "conf/xvector/espeak"


@pytest.fixture
def run(sh, checkout):
    recipe = checkout / "egs/mini_voices"
    return lambda *options, **more: sh(recipe / "run.sh", *options, **more)


def test_help_needs_no_environment(run, checkout):
    (checkout / "tools").unlink()
    result = run("--help", PATH="/usr/bin:/bin")
    assert (result.returncode, result.stderr) == (0, "")
    assert all(f"  {n} {name} " in result.stdout for n, name in enumerate(("data", "train", "extract", "score"), 1))


@pytest.mark.parametrize("options", [["--stag", "3"], ["--epochs", "many"], ["3"], ["--sets="]])
def test_wrong_usage_ends_with_2(run, checkout, options):
    assert run(*options).returncode == 2
    assert not (checkout / "egs/mini_voices/data").exists()


def test_shipped_model_verifies_voices_that_it_was_not_trained_on(run, checkout, tmp_path, monkeypatch):
    monkeypatch.setattr(mini_voices, "VARIANTS", {"few": ["f3", "klatt", "paul", "steph"]})
    monkeypatch.setattr(mini_voices, "SPEAKERS_PER_VARIANT", {"few": 1})
    assert mini_voices.make(tmp_path / "wavs", tmp_path / "data") == {"few": 40}
    options = "--stage", 3, "--model", "espeak", "--backend", "native", "--sets", tmp_path / "data/few"
    result = run(*options, timeout=120)
    assert result.returncode == 0, result.stderr
    (line,) = re.findall(r"^EER .*", result.stdout, re.MULTILINE)
    assert (checkout / "egs/mini_voices/exp/xvector/few/eer.txt").read_text() == f"{line}\n"
    assert " trials=780 target=180 nontarget=600 " in line
    assert float(line.split()[1]) < 15


def test_two_sets_of_one_name_are_refused(run, checkout):
    result = run("--stage", 3, "--sets", "data/test other/train other/test/")
    assert result.returncode == 2
    assert all(word in result.stderr for word in ("--sets", " test"))
    assert not (checkout / "egs/mini_voices/exp").exists()


def test_a_failure_keeps_the_earlier_error_rate(run, checkout):
    folder = checkout / "egs/mini_voices/exp/xvector/none"
    folder.mkdir(parents=True)
    (folder / "eer.txt").write_text("EER 1.00 %\n")
    result = run("--stage", 4, "--sets", "data/none")
    assert result.returncode == 1 and "data/none" in result.stderr
    assert (folder / "eer.txt").read_text() == "EER 1.00 %\n"


@pytest.mark.parametrize("sliding", ["true", "false"])
def test_statistics_without_a_network(sh, checkout, tmp_path, sliding):
    """Mean and standard deviation of the voiced frames, zeros where there are none, in the format of score_trials."""
    rng, mfcc = np.random.default_rng(0), Frontend.load(MODEL / "conf")
    sounds = {utt: 0.1 * rng.normal(size=16000).astype("f4") for utt in ("a-1", "a-2", "b-1")}
    sounds["b-2"] = np.zeros(16000, "f4")
    for utt, samples in sounds.items():
        soundfile.write(tmp_path / f"{utt}.wav", samples, 16000, subtype="FLOAT")
    constant = {name: dict.fromkeys(sounds, value) for name, value in (("text", "m"), ("utt2emo", "n"), ("utt2dur", 1))}
    wavs, spk = {utt: tmp_path / f"{utt}.wav" for utt in sounds}, {utt: utt[0] for utt in sounds}
    DataDir.write(tmp_path / "data", {"wav.scp": wavs, "utt2spk": spk, **constant})
    command = [sys.executable, checkout / "egs/mini_voices/local/mfcc_statistics.py", "--data", tmp_path / "data"]
    more = "--feature-conf", MODEL / "conf", "--sliding-mean", sliding, "--out", tmp_path / "out"
    result = sh(*command, *more, PYTHONPATH=str(ROOT))
    assert result.returncode == 0, result.stderr
    vectors = dict(zip(sounds, read_vectors(tmp_path / "out/xvector.scp", [*sounds]), strict=True))
    frames = mfcc.mfcc(sounds["a-1"])
    voiced = (sliding_cmn(frames) if sliding == "true" else frames)[mfcc.vad(frames)]
    np.testing.assert_allclose(vectors["a-1"], [*voiced.mean(0), *voiced.std(0)], rtol=1e-4, atol=1e-4)
    assert vectors["b-2"].shape == (60,) and not vectors["b-2"].any()
    assert score(tmp_path / "out/xvector.scp", DataDir.load(tmp_path / "data")).zero == 1


def test_shipped_model_is_small_and_complete():
    assert (MODEL / "final.raw").stat().st_size < 1_000_000
    assert all((MODEL / name).is_file() for name in ("README.md", "extract.config", "min_chunk_size", "max_chunk_size"))
