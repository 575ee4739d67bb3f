"""Digests of recordings: of the samples, not of the file, and cached."""

import os

import pytest
import soundfile

from mscnn.audio import duplicates
from mscnn.audio.duplicates import Digests, sample_digest
from mscnn.audio.read import BadAudio
from tests.unit.leakage.conftest import write_noise


def test_copies_are_found_under_any_name_and_format(tmp_path):
    write_noise(tmp_path / "a.wav", 1)
    write_noise(tmp_path / "b.flac", 1)
    write_noise(tmp_path / "c.wav", 1, subtype="PCM_24")
    write_noise(tmp_path / "d.wav", 1, format="WAVEX")
    samples, _ = soundfile.read(tmp_path / "a.wav", dtype="int16")
    soundfile.write(tmp_path / "h.wav", samples / 32768, 16000, subtype="FLOAT")
    samples[-1] += 1
    soundfile.write(tmp_path / "e.wav", samples, 16000)
    write_noise(tmp_path / "f.wav", 1, rate=8000)
    write_noise(tmp_path / "g.wav", 1, samples=399)
    digest = {path.stem: sample_digest(path) for path in tmp_path.glob("?.*")}
    assert digest["a"] == digest["b"] == digest["c"] == digest["d"] == digest["h"]
    assert len({digest[name] for name in "aefg"}) == 4


def test_float_samples_have_different_digests(tmp_path):
    quiet, loud = tmp_path / "a.wav", tmp_path / "b.wav"
    soundfile.write(quiet, [0.1, 0.2, -0.1], 16000, subtype="FLOAT")
    soundfile.write(loud, [0.3, 0.2, -0.1], 16000, subtype="FLOAT")
    assert sample_digest(quiet) != sample_digest(loud)


def test_files_are_read_once_until_they_change(tmp_path, monkeypatch):
    a, b, cache = str(tmp_path / "a.wav"), str(tmp_path / "b.wav"), tmp_path / "cache.json"

    def digests():
        digests = Digests(cache)
        of_file, unreadable = digests.of([a, b])
        assert not unreadable
        digests.write()
        return of_file

    write_noise(tmp_path / "a.wav", 1)
    write_noise(tmp_path / "b.wav", 2)
    first, read = digests(), []
    monkeypatch.setattr(duplicates, "sample_digest", lambda path: read.append(path) or sample_digest(path))
    assert digests() == first and read == []
    write_noise(tmp_path / "b.wav", 3)
    os.utime(b, ns=(1, 1))
    second = digests()
    assert second[a] == first[a] and second[b] != first[b] and read == [b]
    cache.write_text("{spoilt")
    assert digests() == second and len(read) == 3


def test_unreadable_files_are_reported_with_the_digests_of_the_others(tmp_path):
    (tmp_path / "a.wav").write_bytes(b"RIFF")
    write_noise(tmp_path / "b.wav", 1)
    with pytest.raises(BadAudio) as caught:
        sample_digest(tmp_path / "a.wav")
    assert caught.value.kind == "not-a-wav"
    of_file, unreadable = Digests(tmp_path / "cache.json").of(map(str, sorted(tmp_path.glob("*.wav"))))
    assert of_file.keys() == {str(tmp_path / "b.wav")} and unreadable.keys() == {str(tmp_path / "a.wav")}
