"""Hidden states of a tiny wav2vec 2.0: values, rows, and archives that depend on the weights."""

import pickle
import shutil

import numpy as np
import torch
from transformers import Wav2Vec2Model

from mscnn.config.model import ModelSpec
from mscnn.features.archive import FeatureDir
from mscnn.features.config import Feature
from mscnn.features.extract import extract
from mscnn.features.wav2vec2 import BATCH_SIZE
from mscnn.pretrained import hub
from mscnn.pretrained.hub import WAV2VEC2
from tests.raises import fails
from tests.unit.features.synthetic import voice
from tests.unit.features.test_extract import make_data


def test_segments(wav2vec2_folder):
    extractor, samples = Feature.load("wav2vec2", [f"model={wav2vec2_folder}"]).extractor, voice(4.0)
    extractor.check()
    assert (extractor.dim, extractor.segment_frames, extractor.frame_shift) == (16, 149, 0.02)
    features = extractor(samples)
    assert features.shape == (2 * 149, 16) and features.dtype == np.float32
    emphasised = np.append(samples[0], samples[1:] - np.float32(0.97) * samples[:-1])
    second = np.append(emphasised[48000:], np.zeros(32000))  # padded at the end, then normalised
    second = (second - second.mean()) / second.std()
    with torch.inference_mode():
        expected = Wav2Vec2Model.from_pretrained(wav2vec2_folder)(torch.tensor(second[None], dtype=torch.float32))
    np.testing.assert_allclose(features[149:], expected.last_hidden_state[0], atol=1e-4)
    assert pickle.loads(pickle.dumps(extractor)) == extractor  # needed to start a process


def test_batches_give_the_same_as_single_segments(wav2vec2_folder, monkeypatch):
    extractor, samples = Feature.load("wav2vec2", [f"model={wav2vec2_folder}"]).extractor, voice(10.0)
    alone = extractor(samples)
    monkeypatch.setitem(BATCH_SIZE, "cpu", 3)
    np.testing.assert_allclose(extractor.compute(samples, "cpu"), alone, atol=1e-5)


def test_number_of_segments_equals_that_of_the_spectrogram(wav2vec2_folder):
    extractor = Feature.load("wav2vec2", [f"model={wav2vec2_folder}"]).extractor
    spectrogram = Feature.load("camser_spec").extractor
    for n in (1, 47999, 48000, 48160):
        samples = voice(3.1)[:n]
        assert len(extractor(samples)) == 149 * -(-len(spectrogram(samples)) // 300)


def test_the_model_of_the_paper_is_the_default():
    assert Feature.load("wav2vec2").options["model"] == "facebook/wav2vec2-base-960h"
    assert ModelSpec.load("ca_mser_finetuned").options["wav2vec2"] == "facebook/wav2vec2-base-960h"


def test_other_weights_under_the_same_name_make_features_stale(tmp_path, wav2vec2_folder, monkeypatch):
    folder, out = tmp_path / "model", tmp_path / "out"
    shutil.copytree(wav2vec2_folder, folder)
    data, feature = make_data(tmp_path, {"a-1": (voice(0.5), 16000)}), Feature.load("wav2vec2", [f"model={folder}"])
    monkeypatch.setattr("mscnn.features.wav2vec2._cached", lambda model, device: hub.network(model, WAV2VEC2))

    def made() -> tuple[int, str]:
        hub.revision.cache_clear()  # the cache assumes that weights do not change
        assert extract(data, feature, out, nj=1, convert=False) == {"a-1": 149}
        return (out / "feats.1.ark").stat().st_mtime_ns, FeatureDir.load(out).content

    first = made()
    assert made() == first
    torch.manual_seed(1)
    Wav2Vec2Model(Wav2Vec2Model.config_class.from_pretrained(folder)).save_pretrained(folder)
    assert made()[1] != first[1]


def test_features_of_another_origin_are_not_replaced(tmp_path, wav2vec2_folder):
    data, feature = make_data(tmp_path, {"a-1": (voice(0.5), 16000)}), Feature.load("mfcc96")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "feature.yaml").write_text("feature: wav2vec2\n")
    with fails("out-not-ours", "--stage train"):
        extract(data, feature, tmp_path / "out", nj=1, convert=False)
