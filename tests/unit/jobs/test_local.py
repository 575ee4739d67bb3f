"""Jobs: logs of their own, truthful failures."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mscnn.errors import UserError
from mscnn.files import atomic
from mscnn.jobs import run_jobs, workers


def write(path: Path, text: str) -> None:
    print("writing", text)
    path.write_text(text + os.environ["OMP_NUM_THREADS"])


def fail(kind: str) -> None:
    if kind == "user":
        raise UserError("the cure is X")
    if kind == "bug":
        raise ZeroDivisionError
    if kind == "crash":
        os._exit(7)


def test_jobs_run_and_log(tmp_path):
    run_jobs(write, [(tmp_path / str(i), str(i)) for i in range(3)], nj=2, log_dir=tmp_path / "log", step="w")
    assert [(tmp_path / str(i)).read_text() for i in range(3)] == ["01", "11", "21"]
    log = (tmp_path / "log" / "w.2.log").read_text()
    assert "writing 1" in log
    assert "# Ended (code 0)" in log


def test_failures_are_named_with_their_last_lines(tmp_path):
    with pytest.raises(UserError) as error:
        run_jobs(fail, [("user",), ("none",), ("bug",), ("crash",)], nj=4, log_dir=tmp_path, step="f")
    message = str(error.value)
    assert "3 of 4 jobs failed" in message
    assert "error: the cure is X" in message
    assert "ZeroDivisionError" in message
    assert "f.4.log" in message


def test_unknown_backend_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("MSCNN_BACKEND", "slrum")
    with pytest.raises(UserError, match="cmd.sh may select one of: local"):
        run_jobs(fail, [], nj=1, log_dir=tmp_path, step="f")


def test_jobs_end_with_their_parent(tmp_path):
    script = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from pathlib import Path; from mscnn.jobs import run_jobs; from tests.unit.jobs.test_local import linger\n"
        "if __name__ == '__main__': run_jobs(linger, [(Path(sys.argv[2]),)], nj=1, log_dir=sys.argv[2], step='l')\n"
    )
    (tmp_path / "parent.py").write_text(script)
    root = Path(__file__).resolve().parents[3]
    parent = subprocess.Popen([sys.executable, tmp_path / "parent.py", root, tmp_path], env={"PYTHONPATH": str(root)})
    wait_for(lambda: (tmp_path / "pid").exists())
    parent.kill()
    parent.wait()
    child = int((tmp_path / "pid").read_text())
    wait_for(lambda: not Path(f"/proc/{child}").exists() or "Z" in Path(f"/proc/{child}/stat").read_text().split()[2])


def linger(folder: Path) -> None:
    with atomic(folder / "pid") as out:
        out.write(str(os.getpid()))
    time.sleep(60)


def wait_for(condition) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_workers_map_in_order_and_start_only_when_needed():
    with workers(2) as each:
        assert list(each(abs, [-3, 2, -1])) == [3, 2, 1]
        found = list(each(process_id, range(4)))
        assert os.getpid() not in found and len(set(found)) <= 2
    with workers(1) as each:
        assert list(each(process_id, [0])) == [os.getpid()]


def process_id(_: object) -> int:
    return os.getpid()


def test_debugging_runs_jobs_in_this_process_where_errors_surface(tmp_path, monkeypatch):
    monkeypatch.setenv("MSCNN_BACKEND", "debug")
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    run_jobs(write, [(tmp_path / "a", "x")], nj=2, log_dir=tmp_path / "log", step="w")
    assert (tmp_path / "a").read_text() == "x7"
    with pytest.raises(ZeroDivisionError):
        run_jobs(fail, [("bug",)], nj=1, log_dir=tmp_path / "log", step="f")
