"""The sound of video files is read as audio; broken ones are named."""

import shutil
import sys

import numpy as np
import pytest
import soundfile

from mscnn.audio.check import read_header
from mscnn.audio.duplicates import read_content
from mscnn.audio.read import BadAudio, load_audio
from mscnn.audio.video import sound
from tests.raises import fails
from tests.videos import write_video


@pytest.fixture(scope="module")
def tone():
    wave = 8000 * np.sin(2 * np.pi * 440 * np.arange(24000) / 48000)
    return np.stack([wave, wave / 2]).astype(np.int16)


@pytest.mark.parametrize(("name", "channels", "rate"), [("a.avi", 2, 44100), ("a.avi", 1, 16000)])
def test_uncompressed_sound_is_read_as_the_same_samples(tmp_path, tone, name, channels, rate):
    video = write_video(tmp_path / name, tone[:channels], rate)
    header = read_header(video)
    assert (header.samples, header.rate, header.channels) == (24000, rate, channels)
    soundfile.write(tmp_path / "a.wav", tone[:channels].T, rate, subtype="PCM_16")
    assert read_content(video) == read_content(tmp_path / "a.wav")
    assert np.array_equal(load_audio(video, 16000, True)[0], load_audio(tmp_path / "a.wav", 16000, True)[0])


@pytest.mark.parametrize("suffix", [".mp4", ".MP4", ".m4a", ".mkv", ".mov"])
def test_compressed_sound_is_read_by_content_not_by_name(tmp_path, tone, suffix):
    video = write_video(tmp_path / f"a{suffix.lower()}", tone, 48000)
    shutil.move(video, video := tmp_path / f"b{suffix}.wav")
    header = read_header(video)
    assert (header.rate, header.channels) == (48000, 2) and 24000 <= header.samples < 24000 + 2 * 1024
    samples, notices = load_audio(video, 16000, True, start=0.1, end=0.3)
    assert len(samples) == 3200 and len(notices) == 2
    assert np.sqrt(np.mean(samples**2)) == pytest.approx(0.75 * 8000 / 32768 / 2**0.5, rel=0.05)


@pytest.mark.parametrize("suffix", [".mp4", ".avi"])
@pytest.mark.parametrize("share", [0.3, 0.9])
def test_truncated_videos_are_named(tmp_path, tone, suffix, share):
    video = write_video(tmp_path / f"a{suffix}", tone, 48000)
    content = video.read_bytes()
    video.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(BadAudio) as caught:
        read_header(video)
    assert caught.value.kind == {".mp4": "broken-video", ".avi": "truncated-video"}[suffix]
    assert str(tmp_path) not in str(caught.value)


def test_a_video_whose_end_is_missing_behind_a_whole_index(tmp_path, tone):
    video = write_video(tmp_path / "a.mp4", np.tile(tone, 4), 48000, movflags="faststart")
    content = video.read_bytes()
    video.write_bytes(content[: int(len(content) * 0.7)])
    with pytest.raises(BadAudio) as caught:
        read_header(video)
    assert caught.value.kind in ("truncated-video", "broken-video")


def test_a_video_without_sound_is_named(tmp_path, tone):
    video = write_video(tmp_path / "a.avi", tone, 48000, sound=False)
    with pytest.raises(BadAudio) as caught:
        sound(video)
    assert caught.value.kind == "no-sound"


def test_a_missing_package_is_named_with_its_extra(tmp_path, tone, monkeypatch):
    video = write_video(tmp_path / "a.mp4", tone, 48000)
    monkeypatch.setitem(sys.modules, "av", None)
    with fails("package-missing", video, "mscnn[video]"):
        read_header(video)
