"""How time and memory of every stage grow with the number of utterances, on made-up data without audio.

    . ./path.sh; python3 benchmarks/scale.py [--sizes 10000 100000 1000000] [--out scale.md]

Each step runs in a process of its own, which has first done all steps on 200 utterances, so that the start of Python
and of its packages does not count: CPU seconds, and the growth of memory of its own (without maps of files), looked at
every 50 ms. The exponent is the slope of log seconds over log utterances between the two largest sizes: 1 is linear.
The slope of memory is bytes per utterance between them. The step ``python`` is for comparison: a text file is read into
three dictionaries, which are looked up in another order. Ten times as many lines are ten times as many calls, and what
exceeds an exponent of 1 is due to the caches of the processor.

Features are small (8 values, 5 to 10 frames), because reading a disk is not what is measured. The system is audio_cnn
for the start of training and its step, and majority for predictions, scores and the report.
"""

import json
import math
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from mscnn.options import Parser, positive, run

LABELS, PROTOCOL = "iemocap4", "random5"
SMALL = 200  # utterances on which all steps are done before one is measured


def main() -> None:
    """Measure every step at every size, print a table in Markdown."""
    parser = Parser("benchmarks/scale.py", "Measure how stages grow with the number of utterances.")
    parser.add_argument("--sizes", nargs="+", type=positive, default=[10_000, 100_000], help="numbers of utterances")
    parser.add_argument(
        "--steps", nargs="+", default=[*STEPS], choices=[*STEPS], help="some; each needs what those before it wrote"
    )
    parser.add_argument("--work", type=Path, help="folder for the data, which are kept; default: a temporary one")
    parser.add_argument("--out", type=Path, help="Markdown file to write; default: none")
    args = parser.parse_args()

    from mscnn.files import atomic

    with tempfile.TemporaryDirectory() as temporary:
        work, found = args.work or Path(temporary), {}
        for size in sorted(args.sizes):
            for step in filter(args.steps.__contains__, STEPS):
                seconds, grown = found[step, size] = measured(step, work / str(size), size)
                print(f"{size} {step}: {seconds:.2f} s, {grown / 1e6:.0f} MB", file=sys.stderr, flush=True)
    lines = table(found, sorted(args.sizes), args.steps)
    print("\n".join(lines))
    if args.out:
        with atomic(args.out) as out:
            out.writelines(line + "\n" for line in lines)


def measured(step: str, work: Path, size: int) -> tuple[float, int]:
    """CPU seconds, and bytes of memory, of a step in a process of its own."""
    code = f"import benchmarks.scale as scale; scale.child({step!r}, {str(work)!r}, {size})"
    done = subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.PIPE, text=True)
    seconds, grown = json.loads(done.stdout.splitlines()[-1])
    return seconds, grown


def child(step: str, work: str, size: int) -> None:
    """Run a step after all steps on a few utterances; prints its CPU seconds and by how much memory grew."""
    import os
    import threading

    import torch

    torch.set_num_threads(1)
    os.environ["MSCNN_BACKEND"] = "debug"
    with tempfile.TemporaryDirectory() as small:
        for one in STEPS.values():
            one(Path(small), SMALL)
    sizes, done = [own()], threading.Event()

    def watch() -> None:
        while not done.wait(0.05):
            sizes.append(own())

    watching = threading.Thread(target=watch)
    watching.start()
    before = sum(os.times()[:4])
    try:
        seconds = STEPS[step](Path(work), size) or sum(os.times()[:4]) - before
    finally:
        done.set()
        watching.join()
    print(json.dumps([seconds, max(sizes) - sizes[0]]))


