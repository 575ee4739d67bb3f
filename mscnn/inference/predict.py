"""Predictions of dev and test with trained models, on the transcripts of training or of an ASR engine."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mscnn import jobs, log
from mscnn.config.model import ModelSpec
from mscnn.config.written import read_config
from mscnn.data.protocols import read_fold
from mscnn.device import choose_device
from mscnn.errors import UserError
from mscnn.evaluation.experiment import Experiment
from mscnn.files import copy, digest
from mscnn.inference.trained import Config, require_unchanged
from mscnn.stamp import SEAL, Stamp, seal
from mscnn.training.experiment import options_of
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

    def predictions(self) -> list[tuple[int, int, Stamp, Path]]:
        """Fold, run, stamp and log of the predictions of every model."""
        config, out = self.config, self.request.out
        places = [(fold, run) for fold in range(1, config["folds"] + 1) for run in range(1, config["runs"] + 1)]
        return [
            (fold, run, _stamp(out, config, fold, run), out / "log" / f"predict.{number}.log")
            for number, (fold, run) in enumerate(places, 1)
        ]


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
    todo = []
    for one in prepared:
        exp, out, predictions = one.request.exp, one.request.out, one.predictions()
        write_config(out, one.config)
        stale = [(out, *prediction) for prediction in predictions if not prediction[2].fresh()]
        for path in sorted((exp / "folds").iterdir()):
            copy(path, out / "folds" / path.name)
        seal(out / SEAL, [out / "config.yaml", *sorted((out / "folds").iterdir())])
        logger.info("%s: predictions of %d of %d models of %s to write", out, len(stale), len(predictions), exp)
        todo += stale
    jobs.run_jobs(
        predict_one,
        [(out, fold, run) for out, fold, run, *_ in todo],
        nj=nj,
        step="predict",
        log_dir=prepared[0].request.out.parent / "log" if prepared else None,
        logs=[path for *_, path in todo],
        writes=[[done.path] for *_, done, _ in todo],
        devices=devices,
    )
    return len(todo)


def predict_one(out: Path, fold: int, run: int) -> None:
    """Write predictions of dev and test of one fold by one model, for the experiment that ``out`` describes."""
    config, reader = read_config(out / "config.yaml"), Reader()
    exp, done = Path(config["trained_in"]), _stamp(out, config, fold, run)
    if done.fresh():  # another process has written them meanwhile
        return
    options, spec = options_of(exp, config), ModelSpec.of_config(config)
    sources, folder = options.sources(spec, reader.data(options.data), reader), options.run_dir(fold, run)
    lists, cache = read_fold(exp / "folds", fold), exp.parent / "embeddings"
    task = Task(spec, sources, lists, config["classes"], folder, cache, config["device"])
    scores, files = system_of(spec).predict(task, config["text"]), []
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


def _stamp(out: Path, config: Config, fold: int, run: int) -> Stamp:
    """Stamp of the predictions in ``out`` by the model of a run of a fold."""
    exp = Path(config["trained_in"])
    options = options_of(exp, config)
    source, target = options.run_dir(fold, run), replace(options, exp=out).run_dir(fold, run)
    inputs = [source / name for name in (WEIGHTS, "predictions_dev.tsv", "predictions_test.tsv")]
    made_from = {"inputs": config["inputs"], "device": config["device"]}
    return Stamp(target / "done.json", inputs=inputs, options=made_from, code=["mscnn.inference", *CODE])
