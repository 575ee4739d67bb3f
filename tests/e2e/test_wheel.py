"""The wheel without the checkout, as ``pip install`` installs it."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import soundfile
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score, recall_score

from tests.conftest import ROOT

pytestmark = pytest.mark.e2e

CLASSES = ["angry", "happy", "neutral", "sad"]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Folder with the package as installed from its wheel; its requirements are those of the test environment."""
    folder = tmp_path_factory.mktemp("wheel")
    run = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT]
    subprocess.run(run, check=True, capture_output=True)
    (wheel,) = folder.glob("mscnn-*.whl")
    run = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", folder / "site", wheel]
    subprocess.run(run, check=True, capture_output=True)
    return folder / "site"


@pytest.fixture
def python(site, tmp_path):
    """A function that runs Python in an empty folder with the package of the wheel, and returns the output."""

    def run(*arguments: object) -> str:
        environment = {**os.environ, "PYTHONPATH": str(site)}
        command = [sys.executable, *map(str, arguments)]
        result = subprocess.run(command, cwd=tmp_path, env=environment, text=True, capture_output=True)
        assert result.returncode == 0, result.stderr
        return result.stdout

    return run


@pytest.fixture
def table(tmp_path):
    """A table of 200 predictions for 8 speakers, half of them correct; the truths and the predictions."""
    rng = np.random.default_rng(5)
    truth = rng.choice(CLASSES, 200)
    prediction = np.where(rng.random(200) < 0.5, truth, rng.choice(CLASSES, 200))
    rows = [f"u{i:03d},s{i % 8},{t},{p}" for i, (t, p) in enumerate(zip(truth, prediction, strict=True))]
    (tmp_path / "p.csv").write_text("\n".join(["utterance,speaker,truth,prediction", *rows]) + "\n")
    return truth, prediction


def test_the_package_is_the_wheels(python, site):
    assert python("-c", "import mscnn; print(mscnn.__file__)").startswith(str(site))


def test_the_wheel_has_every_configuration(python):
    script = """
from mscnn.config.labels import LabelMap
from mscnn.config.model import ModelSpec
from mscnn.data.protocols import Protocol
from mscnn.features.config import Feature
from mscnn.paths import names

kinds = {"models": ModelSpec, "protocols": Protocol, "labels": LabelMap, "features": Feature}
for kind, load in ((kind, one.load) for kind, one in kinds.items()):
    print(kind, len([load(name) for name in names(kind)]))
"""
    counts = dict(line.split() for line in python("-c", script).splitlines())
    assert all(int(counts[kind]) > 4 for kind in ("models", "protocols", "labels", "features"))


def test_commands_work_in_an_empty_folder(python):
    assert "Protocol" in python("-c", "import mscnn; print(type(mscnn.Protocol.load('loso5')).__name__)")
    assert "extract-features" in python("-m", "mscnn.cli", "--help")
    assert "batch_size" in python("-m", "mscnn.cli", "config", "show", "glam")


def test_the_first_command_of_a_visitor(python):
    header, row = (line.split("\t") for line in python("-m", "mscnn.cli", "predict", "demo", "sample.wav").splitlines())
    assert dict(zip(header, row, strict=True))["label"] == "angry"


def test_a_table_of_recordings_becomes_a_report(python, tmp_path):
    rng = np.random.default_rng(7)
    rows = ["path,label,speaker"]
    for n in range(24):
        soundfile.write(tmp_path / f"{n}.wav", rng.uniform(-0.5, 0.5, 8000), 16000)
        rows.append(f"{n}.wav,{'ab'[n % 2]},s{n // 2 % 3}")
    (tmp_path / "my.csv").write_text("\n".join(rows) + "\n")
    printed = python("-m", "mscnn.cli", "own", "my.csv", "--model", "majority", "--nj", 1, "--device", "cpu")
    report = tmp_path / "own_my/exp/majority_none_leave_one_speaker_out/report.html"
    assert report.is_file() and str(report) in printed and "%UA 50.00" in printed


def test_predictions_of_any_toolkit_are_evaluated(python, table, tmp_path):
    truth, prediction = table
    text = python("-m", "mscnn.cli", "evaluate", "p.csv", "--speaker-column", "speaker", "--out", "scores")
    scores = json.loads((tmp_path / "scores.json").read_text())
    expected = {
        "ua": balanced_accuracy_score(truth, prediction),
        "wa": accuracy_score(truth, prediction),
        "f1": f1_score(truth, prediction, average="macro"),
        "wf1": f1_score(truth, prediction, average="weighted"),
    }
    for name, value in expected.items():
        assert f"{100 * value:.2f}" in text
        assert scores["scores"]["pooled"][name]["mean"] == pytest.approx(100 * value, abs=1e-5)
    recalls = recall_score(truth, prediction, average=None, labels=CLASSES)
    assert all(f"{100 * value:.2f}" in text for value in recalls)


def test_a_script_without_a_guard_starts_no_processes(python, table, tmp_path):
    """Worker processes import the script again: without a guard, a script that starts workers would never end."""
    script = "import mscnn\nprint('here')\nprint(mscnn.evaluate('p.csv', speaker_column='speaker'))\n"
    (tmp_path / "script.py").write_text(script)
    assert python("script.py").count("here") == 1
