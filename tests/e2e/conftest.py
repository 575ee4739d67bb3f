"""The mini recipe, run whole once in a checkout of its own; all of tests/e2e is one process, for the recipe has two."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.tiny_wav2vec2 import write

LINKED = ("path.sh", "pyproject.toml", "tools", "utils")
COPIED = ("conf", "mscnn")  # tests change these
OUTPUTS = shutil.ignore_patterns("corpus", "data", "dump", "exp")


@pytest.hookimpl(tryfirst=True)  # xdist reads the groups in a hook of the same name
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of this folder."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.e2e)
            item.add_marker(pytest.mark.xdist_group("e2e"))


@dataclass(frozen=True)
class Recipe:
    """A recipe's folder in a checkout that may be changed."""

    root: Path
    path: Path

    def run(self, *options: object, **variables: str) -> subprocess.CompletedProcess[str]:
        """``./run.sh`` with options; what it prints is one text."""
        path = os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]])
        environment = {**os.environ, "PATH": path, "VIRTUAL_ENV": sys.prefix, "HF_HUB_OFFLINE": "1", **variables}
        environment.pop("PYTHONPATH", None)  # the code is that of the recipe's own checkout
        command = [str(self.path / "run.sh"), *map(str, options)]
        return subprocess.run(command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def must_run(self, *options: object, **variables: str) -> str:
        """As :meth:`run`, where anything but success fails the test; returns what was printed."""
        result = self.run(*options, **variables)
        assert result.returncode == 0, result.stdout[-6000:]
        return result.stdout

    @property
    def exp(self) -> Path:
        """The experiment that the recipe trains where nothing else is asked for."""
        return self.path / "exp" / "mscnn_spu_att_gt_loso5"


@pytest.fixture(scope="session")
def new_recipe(tmp_path_factory) -> Callable[[], Recipe]:
    """Make a checkout with a recipe that nobody has run."""

    def make() -> Recipe:
        root = tmp_path_factory.mktemp("checkout")
        for name in LINKED:
            (root / name).symlink_to(ROOT / name)
        for name in COPIED:
            shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copytree(ROOT / "egs" / "mini_iemocap", root / "egs" / "mini_iemocap", ignore=OUTPUTS)
        return Recipe(root, root / "egs" / "mini_iemocap")

    return make


@pytest.fixture(scope="session")
def mini(new_recipe) -> Recipe:
    """The mini recipe, from corpus to scores."""
    recipe = new_recipe()
    print(recipe.must_run())
    return recipe


@pytest.fixture(scope="session")
def tiny_wav2vec2(tmp_path_factory) -> Path:
    """Folder of a wav2vec 2.0 that is 16 values wide."""
    folder = tmp_path_factory.mktemp("wav2vec2")
    write(folder)
    return folder
