"""Predict dev and test again with the models of experiments: on their own transcripts, or on those of an ASR engine."""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mscnn import jobs, log
from mscnn.config.model import ModelSpec
from mscnn.data.foldlists import PARTS, read_list
from mscnn.data.protocols import Fold
from mscnn.device import choose_device
from mscnn.errors import UserError
from mscnn.evaluation.experiment import Experiment
from mscnn.files import digest, read_yaml
from mscnn.inference.trained import Config, require_unchanged, setup_of
from mscnn.stamp import Stamp
from mscnn.training.fingerprint import CODE, claim
from mscnn.training.network import WEIGHTS
from mscnn.training.outputs import environment, write_predictions
from mscnn.training.sources import Reader
from mscnn.training.systems import system_of
from mscnn.training.task import Task


@dataclass(frozen=True)
class Request:
    """Predictions with the models of ``exp``, written to ``out``.

    ``text`` is the source of the transcripts of dev and test: gt or an ASR engine; None: those of training.
    """

    exp: Path
    out: Path
    text: str | None = None


@dataclass(frozen=True)
class Prepared:
    """A request that has been checked, with its ``config.yaml``."""

    request: Request
    config: dict[str, Any]

    def predictions(self, reader: Reader) -> list[tuple[Task, Stamp, Path]]:
        """Every model: what a worker needs, the stamp of its predictions, and the log of its job."""
        (exp, out), config = (self.request.exp, self.request.out), self.config
        setup, spec = setup_of(exp, config), ModelSpec.of_config(config)
        sources = setup.sources(spec, reader.data(setup.data), reader)
        target = replace(setup, exp=out)
        predictions: list[tuple[Task, Stamp, Path]] = []
        for index in range(1, config["folds"] + 1):
            fold = Fold(index, *(tuple(read_list(exp / "folds" / f"fold{index:02d}.{part}")) for part in PARTS))
            for run in range(1, config["runs"] + 1):
                folder, cache = setup.run_dir(index, run), exp.parent / "embeddings"
                task = Task(spec, sources, fold, config["classes"], folder, cache, config["device"])
                log_file = out / "log" / f"predict.{len(predictions) + 1}.log"
                predictions.append((task, _stamp(folder, target.run_dir(index, run), config), log_file))
        return predictions


def predict_experiments(
    requests: Sequence[Request], *, device: str = "auto", nj: int = 1, devices: Sequence[str] = ()
) -> int:
    """Predict what is not predicted yet, ``nj`` models at a time; returns how many models predicted.

    ``out`` of a request becomes an experiment as training makes it, of the same folds and runs; its ``config.yaml``
    has ``text``, ``trained_on``, ``trained_in`` (``exp``), and ``refitted``: a baseline has no weights and is fitted
    again, to the transcripts that it was trained on. All requests are checked before the first model predicts.
    ``devices`` are handed round to the processes, as :func:`mscnn.jobs.run_jobs` does.

    Raises:
        UserError: ``exp`` is not finished, is no training, or what it was trained on has changed; the system reads no
            text, or there are no transcripts of this source; ``out`` holds something else; or jobs failed.
    """
    logger, reader = log.get_logger("predict"), Reader()
    prepared = [_prepare(request, choose_device(device), reader) for request in requests]
    jobs_of = [one.predictions(reader) for one in prepared]
    todo = []
    for one, predictions in zip(prepared, jobs_of, strict=True):
        exp, out = one.request.exp, one.request.out
        claim(out, one.config)
        stale = [(task, one.config["text"], done, path) for task, done, path in predictions if not done.fresh()]
        shutil.copytree(exp / "folds", out / "folds", dirs_exist_ok=True)
        logger.info("%s: %d of %d models of %s to predict with", out, len(stale), len(predictions), exp)
        todo += stale
    work, logs = [job[:3] for job in todo], [path for *_, path in todo]
    jobs.run_jobs(predict_one, work, nj=nj, step="predict", logs=logs, devices=devices)
    return len(todo)


def predict_one(task: Task, text: str, done: Stamp) -> None:
    """Predict dev and test of one fold with one model; a worker process runs this."""
    scores, files = system_of(task.spec).predict(task, text), []
    for part, utts in (("dev", task.fold.dev), ("test", task.fold.test)):
        files.append(done.path.parent / f"predictions_{part}.tsv")
        write_predictions(files[-1], utts, scores[part], task.sources.data.emo, task.classes)
    done.write(files)


def _prepare(request: Request, device: str, reader: Reader) -> Prepared:
    """Check all that can be known before predicting."""
    source = Experiment.load(request.exp)
    request = replace(request, exp=source.path)
    config = _config(request, source.config, device, reader)
    path = request.out / "config.yaml"
    old = read_yaml(path) if path.is_file() else config
    if any(old.get(key) != config[key] for key in ("trained_in", "text")):
        raise UserError(
            f"{request.out} holds another experiment (see {path}); choose another --out", code="experiment-changed"
        )
    return Prepared(request, config)


def _config(request: Request, trained: Config, device: str, reader: Reader) -> dict[str, Any]:
    """``config.yaml`` of the predictions: that of the training, with other transcripts."""
    exp, text = request.exp, request.text or trained["text"]
    if "trained_in" in trained:
        raise UserError(
            f"{exp} holds predictions of the models in {trained['trained_in']}: give that one as --exp",
            code="experiment-predicted",
        )
    if (text == "none") != (trained["text"] == "none"):
        what = "reads text: --text gt, or an ASR engine" if text == "none" else "reads no text: give no --text"
        raise UserError(f"{exp}: {trained['model']} {what}", code="text-mismatch")
    data = reader.data(Path(trained["data"]))
    require_unchanged(exp, trained, data, reader)
    tested = {} if text == "none" else {"tested_text": digest(data.text_of(text))}
    return {
        **trained,
        "text": text,
        "trained_on": trained["text"],
        "trained_in": str(exp),
        "device": device,
        "refitted": system_of(ModelSpec.of_config(trained)).refitted,
        "inputs": {**trained["inputs"], **tested},
        "environment": environment(),
        "command": shlex.join(["python", "-m", "mscnn.bin.predict", *sys.argv[1:]]),
    }


def _stamp(source: Path, target: Path, config: Config) -> Stamp:
    """The stamp of the predictions in the folder ``target`` by the model in the folder ``source``."""
    inputs = [source / name for name in (WEIGHTS, "predictions_dev.tsv", "predictions_test.tsv")]
    options = {"inputs": config["inputs"], "device": config["device"]}
    return Stamp(target / "done.json", inputs=inputs, options=options, code=["mscnn.inference", *CODE])
