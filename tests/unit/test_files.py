"""Files are whole or absent; tables are Kaldi's; stamps notice every change."""

import pytest

from mscnn.errors import UserError
from mscnn.files import atomic, digest, read_table, write_table
from mscnn.stamp import Stamp


def test_atomic_keeps_the_old_file_on_failure(tmp_path):
    file = tmp_path / "f"
    file.write_text("old")
    with pytest.raises(RuntimeError), atomic(file) as out:
        out.write("half of the new")
        raise RuntimeError
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]


def test_table_is_sorted_bytewise(tmp_path):
    write_table(tmp_path / "t", {"b": 1, "a-1": "x y", "B": "", "a": "ü"})
    assert (tmp_path / "t").read_bytes() == "B\na ü\na-1 x y\nb 1\n".encode()
    assert read_table(tmp_path / "t") == {"B": "", "a": "ü", "a-1": "x y", "b": "1"}


def test_empty_line_is_named(tmp_path):
    (tmp_path / "t").write_text("a 1\n\n")
    with pytest.raises(UserError, match=r"t:2: expected 'key value', found ''"):
        read_table(tmp_path / "t")


def test_digest_ignores_the_order_of_mappings():
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1}) != digest({"a": 1, "b": 3})


def test_stamp_notices_input_option_code_and_lost_output(tmp_path):
    source, output = tmp_path / "in", tmp_path / "out"
    source.write_text("1")
    output.write_text("2")

    def stamp(**changes):
        return Stamp(
            tmp_path / "done.json", **{"inputs": [source], "options": {"a": 1}, "code": ["mscnn.files"]} | changes
        )

    assert not stamp().fresh()
    stamp().write([output])
    assert stamp().fresh()
    assert stamp(options={"a": 2}).stale() == ["options"]
    assert stamp(code=["mscnn.log"]).stale() == ["code"]
    source.write_text("3")
    assert stamp().stale() == ["inputs"]
    source.write_text("1")
    output.unlink()
    assert not stamp().fresh()
