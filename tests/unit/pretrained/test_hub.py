"""Reading wav2vec 2.0: from a folder, from the cache of the hub, with published weights; damaged and missing files."""

import json
import shutil
import sys

import pytest
import torch
from huggingface_hub import _CACHED_NO_EXIST
from safetensors.torch import load, save_file
from transformers import Wav2Vec2Config, Wav2Vec2ForCTC

from mscnn.pretrained import hub, speech
from mscnn.pretrained.hub import WAV2VEC2
from tests.raises import fails

REVISION = "0123456789abcdef0123456789abcdef01234567"
PARTS = {"weight.original0": "weight_g", "weight.original1": "weight_v"}  # PyTorch's names of a weight norm: new, old


@pytest.fixture
def folder(tmp_path, wav2vec2_folder):
    """A model to damage."""
    return shutil.copytree(wav2vec2_folder, tmp_path / "model")


def test_a_name_on_the_hub_is_its_revision(tmp_path, wav2vec2_folder, monkeypatch):
    model = tmp_path / "models--me--tiny"
    shutil.copytree(wav2vec2_folder, model / "snapshots" / REVISION)
    (model / "refs").mkdir()
    (model / "refs" / "main").write_text(REVISION)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    hub.revision.cache_clear()
    assert hub.revision("me/tiny", WAV2VEC2) == REVISION
    assert torch.equal(*(hub.network(name, WAV2VEC2).masked_spec_embed for name in ("me/tiny", str(wav2vec2_folder))))


@pytest.mark.parametrize("cached", [None, _CACHED_NO_EXIST])
def test_a_model_that_the_cache_of_the_hub_lacks_has_no_revision(monkeypatch, cached):
    monkeypatch.setattr(hub, "configuration", lambda name, kind: None)  # read from another cache
    monkeypatch.setattr("huggingface_hub.try_to_load_from_cache", lambda *args: cached)
    hub.revision.cache_clear()
    with fails("pretrained-not-cached", "me/tiny", "HF_HOME"):
        hub.revision("me/tiny", WAV2VEC2)


def test_steps_are_those_of_the_network(wav2vec2_folder):
    config = hub.configuration(str(wav2vec2_folder), WAV2VEC2)
    for samples in (48_000, 400, 719, 720):
        output = hub.network(str(wav2vec2_folder), WAV2VEC2)(torch.zeros(1, samples)).last_hidden_state
        assert output.shape == (1, hub.steps(config, samples), 16)
    assert hub.steps(Wav2Vec2Config(), 48_000) == 149


def test_weights_as_they_were_published(tmp_path, wav2vec2_folder):
    """facebook/wav2vec2-base-960h: an ASR model, old names of the weight norm, no weights for masked frames."""
    model = Wav2Vec2ForCTC(Wav2Vec2Config.from_pretrained(wav2vec2_folder))
    model.save_pretrained(tmp_path)
    state = load((tmp_path / "model.safetensors").read_bytes())
    del state["wav2vec2.masked_spec_embed"]
    for new, old in PARTS.items():
        state = {name.replace(f"parametrizations.{new}", old): value for name, value in state.items()}
    assert any(name.endswith("conv.weight_g") for name in state)
    save_file(state, tmp_path / "model.safetensors", {"format": "pt"})
    loaded = hub.network(str(tmp_path), WAV2VEC2).state_dict()
    for name, value in model.wav2vec2.state_dict().items():
        assert name == "masked_spec_embed" or torch.equal(loaded[name], value), name


def test_the_error_names_the_extra_of_a_missing_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "transformers", None)
    with fails("package-missing", "mscnn[ssl]"):
        hub.network("facebook/wav2vec2-base-960h", WAV2VEC2)


@pytest.mark.parametrize("name", ["/nowhere", "facebook/nothing-of-the-kind", ""])
def test_missing_models(name):
    with fails("pretrained-unreadable", name, "config.json"):
        hub.network(name, WAV2VEC2)


def test_damaged_folders(folder):
    config, weights = folder / "config.json", folder / "model.safetensors"
    facts, whole = json.loads(config.read_text()), weights.read_bytes()
    state = load(whole)
    part = {name: value for name, value in state.items() if not name.startswith("encoder.layers.1")}

    def refused(code: str, *names: object) -> None:
        with fails(code, folder, *names):
            hub.network(str(folder), WAV2VEC2)

    for damaged in (whole[: len(whole) // 2], b"junk", b""):
        weights.write_bytes(damaged)
        refused("pretrained-unreadable")
    save_file(part, weights, {"format": "pt"})
    refused("pretrained-incomplete", 16, "encoder.layers.1")
    weights.write_bytes(whole)
    for damaged in ({**facts, "hidden_size": 32}, {**facts, "conv_dim": 3}, [facts]):
        config.write_text(json.dumps(damaged))
        refused("pretrained-unreadable")
    config.write_text("{")
    refused("pretrained-unreadable")
    config.write_text(json.dumps({**facts, "model_type": "hubert"}))
    refused("pretrained-kind", "hubert")
    config.write_text(json.dumps(facts))
    weights.unlink()
    refused("pretrained-unreadable")


@pytest.mark.parametrize(
    ("file", "own", "code"),
    [
        ("config.json", {"model_type": "own", "auto_map": {"AutoConfig": "conf.Own"}}, "pretrained-unreadable"),
        ("preprocessor_config.json", {"auto_map": {"AutoFeatureExtractor": "conf.Own"}}, "pretrained-incomplete"),
    ],
)
def test_code_of_a_model_is_not_run(tmp_path, folder, monkeypatch, file, own, code):
    """Nor does transformers ask on standard input whether to run it."""
    stated = json.loads((folder / file).read_text()) if (folder / file).exists() else {"feature_extractor_type": "Own"}
    (folder / file).write_text(json.dumps(stated | own))
    (folder / "conf.py").write_text(f"open({str(tmp_path / 'written')!r}, 'w').close()\n")
    asked: list[str] = []
    monkeypatch.setattr("builtins.input", lambda text="": asked.append(text) or "y")
    with fails(code, folder) as caught:
        speech.load(str(folder), None, "cpu")
    assert "\n" not in str(caught.value)
    assert not asked and not (tmp_path / "written").exists()


@pytest.mark.parametrize("key", ["num_hidden_layers", "hidden_size"])
def test_a_network_of_any_size_is_not_made(folder, key):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, key: 10**30}))
    with fails("pretrained-unreadable", folder, key):
        hub.configuration(str(folder), WAV2VEC2)
