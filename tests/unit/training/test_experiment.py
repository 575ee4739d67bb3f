"""An experiment: every fold and run is trained once, also after interruptions."""

import contextlib
import dataclasses
import re
import shutil
import sys

import numpy as np
import pytest
import yaml
from safetensors import safe_open

from mscnn.data.datadir import DataDir
from mscnn.data.protocols import Protocol
from mscnn.evaluation.experiment import Experiment
from mscnn.features.config import Feature
from mscnn.files import read_yaml
from mscnn.paths import conf
from mscnn.training import checkpoint
from mscnn.training.experiment import ExperimentConfig, resolve
from mscnn.training.runner import train_experiments
from mscnn.training.sources import Reader, TextOptions
from tests.raises import fails
from tests.unit.training.conftest import toy_experiment, write_features


@pytest.fixture
def setup(toy) -> ExperimentConfig:
    settings = ("max_epochs=2", "filters=4")
    return toy_experiment(toy, feature_dirs=(toy / "feats",), settings=settings, text=TextOptions(dim=8))


def outputs(setup: ExperimentConfig) -> dict[str, bytes]:
    return {
        str(p.relative_to(setup.exp)): p.read_bytes()
        for p in sorted(setup.exp.rglob("*"))
        if p.name in ("model.safetensors", "metrics.jsonl") or p.name.startswith("predictions")
    }


def test_a_feature_may_be_a_yaml_file(setup, toy, in_process):
    path = shutil.copy(conf("features", "mfcc96"), toy / "mfcc96.yaml")
    mine = dataclasses.replace(setup, settings=(*setup.settings, f"inputs.audio={path}"))
    assert train_experiments([mine], nj=1) == 4
    assert read_yaml(setup.exp / "config.yaml")["features"]["audio"].split()[0] == "mfcc96"


def test_all_folds_are_trained_once_and_resumed_exactly(setup, in_process, monkeypatch):
    assert train_experiments([setup], nj=1) == 4
    first = outputs(setup)
    assert len(first) == 4 * 4
    assert train_experiments([setup], nj=1) == 0
    lines = first["fold01/run1/predictions_test.tsv"].decode().splitlines()
    assert lines[0] == "utt\ttruth\tpred\tp_happy\tp_sad"
    assert [line.split("\t")[:2] for line in lines[1:3]] == [["A1-0", "happy"], ["A1-1", "sad"]]
    with safe_open(setup.exp / "fold01/run1/model.safetensors", "numpy") as weights:
        assert weights.metadata() == {"classes": "happy sad"}
        assert "audio.mean" in set(weights.keys())

    broken = dataclasses.replace(setup, exp=setup.exp.parent / "broken")
    save, calls = checkpoint.save, []

    def killed_in_epoch_four(*args):
        save(*args)
        calls.append(1)
        if len(calls) == 3:  # fold 2, epoch 1
            raise KeyboardInterrupt

    monkeypatch.setattr(checkpoint, "save", killed_in_epoch_four)
    with pytest.raises(KeyboardInterrupt):
        train_experiments([broken], nj=1)
    monkeypatch.setattr(checkpoint, "save", save)
    assert train_experiments([broken], nj=1) == 3
    assert outputs(broken) == first


def test_content_of_config_yaml(setup, in_process):
    train_experiments([setup], nj=1)
    config = yaml.safe_load((setup.exp / "config.yaml").read_text())
    assert config["classes"] == ["happy", "sad"]
    assert config["protocol"]["name"] == "toy4"
    assert config["protocol"]["selection"] == "dev"
    assert (config["text"], config["xvector"], config["folds"], config["runs"]) == ("none", "none", 4, 1)
    assert (setup.exp / "folds" / "fold01.dev").read_text().splitlines() == [f"A2-{i}" for i in range(6)]
    assert config["changed"] == ["filters=4", "max_epochs=2"], "no text, no text options"


def test_other_embeddings_and_units_are_another_system(setup, toy, in_process):
    """Score lines and tables distinguish systems by their word vectors, and by what changed."""
    (toy / "vectors.txt").write_text("oh 1 2\n")
    text = TextOptions(tokens="sentencepiece", embeddings=str(toy / "vectors.txt"), pieces=20)
    settings = ("max_epochs=2", "c=2.0")
    tfidf = dataclasses.replace(setup, model="tfidf_lr", settings=settings, text=text, exp=setup.exp.parent / "w")
    train_experiments([tfidf], nj=1)
    changed = yaml.safe_load((tfidf.exp / "config.yaml").read_text())["changed"]
    assert changed == ["c=2.0"], "baselines have no epochs"
    text_cnn = dataclasses.replace(tfidf, model="text_cnn", settings=("filters=4",))
    reader, protocol = Reader(), Protocol.load(text_cnn.protocol)
    sources = text_cnn.sources(text_cnn.spec(), reader.data(text_cnn.data), reader)
    config = resolve(text_cnn, text_cnn.spec(), sources, ["happy", "sad"], protocol, [], reader)
    assert config["changed"] == ["filters=4", "pieces=20", "tokens=sentencepiece"]
    assert config["embeddings"] == "vectors"


