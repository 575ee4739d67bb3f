"""Features of segments equal those of their samples, concatenated."""

from dataclasses import asdict

import numpy as np
import pytest

from mscnn.features.config import KINDS, Feature
from mscnn.paths import names
from tests.unit.features.synthetic import voice

OTHERS = ("ssl_frames", "text_encoder")  # tests of their own have them
SHIPPED = [name for name in names("features") if Feature.load(name).kind not in OTHERS]


@pytest.mark.parametrize(
    ("name", "rows", "kind"),
    [("mfcc26_seg18", 57, "mfcc"), ("mfcc26_seg20", 63, "mfcc")],
)
def test_segments(name, rows, kind):
    extractor = Feature.load(name).extractor
    options = asdict(extractor)
    length, hop = options.pop("segment"), options.pop("segment_hop")
    plain, samples = KINDS[kind](**options), voice(2.5)
    features = extractor(samples)
    count = 1 + (len(samples) - length) // hop
    assert extractor.segment_frames == rows and features.shape == (count * rows, extractor.dim) and count > 2
    for k in range(count):
        np.testing.assert_array_equal(features[k * rows : (k + 1) * rows], plain(samples[k * hop : k * hop + length]))


def test_shorter_than_a_segment_is_zero_padded():
    extractor = Feature.load("mfcc26_seg18").extractor
    samples = voice(1.0)
    padded = np.pad(samples, (0, 28800 - 16000))
    np.testing.assert_array_equal(extractor(samples), extractor(padded))
    assert len(extractor(padded[:28799])) == 57 and len(extractor(np.pad(padded, (0, 3199)))) == 2 * 57


@pytest.mark.parametrize("name", SHIPPED)
@pytest.mark.filterwarnings("error")
def test_short_and_silent_give_finite_numbers(name, wav2vec2_folder):
    extractor = Feature.load(name, [f"model={wav2vec2_folder}"] if name == "wav2vec2" else []).extractor
    for samples in (np.full(1, 0.1), np.zeros(500), np.zeros(3000)):
        features = extractor(samples.astype(np.float32))
        assert features.dtype == np.float32 and features.shape[1] == extractor.dim and len(features) > 0
        assert np.isfinite(features).all()
