"""egs/mini_voices/run.sh, and the model that it made."""

import re

import pytest

from mscnn.corpora import mini_voices
from tests.shell.conftest import ROOT

MODEL = ROOT / "conf/xvector/espeak"


@pytest.fixture
def run(sh, checkout):
    recipe = checkout / "egs/mini_voices"
    return lambda *options, **more: sh(recipe / "run.sh", *options, **more)


def test_help_answers_before_any_environment_is_there(run, checkout):
    (checkout / "tools").unlink()
    result = run("--help", PATH="/usr/bin:/bin")
    assert (result.returncode, result.stderr) == (0, "")
    assert all(f"  {n} {name} " in result.stdout for n, name in enumerate(("data", "train", "extract", "score"), 1))


@pytest.mark.parametrize("options", [["--stag", "3"], ["--epochs", "many"], ["3"], ["--sets="]])
def test_wrong_usage_ends_with_2(run, checkout, options):
    assert run(*options).returncode == 2
    assert not (checkout / "egs/mini_voices/data").exists()


def test_shipped_model_tells_voices_apart_that_it_never_heard(run, checkout, tmp_path, monkeypatch):
    monkeypatch.setattr(mini_voices, "VARIANTS", {"few": ["f3", "klatt", "paul", "steph"]})
    monkeypatch.setattr(mini_voices, "SPEAKERS_A_VARIANT", {"few": 1})
    assert mini_voices.make(tmp_path / "wavs", tmp_path / "data") == {"few": 40}
    options = "--stage", 3, "--model", "espeak", "--backend", "native", "--sets", tmp_path / "data/few"
    result = run(*options, timeout=120)
    assert result.returncode == 0, result.stderr
    (line,) = re.findall(r"^EER .*", result.stdout, re.MULTILINE)
    assert (checkout / "egs/mini_voices/exp/xvector/few/eer.txt").read_text() == f"{line}\n"
    assert " trials=780 target=180 nontarget=600 " in line
    assert float(line.split()[1]) < 15


def test_shipped_model_is_small_and_complete():
    assert (MODEL / "final.raw").stat().st_size < 1_000_000
    assert all((MODEL / name).is_file() for name in ("README.md", "extract.config", "min_chunk_size", "max_chunk_size"))
