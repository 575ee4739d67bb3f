"""16-bit PCM: conversion of samples to integers, and WAV files."""

import numpy as np
import soundfile

from mscnn.audio.pcm import pcm16, wav_bytes, write_wav
from mscnn.audio.read import load_audio


def test_integers_survive_reading_and_rounding(tmp_path):
    codes = np.arange(-32768, 32768, dtype=np.int16)
    write_wav(tmp_path / "sub" / "a.wav", codes, 16000)
    info = soundfile.info(tmp_path / "sub" / "a.wav")
    assert (info.format, info.subtype, info.samplerate, info.channels) == ("WAV", "PCM_16", 16000, 1)
    samples, _ = load_audio(tmp_path / "sub" / "a.wav", 16000, False)
    assert pcm16(samples).dtype == np.int16
    np.testing.assert_array_equal(pcm16(samples), codes)


def test_samples_beyond_full_scale_are_clipped():
    np.testing.assert_array_equal(pcm16(np.array([1.0, 2.0, -1.1], np.float32)), [32767, 32767, -32768])


def test_a_wav_file_has_a_header_of_44_bytes():
    codes = np.array([1, -2, 3], np.int16)
    content = wav_bytes(codes, 16000)
    assert content[:4] == b"RIFF" and content[44:] == codes.tobytes()
