import kaldiio
import numpy as np
import pytest

from mscnn.errors import UserError
from mscnn.features.xvector.vectors import read_vectors


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
    with pytest.raises(UserError, match="absent.scp: cannot be read"):
        read_vectors(tmp_path / "absent.scp", ["a"])
