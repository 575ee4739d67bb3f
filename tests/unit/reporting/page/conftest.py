"""The folder of a recipe after stages 1 to 6: hand-made predictions, random weights, and transcripts with markup."""

import json
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import kaldiio
import numpy as np
import pytest
import soundfile
import torch
import yaml
from safetensors.numpy import save_file

from mscnn.config.model import ModelSpec
from mscnn.data.datadir import DataDir
from mscnn.evaluation.experiment import Experiment
from mscnn.files import digest, read_table, write_table
from mscnn.inference.trained import options_of
from mscnn.leakage.result import AuditResult, FoldAudit, FoldOverlap, Overlap, ProtocolFacts, Scores, Spread
from mscnn.models.inputs import Sizes
from mscnn.models.mscnn import MSCNN, Options
from mscnn.reporting.lines import ScoreLine
from mscnn.reporting.page.page import write_page
from mscnn.reporting.page.source import read_data
from mscnn.reporting.results import write_report
from mscnn.reporting.templates import render
from mscnn.text.vocabulary import Vocabulary
from mscnn.training.fingerprint import input_digests
from mscnn.training.sources import Reader
from tests.conftest import ROOT
from tests.unit.evaluation.conftest import make_experiment, write_data
from tests.unit.reporting.reading import Element, read_html
from tests.unit.training.conftest import write_features

OPTIONS = {
    "audio_pool": ["max", "mean", "std"],
    "text_pool": ["max", "mean", "std"],
    "xvector": True,
    "swem": True,
    "attention": True,
    "audio_widths": [3, 4],
    "text_widths": [2, 3],
    "filters": 5,
    "fc_dim": 4,
    "dropout": 0.3,
    "project": 0,
    "att_mode": "concat",
    "att_scale": False,
    "freeze_emb": False,
    "max_frames": 750,
    "max_tokens": 8,
    "legacy_no_mask": False,
}
LABELS = {
    "name": "toy",
    "corpus": "toy",
    "classes": ["calm", "cross"],
    "map": {"a": "calm", "b": "cross"},
    "drop": ["<i>c</i>"],
}
EVIL = "<script>alert(1)</script>"
DIM, WIDTH, RATE = 6, 7, 8000


def words_of(utt):
    """Transcript of twelve tokens with markup, of which the model takes eight, or of five tokens."""
    return f"oh no {EVIL} not now" if utt.endswith("0") else "what a day it was"


def save_model(folder, options, seed=0):
    """Save random weights, statistics of the training part, and a vocabulary without some of the words."""
    torch.manual_seed(seed)
    vocabulary = Vocabulary.build(["oh no not what a day it", EVIL])
    known = {key: tuple(v) if isinstance(v, list) else v for key, v in options.items()}
    model = MSCNN(Options(**known), Sizes(2, DIM, len(vocabulary), WIDTH, xvector=3))
    weights = {key: value.numpy() for key, value in model.state_dict().items()}
    statistics = {"audio.mean": np.full(DIM, 0.5, np.float32), "audio.std": np.full(DIM, 2.0, np.float32)}
    save_file({**weights, **statistics, "xvector.mean": np.zeros(3)}, folder / "model.safetensors")
    vocabulary.save(folder)


