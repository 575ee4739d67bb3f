"""What is submitted, and how answers of Slurm are read: with stand-ins for its commands that only note and print.

The backend itself is tested on a real Slurm, in tests/e2e/slurm.
"""

import json
import shlex
import subprocess
from pathlib import Path

import pytest

from mscnn.files import write_table
from mscnn.jobs import cluster, slurm, task
from mscnn.jobs.arrays import Arrays, Place, _rounded
from mscnn.jobs.job import Job, Need
from mscnn.jobs.settings import Settings
from tests.raises import fails


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    """Make a command that notes its arguments and prints something; returns what was noted."""
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    monkeypatch.setenv("SLURM_JOB_ID", "7")

    def make(name: str, out: str = "", error: str = "", status: int = 0):
        notes = tmp_path / f"{name}.notes"
        script = tmp_path / "bin" / name
        script.write_text(
            f'#!/bin/sh\nexec 3>>{shlex.quote(str(notes))}\nprintf "%s\\0" "$@" >&3\n'
            f'echo "$SLURM_JOB_ID" >>{shlex.quote(str(notes))}.env\n'
            f"printf %s {shlex.quote(out)}; printf %s {shlex.quote(error)} >&2; exit {status}\n"
        )
        script.chmod(0o755)
        return lambda: notes.read_text().split("\0")[:-1]

    return make


def arrays(folder: Path, number: int, options: dict[str, str] | None = None, need: Need | None = None) -> Arrays:
    jobs = [Job.of(write_table, (folder / f"{i}", {"a": "$(touch x)"}), folder / f"{i}.log") for i in range(number)]
    lines = {f"key{i}": job.json() for i, job in enumerate(jobs)}
    return Arrays(folder, Settings("slurm", options or {}), "step.1234", lines, dict.fromkeys(lines, need or Need()))


def test_submission_is_quoted_and_read_back(tmp_path, stand_in):
    noted = stand_in("sbatch", "42;cluster\n")
    stand_in("scontrol", "MaxArraySize            = 3\n")
    folder = tmp_path / "a 'b' %a $(c)"
    folder.mkdir()
    queue = arrays(folder, 4, {"mem": "2G", "max_jobs_run": "5"})
    assert [keys for _, keys in queue.submit(["key0", "key1", "key3"])] == [["key0"], ["key1"], ["key3"]]
    words = noted()
    first = words[: words.index(str(folder / "1/task.sh")) + 1]
    assert first[:2] == ["--mem", "2G"] and f"--output={tmp_path}/a 'b' %%a $(c)/1/%a.log" in first
    assert "--array=1-2%5" in first and "--array=1-1%5" in words and "--job-name=step.1234" in first
    assert (tmp_path / "sbatch.notes.env").read_text().split() == [], "variables of an outer job are not passed on"
    assert queue.keys(Place("42", 1)) == ["key3"] and queue.keys(Place("43", 1)) == []
    (folder / "2/array").unlink()
    again = arrays(folder, 4)
    assert again.earlier() and again.keys(Place("42", 2)) == ["key1"]
    script = (folder / "1/task.sh").read_text()
    check = script.replace("exec ", "printf '%s\\n' ")
    shown = subprocess.run(["bash", "-c", check], env={"SLURM_ARRAY_TASK_ID": "2"}, capture_output=True, text=True)
    assert shown.stdout.splitlines()[-4:] == [str(folder / "1"), "2", "1", "0"] and shown.returncode == 0
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    ("number", "need", "options", "tasks", "shown"),
    [
        (5, Need(), {}, 5, ""),
        (2500, Need(), {}, 834, ""),
        (640, Need(30, 10**9), {}, 54, "--mem 3G --time 1:00:00"),
        (40, Need(7200, 3 * 10**9), {}, 40, "--mem 6G --time 4:00:00"),
        (40, Need(7200, 3 * 10**9), {"num_threads": "2"}, 20, "--mem 12G --time 8:00:00 --cpus-per-task 2"),
        (3, Need(9000), {"gpu": "1", "time": "5:00"}, 3, "--gres gpu:1 --time 5:00"),
    ],
)
def test_jobs_are_packed_and_given_what_they_need(tmp_path, stand_in, number, need, options, tasks, shown):
    noted = stand_in("sbatch", "1\n")
    stand_in("scontrol")
    submitted = [*arrays(tmp_path, number, options, need).submit([f"key{i}" for i in range(number)])]
    assert len(submitted) == tasks and sorted(k for _, keys in submitted for k in keys) == sorted(
        f"key{i}" for i in range(number)
    )
    assert " ".join(noted()[: noted().index("--parsable")]) == shown


def test_slow_jobs_are_not_packed_as_fast_ones(tmp_path, stand_in):
    noted = stand_in("sbatch", "1\n")
    stand_in("scontrol")
    queue = arrays(tmp_path, 640)
    queue._needs = {f"key{i}": Need(30 if i % 2 else 1000) for i in range(640)}
    tasks = [{queue._needs[key].seconds for key in keys} for _, keys in queue.submit([*queue._needs])]
    assert all(len(task) == 1 for task in tasks) and tasks.count({1000}) == 320 and tasks.count({30}) < 32
    assert noted().count("1:00:00") == 2


