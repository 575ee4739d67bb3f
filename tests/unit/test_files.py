"""Atomic files, Kaldi tables, and stamps that notice every change."""

import os
import subprocess

import pytest

from mscnn.files import atomic, checksum, digest, read_mapping, read_table, read_yaml, write_table
from mscnn.stamp import Stamp
from tests.raises import fails


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


@pytest.mark.parametrize(
    ("content", "code", "line"),
    [
        (b"a 1\n\n", "table-line", 2),
        (b"a 1\nb 2", "table-cut-short", 2),
        (b"a 1\na 2\n", "table-key-twice", 2),
        (b"b 1\na 2\n", "table-unsorted", 2),
        (b"a caf\xe9\n", "table-encoding", 1),
        (b"a 1\r\n", "table-carriage-return", 1),
        (b"\xef\xbb\xbfa 1\n", "table-mark", 1),
    ],
)
def test_issues_in_tables_have_their_line(tmp_path, content, code, line):
    (tmp_path / "t").write_bytes(content)
    with fails(code, f"{tmp_path}/t:{line}: "):
        read_table(tmp_path / "t")


def test_yaml_and_json_hold_mappings(tmp_path):
    (tmp_path / "f").write_text('{"a": [1, null]}')
    assert read_yaml(tmp_path / "f") == read_mapping(tmp_path / "f") == {"a": [1, None]}
    for content, code in (("[1]", "yaml-no-mapping"), ("a: [", "yaml-invalid")):
        (tmp_path / "f").write_text(content)
        assert read_mapping(tmp_path / "f") == {}
        with fails(code, tmp_path / "f"):
            read_yaml(tmp_path / "f")
    for read in (read_yaml, read_table):
        with fails("file-unreadable", tmp_path / "absent"):
            read(tmp_path / "absent")


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


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"b 1\na 2\n", "table-unsorted"),
        (b"a 1\r\nb 2\r\n", "table-carriage-return"),
        (b"a \xe4\n", "table-encoding"),
        (b"\xef\xbb\xbfa 1\n", "table-mark"),
    ],
)
def test_the_command_of_a_message_makes_the_table_good(tmp_path, content, code):
    table = tmp_path / "it's my text"
    table.write_bytes(content)
    with fails(code) as caught:
        read_table(table)
    command = str(caught.value).rpartition("with: ")[2]
    assert subprocess.run(["bash", "-c", command]).returncode == 0, command
    assert sorted(read_table(table)) and [*tmp_path.iterdir()] == [table]


@pytest.mark.parametrize(
    "content",
    [
        "a: 2001-99-99",
        "a: " + "9" * 5000,
        "a: !!timestamp x",
        "a: !!python/object/apply:os.system [echo]",
        "a: " + "[" * 3000,
        "a: " + "[" * 200 + "]" * 200,
        "a: &a [*a]",
        "\n".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}' if n else '1'] * 9)}]" for n in range(9)),
        "a: 1\na: [",
        "a: \ud800",
    ],
    ids=lambda content: content[:20],
)
def test_yaml_is_bounded_and_every_damage_is_one_error(tmp_path, content):
    (tmp_path / "f").write_bytes(content.encode("utf-8", "surrogatepass"))
    with fails("yaml-invalid", tmp_path / "f"):
        read_yaml(tmp_path / "f")


def test_files_without_an_end_and_folders_are_errors(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    for path in (tmp_path / "fifo", tmp_path):
        for read in (read_yaml, read_table):
            with fails("file-unreadable", path):
                read(path)
        assert read_mapping(path) == {} and checksum(path) is None
    (tmp_path / "folder").mkdir()
    with pytest.raises(IsADirectoryError) as caught, atomic(tmp_path / "folder") as out:
        out.write("x")
    assert caught.value.filename == str(tmp_path / "folder") and {*tmp_path.iterdir()} == {
        tmp_path / "fifo",
        tmp_path / "folder",
    }
