"""tests/install_chromium.sh: it installs packages in continuous integration only."""

import os
import shutil

import pytest

from tests.shell.conftest import ROOT


@pytest.mark.parametrize(
    ("root", "ci", "there", "installs"),
    [
        (True, "", False, False),
        (True, "true", False, True),
        (True, "true", True, False),
        (False, "true", False, False),
        (False, "", False, False),
    ],
)
def test_chromium_is_installed_in_continuous_integration_only(sh, tmp_path, root, ci, there, installs):
    """With an apt-get that only records its arguments, and few other programs."""
    if root != (os.geteuid() == 0):
        pytest.skip("the other user's case")
    for name in ("bash", "timeout", "mktemp", "tail", "rm"):
        (tmp_path / name).symlink_to(shutil.which(name))
    for name in ["apt-get", *(["chromium"] if there else [])]:
        (tmp_path / name).write_text(f'#!{shutil.which("bash")}\necho "$@" >>{tmp_path}/calls\n')
        (tmp_path / name).chmod(0o755)
    script = ROOT / "tests/install_chromium.sh"
    result = sh("/usr/bin/env", "-i", f"PATH={tmp_path}", f"CI={ci}", shutil.which("bash"), script)
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "calls").exists() == installs
