"""Options of features: complete, checked, with a hash."""

import pytest

from mscnn.features.config import KINDS, Feature
from mscnn.paths import conf, names
from tests.raises import fails


def edited(tmp_path, old, new):
    text = conf("features", "mfcc96").read_text()
    assert old in text
    path = tmp_path / "mine.yaml"
    path.write_text(text.replace(old, new))
    return str(path)


def test_shipped_features():
    plain, trimmed = Feature.load("mfcc96"), Feature.load("mfcc96", ["trim_db=30"])
    assert (plain.extractor.dim, plain.extractor.frame_shift, plain.extractor.rate) == (96, 0.01, 16000)
    assert plain.trim_db is None and trimmed.trim_db == 30
    assert {**plain.options, "trim_db": 30} == trimmed.options and plain.hash != trimmed.hash


def test_hash_depends_on_the_options_not_the_file(tmp_path):
    same = Feature.load(edited(tmp_path, "# Hz", "# hertz"))
    assert same.hash == Feature.load("mfcc96").hash and same.name == "mine"
    assert Feature.load(edited(tmp_path, "n_mfcc: 32", "n_mfcc: 31")).hash != same.hash


@pytest.mark.parametrize(
    ("old", "new", "code", "expected"),
    [
        ("kind: mfcc", "kind: mfc", "config-value", ["kind", "mfc", "mfcc"]),
        ("deltas: 2", "delta: 2", "config-missing-key", ["deltas", "delta"]),
        ("n_mfcc: 32", "n_mfcc: many", "config-value", ["n_mfcc", "'many'"]),
        ("n_mfcc: 32", "n_mfcc: 0.5", "config-value", ["n_mfcc", "'0.5'"]),
        ("hop_length: 160", "hop_length: -1", "config-value", ["hop_length", "-1"]),
        ("center: true", "center: 1", "config-value", ["center", "'1'"]),
        ("trim_db: null", "trim_db: -3", "config-value", ["trim_db", "'-3'"]),
        ("trim_db: null", "", "config-missing-key", ["trim_db"]),
    ],
)
def test_wrong_options(tmp_path, old, new, code, expected):
    with fails(code, "mine.yaml", *expected):
        Feature.load(edited(tmp_path, old, new))


def test_every_kind_is_shipped_and_every_feature_loads():
    features = [Feature.load(name) for name in names("features")]
    assert {f.kind for f in features} == KINDS.keys() and len({f.hash for f in features}) == len(features)


@pytest.mark.parametrize(
    ("name", "dim", "shift"),
    [
        ("logmel3d", 120, 0.01),
        ("logmel3d_code", 120, 0.01),
        ("mfcc39", 39, 0.01),
        ("mfcc120", 120, 0.01),
        ("mfcc40", 40, 0.01),
        ("lld34", 34, 0.025),
        ("spec257", 257, 0.01),
        ("logspec200", 200, 0.01),
        ("logspec400", 400, 0.01),
        ("logspec400_peak", 401, 0.01),
        ("camser_spec", 200, 0.01),
        ("mfcc40_htk", 40, 0.01),
        ("mfcc26_seg18", 26, 0.032),
        ("mfcc26_seg20", 26, 0.032),
        ("modulation", 288, 0.01),
        ("raw16k", 1, 1 / 16000),
        ("raw16k_preemphasis", 1, 1 / 16000),
        ("prosody35", 35, 0),
        ("prosody35_opensmile", 35, 0),
    ],
)
def test_sizes(name, dim, shift):
    extractor = Feature.load(name).extractor
    assert (extractor.dim, extractor.frame_shift, extractor.rate) == (dim, shift, 16000)


def test_settings_override_options():
    plain, changed = Feature.load("mfcc96"), Feature.load("mfcc96", ["trim_db=30", "n-mfcc=20"])
    assert changed.options == {**plain.options, "trim_db": 30, "n_mfcc": 20} and changed.name == "mfcc96"
    assert changed.hash != plain.hash and Feature.load("mfcc96", ["trim_db=null"]).hash == plain.hash
    assert Feature.load("mfcc39", ["preemphasis=0"]).options["preemphasis"] == 0.0


@pytest.mark.parametrize(
    ("setting", "code", "expected"),
    [
        ("trim_db", "option-syntax", ["trim_db"]),
        ("trim=30", "option-unknown", ["trim=30", "trim_db?"]),
        ("xyz=1", "option-unknown", ["trim_db, rate"]),
        ("kind=logmel", "option-unknown", ["kind"]),
        ("n_mfcc=many", "config-value", ["--set n_mfcc=many", "n_mfcc", "'many'"]),
        ("trim_db=0", "config-value", ["--set trim_db=0", "'0'"]),
        ("hop_length=-1", "config-value", ["--set hop_length=-1"]),
        ("n_fft=256", "config-value", ["win_length", "n_fft", "400"]),
        ("window=[", "config-yaml", ["--set window=["]),
    ],
)
def test_wrong_settings(setting, code, expected):
    with fails(code, *expected):
        Feature.load("mfcc96", [setting])
