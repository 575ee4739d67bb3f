"""Recordings as people have them: each gets the answer of the original, or one clear error."""

import os
import subprocess
import sys

import librosa
import numpy as np
import pytest
import soundfile

from mscnn.inference.load import SHIPPED, load_model
from tests.conftest import ROOT
from tests.raises import fails

MINUTES = int(os.environ.get("MSCNN_TEST_MINUTES", "30"))  # 180 before a release
PEAK = """
import resource, sys
import mscnn
result = mscnn.load_model("demo").predict(sys.argv[1])
print(result.state, round(result.seconds), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


@pytest.fixture(scope="module")
def demo():
    return load_model("demo")


@pytest.fixture(scope="module")
def sample() -> np.ndarray:
    return soundfile.read(SHIPPED / "sample.wav", dtype="float32")[0]


def test_the_demonstration_answers_its_sample(demo, sample):
    result = demo.predict(SHIPPED / "sample.wav")
    assert (result.label, result.state) == ("angry", "ok") and result.confidence > 0.8
    assert demo.description.corpus.synthetic and "synthetic" in demo.card
    assert demo.predict(sample, 16000).probabilities == pytest.approx(result.probabilities)


def test_the_package_has_small_bundles_whose_licence_is_stated():
    bundles = {path.stem: path for path in SHIPPED.glob("*.zip")}
    assert set(bundles) == {"demo", "ravdess"} and all(p.stat().st_size < 5_000_000 for p in bundles.values())
    ravdess = load_model("ravdess")
    assert "CC BY-NC-SA 4.0" in ravdess.card and "cc-by-nc-sa-4.0" in ravdess.card and len(ravdess.classes) == 8
    assert all("onnxruntime" in model.card for model in (ravdess, load_model("demo")))


FORMATS = {  # ending -> rate, channels, format, subtype, tolerance of the probabilities
    "mp3": (44100, 2, "MP3", "MPEG_LAYER_III", 0.25),
    "24.wav": (16000, 1, "WAV", "PCM_24", 1e-3),
    "float.wav": (16000, 1, "WAV", "FLOAT", 1e-4),
    "flac": (16000, 2, "FLAC", "PCM_16", 1e-3),
    "ogg": (48000, 1, "OGG", "VORBIS", 0.25),
    "opus": (48000, 1, "OGG", "OPUS", 0.25),
}


@pytest.mark.parametrize("ending", FORMATS)
def test_formats(ending, demo, sample, tmp_path):
    rate, channels, name, subtype, tolerance = FORMATS[ending]
    samples = librosa.resample(sample, orig_sr=16000, target_sr=rate) if rate != 16000 else sample
    path = tmp_path / f"a.{ending}"
    soundfile.write(path, np.stack([samples] * channels, axis=1), rate, format=name, subtype=subtype)
    result = demo.predict(path)
    assert result.label == "angry" and result.seconds == pytest.approx(len(sample) / 16000, abs=0.06)
    assert result.probabilities == pytest.approx(demo.predict(sample, 16000).probabilities, abs=tolerance)


def test_states_and_errors(demo, sample, tmp_path):
    def write(name: str, samples, rate: int = 16000, **options):
        soundfile.write(tmp_path / name, samples, rate, **options)
        return tmp_path / name

    telephone = write("law.wav", librosa.resample(sample, orig_sr=16000, target_sr=8000), 8000, subtype="ULAW")
    assert demo.predict(telephone).label in demo.classes
    assert demo.predict(write("short.wav", sample[:1600])).state == "short"
    assert demo.predict(write("one.wav", sample[:1])).state == "silent"
    assert demo.predict(write("silent.wav", np.zeros(16000))).state == "silent"
    assert demo.predict(write("clipped.wav", np.clip(40 * sample, -1, 1))).state == "clipped"
    assert demo.predict(write("opposite.wav", np.stack([sample, -sample], axis=1))).state == "ok"
    (tmp_path / "text.wav").write_text("These are words, not samples.\n" * 20)
    (tmp_path / "zero.wav").touch()
    broken = sample.copy()
    broken[100] = np.nan
    for code, path in (
        ("audio-empty", write("empty.wav", sample[:0])),
        ("audio-empty", tmp_path / "zero.wav"),
        ("audio-not-finite", write("nan.wav", broken, subtype="FLOAT")),
        ("audio-channels", write("wide.wav", np.zeros((100, 65)))),
        ("audio-unreadable", tmp_path / "text.wav"),
        ("audio-unreadable", tmp_path),
        ("file-missing", tmp_path / "none.wav"),
    ):
        with fails(code, path):
            demo.predict(path)


def test_the_sound_of_a_video(demo, sample, tmp_path):
    av = pytest.importorskip("av")
    with av.open(str(tmp_path / "a.mp4"), "w") as container:
        stream = container.add_stream("aac", rate=16000)
        frame = av.AudioFrame.from_ndarray(sample[None], format="fltp", layout="mono")
        frame.sample_rate = 16000
        container.mux([*stream.encode(frame), *stream.encode(None)])
    assert demo.predict(tmp_path / "a.mp4").label == "angry"


@pytest.mark.slow
def test_memory_does_not_grow_with_the_length(tmp_path):
    """Peak memory of half an hour of noise is that of three minutes."""
    rng, peaks = np.random.default_rng(0), []
    for minutes in (3, MINUTES):
        path = tmp_path / f"{minutes}.wav"
        with soundfile.SoundFile(path, "w", 16000, 1, "PCM_16") as file:
            for _ in range(minutes):
                file.write(0.1 * rng.standard_normal(60 * 16000))
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-c", PEAK, str(path)]
        output = subprocess.run(command, env=environment, text=True, capture_output=True, check=True).stdout.split()
        assert output[:2] == ["length", str(60 * minutes)]
        peaks.append(int(output[2]))
    assert peaks[1] < peaks[0] + 40, peaks
