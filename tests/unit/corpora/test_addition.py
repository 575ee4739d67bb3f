"""A new corpus needs a parser, a line in the registry and a label map, and nothing else."""

import sys
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest

from mscnn.bin import prepare_data
from mscnn.corpora import CORPORA
from mscnn.corpora.common import Corpus, CorpusIssue, Item
from mscnn.data.datadir import DataDir
from mscnn.data.protocols import Protocol
from mscnn.recipe.plan import Plan, Row
from tests.raises import fails

LABELS = "name: toy2\ncorpus: toy\nclasses: [happy, sad]\nmap: {h: happy, s: sad}\ndrop: [x]\n"


def parse(root: Path) -> Corpus:
    """Files ``<speaker>_<number>_<label>.wav``."""
    corpus = Corpus()
    for path in sorted(root.glob("*.wav")):
        speaker, number, label = path.stem.split("_")
        utt = f"{speaker}-{number}"
        corpus.items.append(Item(utt, speaker, label, f"take {number}", str(path), str(path), gender=speaker[0]))
        if label == "s" and number == "13":
            corpus.issues.append(CorpusIssue("missing-transcript", "13 was not taken down", str(path), (utt,), ("s",)))
    return corpus


@pytest.fixture
def prepare(tmp_path, write_wav, monkeypatch):
    """Function that runs stage 1 on ``numbers`` of recordings, two speakers each: (numbers, *options)."""
    monkeypatch.setitem(CORPORA, "toy", parse)
    (tmp_path / "toy2.yaml").write_text(LABELS)

    def run(numbers: range, *options: str) -> DataDir:
        for speaker in ("f1", "m1"):
            for n in numbers:
                write_wav(tmp_path / "toy" / f"{speaker}_{n:02d}_{'hsx'[n % 3]}.wav")
        command = ["prepare_data", "--corpus", "toy", "--root", tmp_path / "toy", "--labels", tmp_path / "toy2.yaml"]
        monkeypatch.setattr(sys, "argv", [*map(str, command), "--out", str(tmp_path / "data"), *options])
        prepare_data.main()
        return DataDir.load(tmp_path / "data")

    return run


def test_a_parser_and_a_label_map_are_a_corpus(prepare):
    data = prepare(range(12))
    assert len(data.utts) == 16 and data.classes == ["happy", "sad"] and {*data.gender.values()} == {"f", "m"}
    assert repr(data) == f"<DataDir {data.path}: 16 utterances, 2 speakers>"
    assert [len(fold.test) for fold in Protocol.load("random10").folds(data)][:6] == [2] * 6


def test_its_issues_stop_or_are_skipped(prepare):
    with fails("corpus-issues", 2, "m1-13", "missing-transcript"):
        prepare(range(14))
    assert len(prepare(range(14), "--on-bad", "skip").utts) == 20  # the texts are repaired


@pytest.mark.parametrize("text", ["none", "gt"])
def test_a_corpus_without_words_is_said_and_refused_for_models_that_read_them(
    prepare, tmp_path, monkeypatch, caplog, text
):
    def silent(root: Path) -> Corpus:
        return Corpus(items=[replace(item, text="") for item in parse(root).items])

    monkeypatch.setitem(CORPORA, "toy", silent)
    data = prepare(range(12))
    assert any(f"{data.path}/text" in r.getMessage() and r.levelname == "WARNING" for r in caplog.records)
    row = Row("t", "exp/t", "m", str(data.path), str(tmp_path / "toy2.yaml"), "random10", text=text)
    Plan((row,)).write(tmp_path / "plan.jsonl")
    command = ["prepare_data", "--corpus", "toy", "--root", tmp_path / "toy", "--plan", tmp_path / "plan.jsonl"]
    monkeypatch.setattr(sys, "argv", [*map(str, command)])
    with fails("text-empty", data.path / "text", 16) if text == "gt" else nullcontext():
        prepare_data.main()
