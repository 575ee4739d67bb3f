"""Digests of recordings: of the samples, not of the file, and cached."""

import os

import numpy as np
import pytest
import soundfile

from mscnn.audio import duplicates
from mscnn.audio.duplicates import Digests, read_content
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
    digest = {path.stem: read_content(path).digest for path in tmp_path.glob("?.*")}
    assert digest["a"] == digest["b"] == digest["c"] == digest["d"] == digest["h"]
    assert len({digest[name] for name in "aefg"}) == 4


def test_float_samples_have_different_digests(tmp_path):
    quiet, loud = tmp_path / "a.wav", tmp_path / "b.wav"
    soundfile.write(quiet, [0.1, 0.2, -0.1], 16000, subtype="FLOAT")
    soundfile.write(loud, [0.3, 0.2, -0.1], 16000, subtype="FLOAT")
    assert read_content(quiet).digest != read_content(loud).digest


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
    monkeypatch.setattr(duplicates, "read_content", lambda path: read.append(path) or read_content(path))
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
        read_content(tmp_path / "a.wav")
    assert caught.value.kind == "not-a-wav"
    of_file, unreadable = Digests(tmp_path / "cache.json").of(map(str, sorted(tmp_path.glob("*.wav"))))
    assert of_file.keys() == {str(tmp_path / "b.wav")} and unreadable.keys() == {str(tmp_path / "a.wav")}


def noise(channels=1, level=0.3):
    return np.random.default_rng(0).normal(0, level / 3, (4000, channels)).clip(-0.9, 0.9)


def test_content_is_that_of_all_of_the_file(tmp_path, monkeypatch):
    monkeypatch.setattr(duplicates, "BLOCK", 1000)
    path = tmp_path / "a.wav"

    def content(samples):
        soundfile.write(path, samples, 16000, subtype="FLOAT")
        return read_content(path)

    both = noise(2)
    assert content(both).seconds == 0.25 and content(both).notices == []
    assert content(both * [1, 0]).notices == []  # one silent channel
    (notice,) = content(both[:, :1] * [1, -0.95]).notices
    assert "cancel" in notice and "channel 1" in notice
    assert "silent" in content(both * 1e-6).notices[0]
    late = noise()
    late[3000:] = 1
    assert "clipped" in content(late).notices[0]
    for kind, value in (("audio-not-finite", np.nan), ("audio-not-finite", np.inf), ("audio-range", 300.0)):
        late[-1] = value
        with pytest.raises(BadAudio) as caught:
            content(late)
        assert caught.value.kind == kind
