"""Signals to run.sh end everything that it started; locks are of processes that are at work, on any file system."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from mscnn.lock import here
from tests.shell.conftest import ROOT

RUN = """
set -euo pipefail
utils=$1 plan=exp/plan.jsonl dry_run=false stage_names=(preflight data) current='' child='' started=0
mkdir -p exp/log
. "$utils/lock.sh" && . "$utils/run_stage.sh"
trap on_exit EXIT
trap 'stop 129' HUP && trap 'stop 130' INT && trap 'stop 143' TERM
lock_take "$plan.run" say
begin 1
run sleeper
"""
SLEEPER = """
import os, subprocess, sys, time
from mscnn.jobs.worker import Worker
from mscnn.options import run

def main():
    worker = Worker()
    child = worker.call(os.getpid)
    other = subprocess.Popen(["sleep", "300"])
    open("pids.tmp", "w").write(f"{os.getpid()} {child} {other.pid}")
    os.rename("pids.tmp", "pids")
    time.sleep(300)

run(main)
"""


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and that nobody waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_for(condition, seconds: float) -> bool:
    """Whether a condition becomes true within some seconds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and not condition():
        time.sleep(0.05)
    return condition()


@pytest.fixture
def started(tmp_path):
    """A function that starts a stage with a worker and another process; returns run.sh and the numbers of all."""
    package = tmp_path / "code" / "mscnn"
    package.mkdir(parents=True)
    for part in (ROOT / "mscnn").iterdir():
        if part.name not in ("bin", "__pycache__"):
            (package / part.name).symlink_to(part)
    (package / "bin").mkdir()
    (package / "bin" / "__init__.py").touch()
    (package / "bin" / "sleeper.py").write_text(SLEEPER)
    script = tmp_path / "run.sh"
    script.write_text(RUN)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "code")}
    processes = []

    def start() -> tuple[subprocess.Popen, list[int]]:
        (tmp_path / "pids").unlink(missing_ok=True)
        process = subprocess.Popen(
            ["env", "--default-signal=INT,HUP", "bash", script, ROOT / "utils"],  # also where nohup started the tests
            cwd=tmp_path,
            env=environment,
            start_new_session=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        processes.append(process)
        assert wait_for((tmp_path / "pids").exists, 60)
        return process, [int(pid) for pid in (tmp_path / "pids").read_text().split()]

    yield start
    for process in processes:
        process.kill()


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc")
@pytest.mark.parametrize("whole", [False, True], ids=["run.sh", "group"])
@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGHUP"])
def test_a_signal_ends_everything(started, tmp_path, name, whole):
    number = getattr(signal, name)
    process, pids = started()
    (os.killpg if whole else os.kill)(process.pid, number)
    assert wait_for(lambda: not any(map(alive, pids)), 20), "processes are left"
    assert process.wait(20) == 128 + number
    assert "interrupted; the same command continues it" in process.stdout.read()
    assert not (tmp_path / "exp/plan.jsonl.run").exists()


def test_after_kill_9_the_processes_end_and_the_lock_is_taken_over(started, tmp_path):
    process, pids = started()
    process.kill()
    assert wait_for(lambda: not any(map(alive, pids[:2])), 20), "processes are left"
    assert (tmp_path / "exp/plan.jsonl.run").exists()
    os.kill(pids[2], signal.SIGKILL)  # started by the stage itself, which could not end it
    again, pids = started()
    os.kill(again.pid, signal.SIGTERM)
    assert again.wait(20) == 143


TAKE = '. "$1/lock.sh"; told() { echo "told: $*"; }; lock_take ./x.run told; cat x.run; lock_release ./x.run; ls'


@pytest.mark.parametrize(
    "content", ["", "HOST 999999999 12345\n", "HOST 1 999999999999\n"], ids=["empty", "dead", "reused"]
)
def test_a_stale_lock_is_taken_over_without_a_claim(sh, tmp_path, content):
    (tmp_path / "x.run").write_text(content.replace("HOST", here()))
    result = sh("bash", "-c", TAKE, "-", ROOT / "utils", cwd=tmp_path)
    assert "told" not in result.stdout and result.stdout.split()[0] == here()
    assert "x.run" not in result.stdout.split()


def test_a_running_owner_is_waited_for(tmp_path):
    script = '. "$1/lock.sh"; told() { echo "told: $*"; }; lock_take ./x.run told; echo taken; sleep 1.5'
    script += "; lock_release ./x.run"
    command = ["bash", "-c", script, "-", ROOT / "utils"]
    first = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    assert first.stdout.readline() == "taken\n"
    second = subprocess.run(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    told, taken = second.stdout.splitlines()
    assert told.startswith("told") and str(first.pid) in told and taken == "taken" and first.wait() == 0


def test_an_owner_in_another_container_is_not_taken_for_dead(sh, tmp_path):
    (tmp_path / "x.run").write_text(f"{os.uname().nodename}/1 999999999 12345\n")
    result = sh("bash", "-c", f'. "{ROOT}/utils/lock.sh"; lock_try {tmp_path}/x.run || echo "$? $REPLY"')
    assert result.stdout == f"2 process 999999999 of {os.uname().nodename}\n"


def test_a_lock_that_cannot_be_read_is_held(sh, tmp_path):
    (tmp_path / "x.run").touch()
    script = f'. "{ROOT}/utils/lock.sh"; cat() {{ return 1; }}; lock_try {tmp_path}/x.run || echo $?; echo "$REPLY"'
    result = sh("timeout", "20", "bash", "-c", script)
    assert result.stdout == "2\nanother user\n"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_said(sh, tmp_path):
    tmp_path.chmod(0o555)
    result = sh("bash", "-c", f'. "{ROOT}/utils/lock.sh"; lock_take {tmp_path}/x.run echo || echo refused')
    tmp_path.chmod(0o755)
    assert result.stdout == "refused\n"