def own() -> int:
    """Bytes of memory of this process, without maps of files."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return 1024 * int(status["RssAnon"].split()[0])


def table(found: dict, sizes: list[int], steps: list[str]) -> list[str]:
    """A row per step: seconds and megabytes at each size, exponent, and bytes per utterance."""
    heads = [f"{size:,} utterances" for size in sizes]
    lines = [f"| step | {' | '.join(heads)} | exponent | bytes per utterance |", "|---" * (len(sizes) + 3) + "|"]
    for step in steps:
        cells = [f"{found[step, size][0]:.2f} s, {found[step, size][1] / 1e6:.0f} MB" for size in sizes]
        growth = ["–", "–"]
        if len(sizes) > 1:
            (a, low), (b, high) = (found[step, size] for size in sizes[-2:])
            growth = [f"{math.log(b / a) / math.log(sizes[-1] / sizes[-2]):.2f}"]
            growth.append(f"{(high - low) / (sizes[-1] - sizes[-2]):,.0f}")
        lines.append(f"| {' | '.join([step, *cells, *growth])} |")
    return lines


def _prepare(work: Path, size: int) -> None:
    """Stage 1, from the utterances of a corpus without audio."""
    from benchmarks import made_up
    from mscnn.config.labels import LabelMap
    from mscnn.corpora.common import Corpus, Item
    from mscnn.corpora.prepare import AudioForm, prepare

    labels = LabelMap.load(LABELS)
    back = {labels.mapping[label]: label for label in labels.mapping if labels.mapping[label]}
    items = [
        Item(utt, row["spk"], back[row["emo"]], row["text"], "", utt, session=row["session"], seconds=row["dur"])
        for utt, row in made_up.utterances(size, max(10, size // 100))
    ]
    prepare(Corpus(items), labels, "all", AudioForm(), work / "data" / "set", skip=False)


def _load(work: Path, size: int) -> None:
    """Reading and checking the data directory."""
    _data(work)


def _folds(work: Path, size: int) -> None:
    """Folds of the protocol."""
    from mscnn.data.protocols import Protocol, make_folds

    make_folds(Protocol.load(PROTOCOL), _data(work))


def _audit(work: Path, size: int) -> None:
    """Stage 1: the audit, with its baselines of text."""
    from mscnn.leakage.report import write_audits

    write_audits([PROTOCOL], _data(work), work / "audit")


def _features(work: Path, size: int) -> None:
    """Writing the archives."""
    from benchmarks import made_up

    made_up.make_features(work / "feats", "mfcc96", _data(work), 8, (5, 10))


def _start(work: Path, size: int) -> None:
    """Stage 5 until the first batch: checks, folds, fingerprint, splits, statistics of the features."""
    from mscnn.training.splits import make_splits

    task = _task(work)
    splits = make_splits(task.spec, task.sources, task.fold, task.classes, cache=work, seed=0)
    splits.train.batch(range(64))


def _step(work: Path, size: int) -> float:
    """One step of training; seconds of the step alone."""
    import time

    import numpy as np

    from mscnn.training.feed import Feed, sample_batches, sample_subset
    from mscnn.training.loop import train_epoch
    from mscnn.training.network import untrained
    from mscnn.training.optimizer import make_optimizer
    from mscnn.training.splits import make_splits

    task = _task(work)
    splits = make_splits(task.spec, task.sources, task.fold, task.classes, cache=work, seed=0)
    model, options, rng = untrained(task.spec, splits), task.spec.training, np.random.default_rng(0)
    batches = sample_batches(splits.train, sample_subset(splits.train, options, 0), options, rng)
    feed, optimizer = Feed(splits.train, "cpu"), make_optimizer(model, options)
    train_epoch(model, feed, batches[:1], optimizer, options, rng)
    start = time.process_time()
    train_epoch(model, feed, batches[1:6], optimizer, options, rng)
    return (time.process_time() - start) / 5


def _train(work: Path, size: int) -> None:
    """Stage 5 of the majority baseline: predictions of all folds."""
    from mscnn.training.runner import train_experiments

    train_experiments([replace(_setup(work), model="majority", exp=work / "exp" / "majority")], nj=1)


def _score(work: Path, size: int) -> None:
    """Stage 6: scores, intervals, statistics and RESULTS.md."""
    from mscnn.evaluation.experiment import Experiment
    from mscnn.reporting.results import write_report

    write_report(Experiment.load(work / "exp" / "majority"), str(work / "data" / "set"))


def _report(work: Path, size: int) -> None:
    """Stage 6: report.html."""
    sys.argv = ["report", "--exp", f"{work}/exp/majority", "--data", f"{work}/data/set", "--audio", "none"]
    from mscnn.bin.report import main as report

    report()


def _python(work: Path, size: int) -> float:
    """Nothing of ours: seconds of plain Python that reads a text file and looks its lines up in another order."""
    import random
    import time

    work.mkdir(parents=True, exist_ok=True)
    file = work / "lines"
    with open(file, "w", encoding="utf-8") as out:
        out.writelines(f"utt{number:08d} speaker{number % 1000} some words of a text\n" for number in range(size))
    start, tables = time.process_time(), list[dict[str, str]]()
    for _ in range(3):
        with open(file, encoding="utf-8") as lines:
            tables.append(dict(line.rstrip().split(" ", 1) for line in lines))
    seconds = time.process_time() - start
    keys = random.Random(0).sample([*tables[0]], size)
    start = time.process_time()
    sum(len(table[key]) for table in tables for key in keys)
    return seconds + time.process_time() - start


def _data(work: Path):
    from mscnn.data.datadir import DataDir

    return DataDir.load(work / "data" / "set")


def _setup(work: Path):
    from mscnn.training.experiment import ExperimentConfig

    data, exp = work / "data" / "set", work / "exp" / "audio"
    return ExperimentConfig("audio_cnn", data, LABELS, PROTOCOL, exp, (work / "feats",), device="cpu")


def _task(work: Path):
    """The first training, with all that is checked before."""
    from mscnn.recipe import memory
    from mscnn.training import runner
    from mscnn.training.sources import Reader

    reader = Reader()
    runner._prepare(_setup(work), reader)
    return memory._task(_setup(work), reader)


STEPS = {
    "prepare": _prepare,
    "load": _load,
    "folds": _folds,
    "audit": _audit,
    "features": _features,
    "start": _start,
    "step": _step,
    "train": _train,
    "score": _score,
    "report": _report,
    "python": _python,
}

if __name__ == "__main__":
    run(main)
