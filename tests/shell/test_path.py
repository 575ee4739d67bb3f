"""path.sh and tools/install.sh: the environment of every script."""

import os
import sys
from pathlib import Path

import pytest

from tests.shell.conftest import ROOT

# A fake python3: makes a venv of itself, and records the calls of pip.
FAKE_PYTHON = """#!/usr/bin/env bash
case "$*" in
  --version) echo Python 3.11.0 ;;
  "-c "*) ;;
  "-m venv "*) mkdir -p "$3/bin" && cp "$0" "$3/bin/python3" && echo "venv $3" >>"$CALLS" ;;
  *"check_env.py --activated"*) exit "${NOT_ACTIVE:-0}" ;;
  *check_env.py*) ;;
  *) echo "$*" >>"$CALLS"; [[ "$*" != *"${FAIL_AT:-nothing}"* ]] || kill -9 $PPID; [[ ${PIP_USER-} != 1 ]] ;;
esac
"""


@pytest.mark.parametrize("strict", ["", "set -euo pipefail;"])
def test_environment(sh, strict):
    script = f"""{strict} . {ROOT}/path.sh; . {ROOT}/path.sh
        echo "$MSCNN_ROOT|$LC_ALL|$PYTHONUTF8|$OMP_NUM_THREADS|${{PYTHONHASHSEED-unset}}|$PYTHONPATH"
        python3 -c 'import sys, mscnn; print(sys.executable)'; declare -F | grep -c mscnn"""
    result = sh("bash", "-c", script, PYTHONHASHSEED="7", PYTHONPATH="/mine")
    assert result.stdout.splitlines()[:2] == [f"{ROOT}|C|1|1|unset|{ROOT}:/mine", str(Path(sys.prefix, "bin/python3"))]
    assert result.stdout.splitlines()[2:] == ["0"] and result.stderr == ""


def test_kaldi_is_put_on_the_path(sh):
    result = sh("bash", "-c", f'. {ROOT}/path.sh; echo "$PATH"', KALDI_ROOT="/opt/kaldi")
    assert "/opt/kaldi/src/nnet3bin" in result.stdout.split(":")


def test_recipes_find_it_from_anywhere(sh, checkout):
    result = sh("bash", "-c", f'. {checkout}/egs/iemocap/path.sh; echo "$MSCNN_ROOT"')
    assert os.path.realpath(result.stdout.strip()) == os.path.realpath(checkout)


