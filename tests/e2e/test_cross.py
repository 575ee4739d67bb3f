"""Trained on a part of RAVDESS, tested on the mini recipe: people to synthetic voices, eight classes to four."""

import shutil

import pytest

from mscnn.config.labels import LabelMap
from mscnn.corpora import read
from mscnn.corpora.prepare import AudioForm, prepare
from mscnn.data.datadir import DataDir
from mscnn.reporting.lines import read_score
from tests.conftest import ROOT
from tests.e2e.conftest import OUTPUTS, Recipe

pytestmark = pytest.mark.e2e


@pytest.fixture
def ravdess(shared_dir, tmp_path) -> DataDir:
    """Data directory of the first repetitions of three actors."""
    for actor in (1, 2, 3):
        folder = tmp_path / "corpus" / f"Actor_{actor:02d}"
        folder.mkdir(parents=True)
        for path in sorted((shared_dir / "data" / "ravdess" / folder.name).glob("*-01-01-??.flac")):
            (folder / path.name).symlink_to(path)
    corpus = read("ravdess", tmp_path / "corpus")
    return prepare(corpus, LabelMap.load("ravdess8"), "all", AudioForm(), tmp_path / "ravdess", skip=False)


def test_from_ravdess_to_mini_iemocap(mini, ravdess):
    shutil.copytree(ROOT / "egs" / "cross", mini.root / "egs" / "cross", ignore=OUTPUTS)
    cross = Recipe(mini.root, mini.root / "egs" / "cross")
    output = cross.must_run("--train-on", ravdess.path, "--test-on", mini.path, "--model", "logmel_lr", "--nj", 2)
    line = read_score(cross.path / "exp/logmel_lr_none_cross_corpus_ravdess_to_mini_iemocap/score_test.txt")
    assert line.fields["data"] == "ravdess_to_mini_iemocap" and line.total == 313 and "calm" in output
    data = DataDir.load(cross.path / "data/ravdess_to_mini_iemocap")
    assert data.classes == ["angry", "happy", "neutral", "sad"]
    assert {data.spk[utt] for utt in data.utts if data.split[utt] == "dev"} == {"ravdess-Actor03"}
