"""Fixtures shared by all tests."""

import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import tiny_bert, tiny_wav2vec2

os.environ["HF_HUB_OFFLINE"] = "1"  # before the hub's library is imported: no test touches the network
ROOT = Path(__file__).resolve().parent.parent


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of all tests."""
    parser.addoption("--fuzz-seconds", type=float, default=0, help="mutate the files of each reader for so long")


@pytest.hookimpl(optionalhook=True)  # of pytest-xdist
def pytest_xdist_make_scheduler(config: pytest.Config, log):
    """Give tests/e2e to one process, for all of it uses one recipe; of other tests each file, for its fixtures."""
    from xdist.scheduler import LoadScopeScheduling

    class Scheduler(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return "tests/e2e" if nodeid.startswith("tests/e2e/") else nodeid.partition("::")[0]

    return Scheduler(config, log)


@pytest.fixture(autouse=True)
def process_state() -> Iterator[None]:
    """Restore what belongs to the whole process, and what entry points and trainings set: logging, torch's mode."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    if torch := sys.modules.get("torch"):
        torch.use_deterministic_algorithms(False)


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """Folder with corpora and reference outputs that are too big or not ours to commit."""
    path = ROOT.parent / "shared"
    if not path.is_dir():
        pytest.skip(f"{path} is absent: this test needs the data kept there")
    return path


@pytest.fixture(scope="session")
def wav2vec2_folder(tmp_path_factory) -> Path:
    """Folder of a wav2vec 2.0 that is 16 values wide."""
    path = tmp_path_factory.mktemp("wav2vec2")
    tiny_wav2vec2.write(path)
    return path


@pytest.fixture(scope="session")
def bert_folder(tmp_path_factory) -> Path:
    """Folder of a BERT that is 12 values wide."""
    path = tmp_path_factory.mktemp("bert")
    tiny_bert.write(path)
    return path
