"""Predicting again: what training predicted to the last digit, and other transcripts with nothing else changed."""

import dataclasses

import kaldiio
import numpy as np
import pytest
import yaml

from mscnn.data.datadir import DataDir
from mscnn.evaluation.experiment import Experiment
from mscnn.evaluation.robustness import robustness
from mscnn.evaluation.wer import write_wer
from mscnn.files import write_table
from mscnn.inference.predict import Request, predict_experiments
from mscnn.reporting.results import write_report
from mscnn.training.experiment import Setup
from mscnn.training.runner import train_experiments
from mscnn.training.sources import TextOptions
from tests.raises import fails
from tests.unit.training.conftest import write_features

SHORT = ("max_epochs=1", "batch_size=4")
KINDS = {
    "audio": ("audio_cnn", ("filters=4",)),
    "words": ("text_cnn", ("filters=4",)),
    "pieces": ("text_cnn", ("filters=4",)),
    "fusion": ("mscnn_spu_att", ("filters=4", "xvec_norm=zscore", "max_frames=11")),
    "minmax and prosody": ("mha2", ("hidden=4",)),
    "segments": ("glam", ()),
    "majority": ("majority", ()),
    "baseline of text": ("tfidf_lr", ()),
    "baseline of audio": ("logmel_lr", ()),
}


pytestmark = pytest.mark.usefixtures("in_process")


@pytest.fixture
def setup(toy) -> Setup:
    """One fold of a text model, and transcripts of an ASR engine in text.ear."""
    data = DataDir.load(toy / "data" / "toy")
    words = ("what a day", "oh no not now", "a marvel", "not what", "")
    write_table(data.path / "text.ear", {utt: words[i % 5] for i, utt in enumerate(data.utts)})
    return Setup(
        model="text_cnn", data=data.path, labels=str(toy / "toy.yaml"), protocol=str(toy / "toy4.yaml"),
        exp=toy / "exp" / "t", settings=(*SHORT, "filters=4"), device="cpu", text=TextOptions(dim=8), folds=1,
    )  # fmt: skip


@pytest.fixture
def features(toy):
    """Archives of every feature that KINDS need, and x-vectors."""
    rng, utts = np.random.default_rng(1), DataDir.load(toy / "data" / "toy").utts
    sizes = {"mfcc120": (20, 120), "prosody35": (1, 35), "mfcc26_seg18": (140, 26), "logmel3d": (20, 120)}
    for name, (rows, width) in sizes.items():
        matrices = {u: rng.random((rows, width)).astype(np.float32) for u in utts}
        write_features(toy / name, name, {}, matrices)
    vectors = {u: rng.random(5).astype(np.float32) for u in utts}
    kaldiio.save_ark(str(toy / "x.ark"), vectors, scp=str(toy / "xvector.scp"))
    return (toy / "feats", *(toy / name for name in sizes))


def predictions(exp):
    return {str(p.relative_to(exp)): p.read_bytes() for p in sorted(exp.glob("fold*/run*/predictions_*.tsv"))}


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_words_give_the_same_predictions_to_the_last_digit(kind, setup, toy, features):
    model, settings = KINDS[kind]
    tokens = "sentencepiece" if kind == "pieces" else "word"
    own = () if model in ("majority", "tfidf_lr", "logmel_lr") else SHORT
    setup = dataclasses.replace(
        setup, model=model, settings=(*own, *settings), feature_dirs=features, xvector=toy / "xvector.scp",
        text=TextOptions(tokens=tokens, dim=8, pieces=20), runs=2,
    )  # fmt: skip
    train_experiments([setup], nj=1)
    out = toy / "exp" / "again"
    assert predict_experiments([Request(setup.exp, out)], device="cpu") == 2
    assert predictions(out) == predictions(setup.exp) and len(predictions(out)) == 4
    assert predict_experiments([Request(setup.exp, out)], device="cpu") == 0
    lines = write_report(Experiment.load(out))
    assert "trained_on" not in lines[0].fields


@pytest.mark.parametrize("model", ["text_cnn", "tfidf_lr"])
def test_other_words_reach_dev_and_test_only(model, setup, toy):
    """Reference: a training on transcripts that are the reference in the training part and the engine's elsewhere."""
    setup = dataclasses.replace(setup, model=model, settings=setup.settings if model == "text_cnn" else ())
    train_experiments([setup], nj=1)
    data = DataDir.load(setup.data)
    heard = {u: w if u[:2] in ("A1", "A2") else data.text[u] for u, w in data.text_of("ear").items()}
    write_table(data.path / "text.mixed", heard)
    mixed = dataclasses.replace(setup, exp=toy / "exp" / "mixed", text=TextOptions("mixed", dim=8))
    train_experiments([mixed], nj=1)
    out = toy / "exp" / "t_on_ear"
    predict_experiments([Request(setup.exp, out, text="ear")], device="cpu")
    assert predictions(out) == predictions(mixed.exp) != predictions(setup.exp)


