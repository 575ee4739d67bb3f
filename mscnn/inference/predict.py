"""Predict dev and test again with the models of an experiment: with its own words, or with those of a recogniser."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from mscnn import jobs, log
from mscnn.config.model import ModelSpec
from mscnn.data.datadir import DataDir
from mscnn.data.foldlists import read_list
from mscnn.data.protocols import PARTS, Fold
from mscnn.device import choose_device
from mscnn.errors import UserError
from mscnn.evaluation.experiment import Experiment
from mscnn.files import digest, read_yaml
from mscnn.inference.trained import require_unchanged, restore, setup_of
from mscnn.stamp import Stamp
from mscnn.training.experiment import claim, features_of
from mscnn.training.outputs import environment, write_predictions

if TYPE_CHECKING:
    import numpy as np


def predict_experiment(exp: Path, out: Path, *, text: str | None = None, device: str = "auto", nj: int = 1) -> int:
    """Predict with every model of ``exp`` what is not predicted yet; returns how many models were at work.

    ``out`` becomes an experiment as training makes it, of the same folds and runs; in its ``config.yaml`` stand
    ``text``, ``trained_on`` and ``trained_in`` (``exp``). A baseline has no weights and is fitted again, to the very
    words that it was trained on; ``refitted`` says so.

    Args:
        text: source of the words of dev and test: gt or an ASR engine; None: those that were trained on.

    Raises:
        UserError: ``exp`` is not finished, is no training, or what it was trained on has changed; the system reads no
            words, or there are none of this source; ``out`` holds something else; or jobs failed.
    """
    source = Experiment.load(exp)
    exp = source.path
    config = _config(exp, source.config, text, choose_device(device))
    _claim(out, config)
    todo = [
        (exp, out, config, fold, run)
        for fold in range(1, config["folds"] + 1)
        for run in range(1, config["runs"] + 1)
        if not _stamp(exp, out, config, fold, run).fresh()
    ]
    shutil.copytree(exp / "folds", out / "folds", dirs_exist_ok=True)
    logger = log.get_logger("predict")
    logger.info("%s: %d of %d models of %s to predict with", out, len(todo), len(source.run_dirs), exp)
    jobs.run_jobs(predict_one, todo, nj=nj, log_dir=out / "log", step="predict")
    return len(todo)


def predict_one(exp: Path, out: Path, config: dict, index: int, run: int) -> None:
    """Predict dev and test of one fold with one model; a worker process runs this."""
    data = DataDir.load(config["data"])
    lists = [exp / "folds" / f"fold{index:02d}.{part}" for part in PARTS]
    fold = Fold(index, *(tuple(read_list(path)) for path in lists))
    scores = _scores_of_baseline if config["family"] == "baseline" else _scores_of_network
    found = scores(exp, config, data, fold, run)
    outputs = [setup_of(out, config).run_dir(index, run) / f"predictions_{part}.tsv" for part in found]
    for path, (part, values) in zip(outputs, found.items(), strict=True):
        write_predictions(path, getattr(fold, part), values, data.emo, config["classes"])
    _stamp(exp, out, config, index, run).write(outputs)


def _scores_of_baseline(exp, config, data, fold, run) -> dict[str, np.ndarray]:
    from mscnn.baselines.classify import scores
    from mscnn.baselines.options import Options

    setup, spec = setup_of(exp, config), ModelSpec.of_config(config)
    return scores(Options(**spec.options), data, fold, config["classes"], text=config["trained_on"],
                  features=features_of(setup, spec).get("audio"), tested_on=config["text"])  # fmt: skip


def _scores_of_network(exp, config, data, fold, run) -> dict[str, np.ndarray]:
    import torch

    from mscnn.training.loop import predict

    torch.use_deterministic_algorithms(True)
    model, examples = restore(exp, config, data, {"dev": fold.dev, "test": fold.test}, fold.index, run)
    model.to(config["device"])
    return {part: predict(model, some, config["device"]) for part, some in examples.items()}


def _config(exp: Path, trained: dict, text: str | None, device: str) -> dict:
    """``config.yaml`` of the predictions: that of the training, with other words."""
    if "trained_in" in trained:
        raise UserError(f"{exp} holds predictions of the models in {trained['trained_in']}: give that one as --exp")
    text = text or trained["text"]
    if (text == "none") != (trained["text"] == "none"):
        what = "reads words: --text gt, or an ASR engine" if text == "none" else "reads no words: leave --text out"
        raise UserError(f"{exp}: {trained['model']} {what}")
    data = DataDir.load(trained["data"])
    require_unchanged(exp, trained, data)
    heard = {} if text == "none" else {"tested_text": digest(data.text_of(text))}
    return {
        **trained,
        "text": text,
        "trained_on": trained["text"],
        "trained_in": str(exp),
        "device": device,
        "refitted": trained["family"] == "baseline",
        "inputs": {**trained["inputs"], **heard},
        "environment": environment(),
        "command": shlex.join(["python", "-m", "mscnn.bin.predict", *sys.argv[1:]]),
    }


def _claim(out: Path, config: dict) -> None:
    """Write ``config.yaml``, unless the folder holds something else."""
    path = out / "config.yaml"
    if path.is_file():
        old = read_yaml(path)
        if any(old.get(key) != config[key] for key in ("trained_in", "text")):
            raise UserError(f"{out} holds another experiment (see {path}); choose another --out")
    claim(out, config, overwrite=True)


def _stamp(exp: Path, out: Path, config: dict, fold: int, run: int) -> Stamp:
    source, target = (folder / f"fold{fold:02d}" / f"run{run}" for folder in (exp, out))
    inputs = [source / name for name in ("model.safetensors", "predictions_dev.tsv", "predictions_test.tsv")]
    options = {"inputs": config["inputs"], "device": config["device"]}
    return Stamp(target / "done.json", inputs=inputs, options=options, code=["mscnn.inference"])
