"""Training of any number of experiments: all are checked first, then all runs are one job queue."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mscnn import jobs, log
from mscnn.config.labels import LabelMap
from mscnn.config.model import ModelSpec
from mscnn.config.written import read_config
from mscnn.data.fit import applicable
from mscnn.data.protocols import Fold, Protocol, make_folds, read_fold, require_classes, write_folds
from mscnn.errors import UserError
from mscnn.files import digest
from mscnn.stamp import SEAL, Stamp, damaged, seal
from mscnn.text.vectors import WordVectors
from mscnn.training.experiment import ExperimentConfig, options_of, resolve
from mscnn.training.fingerprint import require_same, stamp, write_config
from mscnn.training.outputs import logged_to, require_tensorboard, write_predictions
from mscnn.training.selection import check_class_weights, check_training
from mscnn.training.shard import ALL, Shard
from mscnn.training.short import exclude, too_short
from mscnn.training.sources import Reader, Sources
from mscnn.training.systems import system_of
from mscnn.training.task import Task
from mscnn.training.words import place, table


@dataclass(frozen=True)
class Prepared:
    """A checked experiment; ``folds`` are those to be trained."""

    options: ExperimentConfig
    spec: ModelSpec
    sources: Sources
    folds: Sequence[Fold]
    config: dict[str, Any]

    def trainings(self) -> list[Training]:
        """Every run of every fold."""
        options = self.options
        places = [(fold.index, run) for fold in self.folds for run in range(1, options.runs + 1)]
        return [
            Training(
                options.exp,
                fold,
                run,
                stamp(options.run_dir(fold, run), self.config),
                options.exp / "log" / f"train.{number}.log",
                options.tensorboard,
            )
            for number, (fold, run) in enumerate(places, 1)
        ]


@dataclass(frozen=True)
class Training:
    """One run of a fold of an experiment: its stamp, its log, and whether it also writes TensorBoard events."""

    exp: Path
    fold: int
    run: int
    stamp: Stamp
    log: Path
    tensorboard: bool = False

    @property
    def args(self) -> tuple[Path, int, int, bool]:
        """Arguments of :func:`train_one`."""
        return self.exp, self.fold, self.run, self.tensorboard


def train_experiments(
    configs: Sequence[ExperimentConfig],
    *,
    nj: int,
    overwrite: bool = False,
    devices: Sequence[str] = (),
    needs: Mapping[Path, jobs.Need] | None = None,
    shard: Shard = ALL,
    failed: Collection[Path] = (),
) -> int:
    """Train all unfinished folds and runs of the experiments, ``nj`` at a time; returns the number of trained runs.

    All experiments are checked before training starts. A failed run does not stop the others.

    Args:
        overwrite: remove the outputs of experiments of another configuration from the folders.
        devices: values of CUDA_VISIBLE_DEVICES, assigned to the processes in turn; empty: that of the environment.
        needs: what a run of each experiment (its folder) is expected to take, for clusters.
        shard: the share of all runs that this machine trains.
        failed: folders of experiments that cannot be trained here; their runs count in shares.

    Raises:
        UserError: an experiment cannot be trained, a folder has an experiment of another configuration, or runs failed;
            lists the logs.
    """
    folders = [config.exp.absolute() for config in configs]
    if duplicates := [folder for folder in folders if folders.count(folder) > 1]:
        raise UserError(
            f"{duplicates[0]}: two experiments in one folder; use a folder per experiment", code="experiment-twice"
        )
    prepared = _prepare_all(configs, failed)
    if not overwrite:
        require_same({experiment.options.exp: experiment.config for _, experiment in prepared})
    todo: list[Training] = []
    for first, experiment in prepared:
        todo += _set_up(experiment, first, shard)
    if todo:
        log.get_logger("train").info(
            "%d trainings, %d at a time; epochs are logged in each RUN/train.log, now %s",
            len(todo),
            min(nj, len(todo)),
            todo[0].stamp.path.with_name("train.log"),
        )
    jobs.run_jobs(
        train_one,
        [training.args for training in todo],
        nj=nj,
        step="train",
        log_dir=configs[0].exp.parent / "log",
        logs=[training.log for training in todo],
        writes=[[training.stamp.path] for training in todo],
        needs=[(needs or {}).get(training.exp, jobs.Need()) for training in todo],
        devices=devices,
    )
    return len(todo)


def _set_up(experiment: Prepared, first: int, shard: Shard) -> list[Training]:
    """Write the configuration, folds and word vectors of an experiment; returns its unfinished trainings in the share.

    ``first`` is the number of its first run among those of all experiments.
    """
    exp = experiment.options.exp
    write_config(exp, experiment.config)
    write_folds(experiment.folds, exp / "folds")
    trainings = [training for number, training in enumerate(experiment.trainings(), first) if number in shard]
    stale = [training for training in trainings if not training.stamp.fresh()]
    folds, runs = len(experiment.folds), experiment.options.runs
    _place_vectors(experiment, needed=bool(stale))
    _seal(exp, experiment.folds)
    log.get_logger("train").info(
        "%s: %d of %d runs to train (%d folds x %d runs)", exp, len(stale), folds * runs, folds, runs
    )
    return stale


def _seal(exp: Path, folds: Sequence[Fold]) -> None:
    """Record the configuration, the lists of the folds and the table of word vectors, as they were written."""
    lists = [exp / "folds" / f"fold{fold.index:02d}.{part}" for fold in folds for part in fold.parts]
    table = exp / WordVectors.FILE
    seal(exp / SEAL, [exp / "config.yaml", *lists, *([table] if table.exists() else [])])


def _place_vectors(experiment: Prepared, needed: bool) -> None:
    """Put the table of pretrained word vectors into the folder of an experiment, unless it is there, undamaged."""
    spec, options = experiment.spec, experiment.options
    file = options.exp / WordVectors.FILE
    needed = needed or not file.exists() or file in damaged(options.exp / SEAL)
    if spec.text and system_of(spec).learns_tokens and needed:
        made = table(experiment.sources, options.exp.parent / "embeddings")
        if made:
            place(made, options.exp)


def check_options(options: ExperimentConfig) -> ModelSpec:
    """Check all that does not depend on data; returns the configuration of the model.

    Raises:
        UserError: the configuration is malformed, x-vectors are missing, ``training.select`` is not a metric, or a
            package is not installed.
    """
    spec = options.spec()
    check_training(spec)
    if options.tensorboard:
        require_tensorboard()
    return spec


def train_one(exp: Path, fold: int, run: int, tensorboard: bool) -> None:
    """Train one run of one fold of the experiment that ``exp`` describes, and predict dev and test."""
    config, reader = read_config(exp / "config.yaml"), Reader()
    options, spec = options_of(exp, config), ModelSpec.of_config(config)
    directory = options.run_dir(fold, run)
    done = stamp(directory, config)
    if done.fresh():  # another process has trained it meanwhile
        return
    task = Task(
        spec,
        options.sources(spec, reader.data(options.data), reader),
        read_fold(exp / "folds", fold),
        config["classes"],
        directory,
        cache=exp.parent / "embeddings",
        device=config["device"],
        seed=_seed(config["protocol"]["name"], fold, run, options.seed),
        tensorboard=tensorboard,
    )
    directory.mkdir(parents=True, exist_ok=True)
    with logged_to(directory / "train.log", log.get_logger("train")):
        outcome = system_of(spec).train(task)
    files = list(outcome.files)
    for split, utts in (("dev", task.fold.dev), ("test", task.fold.test)):
        files.append(directory / f"predictions_{split}.tsv")
        write_predictions(files[-1], utts, outcome.scores[split], task.sources.data.emo, task.classes)
    done.write(files)
    for leftover in directory.glob("checkpoint.*"):
        leftover.unlink()


def _prepare_all(configs: Sequence[ExperimentConfig], failed: Collection[Path]) -> list[tuple[int, Prepared]]:
    """Check experiments; returns those that have not failed, with the number of their first run.

    The runs of all are numbered, so that machines on which different ones fail have the same numbers.
    """
    reader, prepared, number = Reader(), list[tuple[int, Prepared]](), 1
    for config in configs:
        try:
            experiment = _prepare(config, reader)
        except UserError:
            if config.exp not in failed:
                raise
            continue  # on every machine
        if config.exp not in failed:
            prepared.append((number, experiment))
        number += len(experiment.folds) * config.runs
    return prepared


def _prepare(options: ExperimentConfig, reader: Reader) -> Prepared:
    """Check an experiment, with its data; returns it ready to train."""
    spec, data = check_options(options), reader.data(options.data)
    classes = list(LabelMap.load(options.labels).classes)
    check_class_weights(spec, classes)
    unknown = set(data.emo.values()) - set(classes)
    if unknown:
        raise UserError(
            f"{options.data}: classes {', '.join(sorted(unknown))} are not in label map {options.labels}; prepare the "
            "data again with this map (stage 1), or name the label map of the data",
            code="class-unknown",
        )
    protocol = applicable(Protocol.load(options.protocol), data, classes, options.folds)
    sources = options.sources(spec, data, reader)
    all_folds = exclude(make_folds(protocol, data), too_short(spec, sources))
    folds = all_folds[: options.folds or None]
    require_classes(protocol, folds, data, classes)
    _remark(options, spec, sources, protocol, len(all_folds))
    return Prepared(
        options, spec, sources, folds, resolve(options, spec, sources, classes, protocol, all_folds, reader)
    )


def _remark(
    options: ExperimentConfig, spec: ModelSpec, sources: Sources, protocol: Protocol, number_of_folds: int
) -> None:
    """Log what can be trained, but may not be what the user expects."""
    logger = log.get_logger("train")
    if options.folds > number_of_folds:
        logger.warning("--folds %d: %s has %d folds; all are trained", options.folds, protocol.name, number_of_folds)
    if spec.text:
        texts = sources.texts()
        empty = sum(not text.strip() for text in texts.values())
        if 2 * empty > len(texts):
            source = options.text.source
            logger.warning("%s: %d of %d transcripts (%s) have no words", options.data, empty, len(texts), source)


def _seed(protocol: str, fold: int, run: int, seed: int) -> int:
    """Seed of one run; it does not depend on the model, so that systems are compared with the same seeds."""
    return int(digest([protocol, fold, run, seed])[:8], 16)
