"""How time and memory of every stage grow with the number of utterances, on made-up data without audio.

    . ./path.sh; python3 benchmarks/scale.py [--sizes 10000 100000 1000000] [--out scale.md]

Each step runs in a process of its own: CPU seconds and peak memory of its own, every 50 ms, without maps of files, less
what it takes for 200 utterances, which is mostly the start of Python and of its packages (a step of training excepted).
The exponent is the slope of log seconds over log utterances between
the two largest sizes: 1 is linear. The slope of memory is bytes per utterance between them.

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
SMALL = 200  # utterances whose cost is subtracted: that of starting Python and of its packages


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
        work, found, base = args.work or Path(temporary), {}, {}
        for size in (SMALL, *sorted(args.sizes)):
            for step in filter(args.steps.__contains__, STEPS):
                seconds, peak = measured(step, work / str(size), size)
                if size == SMALL:
                    base[step] = (0.0 if step == "step" else seconds, peak)
                found[step, size] = (max(seconds - base[step][0], 0.01), max(peak - base[step][1], 0))
                print(f"{size} {step}: {seconds:.2f} s, {peak / 1e6:.0f} MB", file=sys.stderr, flush=True)
    lines = table(found, sorted(args.sizes), args.steps)
    print("\n".join(lines))
    if args.out:
        with atomic(args.out) as out:
            out.writelines(line + "\n" for line in lines)


def measured(step: str, work: Path, size: int) -> tuple[float, int]:
    """CPU seconds, and bytes of memory, of a step in a process of its own."""
    code = f"import benchmarks.scale as scale; scale.child({step!r}, {str(work)!r}, {size})"
    done = subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.PIPE, text=True)
    seconds, peak = json.loads(done.stdout.splitlines()[-1])
    return seconds, peak


def child(step: str, work: str, size: int) -> None:
    """Run a step; prints its CPU seconds, with those of its children, and its peak memory."""
    import os
    import resource
    import threading

    import torch

    torch.set_num_threads(1)
    os.environ["MSCNN_BACKEND"] = "debug"
    sizes, done = [0], threading.Event()

    def watch() -> None:
        ended = False
        while not ended:
            ended = done.wait(0.05)
            status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
            sizes.append(1024 * int(status["RssAnon"].split()[0]))

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        seconds = STEPS[step](Path(work), size)
    finally:
        done.set()
        watching.join()
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    print(json.dumps([seconds or sum(one.ru_utime + one.ru_stime for one in used), max(sizes)]))


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
}

if __name__ == "__main__":
    run(main)
