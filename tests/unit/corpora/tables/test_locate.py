"""Paths of tables: of other machines and systems, encoded, in capitals, without folders or ending."""

from pathlib import Path

import pytest

from mscnn.corpora.tables.locate import Locator


@pytest.fixture
def root(tmp_path) -> Path:
    for name in ("a/One.WAV", "a/zwei drei.flac", "b/One.wav", "ä/ünd.wav", "a/four.mp3", "deep.wav"):
        (tmp_path / "audio" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "audio" / name).write_bytes(b"x")
    return tmp_path / "audio"


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("a/One.WAV", "a/One.WAV"),
        ("./a/one.wav", "a/One.WAV"),
        ("A/ONE.Wav", "a/One.WAV"),
        ("a/zwei%20drei.flac", "a/zwei drei.flac"),
        ("a\\zwei drei.flac", "a/zwei drei.flac"),
        ("C:\\data\\corpus\\b\\One.wav", "b/One.wav"),
        ("/home/other/corpus/b/One.wav", "b/One.wav"),
        ("file:///home/other/b/One.wav", "b/One.wav"),
        ("{data_root}/b/One.wav", "b/One.wav"),
        ("a\u0308/u\u0308nd.wav", "ä/ünd.wav"),  # accents as macOS writes them
        ("a/four", "a/four.mp3"),
        ("b/../a/four.mp3", "a/four.mp3"),
        ("c/One.wav", None),  # two folders have the name, none is c
        ("b/four.mp3", None),  # the folder is there, the file is not: no other file is taken
        ("a/five.wav", None),
        ("", None),
        ("a", None),
        ("\0", None),
        ("x" * 5000, None),
    ],
)
def test_files_are_found(root, given, found):
    assert Locator([root]).find(given) == (str(root / found) if found else None)


def test_absolute_paths_and_the_number_of_shortened_ones(root):
    files = Locator([root.parent / "elsewhere", root])
    assert files.find(str(root / "b" / "One.wav")) == str(root / "b" / "One.wav") and files.shortened == 0
    assert files.find("x/y/b/One.wav") and files.shortened == 1


def test_nearest_names(root):
    assert Locator([root]).nearest("a/fuor.mp3") == ["four.mp3"]
    assert Locator([root]).nearest("/other/place/b/Ones.wav") == ["One.wav"]
    assert Locator([root]).nearest("nothing.like.it") == []
