"""Properties of every command: ``mscnn COMMAND`` and ``python3 -m mscnn.bin.COMMAND``."""

import subprocess
import sys
from importlib import import_module

import pytest

from mscnn import cli
from tests.shell.conftest import ROOT

COMMANDS = sorted(path.stem for path in ROOT.glob("mscnn/bin/[a-z]*.py"))
HEAVY = {"torch", "librosa", "numpy", "scipy", "sklearn", "matplotlib", "gensim", "transformers", "pydantic"}
HELP_OF_ALL = f"""
import contextlib, sys
from importlib import import_module
for name in {COMMANDS}:
    sys.argv = [name, "--help"]
    with contextlib.suppress(SystemExit):
        import_module(f"mscnn.bin.{{name}}").main()
print(*sorted({HEAVY} & {{*sys.modules}}), file=sys.stderr)
"""


def test_help_loads_nothing_heavy():
    result = subprocess.run([sys.executable, "-c", HELP_OF_ALL], cwd=ROOT, text=True, capture_output=True)
    assert result.returncode == 0, result.stderr
    assert result.stdout.count("usage: ") == len(COMMANDS)
    assert result.stderr.strip() == ""


@pytest.mark.parametrize("name", COMMANDS)
def test_an_unknown_option_ends_with_2(name, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", [name, "--no-such-option", "1"])
    with pytest.raises(SystemExit) as end:
        import_module(f"mscnn.bin.{name}").main()
    assert end.value.code == 2 and "usage: " in capsys.readouterr().err


@pytest.fixture
def mscnn(monkeypatch, capsys):
    """Run ``mscnn ARGUMENT...``; returns exit status, standard output and standard error."""

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["mscnn", *arguments])
        with pytest.raises(SystemExit) as end:
            cli.main()
        return end.value.code, *capsys.readouterr()

    return run


def test_the_overview_names_every_command_once(mscnn):
    status, text, _ = mscnn("--help")
    shown = [line.split()[0] for line in text.splitlines() if line.startswith("  ")]
    assert status == 0 and sorted(shown) == sorted(name.replace("_", "-") for name in COMMANDS)
    assert {name for names in cli.STAGES.values() for name in names} <= {*COMMANDS}


def test_a_command_is_its_entry_point(mscnn):
    for name in ("validate-data-dir", "validate_data_dir"):
        status, text, _ = mscnn(name, "--help")
        assert status == 0 and text.startswith("usage: mscnn validate-data-dir ")


def test_an_unknown_command_ends_with_2_and_the_nearest(mscnn):
    assert mscnn("trian")[0] == 2
    status, _, error = mscnn("trian")
    assert status == 2 and "train" in error
    assert mscnn("os.path")[0] == 2 and mscnn("../bin")[0] == 2


def test_errors_have_their_code(mscnn, tmp_path):
    status, _, error = mscnn("validate-data-dir", str(tmp_path))
    assert status == 1 and error.startswith("error[")
