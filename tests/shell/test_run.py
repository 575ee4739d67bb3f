"""tests/run.sh: what it may change on the machine that it runs on."""

import os

import pytest

from tests.shell.conftest import ROOT


@pytest.mark.parametrize(
    ("root", "ci", "installs"), [(True, "", False), (True, "true", True), (False, "true", False), (False, "", False)]
)
def test_chromium_is_installed_by_continuous_integration_alone(sh, tmp_path, root, ci, installs):
    """The very lines that install it, where there is none, with an apt-get that only writes down what it is told."""
    if root != (os.geteuid() == 0):
        pytest.skip("the other user's case")
    script = (ROOT / "tests" / "run.sh").read_text()
    block = script[script.index("if [[ -n ${CI:-}") : script.index("if find_chromium")]
    assert script.count("apt-get install") == block.count("apt-get install") == 1
    (tmp_path / "apt-get").write_text(f'#!/bin/sh\necho "$@" >>{tmp_path}/told\n')
    (tmp_path / "apt-get").chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    result = sh(
        "bash", "-euo", "pipefail", "-c", f"folder={tmp_path}; find_chromium() {{ false; }}\n{block}", PATH=path, CI=ci
    )
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "told").exists() == installs
