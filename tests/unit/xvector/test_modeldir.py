import shutil
from pathlib import Path

import pytest

from mscnn.errors import UserError
from mscnn.xvector.modeldir import XvectorModel

DATA = Path(__file__).parent / "data"
FILES = ("final.raw", "extract.config", "min_chunk_size", "max_chunk_size")


@pytest.fixture
def folder(tmp_path) -> Path:
    shutil.copytree(DATA, tmp_path / "model", ignore=shutil.ignore_patterns("wav"))
    return tmp_path / "model"


def test_a_folder_is_read(folder):
    model = XvectorModel.load(folder)
    assert (model.min_chunk, model.max_chunk) == (25, 10000)
    assert model.network().dim == 32
    assert [path.name for path in model.files] == [*FILES, "mfcc.conf", "vad.conf"]


def test_conf_may_stand_above_as_in_the_public_archives(folder):
    inner = folder / "exp" / "xvector_nnet_1a"
    inner.mkdir(parents=True)
    for name in FILES:
        (folder / name).rename(inner / name)
    assert XvectorModel.load(inner).conf == folder / "conf"


def test_without_extract_config_the_output_node_counts(folder):
    (folder / "extract.config").unlink()
    assert XvectorModel.load(folder).network().dim == 20


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("final.raw", None, "no final.raw in it; tools/download_xvector_model.sh"),
        ("conf/mfcc.conf", None, "no conf/mfcc.conf in it, beside it or above it"),
        ("conf/vad.conf", None, "vad.conf: cannot be read"),
        ("min_chunk_size", None, "min_chunk_size: No such file"),
        ("min_chunk_size", "a few", "min_chunk_size: expected a number of frames, found 'a few'"),
        ("min_chunk_size", "9" * 5000, "expected a number of frames"),
        ("max_chunk_size", "2000000000", "expected a number of frames"),
        ("min_chunk_size", "10001", "larger than max_chunk_size"),
        ("min_chunk_size", "14", "14 frames, the network needs 15"),
        ("extract.config", "output-node name=output input=tdnn8.affine", "'tdnn8.affine', which is no node"),
        ("conf/mfcc.conf", "--num-ceps=23", "reads 30 values a frame, .*makes 23"),
    ],
)
def test_what_is_wrong_is_named(folder, name, content, message):
    if content is None:
        (folder / name).unlink()
    else:
        (folder / name).write_text(content)
    with pytest.raises(UserError, match=message):
        XvectorModel.load(folder).network()


def test_sizes_that_are_no_text(folder):
    (folder / "min_chunk_size").write_bytes(b"\xff\xfe2")
    with pytest.raises(UserError, match="min_chunk_size: expected a number of frames"):
        XvectorModel.load(folder)


def test_no_such_folder(tmp_path):
    with pytest.raises(UserError, match="no such folder; tools/download"):
        XvectorModel.load(tmp_path / "absent")
