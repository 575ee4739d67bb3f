"""Segments relative to their maximum, of a spectrogram stored once, equal spectrograms computed segment by segment."""

from dataclasses import asdict, dataclass, replace

import numpy as np
import pytest
import torch

from mscnn.config.model import ModelSpec
from mscnn.features.base import Segmented
from mscnn.features.config import Feature
from mscnn.features.spectrogram import Spectrogram
from mscnn.features.store import Frames
from mscnn.inference.frontend import Batch, Item
from mscnn.training.examples import Stream
from mscnn.training.splits import read_examples
from tests.raises import fails
from tests.unit.features.synthetic import voice

SEGMENT, TRAIN, TEST = 32000, 5, 2  # samples of a segment; train and test take every fifth and every second
LENGTHS = (1, 700, 31999, 32000, 35199, 35200, 48000, 51360, 67203)


@dataclass(frozen=True)
class SegmentSpectrogram(Segmented, Spectrogram):
    """The spectrogram of each segment, one every 0.2 s, as the code of GLAM has it."""


def recordings() -> list[np.ndarray]:
    """Recordings of LENGTHS samples; those from 700 to 35200 have their peak at 3 kHz."""
    sound = voice(4.5)
    sound[:33000] *= 0.01
    sound[:20000] += 0.3 * np.sin(2 * np.pi * 3000 * np.arange(20000) / 16000).astype(np.float32)
    return [sound[:n] if n < 40000 else sound[-n:] for n in LENGTHS]


@pytest.mark.parametrize("train", [True, False])
def test_batches_equal_those_of_segments_computed_one_by_one(train):
    spec, samples = ModelSpec.load("cnn_attn_pooling"), recordings()
    feature = Feature.load(spec.features["audio"]).extractor
    utts = [str(i) for i in range(len(samples))]
    stored = Batch([Item({"audio": feature(one)}, None, False, ()) for one in samples], [""] * len(samples), None)
    examples = read_examples(spec, stored, utts, None, classes=dict.fromkeys(utts, "sad") if train else None)

    old = SegmentSpectrogram(**asdict(feature) | {"segment": SEGMENT, "segment_hop": 3200, "relative": True})
    segments = [old(one).reshape(-1, 197, 400)[:: TRAIN if train else TEST] for one in samples]
    assert examples.utterance.tolist() == [i for i, one in enumerate(segments) for _ in one]
    assert max(map(len, segments)) > 2 and (examples.lengths == 197).all()
    batch = examples.batch(np.arange(len(examples)))
    expected = np.concatenate(segments).transpose(0, 2, 1)
    np.testing.assert_allclose(batch.audio[:, : spec.options["bins"]].numpy(), expected, atol=1e-4, rtol=0)
    assert batch.audio[2, :400].max() < -1, "its peak is above the bins that are kept"
    assert (batch.audio.amax(dim=(1, 2)) == 0).all()


def test_padding_is_zero_and_stored_frames_stay():
    frames = np.array([[1, 5], [2, 3], [-7, -9]], np.float32)
    stream = replace(Stream.whole(Frames.flat(frames, np.array([2, 1]))), relative=True)
    audio, _ = stream.on("cpu").batch(torch.tensor([0, 1]), 2)
    assert audio.tolist() == [[[-4, 0], [-3, -2]], [[0, -2], [0, 0]]]
    assert frames.tolist() == [[1, 5], [2, 3], [-7, -9]]


@pytest.mark.parametrize("setting", ["normalise.audio=zscore", "normalise.audio=null", "segments.pad_first=true"])
def test_statistics_of_other_frames_are_refused(setting):
    with fails("segments-relative", setting.partition("=")[0], "segments.relative"):
        ModelSpec.load("cnn_attn_pooling", [setting])
    ModelSpec.load("cnn_attn_pooling", [setting, "segments.relative=false"])
