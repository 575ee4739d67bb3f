"""The GE2E speaker encoder against a written-out reference, as a model of stage 2, and with real weights."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
import yaml

from mscnn.xvector import ge2e
from mscnn.xvector.extract import extract
from mscnn.xvector.install import install
from mscnn.xvector.modeldir import XvectorModel
from mscnn.xvector.vectors import read_vectors
from tests.raises import fails
from tests.unit.xvector.test_extract import OPTIONS, data_of

PRETRAINED = "39373b86598fa3da9fcddee6142382efe09777e8d37dc9c0561f41f0070f134e"  # of Resemblyzer 0.1.4
RATE = 16000


def reference(state, window):
    """Embedding of one window (T, 40) in float64: LSTM of Hochreiter and Schmidhuber, gates in the order i, f, g, o."""
    w = {name: value.double().numpy() for name, value in state.items()}
    inputs = window.astype(np.float64)
    for layer in range(sum("weight_hh" in name for name in w)):
        hidden = w[f"lstm.weight_hh_l{layer}"].shape[1]
        h, c, outputs = np.zeros(hidden), np.zeros(hidden), []
        for x in inputs:
            z = w[f"lstm.weight_ih_l{layer}"] @ x + w[f"lstm.weight_hh_l{layer}"] @ h
            z += w[f"lstm.bias_ih_l{layer}"] + w[f"lstm.bias_hh_l{layer}"]
            i, f, g, o = np.split(z, 4)
            c = c / (1 + np.exp(-f)) + np.tanh(g) / (1 + np.exp(-i))
            h = np.tanh(c) / (1 + np.exp(-o))
            outputs.append(h)
        inputs = np.array(outputs)
    raw = np.maximum(w["linear.weight"] @ inputs[-1] + w["linear.bias"], 0)
    return raw / np.linalg.norm(raw)


def checkpoint(path, hidden=8, layers=3, **changes):
    """A checkpoint in the form of Resemblyzer's, of random weights."""
    torch.manual_seed(0)
    state = ge2e.SpeakerEncoder(40, hidden, layers, 6).state_dict()
    state |= {"similarity_weight": torch.tensor([10.0]), "similarity_bias": torch.tensor([-5.0]), **changes}
    torch.save({"step": 1, "model_state": state, "optimizer_state": {}}, path)
    return path


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ge2e")
    return install(checkpoint(folder / "pretrained.pt"), folder / "tiny")


def speech(seconds, seed=0):
    """Noise with pauses of half a second, after every second."""
    noise = np.random.default_rng(seed).normal(0, 0.05, int(seconds * RATE)).astype(np.float32)
    return noise * ((np.arange(len(noise)) / RATE % 1.5) < 1)


@pytest.fixture
def data(tmp_path):
    wavs = {}
    for speaker, seconds in (("a", 1.0), ("b", 7.3)):
        wavs[f"{speaker}-u"] = tmp_path / f"{speaker}-u.wav"
        soundfile.write(wavs[f"{speaker}-u"], speech(seconds, len(wavs)), RATE, subtype="PCM_16")
    return data_of(wavs, tmp_path / "data")


def test_network_equals_the_reference(model):
    network = model.network()
    frames = np.random.default_rng(0).gamma(1, 0.1, (3, 160, 40)).astype(np.float32)
    embedded = network(torch.from_numpy(frames)).numpy()
    expected = [reference(network.state_dict(), window) for window in frames]
    assert embedded == pytest.approx(np.array(expected), abs=1e-6)


@pytest.mark.parametrize(
    "samples, starts",
    [(1, [0]), (16000, [0]), (25600, [0]), (40000, [0, 77]), (48000, [0, 77, 154]), (31520, [0, 77]), (31519, [0])],
)
def test_windows(samples, starts):
    """Frames of 10 ms, windows of 160, every 77; the last has at least three quarters of its 25,600 samples."""
    assert [*ge2e.window_starts(samples)] == starts
    assert ge2e.windows(np.ones(samples, np.float32)).shape == (len(starts), 160, 40)


def test_mel_spectrum_is_of_power():
    """1000 Hz are 15 mel of 45.25 (Slaney), divided by 41: nearest to the centre of band 13."""
    tone = np.sin(2 * np.pi * 1000 * np.arange(25600) / RATE).astype(np.float32)
    once, twice = ge2e.windows(tone)[0], ge2e.windows(2 * tone)[0]
    assert twice[5:-5] == pytest.approx(4 * once[5:-5], rel=1e-3)
    assert once[50].argmax() == 13 and once[50, 30:].max() < 1e-6 * once[50].max()


