"""From a table to reports: ``mscnn own``, and the same results as the recipe of the corpus."""

import csv
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import soundfile

from mscnn.bin import own
from mscnn.corpora.prepare import AudioForm
from mscnn.corpora.tables.source import Source, read_source
from mscnn.features.archive import FeatureDir
from mscnn.paths import conf
from mscnn.recipe.make import make_plan
from mscnn.recipe.options import Options
from mscnn.recipe.sequence import Run, run_stages
from mscnn.reporting.lines import read_score
from tests import tiny_encoders
from tests.raises import fails

pytestmark = pytest.mark.slow
MODEL, RATE = "logmel_lr", 16000
NAMES = ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised")  # of RAVDESS, 01 to 08


def write(path: Path, rows: Sequence[Sequence[str]]) -> None:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(rows)


@pytest.fixture
def recordings(tmp_path) -> Path:
    """A table of 40 tones of five speakers: one class is high, one low."""
    rng, rows = np.random.default_rng(1), [("file", "emotion", "speaker")]
    (tmp_path / "wavs").mkdir()
    for n in range(40):
        label, speaker = ("high", "low")[n % 2], f"s{n // 2 % 5}"
        tone = np.sin(np.arange(RATE // 2) * (0.9 if n % 2 == 0 else 0.1 + 0.01 * rng.random()))
        soundfile.write(tmp_path / f"wavs/{n:02d}.wav", 0.3 * tone + 0.05 * rng.standard_normal(RATE // 2), RATE)
        rows.append((f"wavs/{n:02d}.wav", label, speaker))
    write(tmp_path / "my.csv", rows)
    return tmp_path / "my.csv"


def run_own(monkeypatch, folder: Path, *arguments: object) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "argv", ["own", *map(str, arguments), "--nj", "1", "--device", "cpu"])
    own.main()


def test_a_table_becomes_reports(recordings, tmp_path, monkeypatch, capsys):
    (tmp_path / "mine.yaml").write_text(f"base: {MODEL}\n")
    run_own(monkeypatch, tmp_path, "my.csv", "--model", MODEL, "majority", "mine.yaml")
    printed = capsys.readouterr().out
    out = tmp_path / "own_my"
    exps = {model: out / f"exp/{model}_none_leave_one_speaker_out" for model in (MODEL, "majority")}
    scores = {model: read_score(exp / "score_test.txt") for model, exp in exps.items()}
    assert scores[MODEL].values["ua"] > 90 and scores["majority"].values["ua"] == 50
    assert "speakers" not in scores[MODEL].fields and str(scores[MODEL]) in printed
    page = (exps[MODEL] / "report.html").read_text()
    assert (
        read_score(out / "exp/mine_none_leave_one_speaker_out/score_test.txt").values["ua"]
        == scores[MODEL].values["ua"]
    )
    assert "my.csv" in page and (out / "data/my/audit/leave_one_speaker_out.md").is_file()


def test_files_and_networks_are_those_of_the_folder_of_the_command(recordings, tmp_path, monkeypatch):
    tiny_encoders.write_onnx(tmp_path / "net.onnx")
    (tmp_path / "mine.yaml").write_text(conf("features", "emotion2vec_base").read_text())
    options = ("--set", "inputs.audio=mine.yaml", "--pretrained", "mine=net.onnx")
    run_own(monkeypatch, tmp_path, "my.csv", "--model", MODEL, *options)
    line = read_score(tmp_path / "own_my/exp" / f"{MODEL}_none_leave_one_speaker_out" / "score_test.txt")
    assert line.values["ua"] > 90 and line.fields["changed"] == "inputs.audio=mine"


def test_without_speakers_lines_and_page_say_so(recordings, tmp_path, monkeypatch):
    rows = [row[:2] for row in csv.reader(recordings.open())]
    write(tmp_path / "other.csv", rows)
    run_own(monkeypatch, tmp_path, "other.csv", "--model", MODEL, "--out", "there")
    exp = tmp_path / "there/exp/logmel_lr_none_random5"
    assert read_score(exp / "score_test.txt").fields["speakers"] == "unknown"
    assert "speakers unknown" in (exp / "report.html").read_text()
    assert (tmp_path / "there/data/other/segments").exists() is False
    changed = ("other.csv", "--model", MODEL, "--set", "options.c=0.5", "--out", "there")
    with fails("plan-wrong", "options.c", "--overwrite"):
        run_own(monkeypatch, tmp_path, *changed)
    run_own(monkeypatch, tmp_path, *changed, "--overwrite", "true")
    assert read_score(exp / "score_test.txt").fields["changed"] == "options.c=0.5"


def test_the_table_of_ravdess_gives_what_its_recipe_gives(shared_dir, tmp_path, monkeypatch):
    """Five actors, the eight emotions of each: folds, features, predictions and scores."""
    release = shared_dir / "data" / "ravdess"
    if not release.is_dir():
        pytest.skip(f"{release} is absent")
    rows = [("path", "label", "speaker")]
    for actor in range(1, 6):
        for path in sorted((release / f"Actor_{actor:02d}").glob("03-01-*-01-01-01-*.flac")):
            link = tmp_path / "ravdess" / path.parent.name / path.name
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(path)
            emotion = NAMES[int(path.stem.split("-")[2]) - 1]
            rows.append((str(link.relative_to(tmp_path / "ravdess")), emotion, f"Actor{actor:02d}"))
    write(tmp_path / "table.csv", rows)
    made = {}
    for parser in ("ravdess", "own"):
        (tmp_path / parser).mkdir(exist_ok=True)
        monkeypatch.chdir(tmp_path / parser)
        root, labels, protocols = tmp_path / "ravdess", "ravdess8", ("k_speakers",)
        if parser == "own":
            root = Path("local", "ravdess8")
            given = Source(tmp_path / "table.csv", audio_root=str(tmp_path / "ravdess"), labels="ravdess8")
            read = read_source(given, root)
            labels, protocols = str(read.labels), ("k_speakers",)
        plan = make_plan(
            Options(labels=labels, corpus=parser, models=(MODEL,), texts=("none",), protocols=protocols, trim="30")
        )
        run_stages(plan, Run(parser, root, AudioForm(), device="cpu"))
        (row,) = plan.rows
        (feature,) = row.features.values()
        exp = Path(row.exp)
        made[parser] = {
            "score": (exp / "score_test.txt").read_text(),
            "folds": {path.name: path.read_text() for path in sorted((exp / "folds").iterdir())},
            "predictions": (exp / "fold01/run1/predictions_test.tsv").read_text(),
            "features": FeatureDir.load(feature).content,
        }
    assert len(rows) == 41 and made["own"] == made["ravdess"]
