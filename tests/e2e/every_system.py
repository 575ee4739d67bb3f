"""Train every system for a step or two, from the command lines that a recipe's ``--dry-run true`` prints.

usage: run.sh --dry-run true --stage train --stop-stage train ... | tests/e2e/every_system.py RECIPE-FOLDER

The commands run in two processes instead of two processes each, whose start would take most of the time.
"""

import contextlib
import os
import shlex
import sys
from multiprocessing import Pool

from mscnn.bin import train

COMMAND = ["python3", "-m", "mscnn.bin.train"]


def start(folder: str) -> None:
    """Settle where and how a process works: one compute thread, jobs in the process itself."""
    import torch

    os.chdir(folder)
    os.environ["MSCNN_BACKEND"] = "debug"
    torch.set_num_threads(1)


def run(arguments: list[str]) -> str:
    """Run one training; returns its system, with the error where it failed."""
    sys.argv[1:] = arguments
    system = arguments[arguments.index("--model") + 1]
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stderr(nowhere):
        try:
            train.main()
        except BaseException as error:  # what is wrong with one system is no reason to leave the others out
            return f"{system}: {type(error).__name__}: {error}"
    return system


def main(folder: str) -> int:
    """Run the trainings of standard input; returns the exit status."""
    lines = [shlex.split(line) for line in sys.stdin if line.startswith(shlex.join(COMMAND))]
    with Pool(2, start, [folder]) as pool:
        results = sorted(pool.imap_unordered(run, [line[len(COMMAND) :] for line in lines]))
    failed = [result for result in results if ": " in result]
    print(f"{len(results)} systems: {' '.join(results)}" if not failed else "\n".join(failed))
    return int(bool(failed) or not results)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1]))
