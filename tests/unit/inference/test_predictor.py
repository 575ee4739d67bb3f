"""A predictor takes any recording, answers as stage 5 does, and says what it cannot know."""

import threading
from pathlib import Path

import numpy as np
import pytest
import soundfile

import mscnn
from mscnn.audio.blocks import AudioFile
from mscnn.data.datadir import DataDir
from mscnn.inference.load import load_model
from mscnn.jobs.inprocess import one_thread
from tests.raises import fails
from tests.unit.inference.conftest import RATE, tone
from tests.unit.training.conftest import LABELS, PROTOCOL


def printed(path: Path) -> dict[str, list[str]]:
    return {row.split("\t")[0]: row.split("\t")[2:] for row in path.read_text().splitlines()[1:]}


@pytest.mark.parametrize("model, text", [("audio_cnn", False), ("mscnn_no_xvector", True)])
def test_predictions_are_those_of_stage_5_to_the_last_digit(model, text, voices, trained):
    exp = trained(model)
    data = DataDir.load(voices / "data" / "toy")
    for fold in (1, 4):
        expected = printed(exp / f"fold{fold:02d}" / "run1" / "predictions_test.tsv")
        texts = [data.text[utt] for utt in expected] if text else None
        with one_thread():  # as stage 5: processors differ in how more threads divide a product
            results = load_model(exp, fold=fold).predict_many([data.wav[utt] for utt in expected], texts)
        assert [[r.label, *(f"{p:.6f}" for p in r.probabilities.values())] for r in results] == [*expected.values()]


def test_an_ensemble_is_the_mean_of_its_folds(voices, trained):
    exp = trained("audio_cnn")
    wav = str(voices / "wav" / "A1-0.wav")
    every = [load_model(exp, fold=fold).predict(wav).probabilities["sad"] for fold in range(1, 5)]
    assert load_model(exp).predict(wav).probabilities["sad"] == pytest.approx(np.mean(every), abs=1e-9)
    best = load_model(exp, fold="best-dev").description.networks
    assert len(best) == 1 and load_model(exp).description.networks[best[0].fold - 1] == best[0]


def test_states(voices, trained):
    model = load_model(trained("audio_cnn"), fold=1)
    description = model.description
    assert model.classes == tuple(LABELS["classes"]) and description.corpus.protocol.startswith(PROTOCOL["name"])
    assert 0.5 <= description.seconds.shortest < description.seconds.longest <= 2.0
    inside = tone(1.2)

    def state(samples, rate=RATE):
        return model.predict(samples, rate).state

    assert state(inside) in ("ok", "uncertain")
    assert state(inside[:1600]) == "short" and state(np.zeros(RATE, np.float32)) == "silent"
    assert state(np.sign(inside)) == "clipped" and state(tone(9)) == "length"
    description = model.description.reject
    object.__setattr__(description, "confidence", 1.0)
    assert state(inside) == "uncertain"


def test_arrays_of_integers_stereo_and_other_rates_are_converted(voices, trained, tmp_path):
    model, samples = load_model(trained("audio_cnn"), fold=1), tone(1.3)
    expected = model.predict(samples, RATE).probabilities
    assert model.predict(np.rint(samples * 32768).astype(np.int16), RATE).probabilities == pytest.approx(
        expected, abs=1e-3
    )
    assert model.predict(np.stack([samples, samples], 1), RATE).probabilities == pytest.approx(expected)
    soundfile.write(tmp_path / "a.wav", tone(1.3, rate=48000), 48000, subtype="FLOAT")
    other = model.predict(tmp_path / "a.wav")
    assert other.probabilities == pytest.approx(expected, abs=0.05) and "48000" in " ".join(other.notices)
    for code, audio, rate in (
        ("audio-rate", samples, None),
        ("audio-range", samples * 32768, RATE),
        ("audio-not-finite", samples * np.nan, RATE),
        ("audio-empty", samples[:0], RATE),
        ("array-shape", samples[:100].reshape(1, 1, 100), RATE),
        ("array-type", ["a", "b"], RATE),
        ("array-type", [100, -100] * RATE, RATE),  # 64 bits: of 16-bit samples, they would be silence
        ("file-missing", tmp_path / "none.wav", None),
    ):
        with fails(code):
            model.predict(audio, rate)


def test_text_is_given_or_said_to_be_missing(voices, trained):
    model = load_model(trained("text_cnn"), fold=1)
    wav = str(voices / "wav" / "A1-0.wav")
    with fails("text-missing"):
        model.predict(wav)
    given = model.predict(wav, text="what a day")
    assert (given.text, given.text_source) == ("what a day", "given")
    asr = load_model(trained("text_cnn"), fold=1)
    asr._asr = ("engine", lambda samples: " what  a day ")
    assert (asr.predict(wav).text, asr.predict(wav).text_source) == ("what a day", "engine")
    assert asr.predict(wav).probabilities == pytest.approx(given.probabilities)


