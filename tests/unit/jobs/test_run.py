"""Jobs: one log per job, reported failures, results that do not depend on the number of processes."""

import logging
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mscnn.errors import UserError
from mscnn.files import atomic
from mscnn.jobs import run_jobs, workers
from tests.raises import fails

ROOT = Path(__file__).resolve().parents[3]


def write(path: Path, text: str) -> None:
    print("writing", text)
    logging.getLogger("here").info("logging %s", text)
    libraries = ("CUBLAS_WORKSPACE_CONFIG", "ONEDNN_PRIMITIVE_CACHE_CAPACITY")
    names = ("OMP_NUM_THREADS", *libraries, "CUDA_VISIBLE_DEVICES")
    path.write_text(" ".join([text, *(os.environ.get(name, "-") for name in names)]))


def fail(kind: str) -> None:
    if kind == "user":
        raise UserError("the fix is X", code="kind-of-error")
    if kind == "bug":
        raise ZeroDivisionError
    if kind == "crash":
        os._exit(7)


def process_id(_: object) -> int:
    return os.getpid()


def threads(path: Path) -> None:
    import torch
    from threadpoolctl import threadpool_info

    path.write_text(f"{torch.get_num_threads()} {max(pool['num_threads'] for pool in threadpool_info())} {os.getpid()}")


def note_process(path: Path, crash: bool) -> None:
    path.write_text(str(os.getpid()))
    if crash:
        raise ZeroDivisionError


def linger(folder: Path) -> None:
    with atomic(folder / "pid") as out:
        out.write(str(os.getpid()))
    time.sleep(60)


@pytest.mark.parametrize("nj", [1, 2])
def test_jobs_run_and_log(tmp_path, nj, capfd):
    before = os.environ.get("OMP_NUM_THREADS"), logging.getLogger().handlers[:]
    run_jobs(write, [(tmp_path / str(i), str(i)) for i in range(3)], nj=nj, log_dir=tmp_path / "log", step="w")
    assert [(tmp_path / str(i)).read_text() for i in range(3)] == [f"{i} 1 :4096:8 96 -" for i in range(3)]
    log = (tmp_path / "log" / "w.2.log").read_text()
    assert "writing 1" in log and "INFO here: logging 1" in log and "# Ended (code 0)" in log
    assert "writing" not in "".join(capfd.readouterr())
    assert (os.environ.get("OMP_NUM_THREADS"), logging.getLogger().handlers) == before


@pytest.mark.parametrize("nj", [1, 2])
def test_failures_are_reported_with_the_last_lines_of_their_logs(tmp_path, nj):
    jobs = [("user",), ("none",), ("bug",)]
    shown = "2 of 3", "error[kind-of-error]: the fix is X", "ZeroDivisionError", "f.1.log", "f.3.log"
    with fails("jobs-failed", *shown) as caught:
        run_jobs(fail, jobs, nj=nj, log_dir=tmp_path, step="f")
    assert "f.2.log" not in str(caught.value)


def test_a_process_that_dies_is_a_failure(tmp_path):
    with fails("jobs-failed", "1 of 2", "error[job-died]", "exit status 7"):
        run_jobs(fail, [("none",), ("crash",)], nj=2, log_dir=tmp_path, step="f")


def test_a_process_runs_jobs_until_one_fails(tmp_path):
    jobs = [(tmp_path / str(i), i == 3) for i in range(8)]
    with fails("jobs-failed", "1 of 8"):
        run_jobs(note_process, jobs, nj=2, log_dir=tmp_path, step="n")
    processes = [path.read_text() for path, _ in jobs]
    assert len(set(processes)) <= 3 and processes[3] not in processes[4:]
    assert not any(Path(f"/proc/{process}").exists() for process in processes)


def test_missing_outputs_are_a_failure(tmp_path):
    jobs, writes = [(tmp_path / "a", "x"), (tmp_path / "b", "x")], [[tmp_path / "a"], [tmp_path / "other"]]
    with fails("jobs-failed", "1 of 2", "job-output-missing", "other"):
        run_jobs(write, jobs, nj=1, logs=[tmp_path / "log/1", tmp_path / "log/2"], writes=writes, step="w")
    assert "# Ended (code 0)" in (tmp_path / "log/1").read_text()


