"""Lock files: one owner at a time, on every file system, also one that several machines share.

A lock is a file that only one process can create (O_EXCL, atomic on NFS too; flock is not used), with one line: host
(:func:`here`), process, start of the process, and time. While it is held, its owner sets its time of change every
``BEAT`` seconds. The lock of a process that has ended is stale, and taken over: at once on the same machine, else after
``STALE`` seconds without a beat, by the clock of the file system. utils/lock.sh has the same files.
"""

from __future__ import annotations

import errno
import os
import subprocess
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from mscnn.errors import DENIED, UserError

BEAT = 10.0  # s
STALE = 120.0  # s
WRITING = 5.0  # s that a lock may be without content: it is being written
PAUSE = 0.5  # s between two attempts
RECIPE = "MSCNN_PARENT"  # variable: the process of run.sh, for its commands


@dataclass(frozen=True)
class Owner:
    """Who holds a lock: a process, its start in any unit (numbers of processes are used again), and since when."""

    host: str
    pid: int
    started: str
    since: str = ""

    @classmethod
    def of(cls, pid: int) -> Owner:
        """A process of this machine, now."""
        return cls(here(), pid, started(pid), time.strftime("%FT%T"))

    @classmethod
    def parse(cls, line: str) -> Owner | None:
        """The owner in a line of a lock file; None where there is none."""
        words = line.split()
        if len(words) < 3 or not words[1].isdecimal() or len(words[1]) > 20:
            return None
        return cls(words[0], int(words[1]), *words[2:4])

    def __str__(self) -> str:
        if self == UNREADABLE:
            return "another user"
        return f"process {self.pid} of {self.host.partition('/')[0]}" + (f", since {self.since}" if self.since else "")

    def same(self, other: Owner | None) -> bool:
        """Whether both are the same process."""
        return other is not None and (self.host, self.pid, self.started) == (other.host, other.pid, other.started)

    def ended(self) -> bool:
        """Whether it is a process of this machine that runs no more."""
        return self.host == here() and started(self.pid) != self.started


UNREADABLE = Owner("", 0, "")  # of a file that this user may not read


class Lock:
    """A lock file; ``owner`` holds it, by default this process."""

    def __init__(self, path: str | os.PathLike, owner: Owner | None = None) -> None:
        self.path = Path(path)
        self.owner = owner or Owner.of(os.getpid())

    def take(self) -> Owner | None:
        """Take it, also from an owner that has ended; returns None, or the owner that holds it.

        Raises:
            OSError: its folder cannot be written.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        while not self._create(self.path):
            try:
                line = self._line()
            except PermissionError:
                return UNREADABLE
            if line is None:  # just released
                continue
            owner = Owner.parse(line)
            if owner and not owner.ended() and (owner.host == self.owner.host or self._age(self.path) < STALE):
                return owner
            if owner is None and self._age(self.path) < WRITING:
                time.sleep(PAUSE / 5)
                continue
            self._remove(line)
        return None

    def beat(self) -> None:
        """Say that the owner is at work."""
        with suppress(OSError):
            if self.owner.same(self.holder()):
                os.utime(self.path)

    def holder(self) -> Owner | None:
        """The owner in the file; None where there is no file."""
        return Owner.parse(self._line() or "")

    def release(self) -> None:
        """Remove the file, where the owner holds it."""
        with suppress(OSError):
            if self.owner.same(self.holder()):
                self.path.unlink()

    def _create(self, path: Path) -> bool:
        """Create a file with the owner's line; False where it exists."""
        try:
            number = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
        except FileExistsError:
            return False
        try:
            line = f"{self.owner.host} {self.owner.pid} {self.owner.started} {self.owner.since}\n"
            os.write(number, line.encode())
        except OSError as error:  # no space
            path.unlink(missing_ok=True)
            raise OSError(error.errno, error.strerror, str(path)) from None
        finally:
            os.close(number)
        return True

    def _line(self) -> str | None:
        try:
            return self.path.read_text(errors="replace")
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.ESTALE):
                return None
            raise

    def _age(self, path: Path) -> float:
        """Seconds since the last beat, by the clock of the file system; negative where the file is gone."""
        probe = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.tmp")
        try:
            probe.touch()
            with open(path) as handle:  # opening a file makes NFS ask for its attributes
                return probe.stat().st_mtime - os.fstat(handle.fileno()).st_mtime
        except FileNotFoundError:
            return -1.0
        finally:
            probe.unlink(missing_ok=True)

    def _remove(self, line: str) -> None:
        """Remove the file of an owner that has ended, one process at a time, unless another has taken it meanwhile."""
        guard = self.path.with_name(self.path.name + ".taking")
        if not self._create(guard):
            if self._age(guard) > STALE:  # of a process that was killed in the next lines
                guard.unlink(missing_ok=True)
            time.sleep(PAUSE / 5)
            return
        try:
            if self._line() == line:
                self.path.unlink()
        finally:
            guard.unlink(missing_ok=True)