def test_an_experiment_that_says_what_it_was_trained_on(setup, toy):
    train_experiments([setup], nj=1)
    out = toy / "exp" / "t_on_ear"
    predict_experiments([Request(setup.exp, out, text="ear")], device="cpu")
    config = yaml.safe_load((out / "config.yaml").read_text())
    assert (config["text"], config["trained_on"], config["trained_in"]) == ("ear", "gt", str(setup.exp))
    assert config["protocol"] == yaml.safe_load((setup.exp / "config.yaml").read_text())["protocol"]
    line = write_report(Experiment.load(out))[0]
    assert (line.fields["text"], line.fields["trained_on"], line.fields["partial"]) == ("ear", "gt", "1/4")
    write_table(setup.data / "text.ear", dict.fromkeys(DataDir.load(setup.data).utts, "what a day"))
    old = predictions(out)
    assert predict_experiments([Request(setup.exp, out, text="ear")], device="cpu") == 1 and predictions(out) != old


def test_all_predictions_are_one_list_of_jobs(setup, toy, monkeypatch):
    setups = [
        dataclasses.replace(setup, model="tfidf_lr", settings=(), folds=2, exp=toy / "exp" / name) for name in "ab"
    ]
    train_experiments(setups, nj=1)
    calls = []
    monkeypatch.setattr("mscnn.jobs.run_jobs", lambda function, jobs, **options: calls.append((jobs, options)))
    requests = [Request(one.exp, one.exp.with_name(f"{one.exp.name}_on_ear"), "ear") for one in setups]
    assert predict_experiments(requests, device="cpu", nj=2) == 4
    [(jobs, options)] = calls
    assert len(jobs) == 4
    assert options["logs"] == [request.out / "log" / f"predict.{n}.log" for request in requests for n in (1, 2)]
    wrong = [Request(setups[0].exp, toy / "exp" / "new"), Request(setups[1].exp, toy / "exp" / "other", "whisper")]
    with fails("transcript-missing", "whisper"):
        predict_experiments(wrong, device="cpu")
    assert not (toy / "exp" / "new").exists()


def test_what_cannot_be_predicted_is_said(setup, toy):
    exp, out = setup.exp, toy / "exp" / "out"

    def refuses(code, *names, exp=exp, out=out, text=None):
        with fails(code, *names):
            predict_experiments([Request(exp, out, text)], device="cpu")

    refuses("experiment-missing", exp)
    train_experiments([setup], nj=1)
    refuses("transcript-missing", "text.whisper", "gt, ear", text="whisper")
    refuses("text-mismatch", "text_cnn", text="none")
    refuses("experiment-changed", exp, out=exp)
    predict_experiments([Request(exp, toy / "exp" / "first")], device="cpu")
    refuses("experiment-changed", "first", out=toy / "exp" / "first", text="ear")
    refuses("experiment-predicted", "first", exp, exp=toy / "exp" / "first")
    silent = dataclasses.replace(setup, model="majority", settings=(), exp=toy / "exp" / "silent")
    train_experiments([silent], nj=1)
    refuses("text-mismatch", "majority", "--text", exp=silent.exp, text="ear")
    train = exp / "folds" / "fold01.train"
    whole = train.read_bytes()
    train.write_bytes(whole + b"A1-0 A1-1\n")
    refuses("fold-list-line", f"fold01.train:{len(whole.splitlines()) + 1}", "A1-0 A1-1")
    train.unlink()
    refuses("fold-list-unreadable", "fold01.train")
    train.write_bytes(whole)
    weights = exp / "fold01" / "run1" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-9])
    refuses("weights-unreadable", weights)
    (setup.data / "text").write_text((setup.data / "text").read_text().replace("what a day", "what a way"))
    refuses("inputs-changed", "text", "mscnn.bin.train", out=toy / "exp" / "other")


def test_from_training_to_the_table_of_robustness(setup, toy):
    """Where the ASR engine was right, a bag of words predicts what it predicts from reference transcripts."""
    data, root = DataDir.load(setup.data), toy / "exp"
    heard = {utt: data.text[utt] if utt[-1] in "01" else "a marvel" for utt in data.utts}
    write_table(data.path / "text.ear", heard)
    write_wer(root / "asr_ear" / "toy", data, heard, "ear")
    base = dataclasses.replace(setup, model="tfidf_lr", settings=(), folds=0)
    own = {"true": base, "ear": dataclasses.replace(base, text=TextOptions("ear")),
           "silent": dataclasses.replace(base, model="majority")}  # fmt: skip
    for name, some in own.items():
        train_experiments([dataclasses.replace(some, exp=root / name)], nj=1)
    predict_experiments([Request(root / "true", root / "mixed", text="ear")], device="cpu")
    exps = [Experiment.load(root / name) for name in (*own, "mixed")]
    found = {row.exp.path.name: row for row in robustness(exps).rows}
    assert list(found) == ["true", "mixed", "ear", "silent"]
    right, wrong = (found["mixed"].buckets["ear"][name] for name in ("0 %", "50-100 %"))
    assert (right.utterances, right.ua) == (8, 100) and found["true"].buckets["ear"]["0 %"] == right
    assert (wrong.utterances, wrong.ua) == (16, 50)
    assert found["silent"].difference is None and found["mixed"].difference < 0
