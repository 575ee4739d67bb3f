"""Mapped archives: the right rows from any bytes, one copy for all processes, and nothing in what is sent to them."""

import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mscnn.features.archive import FeatureDir
from mscnn.features.store import Frames
from tests.unit.training.conftest import write_features

READ = """
import re, sys
from pathlib import Path
from mscnn.features import store
from mscnn.features.archive import FeatureDir
store.BLOCK_SIZE = 4096
def own():
    return int(re.search(r"Anonymous: +([0-9]+)", Path("/proc/self/smaps_rollup").read_text()).group(1))
features = FeatureDir.load(sys.argv[1])
before = own()
frames = features.select(features.utts)
assert frames.not_finite() is None
of_file = [part for part in re.split(r"(?m)^(?=[0-9a-f]+-)", Path("/proc/self/smaps").read_text()) if ".ark" in part]
def kilobytes(key):
    return sum(map(int, re.findall(rf"^{key}: +([0-9]+)", "".join(of_file), re.MULTILINE)))
print(kilobytes("Rss"), kilobytes("Shared_Clean") + kilobytes("Shared_Dirty"), kilobytes("Anonymous"), own() - before)
"""


def write(folder: Path, matrices: dict[str, np.ndarray], archives: int) -> FeatureDir:
    """Features in so many archives."""
    from mscnn.features.archive import write_archive

    write_features(folder, "mfcc96", {}, matrices)
    utts, lines = sorted(matrices), []
    for i, part in enumerate(np.array_split(utts, archives), 1):
        write_archive(folder / f"feats.{i}", ((str(utt), matrices[utt]) for utt in part))
        lines.append((folder / f"feats.{i}.scp").read_text())
    (folder / "feats.scp").write_text("".join(lines))
    return FeatureDir.load(folder)


@pytest.fixture
def matrices() -> dict[str, np.ndarray]:
    """Matrices whose rows begin at bytes of every remainder by four."""
    rng = np.random.default_rng(0)
    return {f"a{'x' * (i % 4)}-{i:02d}": rng.standard_normal((1 + i * 7 % 23, 5), np.float32) for i in range(30)}


def test_rows_of_any_alignment_and_archive(tmp_path, matrices):
    features, rng = write(tmp_path / "feats", matrices, archives=7), np.random.default_rng(1)
    assert {int(one) % 4 for one in features.offsets} == {0, 1, 2, 3}
    utts = [str(utt) for utt in rng.permutation(features.utts)]
    frames, together = features.select(utts), np.concatenate([matrices[utt] for utt in utts])
    np.testing.assert_array_equal(frames.part(0, len(together)), together)
    np.testing.assert_array_equal(frames.part(17, 90), together[17:90])
    for i, utt in enumerate(utts):
        np.testing.assert_array_equal(frames.matrix(i), matrices[utt])
    assert features.lengths(utts).tolist() == [len(matrices[utt]) for utt in utts]


def test_padded_utterances_have_zeros(tmp_path, matrices):
    features = write(tmp_path / "feats", matrices, archives=2)
    frames = features.select(features.utts).padded(9)
    for i, utt in enumerate(features.utts):
        matrix = matrices[utt]
        np.testing.assert_array_equal(frames.matrix(i), np.pad(matrix, ((0, max(0, 9 - len(matrix))), (0, 0))))


def test_blocks_are_the_sequence_of_all_frames(monkeypatch):
    monkeypatch.setattr("mscnn.features.store.BLOCK_SIZE", 4)
    matrices = [np.full((n, 2), n, np.float32) for n in (3, 1, 6, 2)]
    frames = Frames.of(matrices)
    starts, blocks = zip(*frames.blocks(), strict=True)
    assert starts == (0, 4, 8) and [len(block) for block in blocks] == [4, 4, 4]
    np.testing.assert_array_equal(np.concatenate(blocks), np.concatenate(matrices))
    matrices[2][5, 1] = np.nan
    assert frames.not_finite() is None and Frames.of(matrices).not_finite() == 2


def test_a_large_finite_value_is_finite():
    assert Frames.of([np.full((2, 2), 3e38, np.float32)]).not_finite() is None


def test_a_copy_for_another_process_has_no_frames(tmp_path, matrices):
    features = write(tmp_path / "feats", {**matrices, "b-1": np.ones((5000, 5), np.float32)}, archives=3)
    frames = features.select(["b-1", "a-00"])
    sent = pickle.dumps((features, frames))
    assert len(sent) < 20_000
    copy, its_frames = pickle.loads(sent)
    for one in (its_frames, copy.select(["b-1", "a-00"])):
        np.testing.assert_array_equal(one.matrix(1), matrices["a-00"])


@pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="needs /proc of Linux")
def test_processes_share_one_copy(tmp_path):
    """This process and another read 24 MB: both in the same pages, of which none is of the other process alone."""
    rng = np.random.default_rng(0)
    matrices = {f"a-{i:03d}": rng.standard_normal((250, 96), np.float32) for i in range(250)}
    features = write(tmp_path / "feats", matrices, archives=3)
    frames, size = features.select(features.utts), 250 * 250 * 96 * 4 // 1024
    assert frames.not_finite() is None
    command = [sys.executable, "-c", READ, str(tmp_path / "feats")]
    resident, shared, copied, own = map(int, subprocess.check_output(command, text=True).split())
    assert resident >= size and shared >= size and copied == 0
    assert own < size / 2, "blocks, and no copy"