@pytest.mark.parametrize(
    ("feature", "changes", "marks"),
    [
        ("mfcc96", {"trim_db": 30}, ["trim_db=30"]),
        ("hubert_base", {}, []),
        ("hubert_base", {"model": "/models/mine", "stored": "float32"}, ["hubert_base.model=mine", "stored=float32"]),
    ],
)
def test_changes_of_features_are_named(setup, toy, in_process, feature, changes, marks):
    matrices = {utt: np.ones((20, 96), np.float32) for utt in DataDir.load(setup.data).utts}
    options = {**Feature.load(feature).options, **changes}
    if changes.get("stored") == "float32":
        del options["stored"]  # as stage 3 writes it
    write_features(toy / "changed", feature, options, matrices)
    settings = ("max_epochs=1", "filters=4", f"inputs.audio={feature}")
    train_experiments([dataclasses.replace(setup, feature_dirs=(toy / "changed",), settings=settings)], nj=1)
    assert read_yaml(setup.exp / "config.yaml")["changed"] == sorted([*settings, *marks])


def test_layers_are_not_taken_for_frames(setup, toy, in_process):
    """A head of layers on frames would take a frame for a layer, and a network of frames a layer for a frame."""
    matrices = {utt: np.ones((5, 96), np.float32) for utt in DataDir.load(setup.data).utts}
    for name in ("hubert_base", "hubert_base_layers"):
        write_features(toy / name, name, Feature.load(name).options, matrices)
    for model, feature in (("superb_head", "hubert_base"), ("audio_cnn", "hubert_base_layers")):
        settings = ("max_epochs=1", f"inputs.audio={feature}")
        mixed = dataclasses.replace(setup, model=model, feature_dirs=(toy / feature,), settings=settings)
        with fails("feature-rows", model, feature):
            train_experiments([mixed], nj=1)


def test_other_options_are_refused_unless_overwritten(setup, in_process):
    train_experiments([setup], nj=1)
    other = dataclasses.replace(setup, settings=("max_epochs=1", "filters=4"))
    (setup.exp / "score_test.txt").write_text("of the old configuration")
    with fails("experiment-changed", "training.max_epochs", "--overwrite true"):
        train_experiments([other], nj=1)
    assert train_experiments([setup], nj=1, overwrite=True) == 0  # nothing to train
    assert train_experiments([other], nj=1, overwrite=True) == 4
    assert not (setup.exp / "score_test.txt").exists()


def test_more_runs_only_add(setup, in_process):
    train_experiments([setup], nj=1)
    first = outputs(setup)
    assert train_experiments([dataclasses.replace(setup, runs=2)], nj=1) == 4
    both = outputs(setup)
    assert {name: both[name] for name in first} == first
    assert both["fold01/run1/model.safetensors"] != both["fold01/run2/model.safetensors"]


def test_more_folds_only_add_and_fewer_are_scored_without_the_others(setup, in_process):
    def scored() -> tuple[int, str]:
        experiment = Experiment.load(setup.exp)
        assert len(experiment.parts["test"]) == len([*(setup.exp / "folds").glob("*.test")])
        return len(experiment.parts["test"]), experiment.config["partial"]

    one, three = (dataclasses.replace(setup, folds=folds) for folds in (1, 3))
    assert train_experiments([one], nj=1) == 1
    first = outputs(setup)
    assert scored() == (1, "1/4")
    assert train_experiments([three], nj=1) == 2
    assert scored() == (3, "3/4")
    assert train_experiments([setup], nj=1) == 1
    assert scored() == (4, "")
    every = outputs(setup)
    assert {name: every[name] for name in first} == first
    whole = dataclasses.replace(setup, exp=setup.exp.parent / "whole")
    assert train_experiments([whole], nj=1) == 4 and outputs(whole) == every
    assert train_experiments([one], nj=1) == 0
    assert scored() == (1, "1/4") and outputs(setup) == every
    assert train_experiments([setup], nj=1) == 0 and scored() == (4, "")


def test_processes_give_the_same_results_as_this_process(setup):
    train_experiments([setup], nj=1)
    other = dataclasses.replace(setup, exp=setup.exp.parent / "processes")
    train_experiments([other], nj=2)
    assert outputs(other) == outputs(setup)


