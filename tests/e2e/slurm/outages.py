"""The mini recipe on a real Slurm, with an outage at each run: it ends with the bytes of ``local``.

``python -m tests.e2e.slurm.outages [OUTAGE]...``: all of OUTAGES where none is named, some minutes each; nightly.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from tests.e2e.slurm.cluster import Slurm

ROOT = Path(__file__).resolve().parents[3]
LINKED = ("conf", "mscnn", "path.sh", "tools", "utils")
COMPARED = ("exp/**/predictions_*.tsv", "exp/**/score_*.txt", "exp/**/*.ark", "dump/**/*.ark")
OPTIONS = ("--folds", "2", "--nj", "2", "--asr-engine", "none")
WHOLE = ("--model", "mscnn_spu_att", "--train-args", "--set batch_size=16 max_epochs=2 patience=2")
FAST = (
    "--model",
    "text_cnn",
    "--train-args",
    "--set batch_size=16 max_epochs=15 patience=15",
)  # long enough to be killed
RUN = "text_cnn_gt_loso5/fold02/run1"
SECONDS = 1800.0


class Recipe:
    """A copy of egs/mini_iemocap that uses the code of this checkout."""

    def __init__(self, folder: Path, slurm: Slurm, prepared: Path | None = None, options: Sequence[str] = FAST) -> None:
        """Copy it to ``folder``, with the corpus and the data of ``prepared``."""
        self.options = options
        self.slurm, self.path, self.output = slurm, folder / "egs/mini_iemocap", folder / "run.log"
        self.path.parent.mkdir(parents=True)
        skipped = shutil.ignore_patterns("corpus", "data", "dump", "exp")
        shutil.copytree(ROOT / "egs/mini_iemocap", self.path, ignore=skipped)
        for name in LINKED:
            (folder / name).symlink_to(ROOT / name)
        for name in ("corpus", "data") if prepared else ():
            subprocess.run(["cp", "-a", str(prepared) + f"/{name}", self.path], check=True)

    def start(self, *options: str, stage: str = "xvector") -> subprocess.Popen:
        """Start run.sh."""
        with open(self.output, "ab") as out:
            command = [str(self.path / "run.sh"), "--stage", stage, *OPTIONS, *self.options, *options]
            return subprocess.Popen(
                command,
                env=self.slurm.environment,
                stdout=out,
                stderr=out,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )

    def digests(self) -> dict[str, str]:
        """SHA-256 of everything that must be the same."""
        found = sorted(path for pattern in COMPARED for path in self.path.glob(pattern))
        return {str(path.relative_to(self.path)): hashlib.sha256(path.read_bytes()).hexdigest() for path in found}

    def wait_for_training(self) -> int:
        """Process id of a task that trains."""
        log = self.path / "exp" / RUN.split("/")[0] / "log"
        deadline = time.monotonic() + SECONDS
        while not ([*log.glob("train.*.log")] and self.slurm.jobs()):
            if time.monotonic() > deadline:
                raise TimeoutError(self.output.read_text()[-2000:])
            time.sleep(0.5)
        time.sleep(4)
        return self.slurm.jobs()[-1]


Outage = Callable[[Recipe, subprocess.Popen], "subprocess.Popen | None"]


def none(recipe: Recipe, process: subprocess.Popen) -> None:
    """Nothing happens."""


def job(recipe: Recipe, process: subprocess.Popen) -> None:
    """A job is killed."""
    os.kill(recipe.wait_for_training(), signal.SIGKILL)


def step(recipe: Recipe, process: subprocess.Popen) -> None:
    """The step daemons are killed; their jobs go on without them."""
    recipe.wait_for_training()
    _kill(recipe.slurm.steps())


def node(recipe: Recipe, process: subprocess.Popen) -> None:
    """The node is lost, with all that runs there, and comes back."""
    recipe.wait_for_training()
    recipe.slurm.kill("slurmd")
    _kill(recipe.slurm.steps() + recipe.slurm.jobs())
    time.sleep(40)
    recipe.slurm.node()


def controller(recipe: Recipe, process: subprocess.Popen) -> None:
    """The controller is killed, and started again."""
    recipe.wait_for_training()
    recipe.slurm.kill("slurmctld")
    time.sleep(30)
    recipe.slurm.controller()


def time_limit(recipe: Recipe, process: subprocess.Popen) -> None:
    """A job hangs until its time is over."""
    pid = recipe.wait_for_training()
    os.kill(pid, signal.SIGSTOP)


def submitter(recipe: Recipe, process: subprocess.Popen) -> subprocess.Popen:
    """run.sh and its processes are killed, and it is started again."""
    recipe.wait_for_training()
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    time.sleep(3)
    return recipe.start("--backend", "slurm")


def disk(recipe: Recipe, process: subprocess.Popen) -> subprocess.Popen:
    """The disk of one run is full: it is reported, the others end; with space, the same command completes it."""
    full = recipe.path / "exp" / RUN
    try:
        process.wait(SECONDS)
        output = recipe.output.read_text()
        if process.returncode != 1 or "1 of 2 jobs failed" not in output or "free space" not in output:
            raise AssertionError(f"status {process.returncode}: {output[-3000:]}")
    finally:
        subprocess.run(["umount", full], check=True)
    return recipe.start("--backend", "slurm")


def two(recipe: Recipe, process: subprocess.Popen) -> None:
    """Another recipe uses the same cluster, and another run the same folder."""
    same = recipe.start("--backend", "slurm", "--tag", "other")
    other = Recipe(recipe.output.parent.with_name("other"), recipe.slurm, recipe.path)
    beside = other.start("--backend", "slurm")
    if (beside.wait(SECONDS), same.wait(SECONDS)) != (0, 0):
        raise AssertionError(other.output.read_text()[-3000:])
    process.wait(SECONDS)
    alike = {name for name in other.digests() if "/fold" in name}
    if any(other.digests()[name] != recipe.digests()[name] for name in alike):
        raise AssertionError("two recipes at once have different results")
    shutil.rmtree(recipe.path / "exp/other")


OUTAGES: dict[str, tuple[Outage, str]] = {
    "none": (none, ""),
    "job": (job, ""),
    "step": (step, ""),
    "node": (node, ""),
    "controller": (controller, ""),
    "time": (time_limit, " --time 3"),
    "submitter": (submitter, ""),
    "disk": (disk, " --max-retries 1"),
    "two": (two, ""),
}


def _kill(processes: list[int]) -> None:
    for pid in processes:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def check(name: str, folder: Path, slurm: Slurm, expected: Recipe) -> str:
    """Run the recipe with an outage; returns what is wrong, or nothing."""
    outage, options = OUTAGES[name]
    recipe = Recipe(folder / name, slurm, expected.path, expected.options)
    if name == "disk":
        full = recipe.path / "exp" / RUN
        full.mkdir(parents=True)
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=64k", "none", full], capture_output=True, check=False
        )
        if mounted.returncode:
            print(f"{name}: skipped, no file system can be mounted here")
            return ""
    process = recipe.start("--backend", f"slurm{options}")
    process = outage(recipe, process) or process
    try:
        status = process.wait(SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGTERM)
        return f"no end after {SECONDS:.0f} s: {recipe.output.read_text()[-3000:]}"
    if status:
        return f"status {status}: {recipe.output.read_text()[-3000:]}"
    before, after = expected.digests(), recipe.digests()
    return "" if before == after else f"different: {sorted(k for k in before | after if before.get(k) != after.get(k))}"


def _local(folder: Path, slurm: Slurm, prepared: Path | None, options: Sequence[str]) -> Recipe:
    """The recipe, run on this machine."""
    recipe = Recipe(folder, slurm, prepared, options)
    if recipe.start("--backend", "local", stage="xvector" if prepared else "preflight").wait():
        raise AssertionError(recipe.output.read_text()[-3000:])
    print(f"local: {len(recipe.digests())} files", flush=True)
    return recipe


def main() -> int:
    """Run the recipe on this machine, and with each outage on the cluster; returns the number of failures."""
    names = sys.argv[1:] or [*OUTAGES]
    folder = Path(os.environ.get("MSCNN_TEST_FOLDER") or tempfile.mkdtemp(prefix="mscnn_slurm_"))
    (folder / "slurm").mkdir(parents=True, exist_ok=True)
    slurm = Slurm(folder / "slurm")
    failures = 0
    try:
        slurm.start()
        local: dict[Sequence[str], Recipe] = {}
        for name in names:
            begin = time.monotonic()
            options = WHOLE if name == "none" else FAST
            if options not in local:
                prepared = next(iter(local.values())).path if local else None
                local[options] = _local(folder / f"local{len(local) + 1}", slurm, prepared, options)
            wrong = check(name, folder, slurm, local[options])
            failures += bool(wrong)
            again = (folder / name / "run.log").read_text().count("submitted again")
            print(
                f"{name}: {wrong or 'the same bytes'}; {again} jobs submitted again, {time.monotonic() - begin:.0f} s",
                flush=True,
            )
    finally:
        slurm.stop()
        if not failures and "MSCNN_TEST_FOLDER" not in os.environ:
            shutil.rmtree(folder, ignore_errors=True)
    return failures


if __name__ == "__main__":
    raise SystemExit(main())