def test_bad_files_are_listed_together_and_the_others_are_done(voices, trained, tmp_path):
    model = load_model(trained("audio_cnn"), fold=1)
    (tmp_path / "text.wav").write_text("no sound at all, only words\n" * 9)
    (tmp_path / "empty.wav").touch()
    good = [str(voices / "wav" / f"A1-{i}.wav") for i in range(3)]
    paths = [good[0], tmp_path / "text.wav", good[1], tmp_path / "empty.wav", good[2]]
    with fails("recordings-unusable", "text.wav", "empty.wav") as caught:
        model.predict_many(paths)
    assert [issue.code for issue in caught.value.issues] == ["audio-unreadable", "audio-empty"]
    answers = model.predict_many(paths, errors="return", batch_seconds=0.1)
    assert [type(answer).__name__ for answer in answers] == ["Result", "UserError", "Result", "UserError", "Result"]
    with fails("array-shape"):
        model.predict_many(good, ["a"])


def test_a_long_recording_is_the_mean_of_its_blocks(voices, trained, tmp_path):
    model, samples = (
        load_model(trained("audio_cnn"), fold=1),
        np.concatenate([tone(30), tone(30, 500), tone(20.2, 300)]),
    )
    soundfile.write(tmp_path / "long.wav", samples, RATE, subtype="FLOAT")
    blocks = [model.predict(samples[i * RATE : (i + 30) * RATE], RATE) for i in (0, 30, 60)]
    expected = np.average([b.probabilities["sad"] for b in blocks], weights=[30, 30, 20.2])
    result = model.predict(tmp_path / "long.wav")
    assert result.probabilities["sad"] == pytest.approx(expected, abs=1e-6)
    assert result.seconds == pytest.approx(80.2) and result.state == "length"


def test_timeline(voices, trained, tmp_path):
    model = load_model(trained("audio_cnn"), fold=1)
    samples = np.concatenate([tone(4), np.zeros(3 * RATE, np.float32), tone(2.3)])
    soundfile.write(tmp_path / "a.flac", samples, RATE)
    segments = model.timeline(tmp_path / "a.flac", window=1.0, hop=0.5)
    assert [s.start for s in segments] == [0.5 * i for i in range(19)] and segments[-1].end == pytest.approx(9.3)
    assert [s.result.label is None for s in segments] == [False] * 8 + [True] * 6 + [False] * 5
    fourth = model.predict(samples[int(1.25 * RATE) : int(2.25 * RATE)], RATE)
    assert segments[3].result.probabilities == pytest.approx(fourth.probabilities, abs=1e-3)
    everything = model.timeline(samples, window=1.0, hop=0.5, vad="none", rate=RATE)
    assert all(s.result.label for s in everything)
    joined = mscnn.inference.result.merged(segments)
    assert joined[0].start == 0 and joined[-1].end == segments[-1].end
    assert all(a.end == b.start for a, b in zip(joined, joined[1:], strict=False))
    for code, options in (("window-value", {"hop": 0}), ("vad-unknown", {"vad": "loud"})):
        with fails(code):
            model.timeline(samples, rate=RATE, **options)


def test_parts_of_a_tenth_of_a_second(voices, trained):
    """A part is predicted where it has speech itself, whatever the rounding of its edges."""
    samples, noise = np.zeros(RATE, np.float32), tone(0.1)
    samples[3 * RATE // 10 : 4 * RATE // 10] = noise
    segments = load_model(trained("audio_cnn"), fold=1).timeline(samples, window=0.5, hop=0.1, rate=RATE)
    assert [i for i, s in enumerate(segments) if s.result.label] == [3]


def test_a_window_has_a_sample_at_least(voices, trained):
    model = load_model(trained("audio_cnn"), fold=1)
    assert len(model.timeline(np.full(3, 0.1, np.float32), window=0.1, hop=1, vad="none", rate=1)) == 3


def test_threads_give_the_answers_of_one(voices, trained):
    model = load_model(trained("audio_cnn"), fold=1)
    wavs = [str(voices / "wav" / f"B1-{i}.wav") for i in range(6)]
    alone, together = [model.predict(wav) for wav in wavs], [None] * 6

    def work(i: int) -> None:
        together[i] = model.predict(wavs[i])

    threads = [threading.Thread(target=work, args=(i,)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert together == alone


def test_experiments_without_networks_are_refused(voices, trained, tmp_path):
    with fails("model-missing", "mscnn bundle"):
        load_model(tmp_path)
    exp = trained("majority")
    with fails("model-baseline", "majority"):
        load_model(exp)
    exp = trained("audio_cnn")
    with fails("fold-unknown", "1 to 4"):
        load_model(exp, fold=5)
    with fails("run-unknown"):
        load_model(exp, run=2)


def test_blocks_of_a_file_are_those_of_the_whole(tmp_path):
    samples = np.random.default_rng(0).normal(size=(30000, 2)).astype(np.float32) * 0.1
    soundfile.write(tmp_path / "a.wav", samples, RATE, subtype="FLOAT")
    spans = [(0, 10), (5, 2000), (2000, 2001), (1999 + 1, 9000), (20000, 30000)]
    for span, block in zip(spans, AudioFile.open(tmp_path / "a.wav").spans(spans), strict=True):
        np.testing.assert_array_equal(block, samples[slice(*span)])
