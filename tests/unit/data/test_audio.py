"""Where the audio of utterances is; all that cannot be used is raised together."""

import numpy as np
import pytest
import soundfile

from mscnn.data.audio import AudioReader, UtteranceAudio
from mscnn.data.datadir import DataDir
from tests.raises import fails

RATE = 16000


def data_of(tmp_path, wavs, segments=None):
    return DataDir(tmp_path, wavs, {}, dict.fromkeys(segments or wavs, "s"), {}, {}, segments=segments or {})


def test_an_utterance_is_a_file_or_a_segment_of_one(tmp_path):
    assert UtteranceAudio.of(data_of(tmp_path, {"b": "b.wav", "a": "a.wav"})) == [
        UtteranceAudio("a", "a.wav"),
        UtteranceAudio("b", "b.wav"),
    ]
    segments = {"u": ("r", 0.5, 1.5), "v": ("r", 2.0, 2.5)}
    assert UtteranceAudio.of(data_of(tmp_path, {"r": "r.wav"}, segments)) == [
        UtteranceAudio("u", "r.wav", 0.5, 1.5),
        UtteranceAudio("v", "r.wav", 2.0, 2.5),
    ]


def test_issues_are_raised_together_at_the_end(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.arange(RATE, dtype=np.int16), RATE)
    (tmp_path / "b.wav").write_bytes(b"text")
    soundfile.write(tmp_path / "c.wav", np.zeros(800, np.int16), 8000)
    a, b, c = (UtteranceAudio(name, str(tmp_path / f"{name}.wav")) for name in "abc")
    loaded = []
    with fails("utterances-unusable", 3, "b.wav", "c.wav") as error, AudioReader(RATE, convert=False) as reader:
        loaded += [reader.load(UtteranceAudio("a", a.wav, 0.25, 0.5)), reader.load(b), reader.load(c)]
        reader.refuse(a, "utterance-too-short", "too short for this test")
    samples, notices = loaded[0]
    assert len(samples) == RATE // 4 and notices == [] and loaded[1:] == [None, None]
    codes = ["audio-unreadable", "audio-form", "utterance-too-short"]
    assert [issue.code for issue in error.value.issues] == codes


def test_an_error_of_the_block_is_not_replaced(tmp_path):
    with pytest.raises(ZeroDivisionError), AudioReader(RATE, convert=False) as reader:
        reader.refuse(UtteranceAudio("a", "a.wav"), "audio-form", "a")
        1 / 0  # noqa: B018


def test_a_fingerprint_changes_with_the_file(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.zeros(800, np.int16), RATE)
    audio = UtteranceAudio("a", str(tmp_path / "a.wav"))
    before = audio.fingerprint
    assert audio.fingerprint == before != UtteranceAudio("a", audio.wav, 0.0, 0.01).fingerprint
    soundfile.write(tmp_path / "a.wav", np.zeros(900, np.int16), RATE)
    assert audio.fingerprint != before
