import kaldiio
import numpy as np
import pytest

from mscnn.errors import UserError
from mscnn.features.xvector.vectors import read_vectors, require_finite


def write(tmp_path, vectors):
    kaldiio.save_ark(str(tmp_path / "x.ark"), vectors, scp=str(tmp_path / "x.scp"))
    return tmp_path / "x.scp"


def test_rows_come_in_the_order_asked_for(tmp_path):
    scp = write(tmp_path, {"a": np.float32([1, 2]), "b": np.float32([3, 4]), "c": np.float32([5, 6])})
    assert read_vectors(scp, ["c", "a"]).tolist() == [[5, 6], [1, 2]]


@pytest.mark.parametrize(
    ("vector", "message"),
    [
        (np.float32([1, 2, 3]), r"b: expected 2 finite values, found an array of shape \(3,\)"),
        (np.float32([1, np.nan]), "b: expected 2 finite values"),
        (np.float32([[1, 2]]), r"b: expected 2 finite values, found an array of shape \(1, 2\)"),
    ],
)
def test_vectors_must_be_alike_and_finite(tmp_path, vector, message):
    scp = write(tmp_path, {"a": np.float32([1, 2]), "b": vector})
    with pytest.raises(UserError, match=message):
        read_vectors(scp, ["a", "b"])


def test_what_is_missing_is_named(tmp_path):
    scp = write(tmp_path, {"a": np.float32([1, 2])})
    with pytest.raises(UserError, match="no x-vector for 1 of 2 utterances, the first is b; .*stage 2"):
        read_vectors(scp, ["a", "b"])
    (tmp_path / "x.ark").unlink()
    with pytest.raises(UserError, match="a cannot be read"):
        read_vectors(scp, ["a"])
    with pytest.raises(UserError, match="absent.scp: No such file"):
        read_vectors(tmp_path / "absent.scp", ["a"])


def test_a_command_is_not_run(tmp_path):
    (tmp_path / "x.scp").write_text(f"a touch {tmp_path}/run |\n")
    with pytest.raises(UserError, match="a cannot be read .a command"):
        read_vectors(tmp_path / "x.scp", ["a"])
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("size", [0, 2, 5, 8, 10, 14])
def test_a_damaged_archive_is_one_error(tmp_path, size):
    scp = write(tmp_path, {"a": np.float32([1, 2])})
    data = (tmp_path / "x.ark").read_bytes()
    (tmp_path / "x.ark").write_bytes(data[:size])
    with pytest.raises(UserError, match="x.scp: a"):
        read_vectors(scp, ["a"])


def test_vectors_must_be_finite_when_they_are_made(tmp_path):
    require_finite({"a": np.ones(2)}, tmp_path)
    with pytest.raises(UserError, match="b, one of 1: the x-vector is not finite"):
        require_finite({"a": np.ones(2), "b": np.array([1, np.inf])}, tmp_path)
