"""wav2vec 2.0: a tiny random model from a folder; messages where model or package is missing."""

import pickle

import numpy as np
import pytest

from mscnn.errors import UserError
from mscnn.features import wav2vec2
from mscnn.features.config import Feature
from tests.features.synthetic import voice


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    transformers = pytest.importorskip("transformers", reason="the package transformers is not installed")
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    config = transformers.Wav2Vec2Config(
        hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32, conv_dim=(8,) * 7,
        num_conv_pos_embeddings=16, num_conv_pos_embedding_groups=2,
    )  # fmt: skip
    path = tmp_path_factory.mktemp("wav2vec2")
    transformers.Wav2Vec2Model(config).save_pretrained(path)
    return path


def test_segments_of_a_local_model(folder, monkeypatch):
    import torch
    from transformers import Wav2Vec2Model

    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    extractor, samples = Feature.load("wav2vec2", [f"model={folder}"]).extractor, voice(4.0)
    extractor.check()
    assert (extractor.dim, extractor.segment_frames, extractor.frame_shift) == (16, 149, 0.02)
    found = extractor(samples)
    assert found.shape == (2 * 149, 16) and found.dtype == np.float32
    emphasised = np.append(samples[0], samples[1:] - np.float32(0.97) * samples[:-1])
    second = np.append(emphasised[48000:], np.zeros(32000))  # padded at the end, then normalised
    second = (second - second.mean()) / second.std()
    with torch.inference_mode():
        expected = Wav2Vec2Model.from_pretrained(folder)(torch.tensor(second[None], dtype=torch.float32))
    np.testing.assert_allclose(found[149:], expected.last_hidden_state[0], atol=1e-4)
    assert pickle.loads(pickle.dumps(extractor)) == extractor  # what starting a process needs


def test_as_many_segments_as_camser_has_spectrograms(folder):
    extractor, spectrogram = (
        Feature.load("wav2vec2", [f"model={folder}"]).extractor,
        Feature.load("camser_spec").extractor,
    )
    for n in (1, 47999, 48000, 48160):
        samples = voice(3.1)[:n]
        assert len(extractor(samples)) == 149 * -(-len(spectrogram(samples)) // 300)


def test_without_model_or_package(monkeypatch):
    with pytest.raises(UserError, match="--set model=facebook/wav2vec2-base-960h"):
        Feature.load("wav2vec2").extractor.check()
    monkeypatch.setattr(wav2vec2, "find_spec", lambda name: None)
    with pytest.raises(UserError, match="pip install transformers"):
        Feature.load("wav2vec2", ["model=facebook/wav2vec2-base-960h"]).extractor.check()


def test_folder_without_a_model(tmp_path):
    pytest.importorskip("transformers", reason="the package transformers is not installed")
    with pytest.raises(UserError, match="no folder with a model"):
        Feature.load("wav2vec2", [f"model={tmp_path}"]).extractor.check()