def test_patience_ends_where_only_squeue_answers(tmp_path, stand_in, monkeypatch, caplog):
    stand_in("sbatch", error="sbatch: error: Batch job submission failed: Socket timed out", status=1)
    stand_in("scontrol")
    stand_in("squeue")
    for name, seconds in {"SCAN": 0.01, "POLL": 0.0, "PATIENCE": 0.3}.items():
        monkeypatch.setattr(slurm, name, seconds)
    jobs = [Job.of(write_table, (tmp_path / "t", {"a": "b"}), tmp_path / "log")]
    with fails("slurm-refused"):
        [*slurm.Queue(tmp_path, jobs, Settings("slurm", {}), "step", [Need()]).run()]
    assert sum("Socket timed out" in record.getMessage() for record in caplog.records) == 1


@pytest.mark.parametrize(("said", "cancelled"), [("5|1|PENDING|BeginTime\n", True), ("5|1|COMPLETED|None\n", False)])
def test_tasks_that_slurm_would_start_again_are_cancelled_at_the_end(tmp_path, stand_in, monkeypatch, said, cancelled):
    stand_in("squeue", said)
    noted = stand_in("scancel")
    monkeypatch.setattr(slurm, "SCAN", 0.01)
    queue = slurm.Queue(tmp_path, [], Settings("slurm"), "step", [])
    queue.leave()
    assert (tmp_path / "scancel.notes").exists() is cancelled and (not cancelled or queue.name in noted())


def test_numbers_are_rounded_up():
    assert [_rounded(n) for n in (1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 13, 16, 17, 30)] == [
        1, 2, 3, 4, 6, 6, 8, 8, 12, 12, 16, 16, 24, 32,
    ]  # fmt: skip


def test_answers_of_slurm(stand_in):
    stand_in(
        "squeue",
        "5|1|RUNNING|None\n5|2|PENDING|(Priority)\n5|N/A|PENDING|x\n"
        "6|3|PENDING|launch failed requeued held\n5|4|NODE_FAIL|\n",
    )
    states = cluster.tasks("name")
    assert [(s.array, s.index, s.lives) for s in states] == [
        ("5", 1, True),
        ("5", 2, True),
        ("6", 3, False),
        ("5", 4, False),
    ]
    assert states[1].reason == "Priority"
    stand_in("squeue", error="slurm_load_jobs error: Unable to contact slurm controller (connect failure)", status=1)
    with pytest.raises(cluster.NotNow):
        cluster.tasks("name")


@pytest.mark.parametrize(
    ("message", "full"),
    [
        ("sbatch: error: Batch job submission failed: Unable to contact slurm controller (connect failure)", False),
        ("sbatch: error: Batch job submission failed: Socket timed out on send/recv operation", False),
        ("sbatch: error: Batch job submission failed: Resource temporarily unavailable", False),
        ("sbatch: error: Batch job submission failed: Job violates accounting/QOS policy (job submit limit)", True),
        ("sbatch: error: invalid partition specified: none", None),
        ("", None),
    ],
)
def test_why_slurm_takes_no_jobs(tmp_path, stand_in, message, full):
    noted = stand_in("sbatch", error=message, status=1)
    stand_in("scontrol")
    queue = arrays(tmp_path, 4)
    if full is None:
        with fails("slurm-refused", message):
            [*queue.submit(["key0", "key1"])]
    else:
        with pytest.raises(cluster.NotNow) as caught:
            [*queue.submit(["key0", "key1", "key2", "key3"])]
        assert caught.value.full is full
        sizes = [word for word in noted() if word.startswith("--array=")]
        assert sizes == (["--array=1-4", "--array=1-2", "--array=1-1"] if full else ["--array=1-4"])
    assert not [*tmp_path.glob("[0-9]*")], "nothing is left of what was not submitted"


def test_a_task_goes_on_where_it_was_interrupted(tmp_path):
    folder = tmp_path / "1"
    (tmp_path / "results").mkdir()
    folder.mkdir()
    jobs = {str(i): Job.of(write_table, (tmp_path / f"t{i}", {"a": i}), tmp_path / f"{i}.log") for i in range(3)}
    (tmp_path / "t2").mkdir()
    (folder / "5.jsonl").write_text("".join(f"{key}\t{job.json()}\n" for key, job in jobs.items()))
    (tmp_path / "results/0").write_text('{"failed": false}')
    (tmp_path / "1.log").write_text("of the first attempt\n")
    assert task.run(folder, 5, 1, False) == 1
    assert [json.loads((tmp_path / "results" / key).read_text())["failed"] for key in "012"] == [False, False, True]
    assert not (tmp_path / "t0").exists() and (tmp_path / "t1").read_text() == "a 1\n"
    assert (tmp_path / "1.log").read_text().startswith("of the first attempt\n# Started")
    (folder / "6.jsonl").write_text('key\t{"function": "os:system", "args": {"tuple": ["x"]}, "log": {"path": "l"}}\n')
    with fails("job-invalid"):
        task.run(folder, 6, 1, False)


@pytest.mark.parametrize(("given", "used"), [("3", ["3"]), ("0,GPU-5a", ["0", "GPU-5a"]), ("", ["found"])])
def test_a_task_takes_the_gpus_that_it_is_given(tmp_path, monkeypatch, given, used):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", given)
    monkeypatch.setattr(task, "gpus", lambda: ["found"])
    seen = []
    monkeypatch.setattr(task.local, "run", lambda jobs, nj, devices, append: seen.append(devices) or [])
    (tmp_path / "1").mkdir()
    (tmp_path / "1/1.jsonl").write_text("")
    assert task.run(tmp_path / "1", 1, 2, True) == 0 and task.run(tmp_path / "1", 1, 2, False) == 0
    assert seen == [used, ()]