def test_missing_requirements(setup, toy):
    with fails("feature-missing", "mfcc96", "stage 3"):
        train_experiments([dataclasses.replace(setup, feature_dirs=())], nj=1)
    with fails("xvector-missing", "--xvector", "audio_cnn"):
        train_experiments([dataclasses.replace(setup, model="audio_cnn_xvector")], nj=1)
    with fails("class-unknown", "happy", "iemocap11"):
        train_experiments([dataclasses.replace(setup, labels="iemocap11")], nj=1)
    with fails("file-missing", "--embeddings", "nofile.txt"):
        train_experiments(
            [dataclasses.replace(setup, model="text_cnn", text=TextOptions(embeddings="nofile.txt"), settings=())], nj=1
        )
    absent = toy / "absent.yaml"
    absent.write_text(
        (toy / "toy.yaml").read_text().replace("- sad", "- sad\n- angry").replace("s: sad", "s: sad\n  a: angry")
    )
    with fails("class-absent", "fold 1", "angry", "train"):
        train_experiments([dataclasses.replace(setup, labels=str(absent))], nj=1)


def test_text_that_is_mostly_or_entirely_empty(setup, toy, in_process, caplog):
    path = setup.data / "text"
    utts = [line.split()[0] for line in path.read_text().splitlines()]
    texts = dataclasses.replace(setup, feature_dirs=(), settings=())

    def write(words):
        path.write_text("".join(f"{utt}{' hi' if i % 6 < words else ''}\n" for i, utt in enumerate(utts)))

    write(0)
    for model in ("tfidf_lr", "text_cnn"):
        with fails("text-empty", path, len(utts)):
            train_experiments([dataclasses.replace(texts, model=model)], nj=1)
    write(2)
    caplog.clear()
    train_experiments([dataclasses.replace(texts, model="tfidf_lr", folds=9)], nj=1)
    warnings = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert any(f"{len(utts) * 4 // 6} of {len(utts)}" in message for message in warnings)
    assert any("--folds 9" in message and "4 folds" in message for message in warnings)


def test_hidden_states_of_another_program_are_read(setup, toy, in_process, monkeypatch):
    """CA-MSER on an archive that stage 3 did not write, of utterances of one segment and of two; no transformers."""
    monkeypatch.setitem(sys.modules, "transformers", None)
    rng, utts = np.random.default_rng(0), DataDir.load(setup.data).utts
    seconds = {utt: 2 + 2 * (utt[-1] == "0") for utt in utts}
    shapes = {"camser_spec": (100, 200, {}), "mfcc40_htk": (100, 40, {}), "wav2vec2": (0, 16, {"model": "theirs"})}
    for name, (rate, width, options) in shapes.items():
        rows = {utt: rate * s or 149 * (1 + s // 3) for utt, s in seconds.items()}
        matrices = {utt: rng.random((n, width), np.float32) for utt, n in rows.items()}
        write_features(toy / name, name, options, matrices)
    frozen = dataclasses.replace(
        setup,
        model="ca_mser",
        feature_dirs=tuple(toy / name for name in shapes),
        folds=1,
        settings=("max_steps=1", "batch_size=2"),
    )
    assert train_experiments([frozen], nj=1) == 1
    config = yaml.safe_load((frozen.exp / "config.yaml").read_text())
    assert config["features"]["wav2vec2"] == "wav2vec2 model=theirs"
    with safe_open(frozen.exp / "fold01/run1/model.safetensors", "numpy") as weights:
        assert weights.get_slice("speech.weight").get_shape() == [128, 16]
        assert not [name for name in weights.keys() if name.startswith("wav2vec2.")]  # noqa: SIM118


def test_single_test_splits_may_lack_classes_where_folds_are_pooled(setup, toy, in_process):
    utt2emo = toy / "data" / "toy" / "utt2emo"
    utt2emo.write_text(re.sub(r"(A1-\d) sad", r"\1 happy", utt2emo.read_text()))
    facts = yaml.safe_load((toy / "toy4.yaml").read_text()) | {"dev": {"scheme": "share", "share": 0.3, "seed": 1}}
    facts["disjoint"] |= {"train-dev": []}
    setup = dataclasses.replace(setup, model="tfidf_lr", settings=())
    for aggregate, done in (("fold-mean", False), ("pooled", True)):
        (toy / "toy4.yaml").write_text(yaml.safe_dump(facts | {"aggregate": aggregate}))
        with contextlib.nullcontext() if done else fails("class-absent", "fold 1", "sad", "test"):
            assert train_experiments([setup], nj=1) == 4
    assert read_yaml(setup.exp / "config.yaml")["protocol"]["aggregate"] == "pooled"
    utt2emo.write_text(re.sub(" sad", " happy", utt2emo.read_text()))
    with fails("class-absent", "sad", "train"):
        train_experiments([dataclasses.replace(setup, exp=toy / "exp" / "other")], nj=1)
