"""A small corpus from recordings to a report, made by the functions of the stages, whose files tests damage."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import soundfile

from mscnn.data.datadir import DataDir
from mscnn.evaluation.experiment import Experiment
from mscnn.features.config import Feature
from mscnn.features.extract import extract as extract_features
from mscnn.inference.predict import Request, predict_experiments
from mscnn.paths import CONF
from mscnn.reporting.page.page import write_page
from mscnn.reporting.results import write_report
from mscnn.training.experiment import ExperimentConfig
from mscnn.training.runner import train_experiments
from mscnn.training.sources import TextOptions
from mscnn.xvector.extract import extract as extract_xvectors
from mscnn.xvector.modeldir import XvectorModel
from tests.unit.training.conftest import make_toy

WORDS = ("what", "a", "day", "oh", "no", "not")
MOMENTS = {"config.yaml", "written.json", "memory.json"}  # config.yaml has the command and the versions
SETTINGS = ("max_epochs=2", "filters=2", "batch_size=8")


@dataclass(frozen=True)
class Corpus:
    """A corpus in a folder: its stages by number or name, and its files as they were after the last stage."""

    root: Path
    stages: dict[str, Callable[[], object]]
    files: dict[Path, bytes]

    def restore(self) -> None:
        """Bring every file back."""
        for path, content in self.files.items():
            if not path.is_file() or path.read_bytes() != content:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.unlink(missing_ok=True)
                path.write_bytes(content)


def files_of(root: Path) -> dict[Path, bytes]:
    """The files in a folder, without logs and what depends on the moment."""
    return {p: p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file() and p.suffix not in (".log", ".lock")}


def _record(root: Path) -> None:
    """Give every utterance a recording: a tone of its class, with noise."""
    data, rng = DataDir.load(root / "data" / "toy"), np.random.default_rng(0)
    time = np.arange(8000) / 16000
    for utt, emotion in data.emo.items():
        samples = 0.3 * np.sin(2 * np.pi * (200 if emotion == "sad" else 400) * time) + rng.normal(0, 0.02, 8000)
        soundfile.write(root / f"{utt}.wav", samples.astype(np.float32), 16000, subtype="PCM_16")
    (data.path / "wav.scp").write_text("".join(f"{utt} {root / utt}.wav\n" for utt in data.utts))


@pytest.fixture(scope="session")
def made(tmp_path_factory) -> Corpus:
    """The corpus after stage 6; its experiment takes audio, text with word vectors of a file, and x-vectors."""
    root = make_toy(tmp_path_factory.mktemp("faults"))
    _record(root)
    data, exp, feats, vectors = root / "data/toy", root / "exp/t", root / "dump", root / "exp/xvector/toy"
    words = root / "words.txt"
    words.write_text("".join(f"{word} {n / 10} {-n / 10} 0.5\n" for n, word in enumerate(WORDS)))
    setup = ExperimentConfig(
        model="mscnn_spu_att",
        data=data,
        labels=str(root / "toy.yaml"),
        protocol=str(root / "toy4.yaml"),
        exp=exp,
        device="cpu",
        feature_dirs=(feats,),
        xvector=vectors / "xvector.scp",
        text=TextOptions("gt", embeddings=str(words), dim=3),
        settings=SETTINGS,
        folds=2,
    )
    model, feature = XvectorModel.load(CONF / "xvector" / "espeak"), Feature.load("mfcc96")
    how = {"backend": "native", "unvoiced": "all-frames", "chunk_size": 0, "device": "cpu"}

    predicted = (exp, root / "exp/again")

    def train() -> None:
        train_experiments([setup], nj=1)
        predict_experiments([Request(*predicted, "gt")], device="cpu")

    def score() -> None:
        for folder in predicted:
            write_report(Experiment.load(folder), data)

    stages: dict[str, Callable[[], object]] = {
        "2": lambda: extract_xvectors(DataDir.load(data), model, vectors, convert=False, nj=1, **how),
        "3": lambda: extract_features(DataDir.load(data), feature, feats, nj=1, convert=False),
        "5": train,
        "6": score,
        "report": lambda: write_page(exp, data),  # the second command of stage 6
        "read": lambda: [Experiment.load(folder) for folder in predicted],  # the beginning of stage 6, which is fast
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MSCNN_BACKEND", "debug")
        for stage in stages.values():
            stage()
    return Corpus(root, stages, files_of(root))


@pytest.fixture
def corpus(made, monkeypatch) -> Iterator[Corpus]:
    """The corpus; what a test changes is brought back."""
    monkeypatch.setenv("MSCNN_BACKEND", "debug")
    yield made
    made.restore()
