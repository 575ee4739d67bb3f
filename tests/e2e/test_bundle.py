"""Bundles of the mini recipe predict what stage 5 predicted, from wav file to the last printed digit."""

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.e2e

FEW = "batch_size=8 max_steps=4 eval_every=0.25"
COMPARE = """
import sys
from pathlib import Path
from mscnn.data.datadir import DataDir
from mscnn.inference.bundle import load_predictor, write_bundle
from mscnn.inference.experiment import load_experiment

exp, folder = Path(sys.argv[1]), Path(sys.argv[2])
data = DataDir.load("data/iemocap4")
for fold in range(1, 6):
    bundle = write_bundle(load_experiment(exp, str(fold)), folder / f"{exp.name}.{fold}.zip", "")
    model = load_predictor(bundle)
    lines = (exp / f"fold{fold:02d}" / "run1" / "predictions_test.tsv").read_text().splitlines()[1:]
    utts = [line.split("\\t")[0] for line in lines]
    texts = [data.text[utt] for utt in utts] if model.takes_text else None
    for utt, line, r in zip(utts, lines, model.predict_many([data.wav[utt] for utt in utts], texts), strict=True):
        ours = "\\t".join([utt, data.emo[utt], r.label, *(f"{p:.6f}" for p in r.probabilities.values())])
        print("equal" if ours == line else f"{ours} {line}")
"""


@pytest.fixture(scope="module")
def trained(mini):
    """Two more systems of audio, trained for a few steps on every fold."""
    options = ["--model", "audio_cnn glam", "--text", "none", "--asr-engine", "none", "--train-args", f"--set {FEW}"]
    mini.must_run(*options, "--stage", "features", "--stop-stage", "train")
    return mini


@pytest.mark.parametrize("name", ["mscnn_spu_att_gt_loso5", "audio_cnn_none_loso5", "glam_none_loso5"])
def test_bundles_predict_what_stage_5_predicted(name, trained, tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(trained.root), "OMP_NUM_THREADS": "1"}  # as in the jobs of stage 5
    command = [sys.executable, "-c", COMPARE, f"exp/{name}", str(tmp_path)]
    result = subprocess.run(command, cwd=trained.path, env=environment, text=True, capture_output=True)
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines() == ["equal"] * 313
