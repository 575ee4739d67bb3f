"""Files with random damage, for every reader: each is read, or refused with one UserError, in time and in memory.

A few mutations of every reader; ``--fuzz-seconds S`` goes on for S seconds of processor time with each. In a process of
its own, whose memory and time are limited, as tests/nightly.sh does: ``python -m tests.e2e.faults.campaign``.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random
from time import process_time

import pytest

from mscnn.errors import UserError
from tests.e2e.faults import campaign
from tests.e2e.faults.mutate import mutated
from tests.e2e.faults.readers import READERS

FEW = 8
LONGEST = 10  # s for one file


@contextmanager
def limited() -> Iterator[None]:
    """The block ends within some seconds of processor time, or TimeoutError is raised in it."""

    def late(number, frame):
        raise TimeoutError(f"over {LONGEST} s")

    before = signal.signal(signal.SIGVTALRM, late)
    signal.setitimer(signal.ITIMER_VIRTUAL, LONGEST)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


@pytest.mark.parametrize("reader", READERS)
def test_every_mutation_is_read_or_refused(reader, tmp_path, monkeypatch, request):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "files").mkdir()
    files, read = READERS[reader](tmp_path / "files")
    contents = {path: path.read_bytes() for path in files}
    read(files[0])  # as it is
    end = process_time() + request.config.getoption("--fuzz-seconds")
    seed = 0
    while seed < FEW or process_time() < end:
        rng = Random(f"{reader} {seed}")
        path = rng.choice(files)
        content = mutated(contents[path], path.name, rng)
        path.write_bytes(content)
        try:
            with limited():
                read(path)
        except UserError:
            pass
        except Exception as error:
            where = f"{reader}, {path.name}, seed {seed}: {type(error).__name__}: {str(error)[:300]}"
            pytest.fail(f"{where}: {content[:2000]!r}")
        path.write_bytes(contents[path])
        seed += 1


def test_a_campaign_notices_errors_memory_time_and_crashes(tmp_path, monkeypatch):
    """And goes on after each; what failed is kept."""
    calls = tmp_path / "calls"
    calls.write_text("")

    def busy() -> None:
        end = process_time() + 0.2
        while process_time() < end:
            pass

    def refuse() -> None:
        raise UserError("refused", code="x")

    failures = [lambda: 1 / 0, lambda: bytearray(700 << 20), busy, lambda: signal.raise_signal(signal.SIGKILL), refuse]

    def read(path):
        if path.read_bytes() != b"fine":  # the first damaged file meets the first failure
            number = len(calls.read_text())
            calls.write_text("x" * (number + 1))
            failures[number]()

    def reader(folder):
        (folder / "x").write_bytes(b"fine")
        return [folder / "x"], read

    monkeypatch.setitem(READERS, "failing", reader)
    monkeypatch.setattr(campaign, "LONGEST", 0.1)
    assert campaign.campaign(["failing"], len(failures), 0, 60, tmp_path) == 4
    found = [line["found"] for line in campaign.findings(tmp_path, "failing")]
    assert [text.partition(" ")[0] for text in found] == ["ZeroDivisionError", "MemoryError", "slow:", "ended"]
    assert len([*tmp_path.glob("failing-*-x")]) == 4
