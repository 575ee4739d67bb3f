import shutil
from pathlib import Path

import pytest

from mscnn.xvector.modeldir import XvectorModel
from tests.raises import fails

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


def test_conf_may_be_above_as_in_the_public_archives(folder):
    inner = folder / "exp" / "xvector_nnet_1a"
    inner.mkdir(parents=True)
    for name in FILES:
        (folder / name).rename(inner / name)
    assert XvectorModel.load(inner).conf == folder / "conf"


def test_without_extract_config_the_output_node_counts(folder):
    (folder / "extract.config").unlink()
    assert XvectorModel.load(folder).network().dim == 20


@pytest.mark.parametrize(
    ("name", "content", "code", "names"),
    [
        ("final.raw", None, "xvector-model-missing", ["tools/download_xvector_model.sh"]),
        ("conf/mfcc.conf", None, "xvector-model-missing", ["conf/mfcc.conf"]),
        ("conf/vad.conf", None, "xvector-model-missing", ["vad.conf"]),
        ("min_chunk_size", None, "xvector-model-missing", ["min_chunk_size"]),
        ("min_chunk_size", "a few", "xvector-model-size", ["min_chunk_size", "'a few'"]),
        ("min_chunk_size", "9" * 5000, "xvector-model-size", ["min_chunk_size"]),
        ("max_chunk_size", "2000000000", "xvector-model-size", ["max_chunk_size"]),
        ("min_chunk_size", "10001", "xvector-model-size", [10001, 10000]),
        ("min_chunk_size", "14", "xvector-model-size", [14, 15]),
        ("extract.config", "output-node name=output input=tdnn8.affine", "xvector-network", ["tdnn8.affine"]),
        ("conf/mfcc.conf", "--num-ceps=23", "xvector-network", ["mfcc.conf", 30, 23]),
    ],
)
def test_missing_and_wrong_files(folder, name, content, code, names):
    if content is None:
        (folder / name).unlink()
    else:
        (folder / name).write_text(content)
    with fails(code, *names):
        XvectorModel.load(folder).network()


def test_sizes_that_are_not_text(folder):
    (folder / "min_chunk_size").write_bytes(b"\xff\xfe2")
    with fails("xvector-model-size", "min_chunk_size"):
        XvectorModel.load(folder)


def test_no_such_folder(tmp_path):
    with fails("xvector-model-missing", "absent", "tools/download"):
        XvectorModel.load(tmp_path / "absent")
