"""Standard output on a full disk or closed: every command says so in one line, and fails."""

import os
import subprocess
import sys

import pytest

from mscnn.cli import commands

FULL = "/dev/full"
PROGRAM = "import sys; sys.argv = ['mscnn', *sys.argv[1:]]; from mscnn.cli import main; main()"
pytestmark = pytest.mark.skipif(not os.path.exists(FULL), reason=f"no {FULL} on this system")


def run(*arguments: str, unbuffered: str = "", program: str = PROGRAM) -> tuple[int, str]:
    """Status and standard error of ``mscnn ARGUMENT...`` whose output nothing takes."""
    environment = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
    with open(FULL, "w") as full:
        command = [sys.executable, "-c", program, *arguments]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, env=environment)
    return done.returncode, done.stderr


def is_one_line(status: int, errors: str) -> bool:
    return status == 1 and errors.count("\n") == 1 and errors.startswith("error[file-system]: standard output: ")


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["config", "show", "glam"]], ids=" ".join)
def test_a_full_disk_is_said_in_one_line(arguments, unbuffered):
    assert is_one_line(*run(*arguments, unbuffered=unbuffered))


def test_every_command_says_so():
    processes = {
        name: subprocess.Popen(
            f"exec {sys.executable} -m mscnn.bin.{name} --help >{FULL}", stderr=-1, text=True, shell=True
        )
        for name in map(str, commands())
    }
    silent = [name for name, one in processes.items() if not is_one_line(one.wait(), one.stderr.read())]
    assert not silent


def test_an_error_before_it_stays_the_error():
    status, errors = run("config", "show", "none_such")
    assert status == 1 and errors.startswith("error[conf-unknown]: ") and "No space" not in errors


def test_a_closed_output_is_no_traceback():
    done = subprocess.run(f"exec {sys.executable} -m mscnn tables --table list >&-", stderr=-1, text=True, shell=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_who_reads_no_further_is_no_traceback():
    command = f"{sys.executable} -m mscnn --help | true; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], stderr=-1, text=True)
    assert done.stderr == "" and done.returncode in (0, 1)
