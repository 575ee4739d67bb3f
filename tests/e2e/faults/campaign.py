"""Many mutations of every reader, in a process of its own whose time and memory are limited.

usage: python -m tests.e2e.faults.campaign [--number N] [--first SEED] [--seconds S] [--out FOLDER] [READER ...]

A mutation fails where it ends with another error than UserError, takes more than 2 s of processor time, needs 500 MB
more memory than the valid file, or ends the process. The damaged file is kept in FOLDER with the reader and the seed in
its name; ``--first SEED --number 1 READER`` repeats it.
"""

import argparse
import json
import os
import resource
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path
from random import Random

LONGEST = 2.0  # s of processor time
MOST = 500 << 20  # bytes
STUCK = 20.0  # s of processor time after which a process is ended
RESTART = 3000  # mutations of one process
WARM = 20  # valid files that are read first


class Slow(BaseException):
    """More processor time than a reader may take; no reader catches it."""


def child(reader: str, first: int, number: int, seconds: float, out: Path) -> None:
    """Try mutations one after the other; ``out/current.json`` names the current one."""
    from mscnn.errors import UserError
    from tests.e2e.faults.mutate import mutated
    from tests.e2e.faults.readers import READERS

    def slow(number: int, frame: object) -> None:
        raise Slow

    with tempfile.TemporaryDirectory(prefix="mscnn-test-") as name:
        folder = Path(name, "files")
        folder.mkdir()
        os.chdir(name)
        files, read = READERS[reader](folder)
        contents = {path: path.read_bytes() for path in files}
        for path in files[:WARM]:  # imports, caches
            _attempt(read, path)
        signal.signal(signal.SIGVTALRM, slow)
        before = _memory()
        resource.setrlimit(resource.RLIMIT_AS, (before + MOST, resource.RLIM_INFINITY))
        end = time.process_time() + seconds
        for seed in range(first, first + number):
            rng = Random(f"{reader} {seed}")
            path = rng.choice(files)
            content = mutated(contents[path], path.name, rng)
            path.write_bytes(content)
            _write(out / "current.json", {"seed": seed, "file": str(path), "name": path.name})
            start, found = time.process_time(), None
            signal.setitimer(signal.ITIMER_VIRTUAL, STUCK / 2)
            try:
                read(path)
            except UserError as error:
                if not error.code or len(str(error)) > 20_000:
                    found = f"UserError of {len(str(error))} characters, code {error.code!r}"
            except BaseException as error:  # SystemExit among them
                found = f"{type(error).__name__} in {_place(error)}: {str(error)[:200]}"
            finally:
                signal.setitimer(signal.ITIMER_VIRTUAL, 0)
            taken = time.process_time() - start
            if not found and taken > LONGEST:
                found = f"slow: {taken:.1f} s"
            if found:
                _report(out, reader, seed, path.name, content, found)
            path.write_bytes(contents[path])
            if time.process_time() > end:
                break
        _write(out / "current.json", {"seed": seed + 1})


def _attempt(read, path: Path) -> None:
    """Read a valid file: what a reader refuses here is an error of the test, but for forms of recordings."""
    read(path)


def _memory() -> int:
    """Bytes of address space."""
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()


def _place(error: BaseException) -> str:
    """The innermost line of this package that an error comes from."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "/mscnn/" in frame.filename] or frames
    return f"{ours[-1].filename.rpartition('/mscnn/')[2]}:{ours[-1].lineno}"


def _report(out: Path, reader: str, seed: int, name: str, content: bytes, found: str) -> None:
    with open(out / "findings.jsonl", "a", encoding="utf-8") as file:
        file.write(json.dumps({"reader": reader, "seed": seed, "name": name, "found": found}) + "\n")
    (out / f"{reader}-{seed}-{name}").write_bytes(content[: 1 << 20])


def _write(path: Path, value: dict) -> None:
    """Write JSON that is read while it is written; one write of a length, so that it is never read in part."""
    path.write_text(json.dumps(value).ljust(400), encoding="utf-8")


def campaign(readers: list[str], number: int, first: int, seconds: float, out: Path) -> int:
    """Run children till all mutations of all readers are tried; returns the number of failures."""
    out.mkdir(parents=True, exist_ok=True)
    failures, tried = 0, Counter[str]()
    for reader in readers:
        seed, start = first, time.monotonic()
        used = 0.0
        while seed < first + number and used < seconds:
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            _write(out / "current.json", {"seed": seed})
            some = min(RESTART, first + number - seed)
            status, output = _run(reader, seed, some, seconds - used, out)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            used += after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            current = json.loads((out / "current.json").read_text(encoding="utf-8") or "{}")
            if status and "name" not in current:
                print(f"{reader}: valid files are not read: {output}", flush=True)
                failures += 1
                break
            if status:
                rng_content = _content(reader, current, out)
                _report(out, reader, current["seed"], current["name"], rng_content, f"ended with {status}: {output}")
            tried[reader] += current["seed"] + bool(status) - seed
            if current["seed"] + bool(status) == seed:
                break
            stopped = current["seed"] + bool(status) < seed + some and not status
            seed = current["seed"] + bool(status)
            if stopped:  # its time is over
                break
        lines = findings(out, reader)
        failures += len(lines)
        kinds = Counter(line["found"].partition(": ")[0] for line in lines)
        print(
            f"{reader}: {tried[reader]} in {used:.0f} s, {time.monotonic() - start:.0f} s elapsed: {dict(kinds)}",
            flush=True,
        )
    print(f"{sum(tried.values())} mutations of {len(tried)} readers: {failures} failures", flush=True)
    return failures


def _content(reader: str, current: dict, out: Path) -> bytes:
    """The content that a process ended with."""
    path = Path(current["file"])
    return path.read_bytes() if path.exists() else b""


def findings(out: Path, reader: str) -> list[dict]:
    """What failed: reader, seed, name of the file, and how."""
    path = out / "findings.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return [one for one in map(json.loads, lines) if one["reader"] == reader]


def _run(reader: str, first: int, number: int, seconds: float, out: Path) -> tuple[int, str]:
    """Status of a child, the number of its signal included, and the end of its output; one that hangs is ended."""
    pid = os.fork()
    if not pid:
        log = os.open(out / "output.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(log, 1)
        os.dup2(log, 2)
        status = 1
        try:
            child(reader, first, number, seconds, out)
            status = 0
        except BaseException:
            traceback.print_exc()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    last, since = "", 0.0
    while os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        time.sleep(0.2)
        now, used = (out / "current.json").read_text(encoding="utf-8"), _used(pid)
        if now != last:
            last, since = now, used
        elif used - since > STUCK and '"name"' in now:
            os.kill(pid, signal.SIGKILL)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return status, (out / "output.txt").read_text(encoding="utf-8", errors="replace")[-600:]


def _used(pid: int) -> float:
    """Seconds of processor time of a process."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("readers", nargs="*")
    parser.add_argument("--number", type=int, default=2000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=float("inf"), help="processor time for each reader")
    parser.add_argument("--out", type=Path, default=Path("fuzz"))
    args = parser.parse_args()
    from tests.e2e.faults.readers import READERS

    raise SystemExit(
        bool(campaign(args.readers or [*READERS], args.number, args.first, args.seconds, args.out.absolute()))
    )


if __name__ == "__main__":
    main()
