"""All ratios in one run: training steps and, with --data, features; with the commit, the machine and the versions.

    python3 -m benchmarks --data egs/ravdess/data/ravdess8 --official ~/GLAM >performance.txt

docs/explanation/performance.md says what they mean. An idle machine is not needed, as only ratios count; two runs tell
how much they vary.
"""

import importlib.metadata
import platform
import subprocess
import sys
from pathlib import Path

from mscnn.options import Parser, positive, run

ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    """Print what is measured where, and run the benchmarks one after the other."""
    parser = Parser("python3 -m benchmarks", "Ratios of CPU times: training steps and features.")
    parser.add_argument("--data", help="data directory for features, written by stage 1; default: no features")
    parser.add_argument("--official", help="clone of github.com/lixiangucas01/GLAM, see benchmarks/step.py")
    parser.add_argument("--repeats", type=positive, default=7, help="repeats of a step, of which the fastest counts")
    args = parser.parse_args()
    print("\n".join(machine()) + "\n", flush=True)
    official = ["--official", args.official] if args.official else []
    commands = [["benchmarks/step.py", "--repeats", str(args.repeats), *official]]
    if args.data:
        commands.append(["benchmarks/features.py", "--data", args.data])
    sys.exit(max(subprocess.run([sys.executable, str(ROOT / path), *rest]).returncode for path, *rest in commands))


def machine() -> list[str]:
    """Commit, processor, instructions and versions, a line each."""
    import torch

    git = subprocess.run(["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"], capture_output=True, text=True)
    info = Path("/proc/cpuinfo")
    names = (
        [line.split(": ")[1] for line in info.read_text().splitlines() if line.startswith("model name")]
        if info.exists()
        else []
    )
    native = "with" if torch.cpu._is_avx512_bf16_supported() else "without"
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("torch", "numpy", "librosa"))
    return [
        f"commit: {git.stdout.strip() or 'unknown'}",
        f"processor: {names[0] if names else platform.processor()}, {torch.backends.cpu.get_cpu_capability()}, "
        f"{native} bfloat16 instructions",
        f"versions: Python {platform.python_version()}, {versions}",
    ]


if __name__ == "__main__":
    run(main)
