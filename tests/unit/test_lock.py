"""One owner at a time; the lock of who has ended is taken over, once."""

import os
import subprocess
import sys
import time

import pytest

from mscnn import lock
from mscnn.errors import UserError
from mscnn.lock import Lock, Owner, held, of_folder
from tests.raises import fails

HERE = lock.here()
DEAD = f"{HERE} 999999999 12345 2026-01-01T00:00:00\n"
# adds 1 to a number N times under the lock; without it, additions of processes are lost
COUNTER = """
import sys
from pathlib import Path
from mscnn.lock import held
folder, times = Path(sys.argv[1]), int(sys.argv[2])
for _ in range(times):
    with held(folder / "x.lock", say=lambda sentence: None):
        number = int((folder / "number").read_text())
        (folder / "number").write_text(str(number + 1))
"""
ONCE = """
import sys
from mscnn.lock import Lock
print("ready", flush=True)
sys.stdin.readline()
print(Lock(sys.argv[1]).take() is None, flush=True)
sys.stdin.readline()
"""


def programs(text: str, number: int, *arguments: object) -> list[subprocess.Popen]:
    command = [sys.executable, "-c", text, *map(str, arguments)]
    return [subprocess.Popen(command, stdin=-1, stdout=-1, text=True) for _ in range(number)]


@pytest.fixture(autouse=True)
def fast(monkeypatch):
    monkeypatch.setattr(lock, "PAUSE", 0.02)
    monkeypatch.delenv("MSCNN_PARENT", raising=False)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "x.lock"


def test_the_file_says_who_holds_it_and_goes_with_its_release(path):
    mine = Lock(path)
    assert mine.take() is None
    host, pid, started, since = path.read_text().split()
    assert (host, int(pid), started) == (HERE, os.getpid(), lock.started(os.getpid())) and since.startswith("20")
    assert Lock(path).take() == mine.owner, "a second lock of the same process is another lock"
    mine.release()
    assert [*path.parent.iterdir()] == []


def test_processes_take_turns(tmp_path):
    (tmp_path / "number").write_text("0")
    processes = programs(COUNTER, 3, tmp_path, 5)
    assert [process.wait(120) for process in processes] == [0, 0, 0]
    assert (tmp_path / "number").read_text() == "15" and len([*tmp_path.iterdir()]) == 1


@pytest.mark.parametrize("stale", [DEAD, ""], ids=["dead", "empty"])
def test_of_many_one_takes_a_stale_lock_over(path, stale):
    path.write_text(stale)
    os.utime(path, (0, 0))
    processes = programs(ONCE, 4, path)
    assert all(process.stdout.readline() for process in processes)
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    assert sorted(process.stdout.readline() for process in processes) == ["False\n"] * 3 + ["True\n"]
    for process in processes:
        process.communicate("end\n")
    assert [*path.parent.iterdir()] == [path]


@pytest.mark.parametrize(
    ("content", "age", "taken"),
    [
        (DEAD, 0, True),
        (f"{HERE} 1 999999999999\n", 0, True),  # the number is used again, by another process
        (f"{HERE} {os.getppid()} {lock.started(os.getppid())}\n", 9999, False),
        ("elsewhere 1 2 3\n", 9999, True),
        (f"{os.uname().nodename}/1 {DEAD.split()[1]} 2 3\n", 9999, True),
        (f"{os.uname().nodename}/1 {DEAD.split()[1]} 2 3\n", 0, False),
        ("elsewhere 1 2 3\n", 0, False),
        ("", 9999, True),
        ("\0\0 damaged\n", 9999, True),
        (f"elsewhere {'9' * 5000} 2 3\n", 9999, True),
    ],
    ids=[
        "dead",
        "used again",
        "at work",
        "another machine, silent",
        "another container, silent",
        "another container, at work",
        "another machine, at work",
        "empty",
        "damaged",
        "no number of a process",
    ],
)
def test_a_lock_is_stale_where_its_owner_has_ended(path, content, age, taken):
    path.write_text(content)
    os.utime(path, (time.time() - age,) * 2)
    mine = Lock(path)
    assert (mine.take() is None) == taken == mine.owner.same(mine.holder())


def test_who_is_killed_while_taking_over_does_not_stop_others(path):
    path.write_text(DEAD)
    guard = path.with_name("x.lock.taking")
    guard.write_text(DEAD)
    os.utime(guard, (0, 0))
    assert Lock(path).take() is None and [*path.parent.iterdir()] == [path]


def test_a_holder_beats_and_another_machine_waits_for_it(path, monkeypatch):
    monkeypatch.setattr(lock, "BEAT", 0.02)
    with held(path):
        os.utime(path, (0, 0))
        end = time.monotonic() + 20
        while path.stat().st_mtime == 0 and time.monotonic() < end:
            time.sleep(0.02)
        assert Lock(path, Owner("elsewhere", 1, "2")).take().pid == os.getpid()
    assert not path.exists()


def test_only_the_owner_releases(path):
    Lock(path).take()
    Lock(path, Owner("elsewhere", 1, "2")).release()
    assert path.exists()


def test_the_second_is_told_who_works(tmp_path):
    first, second = tmp_path / "exp/.a.lock", of_folder(tmp_path / "exp/b")
    with held(first, second), fails("lock-held", f"{second}", str(os.getpid())), held(second):
        pass
    with held(second):
        assert second.name == ".b.lock"


def test_the_lock_of_the_recipe_is_that_of_its_commands(path, monkeypatch):
    recipe = Owner.of(os.getppid())
    assert Lock(path, recipe).take() is None
    with pytest.raises(UserError), held(path):
        pass
    monkeypatch.setenv("MSCNN_PARENT", str(os.getppid()))
    with held(path):
        pass
    assert recipe.same(Lock(path).holder()), "the recipe goes on"


def test_a_lock_that_may_not_be_read_is_held(path, monkeypatch):
    def refuse(*args, **options):
        raise PermissionError(13, "Permission denied", str(path))

    path.touch(0o600)
    monkeypatch.setattr(lock.Path, "read_text", refuse)
    with fails("lock-held", str(path)), held(path):
        pass
    told = []

    def say(sentence: str) -> None:
        told.append(sentence)
        path.unlink()

    with held(path, say=say):
        assert len(told) == 1 and path.exists()
        monkeypatch.undo()


def test_a_folder_that_may_not_be_written_needs_no_lock(path, monkeypatch):
    def refuse(*args):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(lock.os, "open", refuse)
    with held(path):
        assert not path.exists()
