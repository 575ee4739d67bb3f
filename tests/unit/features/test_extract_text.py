"""Vectors of transcripts in archives: those of one text, which no system mixes with another."""

import shutil

import numpy as np
import pytest
import yaml

from mscnn.bin.extract_features import main
from mscnn.data.datadir import DataDir
from mscnn.features import extract_text as stage
from mscnn.features.archive import FeatureDir
from mscnn.features.config import Feature
from mscnn.features.extract import extract
from mscnn.features.extract_text import extract_text
from mscnn.files import write_table
from mscnn.training.sources import Sources, TextOptions
from tests.raises import fails

TEXTS = {"a-1": "oh no", "a-2": "", "a-3": "what a day", "a-4": "not now!"}
RECOGNISED = {**TEXTS, "a-3": "what days", "a-4": ""}


@pytest.fixture
def data(tmp_path):
    """A data directory with reference transcripts, and those of an engine."""
    tables = {"text": TEXTS, "utt2spk": dict.fromkeys(TEXTS, "a"), "utt2emo": dict.fromkeys(TEXTS, "neu")}
    DataDir.write(tmp_path / "data", {**tables, "utt2dur": dict.fromkeys(TEXTS, 1.0)})
    write_table(tmp_path / "data" / "text.recognised", RECOGNISED)
    return DataDir.load(tmp_path / "data")


@pytest.fixture
def tokens(bert_folder):
    return Feature.load("minilm_tokens", [f"model={bert_folder}"])


def sources(data, out, source="gt"):
    return Sources(data, {"text_encoder": FeatureDir.load(out)}, TextOptions(source), None)


@pytest.mark.parametrize("stored", ["float32", "float16"])
def test_archives_have_the_vectors_of_the_texts(data, bert_folder, tmp_path, stored):
    feature = Feature.load("minilm_tokens", [f"model={bert_folder}", f"stored={stored}"])
    out = tmp_path / "tokens" / "recognised"
    assert extract_text(data, feature, out, "recognised", nj=1) == {"a-1": 4, "a-2": 2, "a-3": 5, "a-4": 2}
    archive = FeatureDir.load(out)
    expected, _ = feature.extractor.encode([*RECOGNISED.values()])
    for utt, matrix in zip(RECOGNISED, expected, strict=True):
        np.testing.assert_allclose(archive.read(utt), matrix, rtol=2e-3 if stored == "float16" else 1e-6, atol=1e-4)
    facts = yaml.safe_load((out / "feature.yaml").read_text())
    assert (facts["text"], facts["dim"], facts["frame_shift"]) == ("recognised", 12, 0)
    assert "trim_db" not in facts["options"] and facts["made_by"]["weights"]
    assert archive.text == "recognised" and archive.title == f"minilm_tokens{_stored(stored)} model={bert_folder}"


def _stored(stored):
    return "" if stored == "float32" else f" stored={stored}"


def test_the_result_does_not_depend_on_processes(data, tokens, tmp_path, monkeypatch):
    extract_text(data, tokens, tmp_path / "one", "gt", nj=1)
    monkeypatch.setattr(stage, "JOB_SIZE", 2)
    monkeypatch.setattr(stage, "AT_A_TIME", 1)
    extract_text(data, tokens, tmp_path / "two", "gt", nj=2)
    one, two = FeatureDir.load(tmp_path / "one"), FeatureDir.load(tmp_path / "two")
    assert len(two.maps.paths) == 2
    for utt in TEXTS:
        np.testing.assert_allclose(one.read(utt), two.read(utt), atol=1e-6)


def test_few_texts_are_in_memory_at_a_time(data, tokens, tmp_path, monkeypatch):
    sizes: list[int] = []
    encode = stage.encode
    monkeypatch.setattr(stage, "AT_A_TIME", 3)
    monkeypatch.setattr(
        stage, "encode", lambda feature, texts, device: sizes.append(len(texts)) or encode(feature, texts)
    )
    assert extract_text(data, tokens, tmp_path / "out", "gt", nj=1)["a-3"] == 5
    assert sizes == [3, 1]


def test_texts_never_mix(data, tokens, tmp_path):
    for source in ("gt", "recognised"):
        extract_text(data, tokens, tmp_path / source, source, nj=1)
    assert sources(data, tmp_path / "gt").require_text().text.source == "gt"
    with fails("features-text", tmp_path / "gt", "recognised"):
        sources(data, tmp_path / "gt", "recognised").require_text()
    other = sources(data, tmp_path / "gt").of_text("recognised")
    assert (other.text.source, other.features["text_encoder"].path) == ("recognised", tmp_path / "recognised")
    assert other.of_text("gt").features["text_encoder"].text == "gt"
    with fails("features-missing", tmp_path / "vosk"):
        sources(data, tmp_path / "gt").of_text("vosk")
    write_table(data.path / "text.recognised", {**RECOGNISED, "a-1": "no"})  # transcribed again, not encoded again
    with fails("features-text", tmp_path / "recognised"):
        sources(data, tmp_path / "gt").of_text("recognised")
    shutil.copytree(tmp_path / "gt", tmp_path / "copied" / "recognised")  # in the wrong place
    with fails("features-text", "gt", "recognised"):
        sources(data, tmp_path / "copied" / "recognised", "recognised").require_text()


def test_another_text_in_the_same_folder_is_encoded_again(data, tokens, tmp_path):
    extract_text(data, tokens, tmp_path / "out", "gt", nj=1)
    before = FeatureDir.load(tmp_path / "out")
    same = before.read("a-3")
    made = (tmp_path / "out" / "feats.1.ark").stat().st_mtime_ns
    extract_text(data, tokens, tmp_path / "out", "gt", nj=1)
    assert (tmp_path / "out" / "feats.1.ark").stat().st_mtime_ns == made, "up to date"
    write_table(data.path / "text", {**TEXTS, "a-1": "no no no"})
    extract_text(DataDir.load(data.path), tokens, tmp_path / "out", "gt", nj=1)
    after = FeatureDir.load(tmp_path / "out")
    assert after.text_digest != before.text_digest and len(after.read("a-1")) == 5
    np.testing.assert_array_equal(after.read("a-3"), same)


def test_features_of_audio_and_of_text_are_told_apart(data, tokens, tmp_path):
    with fails("feature-source", "minilm_tokens", "inputs.text_encoder"):
        extract(data, tokens, tmp_path / "out", nj=1, convert=False)
    with fails("feature-source", "mfcc96", "inputs.audio"):
        extract_text(data, Feature.load("mfcc96"), tmp_path / "out", "gt", nj=1)
    with fails("option-unknown", "trim_db"):
        Feature.load("minilm_tokens", ["trim_db=30"])
    with fails("transcript-missing", "text.vosk"):
        extract_text(data, tokens, tmp_path / "out", "vosk", nj=1)


def test_the_command_takes_a_text(data, bert_folder, tmp_path, monkeypatch):
    monkeypatch.setenv("MSCNN_BACKEND", "debug")
    options = ["--data", str(data.path), "--feature", "minilm_sentence", "--set", f"model={bert_folder}"]
    monkeypatch.setattr(
        "sys.argv", ["x", *options, "--text", "recognised", "--out", str(tmp_path / "out"), "--nj", "1"]
    )
    main()
    archive = FeatureDir.load(tmp_path / "out")
    assert archive.text == "recognised" and archive.read("a-1").shape == (1, 12)
