"""Predictions equal those of training to the last digit; with other transcripts nothing else changes."""

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
from mscnn.training.experiment import ExperimentConfig
from mscnn.training.runner import train_experiments
from mscnn.training.sources import TextOptions
from tests.raises import fails
from tests.unit.training.conftest import toy_experiment, write_features

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
def setup(toy) -> ExperimentConfig:
    """One fold of a text model, and transcripts of an ASR engine in text.engine."""
    data = DataDir.load(toy / "data" / "toy")
    transcripts = ("what a day", "oh no not now", "a marvel", "not what", "")
    write_table(data.path / "text.engine", {utt: transcripts[i % 5] for i, utt in enumerate(data.utts)})
    return toy_experiment(toy, "text_cnn", settings=(*SHORT, "filters=4"), text=TextOptions(dim=8), folds=1)


@pytest.fixture
def features(toy):
    """Archives of every feature that KINDS needs, and x-vectors."""
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
def test_the_same_transcripts_give_the_same_predictions_to_the_last_digit(kind, setup, toy, features):
    model, settings = KINDS[kind]
    tokens = "sentencepiece" if kind == "pieces" else "word"
    trained = () if model in ("majority", "tfidf_lr", "logmel_lr") else SHORT
    setup = dataclasses.replace(
        setup,
        model=model,
        settings=(*trained, *settings),
        feature_dirs=features,
        xvector=toy / "xvector.scp",
        text=TextOptions(tokens=tokens, dim=8, pieces=20),
        runs=2,
    )
    train_experiments([setup], nj=1)
    out = toy / "exp" / "again"
    assert predict_experiments([Request(setup.exp, out)], device="cpu") == 2
    assert predictions(out) == predictions(setup.exp) and len(predictions(out)) == 4
    assert predict_experiments([Request(setup.exp, out)], device="cpu") == 0
    lines = write_report(Experiment.load(out))
    assert "trained_on" not in lines[0].fields


@pytest.mark.parametrize("model", ["text_cnn", "tfidf_lr"])
def test_other_transcripts_affect_dev_and_test_only(model, setup, toy):
    """Compared with training on reference transcripts in the training split and ASR transcripts elsewhere."""
    setup = dataclasses.replace(setup, model=model, settings=setup.settings if model == "text_cnn" else ())
    train_experiments([setup], nj=1)
    data = DataDir.load(setup.data)
    transcripts = {u: w if u[:2] in ("A1", "A2") else data.text[u] for u, w in data.text_of("engine").items()}
    write_table(data.path / "text.mixed", transcripts)
    mixed = dataclasses.replace(setup, exp=toy / "exp" / "mixed", text=TextOptions("mixed", dim=8))
    train_experiments([mixed], nj=1)
    out = toy / "exp" / "t_on_engine"
    predict_experiments([Request(setup.exp, out, text="engine")], device="cpu")
    assert predictions(out) == predictions(mixed.exp) != predictions(setup.exp)


def test_predictions_are_an_experiment_with_trained_on(setup, toy):
    train_experiments([setup], nj=1)
    out = toy / "exp" / "t_on_engine"
    predict_experiments([Request(setup.exp, out, text="engine")], device="cpu")
    config = yaml.safe_load((out / "config.yaml").read_text())
    assert (config["text"], config["trained_on"], config["trained_in"]) == ("engine", "gt", str(setup.exp))
    assert config["protocol"] == yaml.safe_load((setup.exp / "config.yaml").read_text())["protocol"]
    line = write_report(Experiment.load(out))[0]
    assert (line.fields["text"], line.fields["trained_on"], line.fields["partial"]) == ("engine", "gt", "1/4")
    write_table(setup.data / "text.engine", dict.fromkeys(DataDir.load(setup.data).utts, "what a day"))
    old = predictions(out)
    assert predict_experiments([Request(setup.exp, out, text="engine")], device="cpu") == 1 and predictions(out) != old


