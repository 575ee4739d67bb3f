"""Costs of a plan's systems, features and x-vectors per hour of speech: the numbers of conf/costs.yaml.

    cd egs/iemocap && ./run.sh --corpus SAMPLE --model "mscnn_spu glam" --stop-stage features && . ./path.sh
    python3 ../../benchmarks/costs.py --plan exp/plan.jsonl --out costs.yaml

CPU seconds of one core. A step is the median batch of the training part of fold 1; an epoch is one pass over an hour of
speech at that rate, without the evaluation on dev. Memory is the peak of a process that trains on the longest batch of
fold 1, without features and libraries, which processes share. Features and x-vectors of some utterances are extracted
again. The corpus may be a sample.
"""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from mscnn.options import Parser, positive, run


def main() -> None:
    """Measure, print one line per system and feature, write them to --out."""
    parser = Parser("benchmarks/costs.py", "Time systems and features on one core.")
    parser.add_argument("--plan", required=True, help="plan of a recipe that has run to stage 3")
    parser.add_argument("--utterances", type=positive, default=30, help="number of utterances for features")
    parser.add_argument("--only", nargs="*", default=[], help="systems or features to measure; default: all")
    parser.add_argument("--set", nargs="+", default=[], metavar="KEY=VALUE", help="changes of the configurations")
    parser.add_argument("--out", required=True, help="YAML file to write")
    args = parser.parse_args()

    from mscnn.files import atomic
    from mscnn.jobs.inprocess import one_thread
    from mscnn.recipe.plan import Plan

    plan = Plan.load(args.plan)
    with one_thread(), atomic(args.out) as out:
        for line in measure(plan, args):
            print(line, flush=True)
            out.write(line + "\n")


def measure(plan, args) -> Iterator[str]:
    """Lines of YAML: systems, then features, then x-vectors."""
    yield "systems:"
    for row in {row.model: row for row in plan.trained}.values():
        if not args.only or row.model in args.only:
            yield f"  {row.model}: {system(row, args)}"
    yield "features:"
    made = {name: (data, out) for data in reversed(plan.data_sets) for name, out in data.features.items()}
    for name, (data, out) in made.items():
        if not args.only or name in args.only:
            yield f"  {name}: {feature(data.path, name, out, args.utterances)}"
    for out, model in plan.data_sets[0].xvectors.items() if not args.only else ():
        yield f"xvectors: {xvectors(plan.data_sets[0].path, out, model, args.utterances)}"


def system(row, args) -> str:
    """``{epoch: seconds per hour of speech, step: seconds, gigabytes: of memory, weights: gigabytes on disk}``."""
    from dataclasses import replace

    from benchmarks import costs  # a name that the worker can import
    from mscnn.jobs.worker import Worker
    from mscnn.recipe import memory
    from mscnn.training.sources import Reader
    from mscnn.training.systems import system_of

    setup = replace(row.setup(), settings=(*row.set, *args.set))
    if system_of(setup.spec()).refitted:
        return "{epoch: 0, step: 0, gigabytes: 0.5, weights: 0}"
    with Worker() as worker:
        epoch, step, size, weights = worker.call(costs.times, memory._task(setup, Reader()))
    return f"{{epoch: {epoch:.3g}, step: {step:.3g}, gigabytes: {size:.2f}, weights: {weights:.2g}}}"


def times(task) -> tuple[float, float, float, float]:
    """Seconds of an epoch per hour of speech, and of a step, from the median batch; memory for the longest; weights."""
    import time

    import numpy as np
    import torch

    from mscnn import models
    from mscnn.recipe.memory import own_peak
    from mscnn.training import loop
    from mscnn.training.feed import Feed, sample_batches, sample_subset
    from mscnn.training.optimizer import make_optimizer
    from mscnn.training.splits import make_splits

    splits = make_splits(task.spec, task.sources, task.fold, task.classes, cache=task.cache, seed=task.seed)
    model, options, rng = models.build(task.spec, splits.sizes), task.spec.training, np.random.default_rng(0)
    optimizer, lengths = make_optimizer(model, options), np.asarray(splits.train.lengths)
    subset = sample_subset(splits.train, options, seed=0)
    batches = sample_batches(splits.train, subset, options, rng)
    size = max(map(len, batches))
    full = sorted((batch for batch in batches if len(batch) == size), key=lambda batch: lengths[batch].sum())
    feed = Feed(splits.train, "cpu")
    torch.manual_seed(0)

    def step(batch) -> float:
        start = time.process_time()
        loop.train_epoch(model, feed, [batch], optimizer, options, rng)
        return time.process_time() - start

    step(full[0][:4])
    batch = full[len(full) // 2]
    seconds = step(batch)
    step(full[-1])
    hours = sum(task.sources.data.dur[utt] for utt in task.fold.train) / 3600
    peak = (own_peak() or 0) / 1e9
    weights = sum(tensor.numel() * tensor.element_size() for tensor in model.state_dict().values()) / 1e9
    return seconds * len(splits.train) / len(batch) / hours, seconds, peak, weights


def feature(path: str, name: str, made: str, number: int) -> str:
    """``{seconds: per hour of speech, gigabytes: per hour}``; the size is that of ``made``."""
    from mscnn.data.datadir import DataDir
    from mscnn.features.config import Feature
    from mscnn.features.extract import extract

    data = DataDir.load(path)
    hours = sum(data.dur.values()) / 3600
    size = sum(file.stat().st_size for file in Path(made).rglob("*") if file.is_file()) / 1e9 / hours
    with tempfile.TemporaryDirectory() as folder:
        some = sample(data, Path(folder, "data"), number)
        start = cpu()
        extract(some, Feature.load(name), Path(folder, "out"), nj=1, convert=False)
        seconds = (cpu() - start) / (sum(some.dur.values()) / 3600)
    return f"{{seconds: {seconds:.3g}, gigabytes: {size:.3g}}}"


def xvectors(path: str, made: str, model: str, number: int) -> str:
    """As :func:`feature`, of x-vectors."""
    import subprocess
    import sys

    from mscnn.data.datadir import DataDir

    data = DataDir.load(path)
    with tempfile.TemporaryDirectory() as folder:
        some = sample(data, Path(folder, "data"), number)
        start = cpu()
        command = [sys.executable, "-m", "mscnn.bin.extract_xvectors", "--data", str(some.path), "--model", model]
        subprocess.run([*command, "--out", f"{folder}/out", "--nj", "1", "--device", "cpu"], check=True)
        seconds = (cpu() - start) / (sum(some.dur.values()) / 3600)
    return f"{{seconds: {seconds:.3g}}}"


def sample(data, out: Path, number: int):
    """A data directory with every n-th utterance."""
    from mscnn.data.datadir import DataDir

    utts = data.utts[:: max(1, len(data.utts) // number)]
    tables = {"wav.scp": data.wav, "text": data.text, "utt2spk": data.spk, "utt2emo": data.emo, "utt2dur": data.dur}
    DataDir.write(out, {name: {utt: str(table[utt]) for utt in utts} for name, table in tables.items()})
    return DataDir.load(out)


def cpu() -> float:
    """CPU seconds of this process and of its children that have ended."""
    return sum(os.times()[:4])


if __name__ == "__main__":
    run(main)
