import pickle

import kaldiio
import numpy as np
import pytest

from mscnn.errors import UserError
from mscnn.xvector.vectors import read_vectors, require_finite
from tests.raises import fails


def write(tmp_path, vectors):
    kaldiio.save_ark(str(tmp_path / "x.ark"), vectors, scp=str(tmp_path / "x.scp"))
    return tmp_path / "x.scp"


def test_rows_have_the_requested_order(tmp_path):
    scp = write(tmp_path, {"a": np.float32([1, 2]), "b": np.float32([3, 4]), "c": np.float32([5, 6])})
    assert read_vectors(scp, ["c", "a"]).tolist() == [[5, 6], [1, 2]]


@pytest.mark.parametrize(
    ("vector", "counts"),
    [
        (np.float32([1, 2, 3]), [2, 3]),
        (np.float32([1, np.nan]), [2, 1]),
        (np.float64([1, 1e300]), [2, 1]),
        (np.float32([[1, 2], [3, 4]]), ["2 x 2 matrix"]),
        (np.float32([[1, 2, 3]]), [2, 3]),
    ],
)
def test_vectors_must_have_the_same_length_and_be_finite(tmp_path, vector, counts):
    scp = write(tmp_path, {"a": np.float32([1, 2]), "b": vector})
    with fails("xvector-damaged", scp, "b", *counts):
        read_vectors(scp, ["a", "b"])


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_a_matrix_of_one_row_is_a_vector(tmp_path, kind):
    """As SpeechBrain and ESPnet write them, and as Kaldi writes such a matrix as text."""
    scp = write(tmp_path, {"a": kind([[1, 2]]), "b": kind([3, 4])})
    assert read_vectors(scp, ["a", "b"]).tolist() == [[1, 2], [3, 4]]
    (tmp_path / "x.ark").write_text("a  [\n  1 2 ]\nb  [ 3 4 ]\n")
    (tmp_path / "x.scp").write_text(f"a {tmp_path}/x.ark:2\nb {tmp_path}/x.ark:16\n")
    assert read_vectors(tmp_path / "x.scp", ["a", "b"]).tolist() == [[1, 2], [3, 4]]


def test_missing_vectors(tmp_path):
    scp = write(tmp_path, {"a": np.float32([1, 2])})
    with fails("xvector-missing", "1 of 2", "b", "stage 2"):
        read_vectors(scp, ["a", "b"])
    (tmp_path / "x.ark").unlink()
    with fails("xvector-damaged", "a"):
        read_vectors(scp, ["a"])
    with fails("file-unreadable", "absent.scp"):
        read_vectors(tmp_path / "absent.scp", ["a"])


@pytest.mark.parametrize("options", [{}, {"text": True}])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_formats_of_kaldi(tmp_path, dtype, options):
    folder = tmp_path / "a folder, with: odd|[characters]"
    folder.mkdir()
    vectors = {"a": np.array([1, -2.5], dtype), "b": np.array([3, 4e-9], dtype)}
    kaldiio.save_ark(str(folder / "x.ark"), vectors, scp=str(folder / "x.scp"), **options)
    assert read_vectors(folder / "x.scp", ["a", "b"]).tolist() == [[1, -2.5], [3, np.float32(4e-9)]]
    (folder / "alone").write_bytes((folder / "x.ark").read_bytes()[2:])
    (folder / "y.scp").write_text(f"a {folder}/alone\n")
    assert read_vectors(folder / "y.scp", ["a"]).tolist() == [[1, -2.5]]


@pytest.mark.parametrize("entry", ["touch RUN |", "| touch RUN", "touch RUN |:5", "touch RUN |[0:1]", "", "-"])
def test_only_files_are_read(tmp_path, entry):
    with open(write(tmp_path, {"a": np.float32([1, 2])}), "a") as scp:
        scp.write(f"b {entry}\n".replace("RUN", str(tmp_path / "run")))
    with pytest.raises(UserError) as error:
        read_vectors(tmp_path / "x.scp", ["a", "b"])
    assert error.value.code in ("xvector-command", "xvector-damaged") and "x.scp: b" in str(error.value)
    assert not (tmp_path / "run").exists()


def test_commands_are_refused_before_anything_is_opened(tmp_path):
    (tmp_path / "x.scp").write_text("a absent.ark:2\nb gunzip -c x.gz |\nc | cat\n")
    with fails("xvector-command", "b, one of 2", "gunzip -c x.gz |"):
        read_vectors(tmp_path / "x.scp", ["a", "b", "c"])


def damage():
    vector = b"\0BFV \4\2\0\0\0" + np.float32([1, 2]).tobytes()
    yield from (vector[:size] for size in range(len(vector)))
    yield from (vector[:6] + size.to_bytes(4, "little", signed=True) + vector[10:] for size in (-1, 0, 3, 2**31 - 1))
    yield from (b"PKL" + pickle.dumps(np.ones(2)), b"NPY", b"RIFF" + vector, b"\0BCM " + vector, b"\0B\4" + b"\xff" * 4)
    yield from (b" [ 1 2", b" [\n 1 2\n 3 4 ]\n", b" [ ]\n", b" [ 1 b ]\n", b"1 2\n", b"\xff" * 20)


@pytest.mark.parametrize("data", list(damage()))
@pytest.mark.filterwarnings("error")
def test_a_damaged_archive_is_one_error(tmp_path, data):
    (tmp_path / "x.ark").write_bytes(b"a " + data)
    (tmp_path / "x.scp").write_text(f"a {tmp_path}/x.ark:2\n")
    with fails("xvector-damaged", "x.scp: a", "stage 2"):
        read_vectors(tmp_path / "x.scp", ["a"])


@pytest.mark.parametrize("offset", [3, 10**6, 10**30])
def test_an_offset_that_is_wrong(tmp_path, offset):
    scp = write(tmp_path, {"a": np.float32([1, 2])})
    scp.write_text(f"a {tmp_path}/x.ark:{offset}\n")
    with fails("xvector-damaged", "x.scp: a"):
        read_vectors(scp, ["a"])


def test_extracted_vectors_must_be_finite(tmp_path):
    require_finite({"a": np.ones(2)}, tmp_path)
    with fails("xvector-not-finite", "b, one of 1"):
        require_finite({"a": np.ones(2), "b": np.array([1, np.inf])}, tmp_path)