def test_devices_are_assigned_in_turn(tmp_path):
    jobs = [(tmp_path / str(i), "x") for i in range(4)]
    run_jobs(write, jobs, nj=2, log_dir=tmp_path, step="w", devices=["3", "5"])
    devices = {(tmp_path / str(i)).read_text().split()[-1] for i in range(4)}
    assert devices <= {"3", "5"} and "CUDA_VISIBLE_DEVICES" not in os.environ


def test_unknown_backend_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("MSCNN_BACKEND", "slrum")
    with fails("backend-unknown", "slrum", "local", "debug"):
        run_jobs(fail, [], nj=1, log_dir=tmp_path, step="f")


@pytest.mark.parametrize("backend", ["local", "debug"])
def test_jobs_in_the_calling_process_compute_in_one_thread(tmp_path, monkeypatch, backend):
    import torch

    monkeypatch.setenv("MSCNN_BACKEND", backend)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    run_jobs(threads, [(tmp_path / "a",)], nj=1, log_dir=tmp_path, step="t")
    after = torch.get_num_threads()
    torch.set_num_threads(before)
    assert ((tmp_path / "a").read_text(), after) == (f"1 1 {os.getpid()}", 2)


def test_backend_debug_runs_jobs_in_this_process_and_errors_propagate(tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("MSCNN_BACKEND", "debug")
    run_jobs(write, [(tmp_path / "a", "x")], nj=2, log_dir=tmp_path / "log", step="w")
    assert (tmp_path / "a").read_text() == "x 1 :4096:8 96 -" and "writing x" in capfd.readouterr().out
    with pytest.raises(ZeroDivisionError):
        run_jobs(fail, [("bug",)], nj=1, log_dir=tmp_path / "log", step="f")


def test_a_script_without_a_guard_runs_once(tmp_path):
    script = (
        "from pathlib import Path; from mscnn.jobs import run_jobs, workers\n"
        "from tests.unit.jobs.test_run import write\n"
        "print('script')\n"
        "for nj in (1, 2): run_jobs(write, [(Path(f'{nj}{i}'), 'x') for i in (1, 2)], nj=nj, log_dir='log', step='s')\n"
        "with workers(2) as map_fn: print(*map_fn(abs, [-1, -2]))\n"
    )
    (tmp_path / "script.py").write_text(script)
    (tmp_path / "pickle.py").write_text("raise ImportError")  # a file of the user in the current folder
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "script.py").rename(tmp_path / "elsewhere/script.py")
    run = [sys.executable, "elsewhere/script.py"]
    result = subprocess.run(run, env={"PYTHONPATH": str(ROOT)}, cwd=tmp_path, capture_output=True, text=True)
    assert (result.stdout, result.returncode) == ("script\n1 2\n", 0), result.stderr
    assert all((tmp_path / name).exists() for name in ("11", "12", "21", "22"))


@pytest.mark.parametrize("nj", [1, 2])
def test_jobs_end_with_their_parent(tmp_path, nj):
    script = (
        "from pathlib import Path; from mscnn.jobs import run_jobs; from tests.unit.jobs.test_run import linger\n"
        f"run_jobs(linger, [(Path('.'),)], nj={nj}, log_dir='.', step='l')\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], env={"PYTHONPATH": str(ROOT)}, cwd=tmp_path)
    wait_for(lambda: (tmp_path / "pid").exists())
    parent.kill()
    parent.wait()
    child = int((tmp_path / "pid").read_text())
    assert (child == parent.pid) == (nj == 1)
    wait_for(lambda: not Path(f"/proc/{child}").exists() or "Z" in Path(f"/proc/{child}/stat").read_text().split()[2])


def wait_for(condition) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_workers_map_in_order_and_start_only_when_needed():
    with workers(2) as map_fn:
        assert list(map_fn(abs, [-3, 2, -1])) == [3, 2, 1]
        assert list(map_fn(max, [1, 2], [0, 5])) == [1, 5]
        processes = list(map_fn(process_id, range(4)))
        assert os.getpid() not in processes and len(set(processes)) <= 2
        with fails("kind-of-error"):
            list(map_fn(fail, ["none", "user"]))
        with fails("job-died", "exit status 7"):
            list(map_fn(fail, ["crash"]))
    with workers(1) as map_fn:
        assert list(map_fn(process_id, [0])) == [os.getpid()]