def test_all_predictions_are_one_job_queue(setup, toy, monkeypatch):
    experiments = [
        dataclasses.replace(setup, model="tfidf_lr", settings=(), folds=2, exp=toy / "exp" / name) for name in "ab"
    ]
    train_experiments(experiments, nj=1)
    calls = []
    monkeypatch.setattr("mscnn.jobs.run_jobs", lambda function, jobs, **options: calls.append((jobs, options)))
    requests = [Request(one.exp, one.exp.with_name(f"{one.exp.name}_on_engine"), "engine") for one in experiments]
    assert predict_experiments(requests, device="cpu", nj=2) == 4
    [(jobs, options)] = calls
    assert len(jobs) == 4
    assert options["logs"] == [request.out / "log" / f"predict.{n}.log" for request in requests for n in (1, 2)]
    wrong = [
        Request(experiments[0].exp, toy / "exp" / "new"),
        Request(experiments[1].exp, toy / "exp" / "other", "whisper"),
    ]
    with fails("transcript-missing", "whisper"):
        predict_experiments(wrong, device="cpu")
    assert not (toy / "exp" / "new").exists()


def test_requests_that_cannot_be_predicted(setup, toy):
    exp, out = setup.exp, toy / "exp" / "out"

    def refuses(code, *names, exp=exp, out=out, text=None):
        with fails(code, *names):
            predict_experiments([Request(exp, out, text)], device="cpu")

    refuses("experiment-missing", exp)
    train_experiments([setup], nj=1)
    refuses("transcript-missing", "text.whisper", "gt, engine", text="whisper")
    refuses("text-mismatch", "text_cnn", text="none")
    refuses("experiment-changed", exp, out=exp)
    predict_experiments([Request(exp, toy / "exp" / "first")], device="cpu")
    refuses("experiment-changed", "first", out=toy / "exp" / "first", text="engine")
    refuses("experiment-predicted", "first", exp, exp=toy / "exp" / "first")
    silent = dataclasses.replace(setup, model="majority", settings=(), exp=toy / "exp" / "no_text")
    train_experiments([silent], nj=1)
    refuses("text-mismatch", "majority", "--text", exp=silent.exp, text="engine")
    train = exp / "folds" / "fold01.train"
    whole = train.read_bytes()
    train.write_bytes(whole + b"A1-0 A1-1\n")
    refuses("experiment-damaged", train)
    (exp / "written.json").unlink()
    refuses("fold-list-line", f"fold01.train:{len(whole.splitlines()) + 1}", "A1-0 A1-1")
    train.unlink()
    refuses("fold-list-unreadable", "fold01.train")
    train.write_bytes(whole)
    weights = exp / "fold01" / "run1" / "model.safetensors"
    trained = weights.read_bytes()
    weights.write_bytes(trained[:-9])
    refuses("experiment-damaged", weights)
    weights.write_bytes(trained)
    (setup.data / "text").write_text((setup.data / "text").read_text().replace("what a day", "what a way"))
    refuses("inputs-changed", "text", "mscnn.bin.train", out=toy / "exp" / "other")


def test_robustness_to_asr_errors(setup, toy):
    """Where the ASR transcript is correct, a bag of words predicts the same as from the reference transcript."""
    data, root = DataDir.load(setup.data), toy / "exp"
    transcripts = {utt: data.text[utt] if utt[-1] in "01" else "a marvel" for utt in data.utts}
    write_table(data.path / "text.engine", transcripts)
    write_wer(root / "asr_engine" / "toy", data, transcripts, "engine")
    base = dataclasses.replace(setup, model="tfidf_lr", settings=(), folds=0)
    trained = {
        "reference": base,
        "engine": dataclasses.replace(base, text=TextOptions("engine")),
        "no_text": dataclasses.replace(base, model="majority"),
    }
    for name, options in trained.items():
        train_experiments([dataclasses.replace(options, exp=root / name)], nj=1)
    predict_experiments([Request(root / "reference", root / "mixed", text="engine")], device="cpu")
    exps = [Experiment.load(root / name) for name in (*trained, "mixed")]
    rows = {row.exp.path.name: row for row in robustness(exps).rows}
    assert list(rows) == ["reference", "mixed", "engine", "no_text"]
    correct, wrong = (rows["mixed"].buckets["engine"][name] for name in ("0 %", "50-100 %"))
    assert (correct.utterances, correct.ua) == (8, 100) and rows["reference"].buckets["engine"]["0 %"] == correct
    assert (wrong.utterances, wrong.ua) == (16, 50)
    assert rows["no_text"].difference is None and rows["mixed"].difference < 0
