"""Trainings of any number of experiments: what is asked for is checked first, then all runs are one list of jobs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mscnn import jobs, log
from mscnn.config.labels import LabelMap
from mscnn.config.model import ModelSpec
from mscnn.data.protocols import Fold, Protocol, make_folds, require_classes, write_folds
from mscnn.errors import UserError
from mscnn.files import digest
from mscnn.stamp import Stamp
from mscnn.training.experiment import Setup, resolve
from mscnn.training.fingerprint import claim, require_same, stamp
from mscnn.training.outputs import logged_to, require_tensorboard, write_predictions
from mscnn.training.selection import check_training
from mscnn.training.sources import Reader, Sources
from mscnn.training.systems import system_of
from mscnn.training.task import Task


@dataclass(frozen=True)
class Prepared:
    """An experiment that has been checked; ``folds`` are those to be done."""

    setup: Setup
    spec: ModelSpec
    sources: Sources
    folds: Sequence[Fold]
    config: dict[str, Any]

    def trainings(self) -> list[tuple[Task, Stamp, Path]]:
        """Every run of every fold: what a worker needs, its stamp, and the log of its job."""
        setup, config = self.setup, self.config
        trainings: list[tuple[Task, Stamp, Path]] = []
        for fold in self.folds:
            for run in range(1, setup.runs + 1):
                directory = setup.run_dir(fold.index, run)
                task = Task(
                    self.spec,
                    self.sources,
                    fold,
                    config["classes"],
                    directory,
                    cache=setup.exp.parent / "embeddings",
                    device=config["device"],
                    seed=_seed(config["protocol"]["name"], fold.index, run, setup.seed),
                    curves=setup.tensorboard,
                )
                log_file = setup.exp / "log" / f"train.{len(trainings) + 1}.log"
                trainings.append((task, stamp(directory, config["inputs"]), log_file))
        return trainings


def train_experiments(setups: Sequence[Setup], *, nj: int, overwrite: bool = False, devices: Sequence[str] = ()) -> int:
    """Train every fold and run of the experiments that is not done yet, ``nj`` at a time; returns how many were.

    Every experiment is checked before the first is trained. A training that fails does not stop the others.

    Args:
        overwrite: whether folders that hold an experiment made otherwise are emptied.
        devices: values of CUDA_VISIBLE_DEVICES, handed round to the processes; empty: the environment's.

    Raises:
        UserError: what is asked for cannot be trained; a folder holds an experiment made otherwise; or trainings
            failed: names the log of each.
    """
    logger, reader = log.get_logger("train"), Reader()
    folders = [setup.exp.absolute() for setup in setups]
    if twice := [folder for folder in folders if folders.count(folder) > 1]:
        raise UserError(f"{twice[0]}: two experiments in one folder; give each its own", code="experiment-twice")
    prepared = [_prepare(setup, reader) for setup in setups]
    if not overwrite:
        require_same({experiment.setup.exp: experiment.config for experiment in prepared})
    todo = []
    for experiment in prepared:
        exp = experiment.setup.exp
        claim(exp, experiment.config)
        write_folds(experiment.folds, exp / "folds")
        trainings = experiment.trainings()
        stale = [training for training in trainings if not training[1].fresh()]
        folds, runs = len(experiment.folds), experiment.setup.runs
        logger.info("%s: %d of %d trainings to do (%d folds x %d runs)", exp, len(stale), folds * runs, folds, runs)
        todo += stale
    jobs.run_jobs(
        train_one,
        [(task, done) for task, done, _ in todo],
        nj=nj,
        step="train",
        logs=[path for *_, path in todo],
        devices=devices,
    )
    return len(todo)


def check_setup(setup: Setup) -> ModelSpec:
    """Check what can be known without data, before any stage works; returns the model's configuration.

    Raises:
        UserError: the configuration is malformed, x-vectors are missing, ``training.select`` is no metric, or a package
            is not installed.
    """
    spec = setup.spec()
    check_training(spec)
    if setup.tensorboard:
        require_tensorboard()
    return spec


def train_one(task: Task, done: Stamp) -> None:
    """Train one run of one fold, select on dev, then predict dev and test; a worker process runs this."""
    task.directory.mkdir(parents=True, exist_ok=True)
    with logged_to(task.directory / "train.log", log.get_logger("train")):
        outcome = system_of(task.spec).train(task)
    files = list(outcome.files)
    for part, utts in (("dev", task.fold.dev), ("test", task.fold.test)):
        files.append(task.directory / f"predictions_{part}.tsv")
        write_predictions(files[-1], utts, outcome.scores[part], task.sources.data.emo, task.classes)
    done.write(files)
    (task.directory / "checkpoint.pt").unlink(missing_ok=True)


def _prepare(setup: Setup, reader: Reader) -> Prepared:
    """Check all that can be known before training."""
    spec, data = check_setup(setup), reader.data(setup.data)
    classes = list(LabelMap.load(setup.labels).classes)
    unknown = set(data.emo.values()) - set(classes)
    if unknown:
        raise UserError(
            f"{setup.data}: classes {', '.join(sorted(unknown))} are not in label map {setup.labels}; make the data "
            "again with this map (stage 1), or name the map that they were made with",
            code="class-unknown",
        )
    protocol = Protocol.load(setup.protocol)
    every = make_folds(protocol, data)
    folds = every[: setup.folds or None]
    require_classes(protocol, folds, data, classes)
    sources = setup.sources(spec, data, reader)
    return Prepared(setup, spec, sources, folds, resolve(setup, spec, sources, classes, protocol, every, reader))


def _seed(protocol: str, fold: int, run: int, seed: int) -> int:
    """Seed of one training; the model does not enter, so systems are compared from the same draw."""
    return int(digest([protocol, fold, run, seed])[:8], 16)
