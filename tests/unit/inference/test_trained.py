"""Trained experiments: a network with the scores of training, its input, and changes since training."""

import dataclasses

import numpy as np
import pytest
import torch
import yaml
from safetensors.numpy import load_file, save_file

from mscnn.data.datadir import DataDir
from mscnn.evaluation.predictions import read_predictions
from mscnn.features.archive import FeatureDir
from mscnn.inference.trained import options_of, require_unchanged, restore
from mscnn.training.runner import train_experiments
from mscnn.training.sources import TextOptions
from tests.raises import fails
from tests.unit.training.conftest import toy_experiment


@pytest.fixture
def trained(toy, in_process):
    """One fold of a network that takes audio and text: its folder, its configuration, its data."""
    setup = toy_experiment(
        toy,
        "mscnn_spu_att",
        feature_dirs=(toy / "feats",),
        settings=("max_epochs=1", "filters=4", "max_frames=11"),
        text=TextOptions(dim=8),
        folds=1,
    )
    train_experiments([setup], nj=1)
    return setup.exp, yaml.safe_load((setup.exp / "config.yaml").read_text()), DataDir.load(setup.data)


def test_an_utterance_alone_is_normalised_and_scored_as_in_training(trained, toy):
    exp, config, data = trained
    run = exp / "fold01" / "run1"
    predicted = read_predictions(run / "predictions_test.tsv", config["classes"])
    utt = predicted.utts[-1]
    model, examples = restore(exp, config, data, {"one": [utt]}, 1, 1)
    inputs = examples["one"].batch([0])
    saved, frames = load_file(run / "model.safetensors"), FeatureDir.load(toy / "feats").read(utt)
    expected = ((frames - saved["audio.mean"]) / saved["audio.std"])[:11]
    np.testing.assert_allclose(inputs.audio[0].T.numpy(), expected, rtol=1e-6)
    with torch.inference_mode():
        prob = torch.softmax(model(inputs), dim=1)[0].numpy()
    np.testing.assert_allclose(prob, predicted.prob[-1], atol=2e-6)


def test_weights_of_another_network_are_refused(trained):
    exp, config, data = trained
    file = exp / "fold01" / "run1" / "model.safetensors"
    whole = load_file(file)
    for lacking in ("embedding.weight", "audio.mean", "head.1.weight"):
        save_file({name: value for name, value in whole.items() if name != lacking}, file)
        with fails("weights-other", lacking):
            restore(exp, config, data, {"one": data.utts[:1]}, 1, 1)
    file.unlink()
    with fails("weights-unreadable", file):
        restore(exp, config, data, {"one": data.utts[:1]}, 1, 1)


def test_changed_features_are_reported(trained, toy):
    exp, config, data = trained
    require_unchanged(exp, config, data)
    facts = toy / "feats" / "feature.yaml"
    facts.write_text(facts.read_text().replace("content: '0'", "content: '1'"))
    with fails("inputs-changed", "features", "mscnn.bin.train"):
        require_unchanged(exp, config, data)
    with fails("inputs-changed", "labels, features"):
        require_unchanged(exp, config, dataclasses.replace(data, emo=dict.fromkeys(data.emo, "sad")))


def test_experiments_of_an_older_version_are_refused(trained):
    exp, config, _ = trained
    assert options_of(exp, config).feature_dirs and options_of(exp, config).text.source == "gt"
    assert options_of(exp, {**config, "text": "engine", "trained_on": "gt"}).text.source == "gt"
    del config["feature_dirs"]
    with fails("experiment-too-old", exp):
        options_of(exp, config)
