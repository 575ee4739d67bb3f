"""Progress: lines in the log, a bar on the terminal."""

import logging
import os
import pty
import subprocess
import sys
from pathlib import Path

from mscnn import log

SCRIPT = """
import time
from mscnn import log
log.setup()
for _ in log.progress(range(3), total=3, desc="demo", every=0.01):
    time.sleep(0.05)
"""


def run(**environment) -> str:
    root = Path(__file__).resolve().parents[2]
    command = [sys.executable, "-c", SCRIPT]
    done = subprocess.run(command, stderr=subprocess.PIPE, text=True, env={"PYTHONPATH": str(root), **environment})
    assert done.returncode == 0
    return done.stderr


def test_a_log_gets_lines_only():
    lines = run().splitlines()
    assert [line.split(" ", 1)[1] for line in lines] == [
        f"INFO mscnn: demo: {done} / 3, about 0 s left" for done in (1, 2)
    ]


def test_lines_are_printable(capsys):
    logger = logging.getLogger("test_log")
    logger.addHandler(log.handler(sys.stderr))
    logger.propagate = False  # to the log that pytest captures, which must be UTF-8
    logger.warning("label %s of %s", "\x1b[31mneu\u202e\x07", "H\udcf6r/मैं/می\u200cروم\na")
    logger.handlers.clear()
    message = capsys.readouterr().err.partition(": ")[2]
    assert message == "label \\x1b[31mneu\\u202e\\x07 of H\\xf6r/मैं/می\u200cروم\na\n"


def test_durations():
    assert [log.duration(seconds) for seconds in (0.4, 89, 95, 3700, 7190)] == [
        *("0 s", "89 s", "2 min", "1 h 02 min", "2 h 00 min"),
    ]


def test_a_terminal_gets_the_bar_beside_the_log():
    ours, theirs = pty.openpty()
    lines = run(MSCNN_TERMINAL=os.ttyname(theirs)).splitlines()
    assert len(lines) == 2
    assert b"demo:   0%" in os.read(ours, 10_000)
