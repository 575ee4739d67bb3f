"""Predictions of dev and test with trained models, on the transcripts of training or of an ASR engine."""

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
from mscnn.data.checks import SPLITS
from mscnn.data.foldlists import read_list
from mscnn.data.protocols import Fold
from mscnn.device import choose_device
from mscnn.errors import UserError
from mscnn.evaluation.experiment import Experiment
from mscnn.files import digest
from mscnn.inference.trained import Config, options_of, require_unchanged
from mscnn.stamp import SEAL, Stamp, seal
from mscnn.training.fingerprint import CODE, config_in, write_config
from mscnn.training.network import WEIGHTS
from mscnn.training.outputs import environment, write_predictions
from mscnn.training.sources import Reader
from mscnn.training.systems import system_of
from mscnn.training.task import Task


@dataclass(frozen=True)
class Request:
    """A request for predictions with the models of ``exp``, to be written to ``out``.

    ``text`` is the source of the transcripts of dev and test: gt or an ASR engine; None: that of training.
    """

    exp: Path
    out: Path
    text: str | None = None


@dataclass(frozen=True)
class Prepared:
    """A checked request, with its ``config.yaml``."""

    request: Request
    config: dict[str, Any]

    def predictions(self, reader: Reader) -> list[tuple[Task, Stamp, Path]]:
        """Task, stamp and log of the predictions of every model."""
        (exp, out), config = (self.request.exp, self.request.out), self.config
        options, spec = options_of(exp, config), ModelSpec.of_config(config)
        sources = options.sources(spec, reader.data(options.data), reader)
        target = replace(options, exp=out)
        predictions: list[tuple[Task, Stamp, Path]] = []
        for index in range(1, config["folds"] + 1):
            fold = Fold(index, *(tuple(read_list(exp / "folds" / f"fold{index:02d}.{split}")) for split in SPLITS))
            for run in range(1, config["runs"] + 1):
                folder, cache = options.run_dir(index, run), exp.parent / "embeddings"
                task = Task(spec, sources, fold, config["classes"], folder, cache, config["device"])
                log_file = out / "log" / f"predict.{len(predictions) + 1}.log"
                predictions.append((task, _stamp(folder, target.run_dir(index, run), config), log_file))
        return predictions


def predict_experiments(
    requests: Sequence[Request], *, device: str = "auto", nj: int = 1, devices: Sequence[str] = ()
) -> int:
    """Write all missing predictions, ``nj`` models at a time; returns the number of models used.

    ``out`` of a request becomes an experiment with the same folds and runs as ``exp``; its ``config.yaml`` has
    ``text``, ``trained_on``, ``trained_in`` (``exp``), and ``refitted``: a baseline has no weights and is fitted again
    on the transcripts of training. All requests are checked before predictions start. ``devices`` are assigned to the
    processes as by :func:`mscnn.jobs.run_jobs`.

    Raises:
        UserError: ``exp`` is unfinished or has predictions only, or its inputs have changed; the system takes no text,
            or there are no transcripts of this source; ``out`` has another experiment; or jobs failed.
    """
    logger, reader = log.get_logger("predict"), Reader()
    prepared = [_prepare(request, choose_device(device), reader) for request in requests]
    predictions_of = [one.predictions(reader) for one in prepared]
    todo = []
    for one, predictions in zip(prepared, predictions_of, strict=True):
        exp, out = one.request.exp, one.request.out
        write_config(out, one.config)
        stale = [(task, one.config["text"], done, path) for task, done, path in predictions if not done.fresh()]
        shutil.copytree(exp / "folds", out / "folds", dirs_exist_ok=True)
        seal(out / SEAL, [out / "config.yaml", *sorted((out / "folds").iterdir())])
        logger.info("%s: predictions of %d of %d models of %s to write", out, len(stale), len(predictions), exp)
        todo += stale
    calls, logs = [job[:3] for job in todo], [path for *_, path in todo]
    jobs.run_jobs(predict_one, calls, nj=nj, step="predict", logs=logs, devices=devices)
    return len(todo)


def predict_one(task: Task, text: str, done: Stamp) -> None:
    """Write predictions of dev and test of one fold by one model; a worker process runs this."""
    scores, files = system_of(task.spec).predict(task, text), []
    for split, utts in (("dev", task.fold.dev), ("test", task.fold.test)):
        files.append(done.path.parent / f"predictions_{split}.tsv")
        write_predictions(files[-1], utts, scores[split], task.sources.data.emo, task.classes)
    done.write(files)


def _prepare(request: Request, device: str, reader: Reader) -> Prepared:
    """Check a request; returns it ready to run."""
    source = Experiment.load(request.exp)
    request = replace(request, exp=source.path)
    config = _config(request, source.config, device, reader)
    path = request.out / "config.yaml"
    old = config_in(request.out) or config
    if any(old.get(key) != config[key] for key in ("trained_in", "text")):
        raise UserError(
            f"{request.out}: has another experiment (see {path}); choose another --out", code="experiment-changed"
        )
    return Prepared(request, config)


def _config(request: Request, trained: Config, device: str, reader: Reader) -> dict[str, Any]:
    """``config.yaml`` of the predictions: that of training, with another source of transcripts."""
    exp, text = request.exp, request.text or trained["text"]
    if "trained_in" in trained:
        raise UserError(
            f"{exp}: has predictions of the models in {trained['trained_in']}; give that folder as --exp",
            code="experiment-predicted",
        )
    if (text == "none") != (trained["text"] == "none"):
        fix = "takes text; give --text gt or an ASR engine" if text == "none" else "takes no text; omit --text"
        raise UserError(f"{exp}: {trained['model']} {fix}", code="text-mismatch")
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
        "command": shlex.join(["python", "-m", "mscnn.bin.predict_experiments", *sys.argv[1:]]),
    }


def _stamp(source: Path, target: Path, config: Config) -> Stamp:
    """Stamp of the predictions in the folder ``target`` by the model in the folder ``source``."""
    inputs = [source / name for name in (WEIGHTS, "predictions_dev.tsv", "predictions_test.tsv")]
    options = {"inputs": config["inputs"], "device": config["device"]}
    return Stamp(target / "done.json", inputs=inputs, options=options, code=["mscnn.inference", *CODE])
