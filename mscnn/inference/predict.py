"""Predict dev and test again with the models of an experiment: with its own words, or with those of a recogniser.

What a model knows (weights, vocabulary, statistics that normalise) is read as training left it; nothing is learnt here.
"""

from __future__ import annotations

import shlex
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from mscnn import jobs, log
from mscnn.data.datadir import DataDir
from mscnn.data.foldlists import read_list
from mscnn.data.protocols import PARTS, Fold
from mscnn.device import choose_device
from mscnn.errors import UserError
from mscnn.files import digest
from mscnn.models import ModelSpec
from mscnn.paths import read_yaml
from mscnn.scoring.predictions import Experiment
from mscnn.stamp import Stamp
from mscnn.training.experiment import Setup, claim, features_of, input_digests
from mscnn.training.outputs import environment, write_predictions
from mscnn.training.parts import TextOptions

if TYPE_CHECKING:
    import numpy as np

NOT_ASKED = ("code", "embeddings")  # of what went into training: the models hold what came of it


def predict_experiment(exp: Path, out: Path, *, text: str | None = None, device: str = "auto", nj: int = 1) -> int:
    """Predict with every model of ``exp`` what is not predicted yet; returns how many models were at work.

    ``out`` becomes an experiment as training makes it, of the same folds and runs; in its ``config.yaml`` stand
    ``text``, ``trained_on`` and ``trained_in`` (``exp``). A yardstick has no weights and is fitted again, to the very
    words that it was trained on.

    Args:
        text: source of the words of dev and test: gt or an ASR engine; None: those that were trained on.

    Raises:
        UserError: ``exp`` is not finished, is no training, or what it was trained on has changed; the system reads no
            words, or there are none of this source; ``out`` holds something else; or jobs failed.
    """
    source = Experiment.load(exp)
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
    setup, spec, data = _setup(config), ModelSpec.of_config(config), DataDir.load(config["data"])
    lists = [exp / "folds" / f"fold{index:02d}.{part}" for part in PARTS]
    fold = Fold(index, *(tuple(read_list(path)) for path in lists))
    scores = _scores_of_yardstick if spec.family == "yardstick" else _scores_of_network
    found = scores(replace(setup, exp=exp), spec, data, fold, config, run)
    outputs = [replace(setup, exp=out).run_dir(index, run) / f"predictions_{part}.tsv" for part in found]
    for path, (part, values) in zip(outputs, found.items(), strict=True):
        write_predictions(path, getattr(fold, part), values, data.emo, config["classes"])
    _stamp(exp, out, config, index, run).write(outputs)


def _scores_of_yardstick(setup, spec, data, fold, config, run) -> dict[str, np.ndarray]:
    from mscnn.models.yardstick import Options
    from mscnn.training.yardstick import scores

    return scores(Options(**spec.options), data, fold, config["classes"], text=config["trained_on"],
                  features=features_of(setup, spec).get("audio"), tested_on=config["text"])  # fmt: skip


def _scores_of_network(setup, spec, data, fold, config, run) -> dict[str, np.ndarray]:
    import torch

    from mscnn.training.loop import predict
    from mscnn.training.parts import make_examples, make_sizes

    torch.use_deterministic_algorithms(True)
    directory = setup.run_dir(fold.index, run)
    saved, features = _read_weights(directory / "model.safetensors"), features_of(setup, spec)
    examples = make_examples(
        spec, data, {"dev": fold.dev, "test": fold.test}, features=features,
        texts=data.text_of(config["text"]) if spec.text else {}, vocabulary=_vocabulary(setup, spec, directory),
        xvector=setup.xvector, statistics=saved,
    )  # fmt: skip
    embedding = saved["embedding.weight"].shape if spec.text else None
    model = spec.build(make_sizes(spec, len(config["classes"]), features, examples["dev"], embedding))
    state = {name: torch.from_numpy(saved[name]) for name in model.state_dict() if name in saved}
    try:
        model.load_state_dict(state)
    except RuntimeError as error:
        raise UserError(f"{directory}: weights of another network: {error}; train it again") from None
    model.to(setup.device)
    return {part: predict(model, some, setup.device) for part, some in examples.items()}


def _read_weights(path: Path) -> dict[str, np.ndarray]:
    """Weights of a model, and the statistics of its training part beside them."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise UserError(f"{path}: no weights to predict with: {error}; train this fold again") from None


def _vocabulary(setup: Setup, spec: ModelSpec, directory: Path):
    from mscnn.text.subwords import Subwords
    from mscnn.text.vocabulary import Vocabulary

    kinds = {"word": Vocabulary, "sentencepiece": Subwords}
    return kinds[setup.text.tokens].load(directory) if spec.text else None


def _config(exp: Path, trained: dict, text: str | None, device: str) -> dict:
    """``config.yaml`` of the predictions: that of the training, with other words."""
    if "trained_in" in trained:
        raise UserError(f"{exp} holds predictions of the models in {trained['trained_in']}: give that one as --exp")
    if "feature_dirs" not in trained:
        raise UserError(f"{exp}: trained by an older version, which did not note its features; train it again")
    text = text or trained["text"]
    if (text == "none") != (trained["text"] == "none"):
        what = "reads words: --text gt, or an ASR engine" if text == "none" else "reads no words: leave --text out"
        raise UserError(f"{exp}: {trained['model']} {what}")
    data = DataDir.load(trained["data"])
    _require_unchanged(exp, trained, data)
    heard = {} if text == "none" else {"tested_text": digest(data.text_of(text))}
    return {
        **trained,
        "text": text,
        "trained_on": trained["text"],
        "trained_in": str(exp),
        "device": device,
        "inputs": {**trained["inputs"], **heard},
        "environment": environment(),
        "command": shlex.join(["python", "-m", "mscnn.bin.predict", *sys.argv[1:]]),
    }


def _require_unchanged(exp: Path, trained: dict, data: DataDir) -> None:
    """Raise UserError where the data are not those of the training any more."""
    setup, spec = _setup({**trained, "trained_on": trained["text"]}), ModelSpec.of_config(trained)
    found = input_digests(replace(setup, text=TextOptions(trained["text"])), spec, data, features_of(setup, spec))
    changed = [name for name, value in trained["inputs"].items() if found.get(name) != value]
    if wrong := [name for name in changed if name not in NOT_ASKED]:
        raise UserError(
            f"{exp}: changed since it was trained: {', '.join(wrong)}; its models know other data than these. "
            f"Train it again: {trained['command']} --overwrite true"
        )
    if "code" in changed:
        log.get_logger("predict").warning("%s was trained with other code than this; stage 5 (train) would refuse", exp)


def _setup(config: dict) -> Setup:
    """What the experiment was trained with, as far as predicting needs it."""
    return Setup(
        model=config["model"],
        data=Path(config["data"]),
        labels=config["labels"],
        protocol=config["protocol"]["name"],
        exp=Path(),
        feature_dirs=tuple(map(Path, config["feature_dirs"].values())),
        text=TextOptions(config["trained_on"], **config["text_options"]),
        xvector=None if config["xvector"] == "none" else Path(config["xvector"]),
        device=config["device"],
    )


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