def make_recipe(root, options=OPTIONS, **changes):
    """Write everything below ``root`` and score it; returns the folder of the experiment."""
    (root / "toy.yaml").write_text(yaml.safe_dump(LABELS))
    facts = {
        "family": "mscnn",
        "model_options": options,
        "features": {"audio": "mfcc96"},
        "normalise": {"audio": "zscore"},
        "segments": None,
        "xvec_norm": "none",
        "training": {},
        "labels": f"{root}/toy.yaml",
        "text_options": {},
        "feature_dirs": {"audio": f"{root}/dump/mfcc96/toy"},
        "xvector": f"{root}/exp/xvector/toy/xvector.scp",
        "xvector_model": "toy",
        "device": "cpu",
    }
    folder = make_experiment(root / "exp" / "try", data=str(root / "data" / "toy"), **{**facts, **changes})
    experiment = Experiment.load(folder)
    data = write_data(
        root / "data" / "toy",
        experiment,
        utt2spk=lambda u: u[:2],
        text=words_of,
        utt2dur=lambda u: "0.5",
        utt2emo=lambda u: ["calm", "cross"][int(u[3])],
        utt2gender=lambda u: "fm"[int(u[1]) % 2],
    )
    utts = sorted({u for folds in experiment.parts.values() for runs in folds for u in runs[0].utts})
    (root / "my corpus").mkdir()
    rng = np.random.default_rng(0)
    for utt in utts:
        soundfile.write(root / "my corpus" / f"{utt}.wav", np.sin(np.arange(RATE // 4) / 3), RATE, subtype="PCM_16")
    write_table(data / "wav.scp", {utt: root / "my corpus" / f"{utt}.wav" for utt in utts})
    matrices = {utt: rng.normal(size=(25, DIM)).astype(np.float32) for utt in utts}
    write_features(root / "dump" / "mfcc96" / "toy", "mfcc96", {"trim_db": None}, matrices)
    (root / "exp" / "xvector" / "toy").mkdir(parents=True)
    scp, vectors = root / "exp" / "xvector" / "toy" / "xvector.scp", {utt: np.ones(3, np.float32) for utt in utts}
    kaldiio.save_ark(str(scp.with_suffix(".ark")), vectors, scp=str(scp))
    note_inputs(folder)
    for number, run in enumerate(sorted(folder.glob("fold*/run*"))):
        save_model(run, options, number)
        entries = [{"epoch": e, "train_loss": 1 / e, "dev_loss": 1.0, "dev_ua": 50.0 + e, "dev_wa": 1} for e in (1, 2)]
        (run / "metrics.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    write_report(Experiment.load(folder))
    return folder


def note_inputs(folder):
    """Put into ``config.yaml`` the digests of what a training would read."""
    config = yaml.safe_load((folder / "config.yaml").read_text())
    setup, spec = options_of(folder, config), ModelSpec.of_config(config)
    text, spk, emo = (read_table(setup.data / name) for name in ("text", "utt2spk", "utt2emo"))
    data = DataDir(setup.data, wav={}, text=text, spk=spk, emo=emo, dur={})
    config["inputs"] = input_digests(spec, setup.sources(spec, data, reader := Reader()), reader)
    (folder / "config.yaml").write_text(yaml.safe_dump(config))


def change(folder, **values):
    """Other values in config.yaml; of those, options and digests are of models that are saved anew."""
    config = yaml.safe_load((folder / "config.yaml").read_text())
    (folder / "config.yaml").write_text(yaml.safe_dump(config | values))
    if "model_options" in values:
        for number, run in enumerate(sorted(folder.glob("fold*/run*"))):
            save_model(run, values["model_options"], number)
        note_inputs(folder)
    return folder


def predict_again(trained, transcript):
    """Output of ``predict_experiments --text ear``: predictions of the same models from ASR transcripts."""
    folder = trained.with_name("try_on_ear")
    shutil.copytree(trained, folder, ignore=shutil.ignore_patterns("*.safetensors", "*.txt", "*.jsonl", "figures"))
    config = yaml.safe_load((folder / "config.yaml").read_text())
    texts = dict.fromkeys(read_table(Path(config["data"], "text")), transcript)
    write_table(Path(config["data"], "text.ear"), texts)
    config |= {"text": "ear", "trained_on": "gt", "trained_in": str(trained)}
    config["inputs"]["tested_text"] = digest(texts)
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    write_report(Experiment.load(folder))
    return folder


@pytest.fixture(scope="session")
def made_once(tmp_path_factory):
    """The folder of a recipe with relative paths."""
    root = tmp_path_factory.mktemp("recipe")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        make_recipe(Path())
    return root


@dataclass(frozen=True)
class Written:
    """A page that was written once: its folder, text and elements; tests must not change the files."""

    folder: Path
    text: str
    page: Element

    @property
    def statistics(self) -> dict:
        """Content of statistics.json."""
        return json.loads((self.folder / "statistics.json").read_text())

    @property
    def lines(self) -> list[ScoreLine]:
        """The score lines of test."""
        texts = (self.folder / "score_test.txt").read_text().splitlines()
        return [ScoreLine.parse(text) for text in texts if text[0] == "%"]


@pytest.fixture(scope="session")
def written(made_once, tmp_path_factory):
    """The page of the hand-made experiment, with embedded audio, lists of folds, an audit, and markup as a name."""
    root, folder = tmp_path_factory.mktemp("written"), Path("exp", "try")
    shutil.copytree(made_once, root, dirs_exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        (folder / "folds").mkdir()
        (folder / "folds" / "fold01.test").write_text("t1-00\nt1-01\nt1-02\nt1-03\nt1-10\nt1-11\n")
        write_audit(Path("data/toy"), shared={"speaker": 0, "scene": 3})
        table = Path("data/toy/utt2spk")
        table.write_text(table.read_text().replace(" t1", f" {EVIL}"))
        write_report(Experiment.load(folder))
        text = write_page(folder, audio="embed").read_text()
    return Written(root / folder, text, read_html(text))


def show(section, exp, make, data=None):
    """A section of the page of an experiment, with the values that ``make`` gives."""
    report = read_data(exp, data)
    return read_html(render(f"report/{section}.html", report=report, view=make(report)))


def write_audit(data, shared, protocol="random10", aggregate="fold-mean", leaks=()):
    """Write an audit of the protocol; ``shared``: number of values that training and test of the worst fold share."""
    spread = Spread(1.5, 3, 2.5)
    pair = Scores(wa=Spread(61.09, 70, 61.0), ua=Spread(60.42, 70, 60.2))
    result = AuditResult(
        ProtocolFacts(protocol, 1, "1f3a", "1f3a00", {"train-test": ["speaker"]}, "dev", [], aggregate),
        "toy",
        20,
        "i",
        None,
        list(leaks),
        0.7,
        "/x/logmel",
        shared={what: replace(spread, worst=most) for what, most in shared.items()},
        texts={"all": Overlap(Spread(52.27, 61.3, 52.08), Spread(64.08, 74.2, 63.9))},
        scores={
            "tfidf_lr": {"all": pair},
            "text_1nn": {"all": replace(pair, ua=Spread(None, 50, 49.9))},
            "logmel_lr": None,
        },
        folds=[FoldAudit(1, {"test": 6}, {}, {"all": FoldOverlap(6, 3, 4)}, {})],
    )
    result.write(data / "audit" / f"{protocol}.json")
    return result


@pytest.fixture
def scored(made_once, tmp_path, monkeypatch):
    """Folder of a scored experiment; the recipe's folder is ``tmp_path``, the current folder."""
    shutil.copytree(made_once, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    return Path("exp", "try")
