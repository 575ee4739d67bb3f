"""Copies of the recipe mini_iemocap that run on a real Slurm, and what must be true at their end."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from mscnn.lock import Lock
from tests.e2e.slurm.cluster import Slurm

ROOT = Path(__file__).resolve().parents[3]
WITNESS = Path(__file__).parent / "witness"
LINKED = ("conf", "mscnn", "path.sh", "tools", "utils")
COMPARED = (
    "exp/**/predictions_*.tsv", "exp/**/score_*.txt", "exp/**/*.ark", "exp/**/wer", "dump/**/*.ark", "data/*/text.*",
)  # fmt: skip
COMMON = ("--folds", "2", "--nj", "2")
TEXT_CNN = ("--model", "text_cnn", "--train-args", "--set batch_size=16 max_epochs=15 patience=15")
KINDS = {  # of runs, by the jobs that they submit: first and last stage, options
    "train": ("train", "train", *TEXT_CNN, "--asr-engine", "none"),
    "audio": ("xvector", "features", "--model", "mscnn_spu_att", "--asr-engine", "none"),
    "asr": ("transcripts", "transcripts", *TEXT_CNN, "--text", "pocketsphinx"),
    "whole": ("xvector", "score", "--model", "mscnn_spu_att", "--text", "pocketsphinx", "--train-args",
              "--set batch_size=16 max_epochs=2"),
}  # fmt: skip
SECONDS = 1800.0


class Recipe:
    """A copy of egs/mini_iemocap that uses the code of this checkout."""

    def __init__(self, folder: Path, slurm: Slurm, kind: str, prepared: Path | None = None) -> None:
        """Copy it to ``folder``, with the corpus and the data of the folder ``prepared``."""
        self.slurm, self.kind, self.prepared = slurm, kind, prepared
        self.folder, self.path = folder, folder / "egs/mini_iemocap"
        self.output, self.witness = folder.with_suffix(".log"), folder.with_suffix(".witness")
        self.path.parent.mkdir(parents=True)
        self.witness.mkdir(exist_ok=True)
        skipped = shutil.ignore_patterns("corpus", "data", "dump", "exp")
        shutil.copytree(ROOT / "egs/mini_iemocap", self.path, ignore=skipped)
        for name in LINKED:
            (folder / name).symlink_to(ROOT / name)
        for name in ("corpus", "data") if prepared else ():
            subprocess.run(["cp", "-a", str(prepared) + f"/{name}", self.path], check=True)

    def start(self, backend: str, *options: str, stages: tuple[str, str] | None = None) -> subprocess.Popen:
        """Start run.sh; ``stages``: others than those of its kind."""
        first, last, *given = KINDS[self.kind]
        first, last = stages or (first, last)
        command = [self.path / "run.sh", "--stage", first, "--stop-stage", last, "--backend", backend, *COMMON, *given]
        environment = {
            **self.slurm.environment, "PYTHONPATH": str(WITNESS), "MSCNN_TEST_WITNESS": str(self.witness),
        }  # fmt: skip
        with open(self.output, "ab") as out:
            return subprocess.Popen(
                [*command, *options],
                env=environment,
                stdout=out,
                stderr=out,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )

    def digests(self) -> dict[str, str]:
        """SHA-256 of everything that must be the same."""
        found = sorted({path for pattern in COMPARED for path in self.path.glob(pattern)})
        return {str(path.relative_to(self.path)): hashlib.sha256(path.read_bytes()).hexdigest() for path in found}

    def tail(self) -> str:
        """The end of what run.sh printed."""
        return self.output.read_text(errors="replace")[-3000:]

    def journal(self) -> list[tuple[str, float, str]]:
        """Each line that the bodies of jobs wrote: event, seconds of the processor so far, and job."""
        path = self.witness / "journal"
        lines = [line.split(maxsplit=2) for line in path.read_text().splitlines()] if path.exists() else []
        return [(event, float(seconds), job) for event, seconds, job in lines]

    def events(self) -> Counter[str]:
        """Numbers of bodies of jobs that began, ended, failed, and ran twice at a time."""
        return Counter(event for event, _, _ in self.journal())

    def locks(self) -> list[str]:
        """Lock files of processes that run; those of others are taken over by who needs them."""
        found = [Lock(path) for path in self.path.glob("**/.*.lock")]
        return [str(lock.path) for lock in found if (owner := lock.holder()) and not owner.ended()]


def wait_for(condition: Callable[[], object], seconds: float) -> bool:
    """Wait until something is true; returns whether it is."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.2)
    return True
