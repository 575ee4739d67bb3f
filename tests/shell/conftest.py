"""Scripts run as a user runs them, with the Python that runs the tests as the active environment."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
Result = subprocess.CompletedProcess[str]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of this folder as slow: they start scripts and Python again and again."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.slow)


@pytest.fixture
def sh(tmp_path: Path) -> Callable[..., Result]:
    """Run a command in ``tmp_path`` (or ``cwd``); a script that hangs fails the test."""

    def run(*command: object, cwd: Path = tmp_path, timeout: float = 60, **variables: str) -> Result:
        path = os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]])
        environment = {**os.environ, "PATH": path, "VIRTUAL_ENV": sys.prefix, **variables}
        return subprocess.run(
            [str(word) for word in command], cwd=cwd, env=environment, timeout=timeout, text=True, capture_output=True
        )

    return run


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout to write into: fresh recipes, everything else linked."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    for name in ("conf", "mscnn", "path.sh", "tools", "utils"):
        (folder / name).symlink_to(ROOT / name)
    outputs = shutil.ignore_patterns("corpus", "data", "dump", "exp")
    shutil.copytree(ROOT / "egs", folder / "egs", ignore=outputs)
    return folder
