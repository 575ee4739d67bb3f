"""Stage 3: archives do not depend on the number of processes or on interruptions; Kaldi can read them."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter

import kaldiio
import numpy as np
import pytest
import soundfile
import yaml

from mscnn.bin.extract_features import main
from mscnn.data.datadir import DataDir
from mscnn.features import extract as stage
from mscnn.features.archive import FeatureDir
from mscnn.features.config import Feature
from mscnn.features.extract import compute, extract
from mscnn.features.mfcc import Mfcc
from mscnn.features.store import Mapped
from tests.raises import fails

RATE = 16000


def sound(seconds, seed=0, rate=RATE):
    return 0.2 * np.random.default_rng(seed).standard_normal(int(seconds * rate))


def make_data(folder, sounds):
    """A data directory of {utt: (samples, rate)}; all by one speaker."""
    (folder / "wav").mkdir(parents=True, exist_ok=True)
    for utt, (samples, rate) in sounds.items():
        soundfile.write(folder / "wav" / f"{utt}.wav", samples, rate, subtype="PCM_16")
    tables = {
        "wav.scp": {utt: folder / "wav" / f"{utt}.wav" for utt in sounds},
        "text": dict.fromkeys(sounds, "yes"),
        "utt2spk": dict.fromkeys(sounds, "a"),
        "utt2emo": dict.fromkeys(sounds, "neu"),
        "utt2dur": {utt: len(samples) / rate for utt, (samples, rate) in sounds.items()},
    }
    DataDir.write(folder / "data", tables)
    return DataDir.load(folder / "data")


def contents(out):
    """Content of all files for later stages, without the absolute paths in scp files."""
    files = [
        p for p in sorted(out.iterdir()) if p.is_file() and p.name != "written.json"
    ]  # it has the sum of feats.scp
    return {p.name: p.read_bytes().replace(str(out).encode(), b"OUT") for p in files}


@pytest.fixture
def small_jobs(monkeypatch):
    """Jobs of two utterances."""
    monkeypatch.setattr(stage, "JOB_SIZE", 2)


@pytest.fixture(scope="module")
def odd(tmp_path_factory):
    """Features of nine recordings, some of them unusual."""
    folder = tmp_path_factory.mktemp("odd")
    stereo = np.stack([sound(0.3), sound(0.3, 1)], axis=1)
    sounds = {f"a-{i}": (sound(0.2 + 0.05 * i, i), RATE) for i in range(4)} | {
        "a-short": (sound(0.05), RATE),
        "a-silent": (np.zeros(4000), RATE),
        "a-clipped": (np.sign(sound(0.2)), RATE),
        "a-stereo": (stereo, RATE),
        "a-studio": (sound(0.3, rate=48000), 48000),
    }
    data = make_data(folder, sounds)
    return data, folder / "out", extract(data, Feature.load("mfcc96"), folder / "out", nj=1, convert=True)


def test_keys_shapes_and_notices(odd):
    data, out, frames = odd
    features = FeatureDir.load(out)
    assert features.utts == data.utts and features.lengths(data.utts).tolist() == [*frames.values()]
    assert (features.dim, features.frame_shift) == (96, 0.01)
    for utt in data.utts:
        matrix = features.read(utt)
        assert matrix.dtype == np.float32 and matrix.shape == (1 + int(data.dur[utt] * RATE + 0.5) // 160, 96)
        assert np.isfinite(matrix).all()
    notices = [line.split("\t") for line in (out / "notices.tsv").read_text().splitlines()]
    assert Counter(utt for utt, _ in notices) == Counter(["a-clipped", "a-short", "a-silent", "a-stereo", "a-studio"])
    assert "48000 Hz" in dict(notices)["a-studio"] and "9 frames" in dict(notices)["a-short"]


def test_kaldi_style_reader_finds_the_same_numbers(odd):
    data, out, _ = odd
    table, features = kaldiio.load_scp(str(out / "feats.scp")), FeatureDir.load(out)
    assert sorted(table) == data.utts
    for utt in data.utts:
        np.testing.assert_array_equal(table[utt], features.read(utt))


def test_same_files_for_any_number_of_processes(tmp_path, small_jobs):
    data = make_data(tmp_path, {f"a-{i}": (sound(0.2, i), RATE) for i in range(3)})
    feature = Feature.load("spec257")
    extract(data, feature, tmp_path / "two", nj=2, convert=False)
    extract(data, feature, tmp_path / "one", nj=1, convert=False)
    assert contents(tmp_path / "two") == contents(tmp_path / "one")
    assert {"feats.2.ark", "feats.scp", "feature.yaml"} <= contents(tmp_path / "two").keys()


def test_finished_archives_are_kept_and_stale_ones_made_again(tmp_path, small_jobs):
    sounds = {f"a-{i}": (sound(0.2, i), RATE) for i in range(4)}
    data, out, feature = make_data(tmp_path, sounds), tmp_path / "out", Feature.load("mfcc96")
    extract(data, feature, out, nj=1, convert=False)
    first, made = contents(out), {p.name: p.stat().st_mtime_ns for p in out.glob("*.ark")}
    (out / "feats.2.ark").unlink()
    (out / ".feats.2.ark.0123.tmp").write_bytes(b"half")
    extract(data, feature, out, nj=1, convert=False)
    assert contents(out) == first and (out / "feats.1.ark").stat().st_mtime_ns == made["feats.1.ark"]
    soundfile.write(tmp_path / "wav" / "a-3.wav", sound(0.3, 9), RATE, subtype="PCM_16")
    extract(data, feature, out, nj=1, convert=False)
    now = contents(out)
    assert now["feats.1.ark"] == first["feats.1.ark"] and now["feats.2.ark"] != first["feats.2.ark"]
    assert now["feature.yaml"] != first["feature.yaml"], "whoever fingerprints feature.yaml must see the change"
    smaller = make_data(tmp_path, {utt: sounds[utt] for utt in ("a-0", "a-1")})
    extract(smaller, feature, out, nj=1, convert=False)
    assert not (out / "feats.2.ark").exists() and FeatureDir.load(out).utts == ["a-0", "a-1"]


def test_killed_and_run_again(tmp_path):
    data = make_data(tmp_path, {f"a-{i:03d}": (sound(0.1, i), RATE) for i in range(300)})
    command = [sys.executable, "-m", "mscnn.bin.extract_features", "--data", str(data.path), "--feature", "spec257"]
    command += ["--nj", "2", "--out", str(tmp_path / "a")]
    victim = subprocess.Popen(command, start_new_session=True, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not list((tmp_path / "a").glob("*.ark")) and victim.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    if victim.poll() is None:
        os.killpg(victim.pid, signal.SIGKILL)
    victim.wait()
    for name in ("a", "b"):
        extract(data, Feature.load("spec257"), tmp_path / name, nj=1, convert=False)
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_segments_file(tmp_path, small_jobs):
    data = make_data(tmp_path, {"a-1": (sound(1.0), RATE), "a-2": (sound(1.0, 1), RATE)})
    (data.path / "segments").write_text("a-1 rec 0.25 0.75\na-2 rec 0.5 1\n")
    (data.path / "wav.scp").write_text(f"rec {data.wav['a-1']}\n")
    frames = extract(DataDir.load(data.path), Feature.load("mfcc96"), tmp_path / "out", nj=1, convert=False)
    assert frames == {"a-1": 51, "a-2": 51}
    samples = soundfile.read(data.wav["a-1"], dtype="float32")[0][4000:12000]
    np.testing.assert_array_equal(
        FeatureDir.load(tmp_path / "out").read("a-1"), Feature.load("mfcc96").extractor(samples)
    )


def test_unusable_files_are_listed_together_and_nothing_is_marked_finished(tmp_path, small_jobs):
    sounds = {"a-1": (sound(0.2), 8000), "a-2": (np.zeros((800, 2)), RATE), "a-3": (sound(0.2), RATE)}
    data = make_data(tmp_path, sounds)
    with fails("jobs-failed", "utterances-unusable", "a-1.wav: 8000 Hz", "a-2.wav", "2 channel"):
        extract(data, Feature.load("mfcc96"), tmp_path / "out", nj=1, convert=False)
    assert not (tmp_path / "out" / "feats.1.ark").exists() and not (tmp_path / "out" / "feature.yaml").exists()
    with fails("features-missing", "stage 3"):
        FeatureDir.load(tmp_path / "out")


def test_trimmed_feature_is_shorter(tmp_path, small_jobs):
    quiet = np.zeros(RATE)
    data = make_data(tmp_path, {"a-1": (np.concatenate([quiet, sound(0.5), quiet]), RATE)})
    frames = extract(data, Feature.load("mfcc96", ["trim_db=30"]), tmp_path / "out", nj=1, convert=False)
    assert 50 <= frames["a-1"] < 80
    assert yaml.safe_load((tmp_path / "out" / "feature.yaml").read_text())["options"]["trim_db"] == 30


def test_settings_are_recorded_and_the_name_stays(tmp_path, small_jobs, monkeypatch):
    quiet = np.zeros(RATE)
    data = make_data(tmp_path, {"a-1": (np.concatenate([quiet, sound(0.5), quiet]), RATE)})
    words = ["--data", str(data.path), "--out", str(tmp_path / "out"), "--set", "trim_db=30", "n_mfcc=20"]
    monkeypatch.setattr(sys, "argv", ["extract_features", *words])
    main()
    features = FeatureDir.load(tmp_path / "out")
    assert (features.feature, features.dim, features.options["trim_db"]) == ("mfcc96", 60, 30)
    assert features.hash == Feature.load("mfcc96", ["trim_db=30", "n_mfcc=20"]).hash
    assert 50 <= features.lengths(["a-1"])[0] < 80


def test_missing_requirements_are_reported_before_any_file_is_read(tmp_path, small_jobs):
    data = make_data(tmp_path, {"a-1": (sound(0.2), RATE)})
    with fails("file-missing", "/nowhere"):
        extract(data, Feature.load("wav2vec2", ["model=/nowhere"]), tmp_path / "out", nj=1, convert=False)
    assert not (tmp_path / "out").exists()


def test_what_computes_a_feature_is_loaded_only_where_archives_are_to_be_made(tmp_path, small_jobs, monkeypatch):
    data, feature, loaded = make_data(tmp_path, {"a-1": (sound(0.2), RATE)}), Feature.load("mfcc39"), []
    monkeypatch.setattr(type(feature.extractor), "available", lambda extractor: None)
    monkeypatch.setattr(type(feature.extractor), "check", lambda extractor: loaded.append(extractor))
    for _ in range(2):
        extract(data, feature, tmp_path / "out", nj=1, convert=False)
    assert len(loaded) == 1


@pytest.mark.parametrize("name", ["raw16k", "prosody35", "mfcc26_seg18"])
def test_features_with_one_column_one_row_and_segments(tmp_path, small_jobs, name):
    data = make_data(tmp_path, {"a-1": (sound(0.3), RATE), "a-2": (sound(2.0, 1), RATE)})
    frames = extract(data, Feature.load(name), tmp_path / "out", nj=1, convert=False)
    features = FeatureDir.load(tmp_path / "out")
    assert list(frames.values()) == {"raw16k": [4800, 32000], "prosody35": [1, 1], "mfcc26_seg18": [57, 114]}[name]
    assert features.read("a-2").shape == (frames["a-2"], features.dim)


def test_values_in_half_precision(tmp_path):
    """Half the bytes; float16 values, the same in the archive and for a recording."""
    data = make_data(tmp_path, {f"a-{i}": (sound(0.2 + 0.05 * i, i), RATE) for i in range(3)})
    whole, half = Feature.load("mfcc96"), Feature.load("mfcc96", ["stored=float16"])
    assert "stored" not in whole.options and half.options["stored"] == "float16" and half.hash != whole.hash
    assert half.title == "mfcc96 stored=float16"
    for feature in (whole, half):
        extract(data, feature, tmp_path / feature.stored, nj=1, convert=False)
    features, plain = (FeatureDir.load(tmp_path / kind) for kind in ("float16", "float32"))
    frames = features.select(data.utts)
    assert isinstance(frames.rows, Mapped) and frames.rows.pitch == 2 * 96
    samples, _ = soundfile.read(data.wav["a-1"], dtype="float32")
    for i, utt in enumerate(data.utts):
        matrix = frames.matrix(i)
        assert matrix.dtype == np.float32
        np.testing.assert_array_equal(matrix, plain.read(utt).astype(np.float16).astype(np.float32))
    np.testing.assert_array_equal(frames.matrix(1), compute(half, samples, "cpu"))
    sizes = [(tmp_path / kind / "feats.1.ark").stat().st_size for kind in ("float16", "float32")]
    assert sizes[1] - sizes[0] == 2 * 96 * plain.num_frames.sum()
    archive = (tmp_path / "float16" / "feats.1.ark").read_bytes()
    (tmp_path / "float16" / "written.json").unlink()
    (tmp_path / "float16" / "feats.1.ark").write_bytes(archive[:-50])
    with fails("features-damaged", "a-2"):
        FeatureDir.load(tmp_path / "float16").select(data.utts)


def test_values_that_half_precision_lacks_are_refused(tmp_path, monkeypatch):
    data = make_data(tmp_path, {"a-0": (sound(0.2), RATE)})
    monkeypatch.setattr(Mfcc, "__call__", lambda self, samples: np.full((5, 96), 7e4, np.float32))
    extract(data, Feature.load("mfcc96"), tmp_path / "whole", nj=1, convert=False)
    with fails("jobs-failed", "a-0", "float16", "stored=float32"):
        extract(data, Feature.load("mfcc96", ["stored=float16"]), tmp_path / "half", nj=1, convert=False)
