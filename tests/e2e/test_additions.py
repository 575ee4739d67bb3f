"""A metric, protocol, feature, corpus and model are added and used together, with the documented edits only."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from mscnn.reporting.lines import read_score
from tests.conftest import ROOT
from tests.documents import blocks

pytestmark = pytest.mark.e2e

METRIC = '''

def kappa(matrix: np.ndarray) -> float | np.ndarray:
    """Cohen's kappa, as scikit-learn's cohen_kappa_score."""
    total = matrix.sum(axis=(-2, -1))
    chance = (matrix.sum(axis=-1) * matrix.sum(axis=-2)).sum(axis=-1) / total**2
    return _plain((_hits(matrix).sum(axis=-1) / total - chance) / (1 - chance))


METRICS["kappa"] = Metric("kappa", "kappa", "kappa = (WA - chance) / (1 - chance)    Cohen's kappa", kappa)
'''
PROTOCOL = """
name: thirds
version: 1
test: {scheme: speakers, folds: 3}
dev: {scheme: next_part}
disjoint: {train-test: [speaker], train-dev: [speaker], dev-test: [speaker]}
selection: dev
"""
FEATURE = '''"""Zero crossings: share of the samples of a frame where the sign changes."""

from dataclasses import dataclass

import numpy as np

from mscnn.features.base import Extractor
from mscnn.features.dsp import frames


@dataclass(frozen=True)
class Crossings(Extractor):
    """Frames of ``length`` samples, one frame every ``hop_length`` samples."""

    rate: int
    length: int
    hop_length: int

    @property
    def dim(self) -> int:
        """One."""
        return 1

    def __call__(self, samples: np.ndarray) -> np.ndarray:
        """Samples (n,) -> float32 (T, 1)."""
        signs = frames(samples, self.length, self.hop_length) > 0
        return (signs[:, 1:] != signs[:, :-1]).mean(axis=1, keepdims=True).astype(np.float32)
'''
CORPUS = """
name: Tones
names: ['(?P<speaker>s\\d)_(?P<label>[hl])_\\d']
example: s0_h_0.wav
"""
MODEL = '''"""Mean over frames, and one linear layer."""

from dataclasses import dataclass

from torch import Tensor, nn

from mscnn.models.base import Classifier
from mscnn.models.inputs import Inputs, Sizes


@dataclass(frozen=True)
class Options:
    """Whether the layer has a bias."""

    bias: bool


class Model(Classifier[Options]):
    """A linear classifier of mean frames."""

    def __init__(self, options: Options, sizes: Sizes) -> None:
        super().__init__(options, sizes)
        self.layer = nn.Linear(sizes.audio, sizes.classes, options.bias)

    def forward(self, inputs: Inputs) -> Tensor:
        """Scores (B, classes)."""
        return self.layer(inputs.audio.sum(dim=2) / inputs.audio_len[:, None])
'''
WRITTEN = {
    "conf/protocols/thirds.yaml": PROTOCOL,
    "mscnn/features/crossings.py": FEATURE,
    "conf/features/zero_crossings.yaml": "kind: crossings\ntrim_db: null\nrate: 16000\nlength: 400\nhop_length: 160\n",
    "conf/corpora/tones.yaml": CORPUS,
    "conf/labels/tones.yaml": "name: tones\ncorpus: tones\nclasses: [high, low]\nmap: {h: high, l: low}\ndrop: []\n",
    "mscnn/models/mean_linear.py": MODEL,
    "conf/models/mean_linear/mean_linear.yaml": (
        "family: mscnn.models.mean_linear\ninputs: {audio: mfcc40}\noptions: {bias: true}\n"
        "training: {lr: 0.05, batch_size: 8, max_epochs: 40}\n"
    ),
}


@pytest.fixture(scope="module")
def recipe(new_recipe):
    """A recipe in a checkout with all additions, and the source files before them."""
    made = new_recipe()
    root = made.root
    before = snapshot(root)
    for name, text in WRITTEN.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text)
    with open(root / "mscnn/evaluation/metrics.py", "a") as file:
        file.write(METRIC)
    register(
        root / "mscnn/features/config.py", "from mscnn.features.crossings import Crossings", '"crossings": Crossings,'
    )
    scaffold = root / "egs" / "tones"
    scaffold.mkdir()
    for name in ("cmd.sh", "path.sh"):
        (scaffold / name).write_bytes((made.path / name).read_bytes())
    text = (made.path / "run.sh").read_text()
    facts = {
        "generator=make_mini_iemocap": "generator=",
        "parser=iemocap": "parser=tones",
        "labels=iemocap4": "labels=tones",
    }
    for old, new in facts.items():
        assert old in text
        text = text.replace(old, new)
    (scaffold / "run.sh").write_text(text)
    (scaffold / "run.sh").chmod(0o755)
    return type(made)(root, scaffold), before


def snapshot(root: Path) -> dict[str, str]:
    """Source file -> text."""
    return {
        str(path.relative_to(root)): path.read_text()
        for folder in ("mscnn", "conf")
        for path in (root / folder).rglob("*")
        if path.suffix in (".py", ".yaml")
    }


def register(path: Path, statement: str, entry: str) -> None:
    """Add an import and a line to the registry of a module: the dictionary that it defines in capitals."""
    lines = path.read_text().splitlines()
    first = next(i for i, line in enumerate(lines) if line.startswith("from mscnn"))
    lines.insert(first, statement)
    start = next(i for i, line in enumerate(lines) if line.endswith(" = {") and line.split(":")[0].isupper())
    lines.insert(start + 1, f"    {entry}")
    path.write_text("\n".join(lines) + "\n")


def write_tones(folder: Path) -> None:
    """Write 4 high and 4 low tones of half a second for each of six speakers."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    for speaker in range(6):
        for number in range(4):
            for label, pitch in (("h", 880), ("l", 220)):
                samples = 0.3 * np.sin(2 * np.pi * pitch * (1 + 0.02 * speaker) * np.arange(8000) / 16000)
                samples += rng.normal(0, 0.01, 8000)
                soundfile.write(folder / f"s{speaker}_{label}_{number}.wav", samples, 16000, "PCM_16")


