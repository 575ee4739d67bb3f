"""Every model trains for a step on a fold of 8, 4 and 4 utterances, from the plan of a recipe."""

import os
import subprocess
import sys
from collections import defaultdict
from functools import partial
from pathlib import Path

from mscnn.jobs import workers
from mscnn.paths import names
from mscnn.recipe.plan import Plan, Row

SETTINGS = "max_steps=1 batch_size=2 replacement=true eval_every=0.25 balance=none"


def train(folder: Path, row: Row) -> str:
    """Train one model in a worker, for starting a process takes longer; returns the error, if any."""
    from mscnn.training.runner import train_experiments

    os.chdir(folder)
    os.environ["MSCNN_BACKEND"] = "debug"
    try:
        train_experiments([row.setup()], nj=1)
    except BaseException as error:  # what is wrong with one model is no reason to leave the others out
        return f"{row.model}: {type(error).__name__}: {error}"
    return ""


def few(recipe, folder: Path) -> Path:
    """A protocol of one fold: of each class two utterances for training, one for dev, one for test."""
    data, parts, seen = recipe.path / "data/iemocap4", defaultdict(list), defaultdict(int)
    for line in (data / "utt2emo").read_text().splitlines():
        utt, emotion = line.split()
        if seen[emotion] < 4:
            parts[("train", "train", "dev", "test")[seen[emotion]]].append(utt)
        seen[emotion] += 1
    (folder / "lists").mkdir()
    for part, utts in parts.items():
        (folder / "lists" / f"fold01.{part}").write_text("".join(f"{utt}\n" for utt in utts))
    command = [sys.executable, "-m", "mscnn.bin.folds", "--data", data, "--import", folder / "lists"]
    subprocess.run([*command, "--name", "few", "--out", folder / "few"], check=True, cwd=recipe.root)
    return folder / "few" / "few.yaml"


def test_every_model_trains_a_step(mini, tiny_wav2vec2, tmp_path):
    options = ["--model", " ".join(names("models")), "--asr-engine", "none", "--wav2vec2", tiny_wav2vec2]
    options += ["--protocol", few(mini, tmp_path), "--set", SETTINGS]
    mini.must_run(*options, "--stage", "features", "--stop-stage", "features")
    rows = Plan.load(mini.path / "exp/plan.jsonl").trained
    assert {row.model for row in rows} == {*names("models")}
    with workers(2) as each:
        assert [error for error in each(partial(train, mini.path), rows) if error] == []
