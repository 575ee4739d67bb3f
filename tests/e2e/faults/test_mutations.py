"""Files with random damage, for every reader: each is read, or refused with one UserError, within seconds.

``MSCNN_TEST_MUTATIONS`` per reader (30); ``MSCNN_TEST_FUZZ_SECONDS`` goes on for so long per reader, with other seeds.
"""

import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from mscnn.config.corpus import Description
from mscnn.config.labels import LabelMap
from mscnn.config.model import ModelSpec
from mscnn.data.datadir import DataDir
from mscnn.data.foldlists import read_list
from mscnn.data.protocols import Protocol, make_folds
from mscnn.errors import UserError
from mscnn.evaluation.evaluation import Evaluation
from mscnn.evaluation.experiment import Experiment
from mscnn.evaluation.predictions import read_predictions
from mscnn.features.archive import FeatureDir
from mscnn.features.config import Feature
from mscnn.files import read_table, read_yaml
from mscnn.options import Parser
from mscnn.paths import CONF
from mscnn.recipe.grid import Request, read_grid
from mscnn.recipe.plan import Plan
from mscnn.reporting.lines import ScoreLine
from mscnn.reporting.overview import read_costs
from mscnn.reporting.published import read_published
from mscnn.stamp import Stamp, damaged
from mscnn.xvector import nnet3
from mscnn.xvector.vectors import read_vectors
from tests.conftest import ROOT
from tests.unit.training.conftest import make_toy

NUMBER = int(os.environ.get("MSCNN_TEST_MUTATIONS", "30"))
SECONDS = float(os.environ.get("MSCNN_TEST_FUZZ_SECONDS", "0"))
LONGEST = 10  # s for one file, on a loaded machine
JUNK = [
    *("", " ", "nan", "inf", "null", "~", "-1", "0", "1e999", "1e-4", "true", "no", "9" * 5000, "99999999999", "-0.0"),
    *("[" * 3000, "{" * 100, "[]", "{}", "[a, 1]", "{a: 1}", "*a", "&a [*a]", "!!timestamp x", "2001-99-99", "<<: *x"),
    *("a: b", "\n", "\t", "\r", "\x00", "\ufeff", "\u2028", "ä", "x" * 400, "../..", "/dev/zero", "|", "%"),
    *("\\", "'", '"'),
    *("? a", "- ", ": ", "#", "\x1b[31m", "9223372036854775808", "0x10", "1_000", ".5", "${inputs.text}", "\udcff"),
]
TABLE = "utt,truth,pred,speaker,fold\n" + "".join(
    f"u{i},{'ab'[i % 2]},{'ab'[i % 3 % 2]},s{i % 4},{i % 2}\n" for i in range(12)
)
LINE = "%UA 80.11 %WA 80.44 %F1 79.83 [ 251 / 313 ] protocol=loso5@aff4 text=gt folds=5 runs=1 agg=pooled exp/tag"
PREDICTIONS = "utt\ttruth\tpred\tp_a\tp_b\nu1\ta\ta\t0.600000\t0.400000\nu2\tb\ta\t0.700000\t0.300000\n"


def mutated(content: bytes, rng: random.Random) -> bytes:
    """The content with one to three damages: bytes, words, lines, or its length."""
    for _ in range(rng.choice([1, 1, 2, 3])):
        kind = rng.randrange(7)
        at = rng.randrange(len(content) + 1)
        junk = rng.choice(JUNK).encode("utf-8", "surrogateescape")
        if kind == 0:
            content = content[:at] + bytes([rng.randrange(256)]) + content[at + 1 :]
        elif kind == 1:
            content = content[:at] + junk + content[at:]
        elif kind == 2:
            content = content[:at] + content[at + rng.choice([1, 4, 40, 4000]) :]
        elif kind in (3, 4):  # a word
            words = content.split(b" ")
            words[rng.randrange(len(words))] = junk
            content = b" ".join(words)
        elif kind == 5:  # a line twice, or in another place
            lines = content.split(b"\n")
            lines.insert(rng.randrange(len(lines)), rng.choice(lines))
            content = b"\n".join(lines)
        else:  # a value
            lines = content.split(b"\n")
            n = rng.randrange(len(lines))
            key, colon, _ = lines[n].partition(b":")
            lines[n] = key + colon + b" " + junk
            content = b"\n".join(lines)
    return content


