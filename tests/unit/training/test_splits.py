"""Splits of a fold: statistics and vocabulary of the training split only, no labels of the test split."""

import kaldiio
import numpy as np
import pytest

from mscnn.config.model import ModelSpec
from mscnn.data.datadir import DataDir
from mscnn.data.protocols import Fold
from mscnn.errors import UserError
from mscnn.features.archive import FeatureDir
from mscnn.training.sources import Sources, TextOptions
from mscnn.training.splits import make_splits

CLASSES = ["happy", "sad"]


def everything(frames) -> np.ndarray:
    """All frames (N, D)."""
    return frames.part(0, int(frames.offsets[-1]))


def in_batches(examples) -> np.ndarray:
    """Frames (N, D) of all examples, as a network is given them, without padding."""
    batch = examples.batch(range(len(examples)))
    return np.concatenate([x[:, :n].T for x, n in zip(batch.audio.numpy(), batch.audio_len, strict=True)])


def fold(data: DataDir) -> Fold:
    return Fold(1, *(tuple(u for u in data.utts if u[:2] in speakers) for speakers in (("B1", "B2"), ("A2",), ("A1",))))


def splits_of(toy, name="audio_cnn", settings=(), xvector=None, text=None):
    data = DataDir.load(toy / "data" / "toy")
    sources = Sources(data, {"audio": FeatureDir.load(toy / "feats")}, text or TextOptions(dim=8), xvector)
    return make_splits(ModelSpec.load(name, settings), sources, fold(data), CLASSES, cache=toy / "cache", seed=1)


def test_normalisation_comes_from_training_frames(toy):
    splits = splits_of(toy)
    flat = everything(FeatureDir.load(toy / "feats").select(fold(DataDir.load(toy / "data" / "toy")).train))
    np.testing.assert_allclose(splits.statistics["audio.mean"], flat.mean(axis=0), rtol=1e-5)
    train, test = (in_batches(split) for split in (splits.train, splits.test))
    assert len(train) == len(flat)
    np.testing.assert_allclose(train.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(train.std(axis=0), 1, atol=1e-5)
    assert abs(test.mean()) > 1e-4


def test_segments_padded_first_are_normalised_as_segments(toy, tmp_path):
    """Concatenated segments, with padding: a frame in two segments counts twice."""
    config = tmp_path / "short.yaml"
    rule = "{frames: 30, hop: 10, long: ends, tail: drop, slide_classes: [happy], pad_first: true}"
    config.write_text(f"base: asrnn\noptions: {{channels: 3, frames: 30}}\nsegments: {rule}\n")
    data, features = DataDir.load(toy / "data" / "toy"), FeatureDir.load(toy / "feats")
    frames, rows = features.select(fold(data).train), []
    for i, utt in enumerate(fold(data).train):
        x = frames.matrix(i)
        x = np.pad(x, ((0, max(0, 30 - len(x))), (0, 0)))
        begins = range(0, len(x) - 29, 10) if data.emo[utt] == "happy" else sorted({0, len(x) - 30})
        rows += [x[begin : begin + 30] for begin in begins]
    rows = np.concatenate(rows)
    assert len(rows) > frames.offsets[-1]
    splits = splits_of(toy, str(config))
    np.testing.assert_allclose(splits.statistics["audio.mean"], rows.mean(axis=0), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(splits.statistics["audio.std"], rows.std(axis=0), rtol=1e-4)


def test_changed_text_options_have_no_paths():
    assert TextOptions().changed == TextOptions("pocketsphinx").changed == []
    text = TextOptions("gt", "sentencepiece", "/home/me/glove.840B.300d.txt", 100, 500)
    assert text.changed == ["tokens=sentencepiece", "dim=100", "pieces=500"]
    assert (TextOptions().title, text.title) == ("word2vec", "glove.840B.300d")


def test_the_test_split_has_no_labels(toy):
    splits = splits_of(toy)
    assert splits.test.labels is None
    assert splits.dev.labels.tolist() == [0, 1, 0, 1, 0, 1]


def test_vocabulary_comes_from_training_transcripts(toy):
    text = toy / "data" / "toy" / "text"
    text.write_text(text.read_text().replace("A1-0 what a day", "A1-0 what a marvel"))
    splits = splits_of(toy, "text_cnn")
    assert "day" in splits.words.vocabulary.words
    assert "marvel" not in splits.words.vocabulary.words
    assert splits.test.tokens[0][-1] == splits.words.vocabulary.words.index("<unk>") == 1
    assert splits.words.embedding.shape == (len(splits.words.vocabulary.words), 8)
    assert not splits.words.embedding[0].any()


@pytest.mark.parametrize("norm", ["none", "zscore", "length"])
def test_xvector_norms(toy, norm):
    vectors = {u: np.arange(5, dtype=np.float32) + i for i, u in enumerate(DataDir.load(toy / "data" / "toy").utts)}
    kaldiio.save_ark(str(toy / "x.ark"), vectors, scp=str(toy / "xvector.scp"))
    splits = splits_of(toy, "audio_cnn_xvector", [f"xvec_norm={norm}"], toy / "xvector.scp")
    rows = splits.train.xvectors
    assert splits.sizes.xvector == 5 and rows.dtype == np.float32  # that of the weights
    if norm == "none":
        np.testing.assert_array_equal(rows[0], vectors["B1-0"])
    elif norm == "zscore":
        np.testing.assert_allclose(rows.mean(axis=0), 0, atol=1e-5)
    else:
        np.testing.assert_allclose((rows**2).sum(axis=1), 5, rtol=1e-5)


def test_missing_xvectors(toy):
    kaldiio.save_ark(str(toy / "x.ark"), {"A1-0": np.ones(5, np.float32)}, scp=str(toy / "xvector.scp"))
    with pytest.raises(UserError, match="B1-0"):
        splits_of(toy, "audio_cnn_xvector", xvector=toy / "xvector.scp")
