"""A plan refuses options that differ from those of an experiment in the same folder, before any stage runs."""

import dataclasses
import shutil
import sys

import pytest
import yaml

from mscnn.bin import plan as entry_point
from mscnn.errors import DataErrors
from mscnn.recipe.make import make_plan
from mscnn.recipe.options import Options
from mscnn.training.fingerprint import WORDS
from mscnn.training.runner import train_experiments
from tests.unit.training.conftest import toy

__all__ = ["toy"]


@pytest.fixture
def options(toy, monkeypatch) -> Options:
    """Options of two experiments that were trained: one on audio, one on text."""
    monkeypatch.chdir(toy)
    (toy / "dump" / "mfcc96").mkdir(parents=True)
    (toy / "feats").rename(toy / "dump" / "mfcc96" / "toy")
    options = Options(
        labels="toy.yaml", models=("audio_cnn",), protocols=("toy4.yaml",), set=("max_epochs=1", "filters=2"),
        folds=1, device="cpu", usual="toy",
    )  # fmt: skip
    text = dataclasses.replace(options, models=("tfidf_lr",), set=())
    train_experiments([row.setup() for some in (options, text) for row in make_plan(some).rows], nj=1)
    return options


def refused(options: Options, **changes) -> str:
    with pytest.raises(DataErrors) as caught:
        make_plan(dataclasses.replace(options, **changes))
    (issue,) = caught.value.issues
    assert issue.code == "experiment-changed"
    assert "--tag" in str(issue) and "--overwrite true" in str(issue)
    return str(issue)


def test_changed_options_are_refused_before_any_stage(options, toy):
    again = make_plan(options)
    assert make_plan(dataclasses.replace(options, folds=0, runs=3, last=0)).rows
    shutil.rmtree(toy / "dump")  # neither data nor features need exist
    shutil.rmtree(toy / "data")
    assert make_plan(options) == again
    for word, changes in {
        "training.lr": {"set": (*options.set, "lr=0.1")},
        "options.filters": {"set": ("max_epochs=1", "filters=3")},
        "segments": {"set": (*options.set, "segments.frames=20")},
        "normalise.audio": {"set": (*options.set, "normalise.audio=minmax")},
        "--seed": {"seed": 1},
        "audio": {"trim": "30"},
    }.items():
        message = refused(options, **changes)
        assert word in message and "exp/audio_cnn_none_toy4" in message, message
        changed = dataclasses.replace(options, **changes)
        assert make_plan(dataclasses.replace(changed, overwrite=True)).rows
        assert make_plan(dataclasses.replace(changed, tag="other")).rows
        assert make_plan(dataclasses.replace(changed, last=3)).rows, "stage 5 does not run"
    text = dataclasses.replace(options, models=("tfidf_lr",), set=())
    assert make_plan(text).rows
    assert WORDS["text_options.tokens"] in refused(text, tokens="sentencepiece")
    assert "ngrams" in refused(text, set=("ngrams=1",))
    assert "family" in refused(options, models=("tfidf_lr",), set=(), tag="audio_cnn_none_toy4")
    protocol = yaml.safe_load((toy / "toy4.yaml").read_text())
    (toy / "toy4.yaml").write_text(yaml.safe_dump({**protocol, "version": 2}))
    assert "version" in refused(options)


def test_the_entry_point_refuses_also_in_a_dry_run(options, toy, monkeypatch, capsys):
    words = "plan --labels toy.yaml --model audio_cnn --protocol toy4.yaml --folds 1 --device cpu --usual toy"
    words += " --dry-run true --set max_epochs=1"
    monkeypatch.setattr(sys, "argv", words.split())
    assert entry_point.main() == 2
    assert "options.filters" in capsys.readouterr().err
    monkeypatch.setattr(sys, "argv", [*words.split(), "--overwrite", "true"])
    assert entry_point.main() == 0
