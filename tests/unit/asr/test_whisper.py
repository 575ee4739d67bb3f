"""The Whisper adapter with a real CTranslate2 model, tiny and untrained, whose transcripts have no meaning."""

import shutil
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from mscnn.asr import check_language, make_engine, whisper
from mscnn.asr.transcribe import transcribe
from mscnn.text.language import Language
from tests.raises import fails

pytest.importorskip("faster_whisper")
pytestmark = pytest.mark.asr
MARKS = ("endoftext", "startoftranscript", "translate", "transcribe")
MARKS += ("startoflm", "startofprev", "nospeech", "notimestamps")
WIDTH, HIDDEN, HEADS, LAYERS, FRAMES, LENGTH = 16, 32, 2, 1, 1500, 448


def write_model(folder):
    """A Whisper (English only) of random weights: one layer, 16 wide, one token per byte."""
    from ctranslate2.specs.whisper_spec import WhisperSpec
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    special = [f"<|{mark}|>" for mark in (*MARKS, *(f"{0.02 * i:.2f}" for i in range(FRAMES + 1)))]
    draw = np.random.default_rng(0)

    def fill(spec, **shapes):
        for name, shape in shapes.items():
            setattr(spec, name, draw.normal(0, 0.3, shape).astype(np.float32))

    def norm(spec):
        spec.gamma, spec.beta = np.ones(WIDTH, np.float32), np.zeros(WIDTH, np.float32)

    def linear(spec, out, size=WIDTH):
        fill(spec, weight=(out, size), bias=(out,))

    def block(layer):
        norm(layer.self_attention.layer_norm), norm(layer.ffn.layer_norm)
        linear(layer.self_attention.linear[0], 3 * WIDTH), linear(layer.self_attention.linear[1], WIDTH)
        linear(layer.ffn.linear_0, HIDDEN), linear(layer.ffn.linear_1, WIDTH, HIDDEN)

    spec = WhisperSpec(LAYERS, HEADS, LAYERS, HEADS)
    fill(spec.encoder.conv1, weight=(WIDTH, 80, 3), bias=(WIDTH,))
    fill(spec.encoder.conv2, weight=(WIDTH, WIDTH, 3), bias=(WIDTH,))
    fill(spec.encoder.position_encodings, encodings=(FRAMES, WIDTH))
    fill(spec.decoder.position_encodings, encodings=(LENGTH, WIDTH))
    fill(spec.decoder.embeddings, weight=(len(letters + special), WIDTH))
    fill(spec.decoder.projection, weight=(len(letters + special), WIDTH))
    norm(spec.encoder.layer_norm), norm(spec.decoder.layer_norm)
    for layer in [*spec.encoder.layer, *spec.decoder.layer]:
        block(layer)
    for layer in spec.decoder.layer:
        norm(layer.attention.layer_norm)
        for part, size in zip(layer.attention.linear, (WIDTH, 2 * WIDTH, WIDTH), strict=True):
            linear(part, size)
    spec.register_vocabulary(letters + special)
    for name in ("suppress_ids", "suppress_ids_begin", "lang_ids"):
        spec.config.add_attribute(name, [])
    spec.config.add_attribute("alignment_heads", [[0, 0]])
    spec.validate()
    spec.save(str(folder))
    tokenizer = Tokenizer(models.BPE(vocab={letter: i for i, letter in enumerate(letters)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token in special[: len(MARKS)]])
    tokenizer.add_tokens([AddedToken(token) for token in special[len(MARKS) :]])
    tokenizer.save(str(folder / "tokenizer.json"))


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whisper")
    write_model(folder)
    return folder


def test_stage_with_a_model_folder(model, sentences, make_data, tmp_path):
    data = make_data({f"s-{i}": (speech, text) for i, (text, speech) in enumerate(sentences.items())})
    engine = whisper.create(model=str(model), language="en-US")
    assert engine.language == "en"
    transcribe(data, engine, "one", tmp_path / "one", nj=1)
    words = data.text_of("one")
    assert all(words.values())
    transcribe(data, engine, "two", tmp_path / "two", nj=2)
    assert data.text_of("two") == words
    assert engine.open()(np.zeros(8000, dtype=np.float32)) == "", "the voice activity filter lets nothing through"


def test_models_are_identified_by_content(model, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    for file in model.iterdir():
        (other / file.name).write_bytes(file.read_bytes())
    identity = whisper.create(model=str(model), language="en-US").identity
    assert whisper.create(model=str(other), language="en").identity == identity
    assert identity["language"] == "en"
    (other / "preprocessor_config.json").write_text('{"feature_size": 80}')
    assert whisper.create(model=str(other), language="en").identity != identity


def test_an_english_model_has_no_other_language(model):
    with fails("language-unknown", "--language de-DE", model):
        whisper.create(model=str(model), language="de-DE")
    with fails("language-unknown", "de-DE", model):  # without loading anything, as the plan does
        check_language("faster-whisper", "de-DE", str(model))
    with fails("language-unknown", "--language pl", "small.en"):
        check_language("faster-whisper", "pl", "small.en")
    with fails("language-invalid", "language germn", "de (German)"):
        check_language("faster-whisper", "germn", str(model))
    check_language("faster-whisper", "en-GB", str(model))
    check_language("faster-whisper", "de-DE", "")  # the default model is then multilingual


def test_missing_models(model, tmp_path, monkeypatch):
    with fails("model-incomplete", "config.json", "model.bin", "tokenizer.json"):
        whisper.create(model=str(tmp_path), language="en-US")
    with fails("model-unknown", "--asr-model tiniest", "tiny.en"):
        whisper.create(model="tiniest", language="en-US")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with fails("model-unknown", "--asr-model tiny", "Systran/faster-whisper-tiny --local-dir", "--asr-model FOLDER"):
        whisper.create(model="tiny", language="en-US")
    for name in ("config.json", "model.bin", "tokenizer.json"):
        (tmp_path / name).write_bytes(b"{}")
    with fails("model-damaged", tmp_path):
        whisper.create(model=str(tmp_path), language="en-US").open()
    monkeypatch.setitem(sys.modules, "faster_whisper", None)
    with fails("package-missing", "mscnn[asr]"):
        make_engine("faster-whisper")


@pytest.mark.parametrize(
    "file, content",
    [
        ("tokenizer.json", b"{}"),
        ("tokenizer.json", None),  # of another model
        ("model.bin", b""),
        ("config.json", b"{"),
        ("vocabulary.json", b""),
        ("vocabulary.json", b"5"),
    ],
)
def test_damage_is_found_before_any_work(model, tmp_path, file, content):
    folder = tmp_path / "damaged"
    shutil.copytree(model, folder)
    if content is None:
        text = (folder / file).read_text()
        content = text.replace("<|endoftext|>", "<|end|>").replace("<|startoftranscript|>", "<|endoftext|>").encode()
    (folder / file).write_bytes(content)
    with fails("model-damaged", folder):
        whisper.create(model=str(folder))


@pytest.mark.parametrize("content", ["5", "null", "{"])
def test_a_vocabulary_that_is_no_list_says_nothing_of_languages(tmp_path, content):
    (tmp_path / "vocabulary.json").write_text(content)
    whisper.check_language(Language.parse("de"), str(tmp_path))
    whisper.check_language(Language.parse("en"), str(tmp_path))


def test_a_model_of_transformers_is_told(model, tmp_path):
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.safetensors").write_bytes(b"")
    with fails("model-incomplete", "model.bin", "ct2-transformers-converter"):
        whisper.create(model=str(tmp_path))


@pytest.mark.parametrize("ratio, decodings", [(2.4, 1), (2.5, 2)])
def test_text_that_repeats_itself_is_decoded_again(model, monkeypatch, ratio, decodings):
    """The tiny model's own text is random: what a decoding gives is made up here."""
    calls = []

    def transcribe(samples, **options):
        calls.append(options)
        text, found = ("again and again", ratio) if len(calls) == 1 else ("once", 1.0)
        return iter(
            [SimpleNamespace(text=" so", compression_ratio=1.0), SimpleNamespace(text=text, compression_ratio=found)]
        ), None

    engine = whisper.create(model=str(model))
    monkeypatch.setattr(whisper, "_load", lambda *_: SimpleNamespace(transcribe=transcribe))
    text = engine.open()(np.zeros(9, np.float32))
    assert text.split()[-1] == ("again" if decodings == 1 else "once") and len(calls) == decodings
    assert [options.get("no_repeat_ngram_size") for options in calls] == [None, 3][:decodings]
    assert {options["temperature"] for options in calls} == {0.0}