def test_quiet_recordings_are_amplified_and_pauses_removed():
    quiet = 1e-3 * speech(6)
    assert 20 * np.log10(np.sqrt(np.mean(ge2e.amplified(quiet) ** 2))) == pytest.approx(-30, abs=1e-3)
    loud = 5 * speech(2)
    assert (ge2e.amplified(loud) == loud).all() and not ge2e.amplified(np.zeros(9, np.float32)).any()
    tone = 0.1 * np.sin(np.arange(RATE)).astype(np.float32)
    kept = ge2e.voiced_samples(np.concatenate([np.zeros(3 * RATE, np.float32), tone, np.zeros(3 * RATE, np.float32)]))
    assert kept[3 * RATE : 4 * RATE].all() and kept.sum() < 1.6 * RATE


def test_stage_2(model, data, tmp_path):
    assert extract(data, model, tmp_path / "one", **OPTIONS) == (2, 0)
    vectors = read_vectors(tmp_path / "one/xvector.scp", data.utts)
    network = model.network()
    for utt, vector in zip(data.utts, vectors, strict=True):
        samples = soundfile.read(data.wav[utt], dtype="float32")[0]
        parts = [reference(network.state_dict(), window) for window in model.select(samples, True)[0]]
        mean = np.mean(parts, axis=0)
        assert vector == pytest.approx(mean / np.linalg.norm(mean), abs=1e-5)
    assert yaml.safe_load((tmp_path / "one/xvector.yaml").read_text())["name"] == "tiny"


def test_silence_is_treated_as_the_user_says(model):
    silence = np.zeros(RATE, np.float32)
    assert model.select(silence, False)[:2][1] is False and len(model.select(silence, False)[0]) == 0
    assert len(model.select(silence, True)[0]) == 1
    assert not model.embed(model.network(), {"a": np.zeros((0, 160, 40), np.float32)}, 160, 1000)["a"].any()


def test_options_that_it_does_not_have(model, data, tmp_path):
    with fails("kaldi-network", model.path):
        extract(data, model, tmp_path / "out", **{**OPTIONS, "backend": "kaldi"})
    with fails("chunk-fixed", 200, 160):
        extract(data, model, tmp_path / "out", **{**OPTIONS, "chunk_size": 200})


@pytest.mark.parametrize(
    "changes, code",
    [
        ({"lstm.weight_ih_l0": torch.zeros(32, 41)}, "xvector-network"),
        ({"linear.bias": torch.zeros(5)}, "xvector-network"),
        ({"linear.bias": torch.full((6,), torch.nan)}, "xvector-network"),
        ({"lstm.bias_hh_l2": "x"}, "xvector-network"),
    ],
)
def test_other_checkpoints_are_refused(changes, code, tmp_path):
    with fails(code):
        install(checkpoint(tmp_path / "x.pt", **changes), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_damaged_files_are_refused(model, tmp_path):
    (tmp_path / "x.pt").write_bytes(b"PK\3\4 no checkpoint")
    with fails("archive-unreadable", "x.pt"):
        install(tmp_path / "x.pt", tmp_path / "out")
    torch.save({"model_state": {"a": print}}, tmp_path / "code.pt")  # a pickle that names a function
    with fails("archive-unreadable", "code.pt"):
        install(tmp_path / "code.pt", tmp_path / "out")
    (tmp_path / "model.safetensors").write_bytes((model.path / "model.safetensors").read_bytes()[:-9])
    with fails("xvector-network", tmp_path / "model.safetensors"):
        XvectorModel.load(tmp_path).network()


def test_real_weights_tell_actors_apart(shared_dir, tmp_path):
    found = find_spec("resemblyzer")
    if found is None:
        pytest.skip("Resemblyzer is not installed: real weights of the speaker encoder")
    model = install(
        Path(next(iter(found.submodule_search_locations)), "pretrained.pt"), tmp_path / "resemblyzer", sha256=PRETRAINED
    )
    network = model.network()
    rows = {}
    for actor in (1, 2, 11, 12):
        for take in ("01-01", "02-02"):
            path = shared_dir / f"data/ravdess/Actor_{actor:02}/03-01-01-01-{take}-{actor:02}.flac"
            rows[f"{actor} {take}"] = model.select(soundfile.read(path, dtype="float32")[0], True)[0]
    vectors = np.stack([*model.embed(network, rows, 160, 10_000).values()])
    cosines = vectors @ vectors.T
    same = np.array([cosines[i, i + 1] for i in range(0, 8, 2)])
    other = cosines[np.triu_indices(8, 2)]
    assert same.min() > np.median(other) and same.mean() > other.mean() + 0.1
