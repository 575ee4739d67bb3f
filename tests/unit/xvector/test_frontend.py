import shutil

import numpy as np
import pytest

from mscnn.audio.read import load_audio
from mscnn.xvector.frontend import Frontend, Vad, sliding_cmn
from tests.raises import fails


def test_mfcc_equal_kaldis(reference):
    """Differences are float32 rounding of two FFTs, visible where a frame spans 20 nats (spk3-long)."""
    frontend = reference.model.frontend
    for utt, wav in reference.wavs.items():
        expected = reference.expected[f"mfcc/{utt}"]
        mfcc = frontend.mfcc(load_audio(wav, 16000, convert=False)[0])
        assert mfcc.dtype == np.float32 and mfcc.shape == expected.shape
        error = np.abs(mfcc - expected)
        assert error.max() < 5e-3 and (error > 2e-3).mean() < 1e-3, utt


def test_voiced_frames_equal_kaldis(reference):
    frontend = reference.model.frontend
    for utt, wav in reference.wavs.items():
        voiced = frontend.vad(frontend.mfcc(load_audio(wav, 16000, convert=False)[0]))
        np.testing.assert_array_equal(voiced, reference.expected[f"vad/{utt}"].astype(bool), err_msg=utt)


def test_proportions_are_compared_in_single_precision():
    """As in Kaldi, 0.6 of 25 frames are 15.000001, so that 15 loud frames are too few."""
    energy = np.zeros((25, 1), np.float32)
    energy[:15] = 10
    assert not Vad(threshold=5, mean_scale=0, proportion=0.6, context=12)(energy)[12]
    energy[15] = 10
    assert Vad(threshold=5, mean_scale=0, proportion=0.6, context=12)(energy)[12]


def test_vad_by_hand():
    energy = np.array([0, 0, 0, 8, 0, 0, 0, 0, 8, 8], np.float32)[:, None]  # mean 2.4
    assert Vad(threshold=1, mean_scale=1, proportion=0.5)(energy).tolist() == [e > 3.4 for e in energy[:, 0]]
    # windows of 2, 3, ..., 3, 2 frames; a third of them must be loud
    near = Vad(threshold=1, mean_scale=1, proportion=0.34, context=1)(energy)
    assert near.tolist() == [False] * 8 + [True, True]
    near = Vad(threshold=1, mean_scale=1, proportion=0.33, context=1)(energy)
    assert near.tolist() == [False, False, True, True, True, False, False, True, True, True]


@pytest.mark.parametrize("frames", [1, 5, 6, 7, 40])
def test_sliding_mean_by_a_loop(frames):
    mfcc = np.random.default_rng(0).normal(size=(frames, 2)).astype(np.float32)
    expected = []
    for t in range(frames):
        first, end = t - 3, t + 3
        if first < 0:
            first, end = 0, end - first
        if end > frames:
            first, end = max(first - (end - frames), 0), frames
        expected.append(mfcc[t] - mfcc[first:end].mean(0))
    np.testing.assert_allclose(sliding_cmn(mfcc, window=6), expected, atol=1e-6)


def test_less_than_a_frame_has_no_features(reference):
    assert reference.model.frontend.mfcc(np.zeros(0, np.float32)).shape == (0, 30)
    assert reference.model.frontend.mfcc(np.ones(50, np.float32)).shape == (0, 30)


@pytest.mark.parametrize(
    ("name", "line", "code", "names"),
    [
        ("mfcc.conf", "--num-cep=3", "kaldi-option-unknown", ["mfcc.conf:10", "--num-cep", "num-ceps"]),
        ("mfcc.conf", "--num-ceps=many", "kaldi-option-value", ["mfcc.conf:10", "--num-ceps=many"]),
        ("mfcc.conf", "num-ceps=3", "kaldi-option-line", ["mfcc.conf:10", "'num-ceps=3'"]),
        *[
            ("mfcc.conf", line, "kaldi-option-value", ["mfcc.conf:10", line])
            for line in (
                "--frame-shift=0",
                "--frame-length=0",
                "--frame-length=1e9",
                "--sample-frequency=-1",
                "--sample-frequency=nan",
                "--window-type=foo",
                "--num-mel-bins=-3",
                "--snip-edges=maybe",
                "--num-ceps=99999999999",
            )
        ],
        ("mfcc.conf", "--num-mel-bins=20", "kaldi-option-value", [30, 20]),
        ("mfcc.conf", "--high-freq=9000", "kaldi-option-value", [20, 9000, 16000]),
        ("vad.conf", "--vad-frames-context=100000000000000000000000", "kaldi-option-value", ["vad.conf:10"]),
        ("vad.conf", "--vad-energy-threshold=nan", "kaldi-option-value", ["vad.conf:10"]),
        ("vad.conf", "--vad-threshold=3", "kaldi-option-unknown", ["vad.conf:10", "--vad-threshold"]),
    ],
)
def test_wrong_options(tmp_path, reference, name, line, code, names):
    shutil.copytree(reference.model.conf, tmp_path / "conf")
    conf = tmp_path / "conf" / name
    conf.chmod(0o644)
    lines = (conf.read_text() + "# comment\n").splitlines()[:8]
    conf.write_text("\n".join([*lines, *[""] * (9 - len(lines)), line]) + "\n")
    with fails(code, *names):
        Frontend.load(tmp_path / "conf")


def test_missing_conf(tmp_path):
    with fails("xvector-model-missing", "mfcc.conf"):
        Frontend.load(tmp_path)
