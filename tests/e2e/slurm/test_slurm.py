"""The backend slurm on a real Slurm: jobs end, failures are retried and reported, a killed queue goes on."""

import getpass
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def start(slurm, tmp_path):
    """Start the jobs of tests/e2e/slurm/jobs.py on the cluster, in a folder with a difficult name."""
    folder = tmp_path / "a 'b' $(c) %a"
    folder.mkdir()

    def run(*arguments: object, backend: str = "slurm") -> subprocess.Popen:
        environment = {**slurm.environment, "MSCNN_BACKEND": backend, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-m", "tests.e2e.slurm.jobs", *map(str, arguments)]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, cwd=folder, env=environment, stdout=pipe, stderr=subprocess.STDOUT, text=True)

    run.folder = folder
    return run


def wait_for(condition, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_jobs_end_on_the_cluster_with_what_they_write(slurm, start):
    backend = "slurm --mem 200M --time=0:10:00 --num-threads 2 --max-jobs-run 2"
    process = start("out", 5, backend=backend)
    output = process.communicate(timeout=120)[0]
    assert process.returncode == 0, output
    tables = {path.read_text() for path in (start.folder / "out").glob("*.tsv")}
    assert tables == {"name a b$(c)\npath %a/'\n"}
    log = (start.folder / "out/log/write.3.log").read_text()
    assert "(Slurm " in log and "# Ended (code 0)" in log
    assert not (start.folder / "out/log/slurm/write").exists() and "as array" in output
    for word in (
        "--mem 200M",
        "--time 0:10:00",
        "--cpus-per-task 2",
        "--requeue",
        "--open-mode=append",
        "--array=1-3%2",
    ):
        assert word in output


def test_jobs_of_a_task_share_the_gpus_that_it_is_given(slurm, start, monkeypatch):
    (start.folder / "conf").mkdir()  # this cluster has no GPU: what Slurm would say is said here
    (start.folder / "conf/slurm.conf").write_text(
        "command sbatch\noption gpu=* --comment gpu:$0\noption num_threads=*\n"
    )
    monkeypatch.setitem(slurm.environment, "CUDA_VISIBLE_DEVICES", "4,GPU-5a")
    process = start("out", 4, backend="slurm --gpu 2 --num-threads 4")
    output = process.communicate(timeout=120)[0]
    assert process.returncode == 0 and "--comment gpu:2" in output and output.count("--array=1-1\n"), output
    logs = [path.read_text() for path in (start.folder / "out/log").glob("write.*.log")]
    assert sorted(re.search(r"GPU ([\w,-]+)\)", text)[1] for text in logs) == ["4", "4", "GPU-5a", "GPU-5a"]


def test_a_failure_is_retried_and_reported_and_the_others_end(slurm, start):
    process = start("out", 3, 2, backend="slurm --max-retries 1")
    output = process.communicate(timeout=120)[0]
    assert process.returncode == 1 and "error[jobs-failed]" in output and "1 of 3" in output, output
    assert [path.name for path in sorted((start.folder / "out").glob("*.tsv")) if path.is_file()] == ["0.tsv", "1.tsv"]
    log = (start.folder / "out/log/write.3.log").read_text()
    assert log.count("# Started") == 2 and "2.tsv" in output
    (start.folder / "out/2.tsv").rmdir()
    process = start("out", 3)
    assert process.communicate(timeout=120)[0].count("submitted 1 tasks") == 1 and process.returncode == 0


def test_a_signal_cancels_what_was_submitted(slurm, start):
    slurm.run("scontrol", "update", "PartitionName=main", "State=DOWN")
    try:
        process = start("out", 3)
        wait_for(lambda: len(slurm.queued()) == 3)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)
        assert process.returncode == 128 + signal.SIGTERM
        wait_for(lambda: not slurm.queued())
    finally:
        slurm.run("scontrol", "update", "PartitionName=main", "State=UP")


def test_a_task_that_vanishes_is_submitted_again_and_then_reported(slurm, start):
    slurm.run("scontrol", "update", "PartitionName=main", "State=DOWN")
    try:
        process = start("out", 2, backend="slurm --max-retries 1")
        for _ in range(2):  # both attempts of both jobs
            wait_for(lambda: len(slurm.queued()) == 2)
            slurm.run("scancel", "-u", getpass.getuser())
            wait_for(lambda: not slurm.queued())
    finally:
        slurm.run("scontrol", "update", "PartitionName=main", "State=UP")
    output = process.communicate(timeout=120)[0]
    assert process.returncode == 1 and "2 of 2" in output and "submitted again (1 of 1)" in output, output
    log = (start.folder / "out/log/write.1.log").read_text()
    assert log.count("error[job-lost]") == 2


def test_options_of_kaldi_s_configuration_with_a_small_environment(slurm, start):
    (start.folder / "conf").mkdir()
    conf = (
        "command sbatch --export=PATH --ntasks-per-node=1\noption mem=* --mem-per-cpu $0\noption gpu=0\ndefault gpu=0\n"
    )
    (start.folder / "conf/slurm.conf").write_text(conf)
    process = start("out", 1, backend="slurm.pl --mem 100M")
    output = process.communicate(timeout=120)[0]
    assert process.returncode == 0 and "--export=PATH --ntasks-per-node=1 --mem-per-cpu 100M" in output, output


def test_a_killed_queue_goes_on_with_its_array(slurm, start):
    slurm.run("scontrol", "update", "PartitionName=main", "State=DOWN")
    try:
        process = start("out", 3)
        wait_for(lambda: len(slurm.queued()) == 3)
        wait_for(lambda: [*(start.folder / "out/log/slurm/write").glob("1/array")])
        process.kill()
        process.wait()
        again = start("out", 4)
        wait_for(lambda: len(slurm.queued()) == 4)
    finally:
        slurm.run("scontrol", "update", "PartitionName=main", "State=UP")
    output = again.communicate(timeout=120)[0]
    assert again.returncode == 0 and "3 of 4 jobs" in output and "submitted 1 tasks" in output, output
    assert len([*(start.folder / "out").glob("*.tsv")]) == 4


def test_what_slurm_refuses_is_said(slurm, start):
    process = start("out", 2, backend="slurm --partition none")
    output = process.communicate(timeout=60)[0]
    assert process.returncode == 1 and "error[slurm-refused]" in output and "partition" in output, output
    process = start("out", 2, backend="slurm --colour red")
    output = process.communicate(timeout=60)[0]
    assert process.returncode == 1 and "error[slurm-option]" in output and "--colour" in output, output
    assert os.listdir(start.folder) == ["out"] and not [*start.folder.glob("out/*.tsv")]