@contextmanager
def limited(seconds: int) -> Iterator[None]:
    """The block ends within some seconds, or TimeoutError is raised in it."""

    def late(number, frame):
        raise TimeoutError(f"over {seconds} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.fixture(scope="module")
def toy(tmp_path_factory) -> Path:
    return make_toy(tmp_path_factory.mktemp("mutations"))


def _options(path: Path) -> None:
    parser = Parser("mscnn.bin.x", "")
    parser.add_argument("--stop-stage", type=int, default=0)
    parser.add_argument("--on-bad", choices=["stop", "skip"], default="stop")
    try:
        parser.parse_args(["--config", str(path)])
    except SystemExit as end:
        assert end.code == 2


def _setting(path: Path) -> None:
    text = path.read_bytes().decode("utf-8", "replace")
    ModelSpec.load("audio_cnn", [text])


def _config(path: Path) -> None:
    ModelSpec.of_config(read_yaml(path))


def _scores(path: Path) -> None:
    for line in path.read_bytes().decode("utf-8", "replace").splitlines():
        ScoreLine.parse(line)


def _experiment(path: Path) -> None:
    folder = path.parent / "e"
    folder.mkdir(exist_ok=True)
    (folder / "config.yaml").write_bytes(path.read_bytes())
    Experiment.load(folder)


CONFIG = """model: audio_cnn
family: x
inputs: {audio: mfcc96, text: false, xvector: false}
training: {lr: 0.001, batch_size: 64}
data: data/x
classes: [a, b]
protocol: {name: p, hash: abcd, disjoint: {}, selection: dev}
text: none
xvector: none
folds: 1
runs: 1
legacy: false
environment: {}
command: python
"""


def _grid(path: Path) -> None:
    request = Request("glam", "gt", "loso5", "iemocap4", "all", 0, 1, ())
    read_grid(str(path), request, ["loso5"], ["pocketsphinx"])


def _texts(name: str) -> list[bytes]:
    files = sorted((CONF / name).rglob("*.yaml"))
    return [path.read_bytes() for path in files[:: max(1, len(files) // 8)]]


READERS: dict[str, tuple[Callable[[], list[bytes]], str, Callable[[Path], object]]] = {
    "labels": (lambda: _texts("labels"), "x.yaml", lambda path: LabelMap.load(str(path))),
    "protocols": (lambda: _texts("protocols"), "x.yaml", lambda path: Protocol.load(str(path))),
    "models": (lambda: _texts("models"), "x.yaml", lambda path: ModelSpec.load(str(path))),
    "settings": (lambda: [b"training.lr=1e-4", b"filters=2", b"inputs.audio=mfcc40"], "x.txt", _setting),
    "features": (lambda: _texts("features"), "x.yaml", lambda path: Feature.load(str(path))),
    "corpora": (lambda: _texts("corpora"), "x.yaml", lambda path: Description.load(str(path))),
    "grids": (lambda: _texts("grids"), "x.yaml", _grid),
    "published": (lambda: [(CONF / "published.yaml").read_bytes()[:6000]], "x.yaml", read_published),
    "options": (lambda: [b"stop-stage: 2\non_bad: skip\n"], "x.yaml", _options),
    "tables": (lambda: [b"a-1 what a day\na-2 oh no\na-3\n"], "text", read_table),
    "lists": (lambda: [b"a-1\na-2\na-3\n"], "fold01.test", read_list),
    "scores": (lambda: [LINE.encode()], "score_test.txt", _scores),
    "predictions": (lambda: [PREDICTIONS.encode()], "p.tsv", lambda path: read_predictions(path, ["a", "b"])),
    "evaluate": (lambda: [TABLE.encode()], "p.csv", Evaluation.from_file),
    "config": (lambda: [CONFIG.encode()], "config.yaml", _config),
    "experiments": (lambda: [CONFIG.encode()], "config.yaml", _experiment),
    "plans": (lambda: [b'{"tag": "a", "model": "glam", "exp": "exp/a"}\n'], "p.jsonl", Plan.load),
    "costs": (lambda: [b"model\tparameters\nglam\t12\n"], "costs.tsv", read_costs),
    "networks": (lambda: [(ROOT / "tests/unit/xvector/data/final.raw").read_bytes()], "final.raw", nnet3.read),
    "stamps": (
        lambda: [b'{"fingerprint": {"inputs": "0"}, "outputs": {"x": [1, 2], "y": null}}'],
        "done.json",
        lambda path: (damaged(path), Stamp(path).fresh(), Stamp(path).stale()),
    ),
}  # fmt: skip


def attempt(read: Callable[[Path], object], path: Path, content: bytes, what: str) -> None:
    """Read a file: it is read, or refused with a UserError."""
    path.write_bytes(content)
    try:
        with limited(LONGEST):
            read(path)
    except UserError:
        pass
    except Exception as error:
        pytest.fail(f"{what}: {type(error).__name__}: {str(error)[:300]}: {content[:2000]!r}")


def seeds() -> Iterator[int]:
    """Numbers of the mutations to try."""
    start, number = time.monotonic(), 0
    while number < NUMBER or time.monotonic() - start < SECONDS:
        yield number
        number += 1


@pytest.mark.parametrize("reader", READERS)
def test_every_mutation_is_read_or_refused(reader, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    texts, name, read = READERS[reader]
    whole = texts()
    for seed in seeds():
        rng = random.Random(f"{reader} {seed}")
        attempt(read, tmp_path / name, mutated(rng.choice(whole), rng), f"{reader}, seed {seed}")


@pytest.mark.parametrize("name", ["feature.yaml", "feats.scp", "utt2num_frames", "feats.1.ark"])
def test_every_mutation_of_features_is_read_or_refused(toy, name):
    folder = toy / "feats"
    whole = (folder / name).read_bytes()

    def read(path: Path) -> None:
        archive = FeatureDir.load(folder)
        archive.select(archive.utts[:3])

    try:
        for seed in seeds():
            rng = random.Random(f"{name} {seed}")
            attempt(read, folder / name, mutated(whole, rng), f"{name}, seed {seed}")
    finally:
        (folder / name).write_bytes(whole)


def test_every_mutation_of_vectors_is_read_or_refused(tmp_path):
    ark = tmp_path / "x.ark"
    vector = b"\0BFV \4" + (4).to_bytes(4, "little") + np.arange(4, dtype="<f4").tobytes()
    whole = {ark: b"a-1 " + vector + b"a-2 " + vector, tmp_path / "x.scp": f"a-1 {ark}:4\na-2 {ark}:34\n".encode()}
    for seed in seeds():
        rng = random.Random(f"vectors {seed}")
        for path, content in whole.items():
            path.write_bytes(content)
        path = rng.choice([*whole])
        content = mutated(whole[path], rng)
        attempt(lambda _: read_vectors(tmp_path / "x.scp", ["a-1", "a-2"]), path, content, f"seed {seed}")


@pytest.mark.parametrize("name", ["wav.scp", "text", "utt2spk", "utt2emo", "utt2dur", "utt2session", "spk2utt"])
def test_every_mutation_of_data_directories_is_read_or_refused(toy, name):
    folder = toy / "data/toy"
    whole = (folder / name).read_bytes()
    protocol = Protocol.load(str(toy / "toy4.yaml"))
    try:
        for seed in seeds():
            rng = random.Random(f"{name} {seed}")
            content = mutated(whole, rng)
            attempt(lambda _: make_folds(protocol, DataDir.load(folder)), folder / name, content, f"seed {seed}")
    finally:
        (folder / name).write_bytes(whole)
