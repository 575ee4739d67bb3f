"""CPU time of stage 3 as a share of that of plain librosa loops over the same files, measured in one run.

    cd egs/ravdess && ./run.sh --corpus RAVDESS --stop-stage data && . ./path.sh
    python3 ../../benchmarks/features.py --data data/ravdess8

Each is a process of its own, and everything counts: its start, reading, resampling, and of stage 3 also archives,
tables, digests and processes that it starts. They take turns; the least of the repeats is printed. ``mfcc96`` is
compared with ``librosa.load``, ``mfcc`` and ``delta`` of orders 1 and 2, without writing; ``prosody35`` with
``librosa.load`` and ``pyin``, on every 20th file (``--every``), so that the imports of librosa count 20 times less.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from mscnn.options import Parser, positive, run

LOAD = """
import sys, librosa, numpy as np
for path in sys.argv[1].split("\\n"):
    y, rate = librosa.load(path, sr=16000)
"""
MFCC = """
    static = librosa.feature.mfcc(
        y=y, sr=rate, n_mfcc=32, n_fft=2048, win_length=400, hop_length=160, window="hamming"
    )
    mode = "interp" if static.shape[1] >= 9 else "nearest"
    deltas = [librosa.feature.delta(static, order=order, mode=mode) for order in (1, 2)]
    np.ascontiguousarray(np.concatenate([static, *deltas]).T)
"""
PYIN = """
    librosa.pyin(
        y, fmin=52, fmax=620, sr=rate, frame_length=880, hop_length=160, resolution=0.25, center=False, fill_na=0.0
    )
"""


def main() -> None:
    """Measure, and print one line per feature."""
    parser = Parser("benchmarks/features.py", "CPU time of stage 3 and of plain librosa loops over the same files.")
    parser.add_argument("--data", required=True, help="data directory, written by stage 1, one file per utterance")
    parser.add_argument("--nj", type=positive, default=1, help="processes of stage 3")
    parser.add_argument("--repeats", type=positive, default=3, help="runs of each, of which the fastest counts")
    parser.add_argument("--every", type=positive, default=20, help="pyin takes every N-th file")
    args = parser.parse_args()

    from mscnn.data.datadir import DataDir

    data = DataDir.load(args.data)
    files = [str(path) for path in data.wav.values()]
    print(f"{args.data}: {len(files)} files, {sum(data.dur.values()) / 3600:.2f} h; CPU s")
    for feature, loop, every in (("mfcc96", MFCC, 1), ("prosody35", PYIN, args.every)):
        ours, theirs = [], []
        for _ in range(args.repeats):
            with tempfile.TemporaryDirectory() as folder:
                options = ["--data", args.data, "--feature", feature, "--out", str(Path(folder, "out"))]
                command = ["-m", "mscnn.bin.extract_features", *options, "--nj", str(args.nj), "--convert", "true"]
                ours.append(seconds(command))
            theirs.append(seconds(["-c", LOAD + loop, "\n".join(files[::every])]) * len(files) / len(files[::every]))
        times = f"stage 3 {min(ours):.1f}, librosa {min(theirs):.1f}"
        print(f"{feature}: {times}, ratio {min(ours) / min(theirs):.3f}", flush=True)


def seconds(arguments: Sequence[str]) -> float:
    """CPU seconds of a Python process in one thread and of the processes that it started."""
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
    with tempfile.TemporaryFile() as output:
        child = subprocess.Popen(
            [sys.executable, *arguments], stdout=output, stderr=subprocess.STDOUT, env={**os.environ, **threads}
        )
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            output.seek(0)
            raise RuntimeError(output.read().decode(errors="replace"))
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    run(main)
