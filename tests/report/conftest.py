"""A recipe's folder as stages 1 to 6 leave it: hand-made predictions, a model of random weights, words that bite."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
import yaml
from safetensors.numpy import save_file

from mscnn.files import write_table
from mscnn.models.inputs import Sizes
from mscnn.models.mscnn import MSCNN, Options
from mscnn.scoring.predictions import Experiment
from mscnn.scoring.report import write_report
from mscnn.text.vocabulary import Vocabulary
from tests.conftest import ROOT
from tests.scoring.conftest import make_experiment, write_data
from tests.training.conftest import write_features

OPTIONS = {
    "audio_pool": ["max", "mean", "std"], "text_pool": ["max", "mean", "std"], "xvector": True, "swem": True,
    "attention": True, "audio_widths": [3, 4], "text_widths": [2, 3], "filters": 5, "fc_dim": 4, "dropout": 0.3,
    "att_mode": "concat", "att_scale": False, "freeze_emb": False, "max_frames": 750, "max_tokens": 8,
    "legacy_no_mask": False,
}  # fmt: skip
LABELS = {"name": "toy", "corpus": "ravdess", "classes": ["calm", "cross"], "map": {"a": "calm", "b": "cross"},
          "drop": ["<i>c</i>"]}  # fmt: skip
EVIL = "<script>alert(1)</script>"
DIM, WIDTH, RATE = 6, 7, 8000


def words_of(utt):
    """Twelve tokens, of which the model reads eight; one of them is markup in disguise."""
    return f"oh no {EVIL} not now" if utt.endswith("0") else "what a day it was"


def save_model(folder, options, seed=0):
    """Random weights, statistics of the training part, and a vocabulary that lacks a word."""
    torch.manual_seed(seed)
    vocabulary = Vocabulary.build(["oh no not what a day it", EVIL])
    known = {key: tuple(v) if isinstance(v, list) else v for key, v in options.items()}
    model = MSCNN(Options(**known), Sizes(2, DIM, len(vocabulary), WIDTH, xvector=3))
    weights = {key: value.numpy() for key, value in model.state_dict().items()}
    statistics = {"audio.mean": np.full(DIM, 0.5, np.float32), "audio.std": np.full(DIM, 2.0, np.float32)}
    save_file({**weights, **statistics, "xvector.mean": np.zeros(3)}, folder / "model.safetensors")
    vocabulary.save(folder)


def make_recipe(root, options=OPTIONS, **changes):
    """Write everything below ``root`` and score it; returns the folder of the experiment."""
    (root / "toy.yaml").write_text(yaml.safe_dump(LABELS))
    facts = {"family": "mscnn", "model_options": options, "features": {"audio": "mfcc96"}, "labels": f"{root}/toy.yaml"}
    folder = make_experiment(root / "exp" / "try", data=str(root / "data" / "toy"), **{**facts, **changes})
    experiment = Experiment.load(folder)
    data = write_data(
        root / "data" / "toy", experiment, utt2spk=lambda u: u[:2], text=words_of, utt2dur=lambda u: "0.5",
        utt2emo=lambda u: ["calm", "cross"][int(u[3])], utt2gender=lambda u: "fm"[int(u[1]) % 2],
    )  # fmt: skip
    utts = sorted({u for folds in experiment.parts.values() for runs in folds for u in runs[0].utts})
    (root / "my corpus").mkdir()
    rng = np.random.default_rng(0)
    for utt in utts:
        soundfile.write(root / "my corpus" / f"{utt}.wav", np.sin(np.arange(RATE // 4) / 3), RATE, subtype="PCM_16")
    write_table(data / "wav.scp", {utt: root / "my corpus" / f"{utt}.wav" for utt in utts})
    matrices = {utt: rng.normal(size=(25, DIM)).astype(np.float32) for utt in utts}
    write_features(root / "dump" / "mfcc96" / "toy", "mfcc96", {"trim_db": None}, matrices)
    for number, run in enumerate(sorted(folder.glob("fold*/run*"))):
        save_model(run, options, number)
        entries = [{"epoch": e, "train_loss": 1 / e, "dev_loss": 1.0, "dev_ua": 50.0 + e, "dev_wa": 1} for e in (1, 2)]
        (run / "metrics.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    write_report(experiment)
    return folder


@pytest.fixture(scope="session")
def made_once(tmp_path_factory):
    """A recipe's folder that knows itself by relative paths."""
    root = tmp_path_factory.mktemp("recipe")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        make_recipe(Path())
    return root


@pytest.fixture
def scored(made_once, tmp_path, monkeypatch):
    """Folder of a scored experiment; the recipe's is ``tmp_path``, and we are in it."""
    shutil.copytree(made_once, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    return Path("exp", "try")
