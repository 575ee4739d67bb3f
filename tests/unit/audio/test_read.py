"""Audio input: any rate, channel count and width; every error reported."""

import librosa
import numpy as np
import pytest
import soundfile

from mscnn.audio.read import load_audio, trim
from tests.raises import fails

RATE = 16000


def tone(seconds=0.5, rate=RATE, level=0.5, hertz=440.0):
    return (level * np.sin(2 * np.pi * hertz * np.arange(int(seconds * rate)) / rate)).astype(np.float32)


def write(path, samples, rate=RATE, subtype="PCM_16"):
    soundfile.write(path, samples, rate, subtype=subtype)
    return path


@pytest.mark.parametrize("ending", ["wav", "flac"])
def test_integer_pcm_is_scaled_to_one(tmp_path, ending):
    codes = np.array([-32768, -1, 0, 1, 16384, 32767] * 3, np.int16)
    samples, notices = load_audio(write(tmp_path / f"a.{ending}", codes), RATE, False)
    assert samples.dtype == np.float32 and samples.shape == codes.shape
    np.testing.assert_array_equal(samples, codes / np.float32(32768))
    assert any("clipped" in n for n in notices)


def test_part_of_a_recording(tmp_path):
    ramp = np.arange(RATE, dtype=np.int16)
    samples, _ = load_audio(write(tmp_path / "a.wav", ramp), RATE, False, start=0.25, end=0.5)
    np.testing.assert_array_equal(samples * 32768, ramp[4000:8000])
    beyond, _ = load_audio(tmp_path / "a.wav", RATE, False, start=0.9, end=1.4)  # as Kaldi accepts it
    assert len(beyond) == 1600
    with fails("audio-empty", "a.wav", "1.2 to 1.4 s"):
        load_audio(tmp_path / "a.wav", RATE, False, start=1.2, end=1.4)
    with fails("audio-segment", "a.wav", "1.000", "1.6"):
        load_audio(tmp_path / "a.wav", RATE, False, start=0.5, end=1.6)


def test_other_rate_and_channels_are_converted_with_a_notice(tmp_path):
    stereo = np.stack([tone(rate=48000, level=0.6), tone(rate=48000, level=0.2)], axis=1)
    samples, notices = load_audio(write(tmp_path / "a.wav", stereo, 48000), RATE, True)
    assert ["2 channels" in notices[0], "48000 Hz" in notices[1], len(notices)] == [True, True, 2]
    assert len(samples) == 8000
    middle = slice(500, -500)  # the filter rings at the edges
    np.testing.assert_allclose(samples[middle], tone(level=0.4)[middle], atol=2e-4)


@pytest.mark.parametrize(("channels", "rate"), [(1, 8000), (2, 16000)])
def test_other_rate_or_channels_are_refused_where_the_corpus_is_specified(tmp_path, channels, rate):
    path = write(tmp_path / "odd.wav", np.zeros((800, channels)), rate)
    with fails("audio-form", "odd.wav", f"{rate} Hz", f"{channels} channel", "--convert true"):
        load_audio(path, RATE, False)


def test_notices_for_silent_and_clipped_audio_only(tmp_path):
    assert load_audio(write(tmp_path / "a.wav", tone()), RATE, False)[1] == []
    assert "silent" in load_audio(write(tmp_path / "b.wav", np.zeros(800)), RATE, False)[1][0]
    assert "silent" in load_audio(write(tmp_path / "d.wav", np.full(800, 0.5)), RATE, False)[1][0]  # an offset
    assert "clipped" in load_audio(write(tmp_path / "c.wav", tone(level=3.0).clip(-1, 1)), RATE, False)[1][0]


def test_unreadable_files(tmp_path):
    (tmp_path / "text.wav").write_text("version https://git-lfs.github.com/spec/v1\n")
    with fails("audio-unreadable", "text.wav"):
        load_audio(tmp_path / "text.wav", RATE, False)
    with fails("audio-unreadable", "absent.wav"):
        load_audio(tmp_path / "absent.wav", RATE, False)
    with fails("audio-empty", "empty.wav"):
        load_audio(write(tmp_path / "empty.wav", np.zeros(0)), RATE, False)
    broken = write(tmp_path / "nan.wav", np.array([0.1, np.nan]), subtype="FLOAT")
    with fails("audio-not-finite", "nan.wav"):
        load_audio(broken, RATE, False)


def test_floats_of_another_scale_are_refused(tmp_path):
    path = write(tmp_path / "a.wav", tone() * 32768, subtype="FLOAT")
    with fails("audio-range", "a.wav", "32768"):
        load_audio(path, RATE, True)
    assert "clipped" in load_audio(write(path, tone(level=2.0), subtype="FLOAT"), RATE, True)[1][0]  # as MP3 may be


@pytest.mark.parametrize("gain", [-1.0, -0.9])
def test_channels_that_cancel_are_not_averaged(tmp_path, gain):
    path = write(tmp_path / "a.wav", np.stack([tone(level=0.3), gain * tone(level=0.3)], axis=1), subtype="FLOAT")
    samples, notices = load_audio(path, RATE, True)
    assert np.array_equal(samples, tone(level=0.3)) and ["cancel" in notice for notice in notices] == [True]
    offset = np.stack([tone(level=0.3), gain * tone(level=0.3) + 0.2], axis=1)  # the mean is not silent, but constant
    assert ["cancel" in n for n in load_audio(write(path, offset), RATE, True)[1]] == [True]
    six = np.stack([tone(), *[np.zeros_like(tone())] * 5], axis=1)
    assert ["mixed" in n for n in load_audio(write(path, six), RATE, True)[1]] == [True]  # one of six has sound


def test_trim_removes_the_edges_and_keeps_silence():
    speech = np.concatenate([np.zeros(RATE), tone(1.0), np.zeros(RATE)]).astype(np.float32)
    assert 0.95 * RATE < len(trim(speech, 30)) < 1.2 * RATE
    assert len(trim(np.zeros(800, np.float32), 30)) == 800


@pytest.mark.parametrize("samples", [1, 511, 512, 2047, 2048, 2049, 16000])
@pytest.mark.parametrize("top_db", [3, 30, 200])
def test_trim_is_that_of_librosa(samples, top_db):
    noise = np.random.default_rng(samples).standard_normal(samples)
    speech = (noise * np.exp(-(np.linspace(-6, 6, samples) ** 2))).astype(np.float32)
    expected = librosa.effects.trim(speech, top_db=top_db)[0] if np.abs(speech).max() > 1e-4 else speech
    np.testing.assert_array_equal(trim(speech, top_db), expected)
