"""The memory that one training of an experiment takes: measured once, and stored in the folder of the experiment."""

from __future__ import annotations

import json
import traceback
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mscnn import models
from mscnn.errors import UserError
from mscnn.files import atomic, digest, read_mapping
from mscnn.jobs.run import TAIL_LINES
from mscnn.jobs.worker import Worker
from mscnn.log import get_logger

if TYPE_CHECKING:
    from mscnn.training.experiment import ExperimentConfig
    from mscnn.training.sources import Reader
    from mscnn.training.task import Task

STATUS = Path("/proc/self/status")
FILE = "memory.json"
LENGTHS = 700 << 20  # bytes that batches of many lengths add on IEMOCAP: gaps, and convolutions that oneDNN keeps
CONTEXT = 600 << 20  # bytes of a GPU that CUDA and its libraries take per process


@dataclass(frozen=True)
class Taken:
    """Bytes that one training takes: of the memory of the machine, and of that of a GPU."""

    host: int
    gpu: int = 0


def stored(exp: Path) -> Taken | None:
    """What one training of the experiment took when it was measured; None if it was not measured."""
    found = read_mapping(exp / FILE)
    host, gpu = found.get("bytes"), found.get("gpu_bytes", 0)
    return Taken(host, gpu) if isinstance(host, int) and isinstance(gpu, int) else None


def measure(setup: ExperimentConfig, reader: Reader) -> Taken | None:
    """What one training takes, as stored or measured now; None without weights, or if there is too little memory.

    Raises:
        UserError: the measured step fails, as every training of the experiment would (``step-failed``, or the code of
            the error).
    """
    from mscnn.training.systems import system_of
    from mscnn.training.words import table

    task, log = _task(setup, reader), get_logger("train")
    if system_of(task.spec).refitted:
        return None
    features = {name: feature.content for name, feature in task.sources.features.items()}
    code = [reader.code_digest(name) for name in models.source_modules(task.spec)]
    key = digest([task.spec.describe(), asdict(setup.text), task.device, len(task.sources.data.utts), features, code])
    if read_mapping(setup.exp / FILE).get("key") == key:
        return stored(setup.exp)
    if task.spec.words:
        table(task.sources, task.cache)  # made once for all trainings, and no part of what one takes
    try:
        with Worker() as worker:
            size = worker.call(_measured, task)
    except Exception as error:
        if isinstance(error, UserError) and error.code != "job-died":
            where = f"{setup.exp}: no training was started, because a step of {task.spec.name} fails"
            raise UserError(f"{where}: {error}", code=error.code) from None
        log.warning("%s: the memory of a training could not be measured: %s", setup.exp, error)
        return None
    if not isinstance(size, Taken):
        return None
    with atomic(setup.exp / FILE) as out:
        json.dump({"key": key, "bytes": size.host, "gpu_bytes": size.gpu}, out)
    on_gpu = f", and {size.gpu / 1e9:.2f} GB of that of the GPU" if size.gpu else ""
    log.info("%s: one training takes %.2f GB of memory%s", setup.exp, size.host / 1e9, on_gpu)
    return size


def _measured(task: Task) -> Taken | None:
    """As :func:`peak`; any error but too little memory is a UserError with the end of the traceback."""
    import torch

    try:
        return peak(task)
    except (UserError, MemoryError, torch.cuda.OutOfMemoryError):
        raise
    except Exception:
        lines = traceback.format_exc().splitlines()[-TAIL_LINES:]
        message = "\n  ".join(["the traceback ends with:", *lines])
        raise UserError(message, code="step-failed") from None


def peak(task: Task) -> Taken | None:
    """What this process takes to read a fold, and to train and predict on its longest examples; see own_peak.

    On a CPU with LENGTHS, where batches differ in length.
    """
    import numpy as np
    import torch

    from mscnn.training.feed import Feed
    from mscnn.training.loop import EVAL_BATCH_SIZE, predict_batches, train_epoch
    from mscnn.training.network import reproducible, untrained
    from mscnn.training.optimizer import make_optimizer
    from mscnn.training.splits import make_splits

    options, rng = task.spec.training, np.random.default_rng(0)
    with reproducible(task.device):
        splits = make_splits(task.spec, task.sources, task.fold, task.classes, cache=task.cache, seed=task.seed)
        model = untrained(task.spec, splits).to(task.device)
        order = np.argsort(splits.train.lengths)
        feed, optimizer = Feed(splits.train, task.device), make_optimizer(model, options)
        train_epoch(model, feed, [order[-options.batch_size :]], optimizer, options, rng)
        predict_batches(model, feed, [order[-EVAL_BATCH_SIZE:]])
    host = own_peak()
    if host is not None and task.device == "cpu" and not task.spec.segments and np.ptp(splits.train.lengths):
        host += LENGTHS
    on_gpu = torch.cuda.max_memory_reserved() + CONTEXT if task.device == "cuda" else 0
    return None if host is None else Taken(host, on_gpu)


def own_peak() -> int | None:
    """Bytes that this process had to itself at most; None where ``/proc`` is missing.

    Memory backed by files, such as libraries and archives of features, is shared by processes and not counted.
    """
    if not STATUS.exists():
        return None
    sizes = dict(line.split(":", 1) for line in STATUS.read_text().splitlines())
    return sum(sign * int(sizes[name].split()[0]) for name, sign in (("VmHWM", 1), ("RssFile", -1))) * 1024


def _task(setup: ExperimentConfig, reader: Reader) -> Task:
    """The first training of an experiment."""
    from mscnn.config.labels import LabelMap
    from mscnn.data.fit import applicable
    from mscnn.data.protocols import Protocol, make_folds
    from mscnn.device import choose_device
    from mscnn.training.task import Task

    spec, data = setup.spec(), reader.data(setup.data)
    classes = list(LabelMap.load(setup.labels).classes)
    protocol = applicable(Protocol.load(setup.protocol), data, classes, setup.folds)
    return Task(
        spec,
        setup.sources(spec, data, reader),
        make_folds(protocol, data)[0],
        classes,
        setup.exp,
        cache=setup.exp.parent / "embeddings",
        device=choose_device(setup.device),
    )
