"""Jobs: logs of their own, truthful failures."""

import os
from pathlib import Path

import pytest

from mscnn.errors import UserError
from mscnn.jobs import run_jobs


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
