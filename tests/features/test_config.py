"""Options of features: stated in full, checked, named by a hash."""

import pytest

from mscnn.errors import UserError
from mscnn.features.config import Feature
from mscnn.paths import conf


def edited(tmp_path, old, new):
    text = conf("features", "mfcc96").read_text()
    assert old in text
    path = tmp_path / "mine.yaml"
    path.write_text(text.replace(old, new))
    return str(path)


def test_shipped_features():
    plain, trimmed = Feature.load("mfcc96"), Feature.load("mfcc96_trim")
    assert (plain.extractor.dim, plain.extractor.frame_shift, plain.extractor.rate) == (96, 0.01, 16000)
    assert plain.trim_db is None and trimmed.trim_db == 30
    assert {**plain.options, "trim_db": 30} == trimmed.options and plain.hash != trimmed.hash


def test_hash_names_the_options_not_the_file(tmp_path):
    same = Feature.load(edited(tmp_path, "# Hz", "# hertz"))
    assert same.hash == Feature.load("mfcc96").hash and same.name == "mine"
    assert Feature.load(edited(tmp_path, "n_mfcc: 32", "n_mfcc: 31")).hash != same.hash


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("kind: mfcc", "kind: mfc", "kind: expected one of mfcc"),
        ("deltas: 2", "delta: 2", "missing or unknown: delta, deltas"),
        ("n_mfcc: 32", "n_mfcc: '32'", "n_mfcc: expected int"),
        ("hop_length: 160", "hop_length: -1", "hop_length: expected int, not negative"),
        ("center: true", "center: 1", "center: expected bool"),
        ("trim_db: null", "trim_db: -3", "trim_db: expected null or decibels"),
    ],
)
def test_wrong_options_are_named(tmp_path, old, new, message):
    with pytest.raises(UserError, match=message):
        Feature.load(edited(tmp_path, old, new))