def test_nothing_else_is_edited(recipe):
    made, before = recipe
    after = snapshot(made.root)
    new = after.keys() - before.keys()
    changed = {name for name in before if after[name] != before[name]}
    assert new == {*WRITTEN}
    assert changed == {"mscnn/evaluation/metrics.py", "mscnn/features/config.py"}


def test_all_additions_work_together(recipe, tmp_path):
    made, _ = recipe
    write_tones(tmp_path / "tones")
    options = ["--model", "mean_linear", "--text", "none", "--protocol", "thirds", "--asr-engine", "none"]
    changes = "--set inputs.audio=zero_crossings select=kappa"  # instead of the changes of the recipe
    made.must_run("--corpus", tmp_path / "tones", *options, "--train-args", changes)
    (exp,) = (made.path / "exp").glob("mean_linear_*")
    line = read_score(exp / "score_test.txt")
    assert (line.total, line.fields["folds"]) == (48, "3") and line.fields["protocol"].startswith("thirds@")
    assert (line.values["ua"], line.fields["kappa"]) == (100, "100.00")
    for name in ("RESULTS.md", "report.html", "statistics.json"):
        assert "kappa" in (exp / name).read_text(), name
    assert (made.path / "dump" / "zero_crossings" / "tones" / "feats.scp").is_file()


def test_the_page_on_corpora_leads_from_a_folder_to_a_score(new_recipe, tmp_path):
    """Four invented speakers, named by an unknown rule: the commands and files of docs/howto/add_corpus.md."""
    made, page = new_recipe(), blocks(ROOT / "docs" / "howto" / "add_corpus.md")
    before = snapshot(made.root)
    corpus = tmp_path / "mycorpus"
    for number in range(72):
        speaker, code = ("K01", "K02", "K07", "K11")[number % 4], ("fr", "ku", "zo")[number // 4 % 3]
        pitch = {"fr": 880, "ku": 220, "zo": 440}[code] * (1 + 0.02 * (number % 4))
        path = corpus / f"teil{1 + number % 2}" / f"{speaker}-{code}-{number:03}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        noise = np.random.default_rng(number).normal(0, 0.01, 8000)
        soundfile.write(path, 0.3 * np.sin(2 * np.pi * pitch * np.arange(8000) / 16000) + noise, 16000, "PCM_16")
    first, *others = [line for block in page if block.mark == "script" for line in block.code.splitlines()]
    options = "--model logmel_lr --nj 2"  # the networks of the recipe take minutes
    recipe = type(made)(made.root, made.root)
    output = recipe.call(first.replace("/path/to/mycorpus", str(corpus)))
    assert "speaker: K01 K02 K07 K11" in output and "code: fr ku zo" in output
    proposed = (made.root / "conf/corpora/mycorpus.yaml").read_text()
    described = next(block.code for block in page if block.mark == "description")
    assert next(line for line in described.splitlines() if line.startswith("names: ")) in proposed
    (made.root / "conf/corpora/mycorpus.yaml").write_text(described)
    labels = next(block.code for block in page if block.mark == "labels")
    (made.root / "conf/labels/mycorpus.yaml").write_text(labels)
    for command in others:
        dry = "--dry-run" if "--folds" in command else ""  # what the last command does as well
        recipe.call(f"{command.replace('/path/to/mycorpus', str(corpus))} {options} {dry}")
    (line,) = [read_score(path) for path in (made.root / "egs/mycorpus/exp").glob("*/score_test.txt")]
    assert (line.total, line.fields["data"], line.fields["folds"]) == (72, "mycorpus", "4")
    assert line.values["ua"] > 90
    after = snapshot(made.root)
    assert after.keys() - before.keys() == {"conf/corpora/mycorpus.yaml", "conf/labels/mycorpus.yaml"}
    assert all(after[name] == before[name] for name in before)
