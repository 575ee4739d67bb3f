"""PocketSphinx with its own model on real and synthetic speech."""

import sys

import numpy as np
import pytest
import soundfile

from mscnn.asr import make_engine, sphinx
from mscnn.asr.transcribe import transcribe
from mscnn.evaluation.wer import Errors, count_errors
from tests.raises import fails

pytestmark = pytest.mark.asr


@pytest.fixture(scope="module")
def engine():
    return sphinx.create(language="en-US")


@pytest.fixture(scope="module")
def recognise(engine):
    return engine.open()


def test_text_does_not_depend_on_what_came_before(engine, recognise, sentences):
    """Noise changes the decoder's noise estimate, silence depends on the last best Gaussians; neither may persist."""
    noise = 0.3 * np.random.default_rng(0).standard_normal(16000).astype(np.float32)
    sounds = [np.zeros(16000, dtype=np.float32), *sentences.values()]
    alone = [recognise(sound) for sound in sounds]
    recognise(noise)
    assert [recognise(sound) for sound in reversed(sounds)] == alone[::-1]
    assert engine.open()(sounds[1]) == alone[1]


def test_most_words_are_right(recognise, sentences):
    transcripts = {text: recognise(speech) for text, speech in sentences.items()}
    assert sum(count_errors({text: text for text in transcripts}, transcripts).values(), Errors()).rate < 35


@pytest.mark.parametrize("samples", [1, 160, 1600])
def test_too_short_for_words(recognise, samples):
    assert recognise(np.full(samples, 0.1, dtype=np.float32)) == ""


def test_real_speech(recognise, shared_dir):
    speech, _ = soundfile.read(shared_dir / "data/ravdess/Actor_01/03-01-01-01-01-02-01.flac", dtype="float32")
    assert "by the door" in recognise(speech)


def test_same_text_for_any_number_of_processes(engine, recognise, sentences, make_data, tmp_path):
    data = make_data({f"s-{i}": (speech, text) for i, (text, speech) in enumerate(sentences.items())})
    transcribe(data, engine, "one", tmp_path / "one", nj=1)
    transcribe(data, engine, "two", tmp_path / "two", nj=2)
    assert data.text_of("one") == data.text_of("two")
    assert data.text_of("one")["s-1"] == recognise(soundfile.read(data.wav["s-1"], dtype="float32")[0])


def test_other_languages_are_refused(monkeypatch):
    with fails("language-unknown", "de-DE", "en-US"):
        sphinx.create(language="de-DE")
    monkeypatch.setitem(sys.modules, "pocketsphinx", None)
    with fails("package-missing", "mscnn[demo]"):
        make_engine("pocketsphinx")
