"""benchmarks: a table of all systems, also where one fails; stage 3 against plain loops."""

import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from benchmarks import features, memory, systems
from mscnn.config.model import ModelSpec
from mscnn.data.datadir import DataDir
from mscnn.data.protocols import Protocol, make_folds
from mscnn.features.archive import FeatureDir
from mscnn.training import loop
from mscnn.xvector.vectors import read_vectors


@pytest.fixture
def data(tmp_path):
    """Forty utterances of text: a single batch of text_cnn."""
    utts = [f"s{i % 5}-{i:02d}" for i in range(40)]
    tables = {
        "text": {utt: f"word{i % 7} word{i % 3}" for i, utt in enumerate(utts)},
        "utt2spk": {utt: utt[:2] for utt in utts},
        "utt2emo": {utt: ("sad", "angry")[i // 5 % 2] for i, utt in enumerate(utts)},
        "utt2dur": dict.fromkeys(utts, "1.5"),
    }
    DataDir.write(tmp_path / "data" / "set", tables)
    return tmp_path / "data" / "set"


def test_a_system_that_fails_is_a_row_with_the_reason(data, tmp_path, monkeypatch):
    out = tmp_path / "costs.tsv"
    arguments = ["--model", "majority", "mdre", "tre", "--data", str(data), "--protocol", "k_speakers"]
    monkeypatch.setattr(sys, "argv", ["systems", *arguments, "--out", str(out)])
    monkeypatch.setattr(systems, "count", lambda spec: (1234, 0.5) if spec.name == "mdre" else 1 / 0)
    systems.main()
    rows = [line.split("\t") for line in out.read_text().splitlines()]
    assert rows[0] == ["model", "parameters", "gflop_per_second", "seconds_per_epoch"]
    assert rows[1] == ["majority", "-", "-", "-"]
    assert rows[2][:3] == ["mdre", "1234", "0.500"]
    assert rows[2][3].startswith("failed: ") and "dump/mfcc39/set" in rows[2][3]
    assert rows[3][1:3] == ["failed: division by zero", "-"] and float(rows[3][3]) >= 0


@pytest.mark.parametrize("size, steps, expected", [(64, 4, 24), (8, 2, 24), (8, 9, 24), (7, 9, 24)])
def test_an_epoch_is_as_long_as_its_steps(data, monkeypatch, size, steps, expected):
    """With one second per example, an epoch of 24 takes 24 s, in one batch or in several, the last of them shorter."""
    clock, batches = [0.0], []

    def step(model, inputs, labels, *_):
        clock[0] += len(labels)
        batches.append(len(labels))
        return torch.zeros(())

    monkeypatch.setattr(loop, "step", step)
    monkeypatch.setattr(time, "process_time", lambda: clock[0])
    spec = ModelSpec.load("tre", [f"batch_size={size}", "replacement=false", "eval_every=1"])
    protocol = data.parent / "mine.yaml"
    protocol.write_text(
        "name: mine\nversion: 1\ntest: {scheme: random, folds: 5, seed: 0}\ndev: {scheme: next_part}\n"
        "disjoint: {train-test: [], train-dev: [], dev-test: []}\nselection: dev\n"
    )
    directory = DataDir.load(data)
    fold = make_folds(Protocol.load(str(protocol)), directory)[0]
    assert systems.time_epoch(spec, directory, fold, data.parent, steps) == (pytest.approx(expected),)
    assert len(batches) == min(steps, max(1, -(-24 // size) - 1)) + 1


def test_features_of_stage_3_and_of_plain_loops(tmp_path, monkeypatch, capsys):
    noise = np.random.default_rng(0).standard_normal((2, 8000)) / 10
    for i, samples in enumerate(noise):
        soundfile.write(tmp_path / f"{i}.wav", samples, 16000)
    tables = {
        "wav.scp": {f"s{i}-a": str(tmp_path / f"{i}.wav") for i in range(2)},
        "utt2spk": {f"s{i}-a": f"s{i}" for i in range(2)},
        "utt2emo": {"s0-a": "sad", "s1-a": "angry"},
        "utt2dur": {"s0-a": "0.5", "s1-a": "0.5"},
    }
    DataDir.write(tmp_path / "data" / "set", tables)
    monkeypatch.setattr(sys, "argv", ["features", "--data", str(tmp_path / "data" / "set"), "--repeats", "1"])
    features.main()
    title, *lines = capsys.readouterr().out.splitlines()
    assert "2 files" in title and [line.partition(":")[0] for line in lines] == ["mfcc96", "prosody35"]
    assert all(0 < float(line.rpartition(" ")[2]) < 10 for line in lines)
    with pytest.raises(RuntimeError, match="ZeroDivisionError"):
        features.seconds(["-c", "1 / 0"])


@pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="needs /proc of Linux")
def test_memory_is_that_of_the_processes_that_a_command_starts():
    """A process of 100 MB of its own, started by one that has little."""
    inner = "import time; x = bytearray(100_000_000); time.sleep(2)"
    peaks = memory.measure(
        [sys.executable, "-c", f"import subprocess, sys; subprocess.run([sys.executable, '-c', {inner!r}])"]
    )
    (peak,) = peaks.values()
    assert 97_000 < peak["own"] < 150_000 and peak["own"] <= peak["with files"] <= peak["addresses"]


def test_noise_can_be_trained_on(tmp_path):
    data, features, xvector = memory.make_noise(tmp_path, 600, 300)
    loaded, archive = DataDir.load(data), FeatureDir.load(features)
    assert archive.utts == loaded.utts and len(archive.maps.paths) == 3
    assert abs(archive.num_frames.sum() / 100 - 300) < 150 and archive.select(loaded.utts).rows.dim == 96
    assert Protocol.load("random10") and make_folds(Protocol.load("random10"), loaded)[0].train
    assert read_vectors(xvector, loaded.utts).shape == (600, 512)
