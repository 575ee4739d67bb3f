"""Digests of recordings: of the samples, not of the file, and remembered."""

import os

import pytest
import soundfile

from mscnn.audio import duplicates as recordings
from mscnn.audio.duplicates import contents
from mscnn.data.datadir import DataDir
from mscnn.errors import UserError
from tests.unit.audit.conftest import write_noise


def digests(tmp_path, **files):
    data = DataDir(tmp_path, {k: str(v) for k, v in files.items()}, {}, dict.fromkeys(files, "s"), {}, {})
    return contents(data, tmp_path / "cache.json")


def test_a_copy_is_known_whatever_its_name_and_format(tmp_path):
    write_noise(tmp_path / "a.wav", 1)
    write_noise(tmp_path / "b.flac", 1)
    write_noise(tmp_path / "c.wav", 1, subtype="PCM_24")
    write_noise(tmp_path / "d.wav", 1, format="WAVEX")
    samples, _ = soundfile.read(tmp_path / "a.wav", dtype="int16")
    samples[-1] += 1
    soundfile.write(tmp_path / "e.wav", samples, 16000)
    write_noise(tmp_path / "f.wav", 1, rate=8000)
    write_noise(tmp_path / "g.wav", 1, samples=399)
    found = digests(tmp_path, **{path.stem: path for path in sorted(tmp_path.glob("?.*"))})
    assert found["a"] == found["b"] == found["c"] == found["d"]
    assert len({found[name] for name in "aefg"}) == 4


def test_files_are_read_once_until_they_change(tmp_path, monkeypatch):
    write_noise(tmp_path / "a.wav", 1)
    write_noise(tmp_path / "b.wav", 2)
    files = {"a": tmp_path / "a.wav", "b": tmp_path / "b.wav"}
    first, read, digest = digests(tmp_path, **files), [], recordings._digest
    monkeypatch.setattr(recordings, "_digest", lambda path: read.append(os.path.basename(path)) or digest(path))
    assert digests(tmp_path, **files) == first and read == []
    write_noise(tmp_path / "b.wav", 3)
    os.utime(tmp_path / "b.wav", ns=(1, 1))
    assert digests(tmp_path, **files)["a"] == first["a"] and read == ["b.wav"]
    (tmp_path / "cache.json").write_text("{spoilt")
    assert len(digests(tmp_path, **files)) == 2 and len(read) == 3


def test_segments_are_told_by_recording_and_times(tmp_path):
    write_noise(tmp_path / "a.wav", 1)
    write_noise(tmp_path / "b.wav", 1)
    data = DataDir(tmp_path, {"a": str(tmp_path / "a.wav"), "b": str(tmp_path / "b.wav")}, {}, {}, {}, {},
                   segments={"u": ("a", 0.0, 0.01), "v": ("b", 0.0, 0.01), "w": ("a", 0.01, 0.02)})  # fmt: skip
    found = contents(data, tmp_path / "cache.json")
    assert found["u"] == found["v"] != found["w"]


def test_what_is_no_audio_is_named(tmp_path):
    (tmp_path / "a.wav").write_bytes(b"RIFF")
    with pytest.raises(UserError, match="a.wav: cannot be read as audio"):
        digests(tmp_path, a=tmp_path / "a.wav")
    assert not (tmp_path / "cache.json").exists()


def test_a_corpus_of_words_has_none(tmp_path):
    assert digests(tmp_path) == {}
