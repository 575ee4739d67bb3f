"""Every model trains for a step on a fold of 8, 4 and 4 utterances, from the plan of a recipe."""

import os
import subprocess
import sys
from collections import defaultdict
from functools import partial
from pathlib import Path

import pytest

from mscnn.config.model import ModelSpec
from mscnn.config.schema import read
from mscnn.data.datadir import DataDir
from mscnn.files import read_table
from mscnn.jobs import workers
from mscnn.paths import conf, names
from mscnn.recipe.plan import Plan, Row
from tests import tiny_bert, tiny_wav2vec2

pytestmark = pytest.mark.e2e

SETTINGS = "max_steps=1 batch_size=2 replacement=true eval_every=0.25 balance=none"


def train(folder: Path, row: Row) -> str:
    """Train one model in a reused worker process; returns the error, or an empty text."""
    from mscnn.training.runner import train_experiments

    os.chdir(folder)
    os.environ["MSCNN_BACKEND"] = "debug"
    try:
        train_experiments([row.setup()], nj=1)
    except BaseException as error:  # one failed model must not stop the others
        return f"{row.model}: {type(error).__name__}: {error}"
    return ""


def few(recipe, folder: Path) -> list[str]:
    """Options for 16 utterances of the recipe, which is all that features are made of: a data set and a protocol.

    The one fold has of each class two utterances for training, one for dev, one for test.
    """
    data, parts, seen = recipe.path / "data/iemocap4", defaultdict(list), defaultdict(int)
    for utt, emotion in read_table(data / "utt2emo").items():
        if seen[emotion] < 4:
            parts[("train", "train", "dev", "test")[seen[emotion]]].append(utt)
        seen[emotion] += 1
    chosen = {utt for utts in parts.values() for utt in utts}
    names = ["wav.scp", "text", *(path.name for path in data.glob("utt2*"))]
    tables = {name: {utt: v for utt, v in read_table(data / name).items() if utt in chosen} for name in names}
    DataDir.write(recipe.path / "data/few4", tables)
    labels = folder / "few4.yaml"
    labels.write_text(conf("labels", "iemocap4").read_text().replace("name: iemocap4", "name: few4"))
    (folder / "lists").mkdir()
    for part, utts in parts.items():
        (folder / "lists" / f"fold01.{part}").write_text("".join(f"{utt}\n" for utt in utts))
    command = [sys.executable, "-m", "mscnn.bin.folds", "--data", recipe.path / "data/few4"]
    command += ["--import", folder / "lists", "--name", "few", "--out", folder / "few"]
    subprocess.run(command, check=True, cwd=recipe.root)
    return ["--labels", str(labels), "--protocol", str(folder / "few" / "few.yaml")]


def encoders(folder: Path) -> str:
    """--pretrained: a tiny network for every feature of a pretrained encoder."""
    from transformers import Wav2Vec2FeatureExtractor

    tiny_wav2vec2.write(folder / "speech")
    Wav2Vec2FeatureExtractor().save_pretrained(folder / "speech")
    tiny_bert.write(folder / "text")
    networks = {"ssl_frames": folder / "speech", "text_encoder": folder / "text"}
    features = {name: read(conf("features", name))["kind"] for model in names("models") for name in taken(model)}
    return " ".join(f"{name}={networks[kind]}" for name, kind in features.items() if kind in networks)


def taken(model: str) -> list[str]:
    return [*ModelSpec.load(model).features.values()]


def test_every_model_trains_a_step(mini, tmp_path):
    networks = encoders(tmp_path)
    options = ["--model", " ".join(names("models")), "--asr-engine", "none", "--wav2vec2", str(tmp_path / "speech")]
    options += ["--pretrained", networks]
    options += [*few(mini, tmp_path), "--set", SETTINGS]
    mini.must_run(*options, "--stage", "xvector", "--stop-stage", "features")
    rows = Plan.load(mini.path / "exp/plan.jsonl").trained
    assert {row.model for row in rows} == {*names("models")}
    with workers(2) as each:
        assert [error for error in each(partial(train, mini.path), rows) if error] == []
