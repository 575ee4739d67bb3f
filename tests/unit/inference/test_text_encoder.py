"""Systems on vectors of text: new texts are encoded, those of another source are taken from their own folder."""

from pathlib import Path

import pytest
import yaml

from mscnn.data.datadir import DataDir
from mscnn.features.config import Feature
from mscnn.features.extract_text import extract_text
from mscnn.files import write_table
from mscnn.inference.bundle import write_bundle
from mscnn.inference.experiment import load_experiment
from mscnn.inference.load import load_model
from mscnn.inference.onnx_export import export_model
from mscnn.inference.predict import Request, predict_experiments
from mscnn.training.runner import train_experiments
from mscnn.training.sources import TextOptions
from tests.raises import fails
from tests.unit.inference.conftest import make_voices
from tests.unit.training.conftest import toy_experiment

SMALL = ("max_epochs=1", "batch_size=4", "filters=4")


@pytest.fixture(scope="module")
def encoded(tmp_path_factory, bert_folder) -> Path:
    """The corpus of ``voices`` with ASR transcripts, and vectors of both texts."""
    folder = make_voices(tmp_path_factory.mktemp("encoded"))
    data = DataDir.load(folder / "data" / "toy")
    write_table(
        data.path / "text.recognised", {utt: "not now" if utt[-1] in "03" else text for utt, text in data.text.items()}
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MSCNN_BACKEND", "debug")
        for name in ("minilm_tokens", "minilm_sentence"):
            feature = Feature.load(name, [f"model={bert_folder}"])
            for text in ("gt", "recognised"):
                extract_text(data, feature, folder / name / text, text, nj=1)
    return folder


def train(folder, model, feature, settings=SMALL, text="gt", also=()):
    made = toy_experiment(
        folder,
        model,
        exp=f"{model}_{text}",
        settings=settings,
        feature_dirs=(folder / feature / text, *also),
        text=TextOptions(text, dim=8),
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MSCNN_BACKEND", "debug")
        train_experiments([made], nj=1)
    return made.exp


def printed(path: Path) -> dict[str, list[str]]:
    return {row.split("\t")[0]: row.split("\t")[2:] for row in path.read_text().splitlines()[1:]}


@pytest.fixture(scope="module")
def tokens(encoded):
    """``mscnn_text_encoder``, trained on reference transcripts."""
    return train(encoded, "mscnn_text_encoder", "minilm_tokens")


def answers(exp, data, utts, texts):
    results = load_model(exp, fold=1).predict_many([data.wav[utt] for utt in utts], texts)
    return [[one.label, *(f"{p:.6f}" for p in one.probabilities.values())] for one in results]


def test_new_texts_are_encoded(encoded, tokens):
    data = DataDir.load(encoded / "data" / "toy")
    expected = printed(tokens / "fold01" / "run1" / "predictions_test.tsv")
    assert answers(tokens, data, expected, [data.text[utt] for utt in expected]) == [*expected.values()]
    wav = data.wav[data.utts[0]]
    one, other = (load_model(tokens, fold=1).predict(wav, text=text) for text in ("oh no", "what days!"))
    assert one.probabilities != other.probabilities
    with fails("text-missing", "mscnn_text_encoder"):
        load_model(tokens).predict(wav)


def test_config_and_score_lines_name_text_and_encoder(tokens, bert_folder):
    config = yaml.safe_load((tokens / "config.yaml").read_text())
    assert (config["text"], config["embeddings"]) == ("gt", "none")
    assert config["features"] == {"text_encoder": f"minilm_tokens model={bert_folder}"}
    assert config["inputs"]["text"] and "embeddings" not in config["inputs"]


@pytest.mark.parametrize(
    ("model", "feature", "settings"),
    [("mscnn_text_encoder", "minilm_tokens", SMALL), ("text_encoder_lr", "minilm_sentence", ())],
)
def test_other_transcripts_have_their_own_vectors(encoded, model, feature, settings, in_process, request):
    exp = (
        request.getfixturevalue("tokens") if model == "mscnn_text_encoder" else train(encoded, model, feature, settings)
    )
    out = exp.with_name(f"{model}_on_recognised")
    predict_experiments([Request(exp, out, "recognised")], device="cpu")
    own, other = (printed(path / "fold01" / "run1" / "predictions_test.tsv") for path in (exp, out))
    data = DataDir.load(encoded / "data" / "toy")
    recognised = data.text_of("recognised")
    assert [own[utt] == other[utt] for utt in own] == [data.text[utt] == recognised[utt] for utt in own]
    if model == "mscnn_text_encoder":
        assert answers(exp, data, other, [recognised[utt] for utt in other]) == [*other.values()]
    with fails("transcript-missing", "text.vosk"):
        predict_experiments([Request(exp, exp.with_name("vosk"), "vosk")], device="cpu")


def test_vectors_of_another_text_are_refused(encoded, in_process):
    wrong = toy_experiment(
        encoded,
        "mscnn_text_encoder",
        exp="wrong",
        settings=SMALL,
        feature_dirs=(encoded / "minilm_tokens" / "recognised",),
    )
    with fails("features-text", "recognised", "gt"):
        train_experiments([wrong], nj=1)


def test_audio_and_vectors_of_text(encoded):
    settings = (*SMALL, "max_frames=90", "inputs.xvector=false")
    exp = train(encoded, "mscnn_spu_att_text_encoder", "minilm_tokens", settings, also=(encoded / "voiced",))
    data = DataDir.load(encoded / "data" / "toy")
    expected = printed(exp / "fold01" / "run1" / "predictions_test.tsv")
    assert answers(exp, data, expected, [data.text[utt] for utt in expected]) == [*expected.values()]
    assert load_model(exp).predict(data.wav[data.utts[0]]).text_source == "none", "the vectors of an empty text"


def test_a_bundle_has_no_encoder_and_a_graph_takes_its_vectors(tokens, tmp_path, bert_folder):
    with fails("bundle-pretrained", "mscnn predict"):
        write_bundle(load_experiment(tokens), tmp_path / "bundle", "card")
    pytest.importorskip("onnxruntime")
    exported = export_model(tokens, tmp_path / "model.onnx")
    assert exported.difference < 1e-5 and "TEXT_ENCODER.npy" in exported.example.read_text()