def of_folder(folder: str | os.PathLike) -> Path:
    """The lock file of an output folder: hidden, beside it."""
    folder = Path(os.path.abspath(folder))
    return folder.with_name(f".{folder.name}.lock")


def here() -> str:
    """This machine and, on Linux, its numbering of processes: containers have their own, also of the same host name."""
    host = os.uname().nodename
    try:
        return f"{host}/{os.readlink('/proc/self/ns/pid')[len('pid:[') : -1]}"
    except OSError:
        return host


def started(pid: int) -> str:
    """When a process of this machine started, in any unit; empty where it runs no more."""
    try:
        state, *fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return "" if state == "Z" else fields[18]
    except (OSError, IndexError):
        pass
    if os.path.exists("/proc/self/stat"):
        return ""
    shown = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return "".join(shown.split())


def claim(paths: Iterable[str | os.PathLike], pid: int) -> None:
    """Take lock files for another process of this machine, which releases them; all or none.

    Raises:
        UserError: a process holds one (``lock-held``).
    """
    taken: list[Lock] = []
    for path in paths:
        lock = Lock(path, Owner.of(pid))
        if owner := lock.take():
            for other in taken:
                other.release()
            raise _refusal(lock, owner)
        taken.append(lock)


@contextmanager
def held(*paths: str | os.PathLike, say: Callable[[str], object] | None = None) -> Iterator[None]:
    """Hold lock files, in this order; one that ``run.sh`` of this process holds is taken for its own.

    With ``say``, it waits for owners, and says so once; a folder that may not be written needs no lock.

    Raises:
        UserError: without ``say``, where another process holds one (``lock-held``).
    """
    taken: list[Lock] = []
    done = threading.Event()

    def beat() -> None:
        while not done.wait(BEAT):
            for lock in taken:
                lock.beat()

    try:
        for path in dict.fromkeys(map(Path, paths)):
            lock = Lock(path)
            if _taken(lock, say):
                taken.append(lock)
        threading.Thread(target=beat, name="mscnn-locks", daemon=True).start()
        yield
    finally:
        done.set()
        for lock in taken:
            lock.release()


def _taken(lock: Lock, say: Callable[[str], object] | None) -> bool:
    """Take a lock, or wait for it; False where none is needed."""
    told = False
    while True:
        try:
            owner = lock.take()
        except OSError as error:
            if error.errno in DENIED:
                return False
            raise
        if owner is None:
            return True
        if str(owner.pid) == os.environ.get(RECIPE) and owner.host == lock.owner.host:
            return False
        if say is None:
            raise _refusal(lock, owner)
        if not told:
            say(f"{lock.path} is held by {owner}; waiting until it ends")
        told = True
        time.sleep(PAUSE)


def _refusal(lock: Lock, owner: Owner) -> UserError:
    return UserError(
        f"{lock.path} is held by {owner}, which works on the same output; wait until it ends, or choose another name",
        code="lock-held",
    )
