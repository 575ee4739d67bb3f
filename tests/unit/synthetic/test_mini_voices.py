"""mini_voices: speakers, independence of mini_iemocap, reproducibility."""

import os
import random
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest
import soundfile

from mscnn.data.datadir import DataDir
from mscnn.paths import ROOT
from mscnn.synthetic import mini_iemocap, mini_voices
from mscnn.synthetic.espeak import Espeak
from mscnn.synthetic.mini_voices import VARIANTS, Voice, sentence, speak, voices

FEW_VARIANTS = {"train": ["m1", "f4"], "test": ["klatt"]}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """Three of the variants, twelve speakers."""
    folder = tmp_path_factory.mktemp("voices")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mini_voices, "VARIANTS", FEW_VARIANTS)
        assert mini_voices.make(folder / "wavs", folder / "data") == {"train": 100, "test": 20}
        assert mini_voices.make(folder / "wavs", folder / "data") == {}  # up to date
    return folder


def test_speakers_of_mini_iemocap_are_excluded():
    theirs = {speaker.voice for speaker in mini_iemocap.SPEAKERS.values()}
    all_voices = [voice for split in VARIANTS for voice in voices(split).values()]
    assert not theirs & {f"{voice.accent}+{voice.variant}" for voice in all_voices}
    variants = {name.partition("+")[2] for name in theirs}
    assert variants == {"f1", "f2", "f5", "adam", "benjamin", "edward", "m6"}
    assert not variants & {*VARIANTS["train"], *VARIANTS["test"]}


def test_splits_share_no_variant():
    assert not {*VARIANTS["train"]} & {*VARIANTS["test"]}
    assert all(len(names) == len({*names}) for names in VARIANTS.values())


def test_speakers():
    train, test = voices("train"), voices("test")
    assert (len(train), len(test)) == (260, 34)
    assert len({(v.variant, v.accent) for v in train.values()}) == 260
    assert Counter(v.variant for v in test.values()) == dict.fromkeys(VARIANTS["test"], 2)
    assert all(0.82 <= v.tract <= 1.22 and 35 <= v.pitch <= 65 for v in [*train.values(), *test.values()])
    assert voices("train", 1) != train == voices("train")


def test_every_voice_speaks():
    espeak = Espeak()
    accents = {voice.accent for voice in voices("train").values()}
    for name in [f"en-us+{v}" for split in VARIANTS for v in VARIANTS[split]] + sorted(accents):
        assert np.abs(espeak.say("Good morning.", name).astype(int)).max() > 1000, name


def test_sentences_vary():
    said = {sentence(random.Random(i)) for i in range(2000)}
    assert len(said) > 1500
    assert all(text[-1] in ".?" and not set(text) & set("{|}") for text in said)


def test_data_directories(corpus):
    for split, speakers in (("train", 10), ("test", 2)):
        data = DataDir.load(corpus / "data" / split)
        assert Counter(data.spk.values()) == {f"{split}{i:03d}": 10 for i in range(speakers)}
        assert {*data.emo.values()} == {*mini_voices.EMOTIONS}
        for utt in data.utts:
            sound = soundfile.info(data.wav[utt])
            assert (sound.samplerate, sound.channels, sound.subtype) == (16000, 1, "PCM_16")
            assert sound.duration == data.dur[utt] and 1.5 < data.dur[utt] < 20
            assert os.path.isabs(data.wav[utt])
        described = (data.path / "spk2voice").read_text().splitlines()
        assert len(described) == speakers and all("variant=" in line and "tract=" in line for line in described)


def test_speech_is_neither_silent_nor_clipped(corpus):
    for utt, path in DataDir.load(corpus / "data/train").wav.items():
        sound = np.abs(soundfile.read(path)[0])
        assert 0.01 < sound.max() < 1 and (sound > 0.99).mean() < 1e-3, utt


def test_a_shorter_tract_raises_the_spectrum():
    def centroid(tract: float) -> float:
        voice = Voice("m1", "en-us", tract, 50, 170)
        power = np.abs(np.fft.rfft(speak(Espeak(), voice, "See these three sheep.", "neu", random.Random(1)))) ** 2
        power[: len(power) // 80] = 0  # below 100 Hz
        return float(np.average(np.arange(len(power)) / len(power), weights=power))

    assert centroid(1.2) > 1.1 * centroid(0.85)


def test_another_process_writes_the_same_samples(corpus, tmp_path):
    code = (
        "import sys; from pathlib import Path; from mscnn.synthetic import mini_voices as m;"
        f"m.VARIANTS = {FEW_VARIANTS!r}; m.make(Path(sys.argv[1], 'wavs'), Path(sys.argv[1], 'data'))"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "17", "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", code, tmp_path], check=True, env=environment, capture_output=True)
    names = sorted(path.relative_to(corpus / "wavs") for path in corpus.glob("wavs/*/*/*.wav"))
    assert len(names) == 120
    assert all((tmp_path / "wavs" / name).read_bytes() == (corpus / "wavs" / name).read_bytes() for name in names)


def test_missing_files_are_written_again(tmp_path, monkeypatch):
    monkeypatch.setattr(mini_voices, "VARIANTS", {"test": ["klatt"]})
    monkeypatch.setattr(mini_voices, "UTTERANCES_PER_SPEAKER", 1)
    assert mini_voices.make(tmp_path / "wavs", tmp_path / "data") == {"test": 2}
    next(tmp_path.glob("wavs/test/*/*.wav")).unlink()
    assert mini_voices.make(tmp_path / "wavs", tmp_path / "data") == {"test": 2}
    assert mini_voices.make(tmp_path / "wavs", tmp_path / "data", seed=1) == {"test": 2}
