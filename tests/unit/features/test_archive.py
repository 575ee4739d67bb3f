"""Reading features back: everything is checked on loading."""

import shutil

import kaldiio
import numpy as np
import pytest
import yaml

from mscnn.features.archive import FeatureDir, write_archive
from mscnn.features.config import Feature
from mscnn.features.store import Mapped
from mscnn.files import write_table
from tests.raises import fails

LENGTHS = {"a-1": 5, "a-2": 1, "a-3": 12}


@pytest.fixture
def matrices():
    rng = np.random.default_rng(0)
    return {utt: rng.standard_normal((t, 96)).astype(np.float32) for utt, t in LENGTHS.items()}


@pytest.fixture
def folder(tmp_path, matrices):
    path, feature = tmp_path / "feats", Feature.load("mfcc96")
    assert write_archive(path / "feats.1", matrices.items()) == LENGTHS
    (path / "feats.scp").write_text((path / "feats.1.scp").read_text())
    write_table(path / "utt2num_frames", LENGTHS)
    facts = {"feature": "mfcc96", "options": feature.options, "hash": feature.hash, "dim": 96, "frame_shift": 0.01}
    (path / "feature.yaml").write_text(yaml.safe_dump({**facts, "content": "0"}))
    return path


def test_read_one_and_all(folder, matrices):
    features = FeatureDir.load(folder)
    np.testing.assert_array_equal(features.read("a-3"), matrices["a-3"])
    frames = features.select(["a-3", "a-1"])
    assert isinstance(frames.rows, Mapped) and frames.offsets.tolist() == [0, 12, 17]
    together = frames.part(0, 17)
    assert together.dtype == np.float32
    np.testing.assert_array_equal(together, np.concatenate([matrices["a-3"], matrices["a-1"]]))


def test_other_kaldi_formats_are_read(folder, matrices):
    kaldiio.save_ark(
        str(folder / "feats.1.ark"),
        {u: m.astype(np.float64) for u, m in matrices.items()},
        scp=str(folder / "feats.scp"),
    )
    matrix = FeatureDir.load(folder).read("a-1")
    assert matrix.dtype == np.float32
    np.testing.assert_array_equal(matrix, matrices["a-1"])


def test_a_moved_folder_reads_its_own_archives(folder, matrices, tmp_path):
    shutil.copytree(folder, tmp_path / "moved")
    shutil.rmtree(folder)
    np.testing.assert_array_equal(FeatureDir.load(tmp_path / "moved").read("a-2"), matrices["a-2"])


def test_missing_utterance_names_the_stage(folder):
    with fails("features-missing", folder, "b-9", "stage 3"):
        FeatureDir.load(folder).select(["a-1", "b-9"])


def edit(folder, **changes):
    facts = yaml.safe_load((folder / "feature.yaml").read_text())
    (folder / "feature.yaml").write_text(yaml.safe_dump({**facts, **changes}))


def test_errors_are_reported_on_opening(folder, tmp_path):
    edit(folder, hash="0" * 12)
    with fails("features-stale", folder):
        FeatureDir.load(folder)
    edit(folder, hash=Feature.load("mfcc96").hash)
    write_table(folder / "utt2num_frames", {"a-1": 5})
    with fails("features-damaged", "feats.scp", "utt2num_frames"):
        FeatureDir.load(folder)
    write_table(folder / "utt2num_frames", LENGTHS)
    (folder / "feats.1.ark").unlink()
    with fails("features-damaged", "feats.1.ark"):
        FeatureDir.load(folder)
    (folder / "feature.yaml").unlink()
    with fails("features-missing", folder):
        FeatureDir.load(folder)


def test_damaged_archives_are_reported_on_reading(folder, matrices):
    edit(folder, dim=95)
    with fails("features-damaged", (5, 96), (5, 95)):
        FeatureDir.load(folder).read("a-1")
    edit(folder, dim=96)
    data = (folder / "feats.1.ark").read_bytes()
    (folder / "feats.1.ark").write_bytes(data[:-100])
    with fails("features-damaged", "a-3", "stage 3"):
        FeatureDir.load(folder).read("a-3")
    (folder / "feats.1.ark").write_bytes(b"\xff" * len(data))
    with fails("features-damaged", "a-1", "stage 3"):
        FeatureDir.load(folder).read("a-1")


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_not_finite_are_refused(folder, matrices, value):
    matrices["a-3"][4, 7] = value
    write_archive(folder / "feats.1", matrices.items())
    features = FeatureDir.load(folder)
    assert features.read("a-1").shape == (5, 96)
    with fails("features-not-finite", "a-3"):
        features.select(["a-1", "a-3"])


def test_utterances_without_frames_are_refused(folder, matrices):
    matrices["a-2"] = matrices["a-2"][:0]
    write_archive(folder / "feats.1", matrices.items())
    (folder / "feats.scp").write_text((folder / "feats.1.scp").read_text())
    write_table(folder / "utt2num_frames", LENGTHS | {"a-2": 0})
    with fails("features-not-finite", "a-2", "no frames"):
        FeatureDir.load(folder).select(["a-1", "a-2"])


def test_neither_commands_nor_pickles_are_run(folder, tmp_path):
    scp = folder / "feats.scp"
    lines = scp.read_text().splitlines(keepends=True)
    scp.write_text(f"a-1 {folder}/feats.1.ark:; touch {tmp_path}/run |\n" + "".join(lines[1:]))
    with fails("features-damaged"):
        FeatureDir.load(folder).read("a-1")
    scp.write_text("".join(lines))
    data = (folder / "feats.1.ark").read_bytes()
    (folder / "feats.1.ark").write_bytes(data[:4] + b"PKL" + data[7:])
    with fails("features-damaged", "a-1"):
        FeatureDir.load(folder).read("a-1")
    assert not (tmp_path / "run").exists()
