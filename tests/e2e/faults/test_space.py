"""A full disk or a read-only folder under each command: one error line that names the path, and nothing half-written.

A tmpfs of some megabytes is the output folder; a file fills it but for a part of what the command writes. When there is
space again, the same command goes on.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

import pytest

from mscnn import options
from tests.e2e.faults.conftest import MOMENTS, SETTINGS, Corpus

NIGHTLY = os.environ.get("MSCNN_TEST_NIGHTLY") == "true"
PARTS = (0.0, 0.1, 0.3, 0.5, 0.7, 0.9) if NIGHTLY else (0.3,)  # of what a command writes, that there is space for
BALLAST = "ballast"


def written(folder: Path) -> dict[str, bytes]:
    """The files that a command wrote."""
    return {
        str(p.relative_to(folder)): p.read_bytes()
        for p in sorted(folder.rglob("*"))
        if p.is_file() and p.name != BALLAST and p.suffix != ".log"
    }


@pytest.fixture(scope="module")
def disk(tmp_path_factory) -> Iterator[Path]:
    """A small file system of its own."""
    folder = tmp_path_factory.mktemp("disk")
    command = ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(folder)]
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except OSError as error:
        pytest.skip(f"no tmpfs can be mounted: {error}")
    if done.returncode:
        pytest.skip(f"no tmpfs can be mounted: {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def call(monkeypatch, capsys) -> Callable[..., tuple[int, str]]:
    """Status and standard error of ``python -m mscnn.bin.NAME ARGUMENT...``, in this process."""

    def run(name: str, *arguments: object) -> tuple[int, str]:
        capsys.readouterr()
        monkeypatch.setattr(sys, "argv", [name, *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            options.run(import_module(f"mscnn.bin.{name}").main)
        return end.value.code, capsys.readouterr().err

    return run


def commands(root: Path, out: Path) -> dict[str, tuple[object, ...]]:
    """Name of a case -> command that writes into ``out``; ``exp`` there is a copy of the experiment."""
    data, labels, protocol = root / "data/toy", root / "toy.yaml", root / "toy4.yaml"
    small = ("--device", "cpu", "--nj", 1)
    exp = out / "exp/t"
    return {
        "stage 1, a table": ("read_table", root / "own.csv", "--out", out),
        "stage 1, an audit": ("audit", "--data", data, "--protocol", protocol, "--out", out, "--nj", 1),
        "stage 2": ("extract_xvectors", "--data", data, "--out", out, "--backend", "native", *small),
        "stage 3": ("extract_features", "--data", data, "--out", out, "--feature", "mfcc96", *small),
        "stage 4": ("transcribe", "--data", out / "toy", "--engine", "file", "--table", data / "text", "--name", "t",
                    "--out", out / "asr", "--nj", 1),
        "stage 5": ("train", "--model", "mscnn_spu_att", "--data", data, "--labels", labels, "--protocol", protocol,
                    "--exp", out, "--feature-dir", root / "dump", "--xvector", root / "exp/xvector/toy/xvector.scp",
                    "--emb-dim", 3, "--folds", 1, "--set", *SETTINGS, *small),
        "stage 5, predictions": ("predict_experiments", "--exp", root / "exp/t", "--text", "gt", "--out", out, *small),
        "stage 6, scores": ("score", "--exp", exp, "--data", data),
        "stage 6, a page": ("report", "--exp", exp, "--data", data),
        "a table of results": ("overview", "--exp", root / "exp/t", "--out", out / "table"),
        "a bundle": ("bundle", "--exp", root / "exp/t", "--out", out / "bundle"),
    }  # fmt: skip


CASES = list(commands(Path(), Path()))
DAILY = ("stage 3", "stage 5", "stage 6, scores")


@pytest.fixture
def case(made: Corpus, disk: Path, request) -> tuple[tuple[object, ...], Path]:
    """A command, and the folder that it writes into, with what it takes from there."""
    root = made.root
    for path in [*disk.iterdir()]:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    rows = (
        f"{utt}.wav,{'sad' if int(utt[-1]) % 2 else 'happy'},{utt[:2]}\n"
        for utt in map(str, sorted(p.stem for p in root.glob("*-*.wav")))
    )
    (root / "own.csv").write_text("path,label,speaker\n" + "".join(rows))
    if request.param == "stage 4":
        shutil.copytree(root / "data/toy", disk / "toy")
    if request.param.startswith("stage 6"):
        shutil.copytree(root / "exp/t", disk / "exp/t")
    yield commands(root, disk)[request.param], disk
    made.restore()


@pytest.mark.parametrize("case", CASES if NIGHTLY else DAILY, indirect=True)
def test_a_full_disk_is_one_line_and_the_command_goes_on_afterwards(case, call):
    command, disk = case
    before = written(disk)
    status, errors = call(*command)
    assert status == 0, errors
    whole = written(disk)
    fixed = {name: content for name, content in whole.items() if Path(name).name not in MOMENTS}
    size = sum(os.stat(disk / name).st_blocks * 512 for name in whole if name not in before)
    for part in PARTS:
        for path in [*disk.iterdir()]:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        for name, content in before.items():
            (disk / name).parent.mkdir(parents=True, exist_ok=True)
            (disk / name).write_bytes(content)
        with open(disk / BALLAST, "wb") as ballast:
            os.posix_fallocate(ballast.fileno(), 0, max(4096, os.statvfs(disk).f_bavail * 4096 - int(part * size)))
        status, errors = call(*command)
        told = [line for line in errors.splitlines() if "No space left" in line]
        assert status == 1 and "Traceback" not in errors, (part, errors)
        assert len(told) == max(1, errors.count(" ends with:")), (part, errors)  # a line for each job that failed
        assert all(re.search(rf"error\[file-system\]: {disk}.*; free space", line) for line in told), (part, errors)
        left = written(disk)
        assert not [name for name in left if name.endswith((".tmp", ".lock"))], (part, [*left])
        wrong = [n for n, content in left.items() if content not in (fixed.get(n, content), before.get(n))]
        assert not [n for n in wrong if not (n.endswith("metrics.jsonl") and fixed[n].startswith(left[n]))], part
        (disk / BALLAST).unlink()
        status, errors = call(*command)
        assert status == 0, (part, errors)
        after = written(disk)
        assert {name: after.get(name) for name in fixed} == fixed, part


@pytest.mark.parametrize("case", CASES if NIGHTLY else DAILY, indirect=True)
def test_a_read_only_folder_is_one_line(case, call):
    command, disk = case
    before = written(disk)
    mount = ["mount", "-o", "remount"]
    subprocess.run([*mount, "-r", str(disk)], check=True)
    try:
        status, errors = call(*command)
    finally:
        subprocess.run([*mount, "-w", str(disk)], check=True)
    told = [line for line in errors.splitlines() if "Read-only file system" in line]
    assert status == 1 and len(told) == 1 and "Traceback" not in errors, errors
    assert "error[file-system]" in told[0] and str(disk) in told[0] and "allow writing" in told[0], errors
    assert written(disk) == before
