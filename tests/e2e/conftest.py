"""The mini recipe, run once in a checkout of its own; tests/e2e runs in one process, because the recipe uses two."""

import os
import shlex
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


@dataclass(frozen=True)
class Recipe:
    """The folder of a recipe in a checkout that tests may change."""

    root: Path
    path: Path

    def run(self, *options: object, **variables: str) -> subprocess.CompletedProcess[str]:
        """Result of ``./run.sh`` with options; standard output has standard error as well."""
        path = os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]])
        environment = {**os.environ, "PATH": path, "VIRTUAL_ENV": sys.prefix, "HF_HUB_OFFLINE": "1", **variables}
        environment.pop("PYTHONPATH", None)  # the code is that of the recipe's own checkout
        script = self.path if self.path.is_file() else self.path / "run.sh"
        command = [str(script), *map(str, options)]
        return subprocess.run(command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def call(self, command: str) -> str:
        """Output of a command line in the folder, which must succeed; standard output has standard error as well."""
        program, *arguments = shlex.split(command)
        return type(self)(self.root, self.path / program).must_run(*arguments)

    def must_run(self, *options: object, **variables: str) -> str:
        """Output of :meth:`run`, which must succeed."""
        result = self.run(*options, **variables)
        assert result.returncode == 0, result.stdout[-6000:]
        return result.stdout

    @property
    def exp(self) -> Path:
        """Folder of the experiment that the recipe trains by default."""
        return self.path / "exp" / "mscnn_spu_att_gt_loso5"


@pytest.fixture(scope="session")
def new_recipe(tmp_path_factory) -> Callable[[], Recipe]:
    """A function that makes a checkout with a recipe that has not been run."""

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
    """Folder of a wav2vec 2.0 model with 16 dimensions."""
    folder = tmp_path_factory.mktemp("wav2vec2")
    write(folder)
    return folder
