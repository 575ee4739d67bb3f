"""The mini recipe on a real Slurm, with an outage at a random moment of each run: it ends with the bytes of ``local``.

``python -m tests.e2e.slurm.outages [--seed N] [--rounds N] [OUTAGE]...``: all of STRIKES where none is named; nightly.
A run may also end with an error; then the same command, run again, ends with the same bytes. No job runs twice at a
time, and no job or lock is left. Each round prints its seed; ``--seed SEED OUTAGE`` repeats it.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from tests.e2e.slurm.cluster import Slurm
from tests.e2e.slurm.recipe import KINDS, SECONDS, Recipe, wait_for
from tests.e2e.slurm.strikes import STRIKES, Round, own_disk


class Campaign:
    """Rounds on one cluster, below a folder; each kind of run is made once on this machine, once without outage."""

    def __init__(self, folder: Path, slurm: Slurm) -> None:
        self.folder, self.slurm = folder, slurm
        self.prepared = Recipe(folder / "prepared", slurm, "train")
        if self.prepared.start("local", stages=("preflight", "data")).wait():
            raise AssertionError(self.prepared.tail())
        self.expected: dict[str, dict[str, str]] = {}
        self.bodies: dict[str, list[float]] = {}

    def round(self, name: str, kind: str, seed: int) -> str:
        """One run with an outage; returns what was done and how it ended; raises AssertionError where that is wrong."""
        strike, options = STRIKES[name]
        recipe = self._recipe(f"{name}_{seed}", kind, own=name == "disk")
        if recipe is None:
            return "skipped: no file system can be mounted here"
        now = Round(recipe, random.Random(f"{name} {seed}"), self.bodies[kind], recipe.start(f"slurm{options}"))
        strike(now)
        first = self._end(now.process, recipe)
        said = f"{now.said}; {recipe.output.read_text(errors='replace').count('submitted again')} submitted again"
        if first:
            codes = sorted(set(re.findall(r"error\[([\w-]+)\]", recipe.output.read_text(errors="replace"))))
            said += f"; status {first}, {', '.join(codes)}, run again"
            if first != 1 or not codes or self._end(recipe.start("slurm"), recipe):
                raise AssertionError(f"{said}: {recipe.tail()}")
        self._check(recipe, kind, said)
        events = recipe.events()
        shutil.rmtree(recipe.path)
        if name == "disk":
            subprocess.run(["umount", recipe.folder], check=True)
            recipe.folder.with_suffix(".img").unlink()
        return f"{said}; {events['begin']} bodies began, {events['end']} ended"

    def _check(self, recipe: Recipe, kind: str, said: str) -> None:
        """All that must be true at the end of a round."""
        if not wait_for(lambda: not self.slurm.queued() and not self.slurm.jobs(), 60):
            raise AssertionError(f"{said}: jobs are left: {self.slurm.run('squeue').stdout}")
        if recipe.events()["twice"]:
            raise AssertionError(f"{said}: a job ran twice at a time: {recipe.witness}/journal")
        if left := recipe.locks():
            raise AssertionError(f"{said}: locks are left: {left}")
        before, after = self.expected[kind], recipe.digests()
        if wrong := sorted(name for name in before | after if before.get(name) != after.get(name)):
            raise AssertionError(f"{said}: different: {wrong}")

    def _recipe(self, name: str, kind: str, own: bool = False) -> Recipe | None:
        folder = self.folder / name
        if own and not own_disk(folder):
            return None
        return Recipe(folder, self.slurm, kind, self.prepared.path)

    def know(self, kind: str) -> None:
        """Run a kind on this machine, and on the cluster without outage."""
        local = Recipe(self.folder / f"local_{kind}", self.slurm, kind, self.prepared.path)
        if local.start("local").wait():
            raise AssertionError(local.tail())
        self.expected[kind] = local.digests()
        begin, cluster = time.monotonic(), Recipe(self.folder / f"slurm_{kind}", self.slurm, kind, self.prepared.path)
        if self._end(cluster.start("slurm"), cluster):
            raise AssertionError(cluster.tail())
        self._check(cluster, kind, "no outage")
        journal = cluster.journal()
        ends = {job: seconds for event, seconds, job in journal if event == "end"}
        self.bodies[kind] = [ends[job] - seconds for event, seconds, job in journal if event == "begin"]
        print(f"{kind}: {len(self.expected[kind])} files, on Slurm the same in {time.monotonic() - begin:.0f} s; "
              f"{len(ends)} jobs, {sum(self.bodies[kind]):.0f} s of the processor", flush=True)  # fmt: skip
        for recipe in (local, cluster):
            shutil.rmtree(recipe.path)

    def _end(self, process: subprocess.Popen, recipe: Recipe) -> int:
        """Wait for run.sh; returns its status."""
        end = time.monotonic() + SECONDS
        while process.poll() is None:
            if time.monotonic() > end:
                os.killpg(process.pid, signal.SIGTERM)
                raise AssertionError(f"no end after {SECONDS:.0f} s: {recipe.tail()}")
            self.slurm.resume()
            time.sleep(2)
        return process.returncode


def main() -> int:
    """Run the rounds; returns the number of failures."""
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("outages", nargs="*", metavar="OUTAGE", help=f"of {', '.join(STRIKES)}")
    p.add_argument("--seed", type=int, default=secrets.randbelow(10**6), help="of the first round; default: random")
    p.add_argument("--rounds", type=int, default=1, help="of each outage")
    p.add_argument(
        "--kinds", nargs="*", default=["train", "audio", "asr"], choices=[*KINDS], help="runs of rounds, in turn"
    )
    p.add_argument("--folder", type=Path, help="working folder, which is kept; default: a temporary one")
    args = p.parse_args()
    signal.signal(
        signal.SIGINT, signal.default_int_handler
    )  # a shell's background processes ignore it, and so would run.sh
    folder = args.folder or Path(tempfile.mkdtemp(prefix="mscnn_slurm_"))
    (folder / "slurm").mkdir(parents=True, exist_ok=True)
    try:
        slurm = Slurm(folder / "slurm", cpus=2)
    except RuntimeError as error:
        print(f"skipped: {error}")
        return 0
    failures = 0
    try:
        slurm.start()
        campaign = Campaign(folder, slurm)
        if not args.outages:
            campaign.know("whole")
        for seed in range(args.seed, args.seed + args.rounds):
            kind = args.kinds[seed % len(args.kinds)]
            for name in args.outages or STRIKES:
                if kind not in campaign.expected:
                    campaign.know(kind)
                begin = time.monotonic()
                try:
                    said = campaign.round(name, kind, seed)
                except AssertionError as error:
                    said, failures = f"WRONG: {error}", failures + 1
                    slurm.stop()
                    slurm.start()
                print(f"{name} --seed {seed} ({kind}): {said}; {time.monotonic() - begin:.0f} s", flush=True)
    finally:
        slurm.stop()
        if not failures and not args.folder:
            shutil.rmtree(folder, ignore_errors=True)
    return failures


if __name__ == "__main__":
    raise SystemExit(main())
