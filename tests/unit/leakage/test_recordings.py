"""Digests of recordings."""

from mscnn.data.datadir import DataDir
from mscnn.leakage.recordings import contents
from tests.raises import fails
from tests.unit.leakage.conftest import write_noise


def digests(tmp_path, segments=None, **files):
    data = DataDir(tmp_path, {k: str(v) for k, v in files.items()}, {}, {}, {}, {}, segments=segments or {})
    return contents(data, tmp_path / "cache.json")


def test_segments_are_identified_by_recording_and_times(tmp_path):
    write_noise(tmp_path / "a.wav", 1)
    write_noise(tmp_path / "b.wav", 1)
    segments = {"u": ("a", 0.0, 0.01), "v": ("b", 0.0, 0.01), "w": ("a", 0.01, 0.02)}
    of_utt = digests(tmp_path, segments, a=tmp_path / "a.wav", b=tmp_path / "b.wav")
    assert of_utt["u"] == of_utt["v"] != of_utt["w"]


def test_unreadable_recordings_are_listed(tmp_path):
    (tmp_path / "a.wav").write_bytes(b"RIFF")
    (tmp_path / "b.wav").write_bytes(b"text")
    with fails("audio-unreadable", tmp_path / "a.wav", tmp_path / "b.wav"):
        digests(tmp_path, a=tmp_path / "a.wav", b=tmp_path / "b.wav")
    assert not (tmp_path / "cache.json").exists()


def test_a_corpus_without_recordings_has_none(tmp_path):
    assert digests(tmp_path) == {}