@pytest.fixture
def bare(tmp_path, sh):
    """A checkout without an environment, on a machine whose only Python is the fake one."""
    (tmp_path / "tools").mkdir()
    for name in ("tools/install.sh", "tools/check_env.py", "tools/requirements.lock", "pyproject.toml"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    (tmp_path / "tools/install.sh").chmod(0o755)
    (tmp_path / "path.sh").write_bytes((ROOT / "path.sh").read_bytes())
    python = tmp_path / "bin/python3"
    python.parent.mkdir()
    python.write_text(FAKE_PYTHON)
    python.chmod(0o755)
    calls = tmp_path / "calls"

    def run(*command, **variables):
        calls.write_text("")
        result = sh(*command, PATH=f"{python.parent}:/usr/bin:/bin", CALLS=str(calls), VIRTUAL_ENV="", **variables)
        return result, calls.read_text().splitlines()

    return run


def test_it_returns_and_never_exits(bare, tmp_path):
    script = f'. {tmp_path}/path.sh || echo "returned $?"'
    result, _ = bare("bash", "-c", script, NOT_ACTIVE="1", FAIL_AT=" torch")
    assert result.stdout.startswith("returned ") and result.returncode == 0


def test_a_missing_environment_is_installed(bare, tmp_path):
    result, calls = bare("bash", "-c", f". {tmp_path}/path.sh; command -v python3", NOT_ACTIVE="1")
    assert result.stdout.strip() == f"{tmp_path}/tools/venv/bin/python3"
    assert calls[0] == "venv venv" and calls[1].endswith(" torch")


def test_install_is_idempotent_and_reports_its_steps(bare, tmp_path):
    result, calls = bare(tmp_path / "tools/install.sh")
    assert result.returncode == 0
    assert all(words in result.stderr for words in ("making tools/venv with Python 3.11", "minutes", "GB of disk"))
    pip = [call for call in calls if "pip install" in call]
    assert all("--constraint requirements.lock" in call for call in pip) and pip[1].endswith("--editable ..[demo]")
    result, calls = bare(tmp_path / "tools/install.sh")
    assert (result.returncode, calls) == (0, []) and "nothing to do" in result.stdout


def test_installing_where_there_are_no_locks_and_pip_prefers_the_home(bare, tmp_path):
    flock = tmp_path / "bin/flock"
    flock.write_text("#!/bin/sh\necho 'flock: 9: No locks available' >&2\nexit 71\n")
    flock.chmod(0o755)
    result, calls = bare(tmp_path / "tools/install.sh", PIP_USER="1")
    assert result.returncode == 0 and "waiting" not in result.stderr
    assert any("pip install" in call for call in calls), "pip refuses PIP_USER=1 in a venv"


def test_a_complete_installation_that_cannot_be_written_is_used(bare, tmp_path):
    bare(tmp_path / "tools/install.sh")
    (tmp_path / "tools/.install.lock").unlink(missing_ok=True)
    (tmp_path / "tools/.install.lock").mkdir()  # cannot be opened, as on a read-only file system
    result, calls = bare(tmp_path / "tools/install.sh")
    assert (result.returncode, calls) == (0, []) and "nothing to do" in result.stdout


@pytest.mark.parametrize("moment", [" torch", "--editable", "compileall"])
def test_a_killed_installation_starts_again(bare, tmp_path, moment):
    killed, _ = bare(tmp_path / "tools/install.sh", FAIL_AT=moment)
    assert killed.returncode == -9
    (tmp_path / "tools/venv/half-a-package").touch()
    result, calls = bare(tmp_path / "tools/install.sh")
    assert result.returncode == 0 and "venv venv" in calls
    assert not (tmp_path / "tools/venv/half-a-package").exists()


def test_new_pins_and_dev_tools_are_added_to_an_installation(bare, tmp_path):
    bare(tmp_path / "tools/install.sh")
    result, calls = bare(tmp_path / "tools/install.sh", "--dev")
    assert result.returncode == 0 and "venv venv" not in calls
    assert any(call.endswith("--editable ..[demo,dev]") for call in calls)
    assert bare(tmp_path / "tools/install.sh")[1] == bare(tmp_path / "tools/install.sh", "--dev")[1] == []
    with open(tmp_path / "tools/requirements.lock", "a") as lock:
        lock.write("another==1.0\n")
    _, calls = bare(tmp_path / "tools/install.sh")
    assert "venv venv" not in calls and any("[demo,dev]" in call for call in calls)


def test_install_without_a_usable_python_names_the_fixes(bare, tmp_path):
    result, calls = bare(tmp_path / "tools/install.sh", PYTHON="false")
    assert (result.returncode, calls) == (1, [])
    assert "python3-venv" in result.stderr and "without root" in result.stderr
    assert bare(tmp_path / "tools/install.sh", "--devel")[0].returncode == 2


def test_check_env_names_what_is_missing(sh, tmp_path):
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools/check_env.py").write_bytes((ROOT / "tools/check_env.py").read_bytes())
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "mscnn"\ndependencies = ["numpy>=1", "no-such.package>=1"]\n'
        '[project.optional-dependencies]\na = ["mscnn[b]"]\nb = ["nor-this"]\n'
    )
    result = sh(sys.executable, "tools/check_env.py")
    assert result.returncode == 1 and result.stderr.split()[-1] == "no-such.package"
    assert sh(sys.executable, "tools/check_env.py", "a").stderr.split()[-2:] == ["no-such.package,", "nor-this"]
