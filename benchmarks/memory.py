"""Memory of trainings: what each process has to itself, and what all share.

    . ./path.sh; python3 benchmarks/memory.py [--nj 2] [--data DIR --feature-dir DIR --xvector SCP]

Without --data, utterances and noise of the size of IEMOCAP's four classes (5531, 7 hours) are written to a temporary
folder. `mscnn train` has --nj processes, each of which trains one fold after another. Their own memory is of anonymous
pages, as the kernel counts them in /proc; pages of files, such as archives of features and libraries, are in memory
once for all. Peaks are sampled ten times a second. `--address-space` limits each process, as `ulimit -v`.
"""

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from mscnn.options import Parser, positive, run
from mscnn.paths import ROOT

CLASSES = ("angry", "happy", "neutral", "sad")  # of conf/labels/iemocap4.yaml


def main() -> None:
    """Train some steps, print one line per process."""
    parser = Parser("benchmarks/memory.py", "Measure the memory of trainings on data of IEMOCAP's size.")
    parser.add_argument("--model", default="mscnn_spu_att", help="name in conf/models")
    parser.add_argument("--data", type=Path, help="data directory; default: noise")
    parser.add_argument("--feature-dir", type=Path, help="features of the data")
    parser.add_argument("--xvector", type=Path, help="x-vectors of the data")
    parser.add_argument("--labels", default="iemocap4", help="label map of the data")
    parser.add_argument("--protocol", default="random10", help="protocol")
    parser.add_argument("--utterances", type=positive, default=5531, help="utterances of noise, without --data")
    parser.add_argument("--seconds", type=positive, default=25_164, help="their sum in seconds, without --data")
    parser.add_argument("--nj", type=positive, default=2, help="trainings at a time")
    parser.add_argument("--folds", type=positive, help="folds to train; default: --nj")
    parser.add_argument("--steps", type=positive, default=6, help="steps of each training")
    parser.add_argument("--address-space", type=int, default=0, help="limit of each process in kB; 0: none")
    args = parser.parse_args()

    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        if args.data is None:
            args.data, args.feature_dir, args.xvector = make_noise(work, args.utterances, args.seconds)
        command = [sys.executable, "-m", "mscnn.bin.train", "--model", args.model, "--data", args.data]
        command += ["--labels", args.labels, "--protocol", args.protocol, "--exp", work / "exp" / "memory"]
        command += ["--feature-dir", args.feature_dir, "--xvector", args.xvector, "--nj", args.nj]
        command += ["--folds", args.folds or args.nj, "--set", f"training.max_steps={args.steps}"]
        peaks = measure([str(word) for word in command], args.address_space)
    for name, peak in peaks.items():
        print(f"{name:<12}" + "".join(f" {key} {value / 1e6:6.2f} GB" for key, value in peak.items()))


def measure(command: list[str], address_space: int = 0) -> dict[str, dict[str, int]]:
    """Peaks in kB of the processes that a command starts and that train: those above a quarter of the largest."""

    def limit() -> None:
        if address_space:
            resource.setrlimit(resource.RLIMIT_AS, (address_space * 1024,) * 2)

    peaks: dict[int, dict[str, int]] = {}
    with subprocess.Popen(command, preexec_fn=limit, cwd=ROOT) as process:
        while process.poll() is None:
            for pid in descendants(process.pid):
                found, peak = sizes(pid), peaks.setdefault(pid, {})
                peak |= {key: max(value, peak.get(key, 0)) for key, value in found.items()}
            time.sleep(0.1)
    if process.returncode:
        raise SystemExit(f"the training failed: exit code {process.returncode}")
    largest = max(peak.get("own", 0) for peak in peaks.values())
    return {f"process {pid}": peak for pid, peak in peaks.items() if peak.get("own", 0) > largest / 4}


def descendants(pid: int) -> Iterator[int]:
    """The process and all that it started, directly or not."""
    yield pid
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                yield from descendants(int(child))
    except OSError:  # it has ended
        return


def sizes(pid: int) -> dict[str, int]:
    """Memory of a process in kB: its own, with shared files, and the address space; empty where it has ended."""
    try:
        rollup = dict(line.split()[:2] for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:])
        status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
        return {
            "own": int(rollup["Anonymous:"]),
            "with files": int(rollup["Rss:"]),
            "addresses": int(status["VmPeak"].split()[0]),
        }
    except (OSError, KeyError, ValueError):
        return {}


def make_noise(work: Path, utterances: int, seconds: int) -> tuple[Path, Path, Path]:
    """Write a data directory, features mfcc96 and x-vectors of noise; returns their paths."""
    import numpy as np
    import yaml

    from mscnn.data.datadir import DataDir
    from mscnn.features.archive import write_archive
    from mscnn.features.config import Feature
    from mscnn.files import write_table

    rng, feature = np.random.default_rng(0), Feature.load("mfcc96")
    utts = [f"s{10 * i // utterances:02d}-{i:07d}" for i in range(utterances)]
    share = rng.lognormal(0, 0.6, utterances)
    durations = dict(zip(utts, np.maximum(share * seconds / share.sum(), 0.5).tolist(), strict=True))
    text = [" ".join(f"w{word}" for word in rng.zipf(1.5, 12) % 3000) for _ in utts]
    tables = {
        "text": dict(zip(utts, text, strict=True)),
        "utt2spk": {utt: utt[:3] for utt in utts},
        "utt2emo": {utt: CLASSES[i % 4] for i, utt in enumerate(utts)},
        "utt2dur": {utt: f"{value:.3f}" for utt, value in durations.items()},
    }
    DataDir.write(work / "data", tables)
    out, frames = work / "feats", {}
    for job in range(0, utterances, 250):
        matrices = (
            (utt, rng.standard_normal((round(100 * durations[utt]), 96), np.float32)) for utt in utts[job : job + 250]
        )
        frames |= write_archive(out / f"feats.{job // 250 + 1}", matrices)
    entries = [line for scp in out.glob("*.scp") for line in scp.read_text().splitlines()]
    write_table(out / "feats.scp", dict(line.split(" ", 1) for line in entries))
    write_table(out / "utt2num_frames", frames)
    facts = {"feature": "mfcc96", "options": feature.options, "hash": feature.hash, "content": "noise"}
    (out / "feature.yaml").write_text(yaml.safe_dump({**facts, "dim": 96, "frame_shift": 0.01}))
    write_archive(work / "xvector", ((utt, rng.standard_normal(512).astype(np.float32)) for utt in utts))
    return work / "data", out, work / "xvector.scp"


if __name__ == "__main__":
    run(main)
