"""What holds for every ``python -m mscnn.bin.*``."""

import sys
import time

import pytest

from tests.shell.conftest import ROOT

VERBS = sorted(path.stem for path in ROOT.glob("mscnn/bin/[a-z]*.py"))


@pytest.mark.parametrize("verb", VERBS)
def test_help_answers_in_half_a_second(sh, verb):
    times = []
    while len(times) < 3 and min(times, default=1) >= 0.5:
        start = time.monotonic()
        result = sh(sys.executable, "-m", f"mscnn.bin.{verb}", "--help", cwd=ROOT)
        times.append(time.monotonic() - start)
    assert result.returncode == 0 and "usage:" in result.stdout
    assert min(times) < 0.5, f"best of {len(times)}: {min(times):.2f} s"


@pytest.mark.parametrize("verb", VERBS)
def test_an_unknown_option_ends_with_2(sh, verb):
    result = sh(sys.executable, "-m", f"mscnn.bin.{verb}", "--no-such-option", "1", cwd=ROOT)
    assert result.returncode == 2 and "Traceback" not in result.stderr
