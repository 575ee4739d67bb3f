"""True words, recognised words and none side by side: numbers by hand, order of the rows, and what is refused."""

import csv
import re

import pytest

from mscnn.errors import UserError
from mscnn.evaluation.experiment import Experiment
from mscnn.reporting.overview import read_rows
from mscnn.reporting.results import write_report
from mscnn.reporting.robustness import robustness, write_robustness
from mscnn.reporting.tables import read_results
from tests.unit.evaluation.conftest import make_experiment

PERFECT = [[[[4, 0], [0, 2]]], [[[2, 0], [0, 2]]]]
WORSE = [[[[3, 1], [1, 1]]], [[[2, 0], [1, 1]]]]  # UA 62.5 and 75; wrong are t1-03, t1-10 and t2-10
EDITS = {  # utterance: edits and words
    "t1-00": (0, 4), "t1-10": (0, 2),  # 0 %
    "t1-01": (1, 4), "t1-02": (1, 4), "t1-11": (1, 4), "t2-01": (1, 4), "t2-11": (1, 4),  # 25 %
    "t1-03": (3, 4), "t2-10": (2, 2),  # 75 and 100 %
    "t2-00": (5, 4),  # 125 %
}  # fmt: skip


def make(root, name, counts, **changes):
    return make_experiment(root / name, counts, **{"family": "mscnn", **changes})


@pytest.fixture
def exps(tmp_path):
    """A system with and without words of the recogniser ear, one that only listens, and a baseline."""
    root = tmp_path / "exp"
    detail = root / "asr_ear" / "data" / "wer_detail.tsv"
    detail.parent.mkdir(parents=True)
    rows = {**EDITS, **{u.replace("t", "d"): (99, 1) for u in EDITS}}  # of dev, which nobody asked for
    lines = [f"{utt}\tref\thyp\t{edits}\t{words}\n" for utt, (edits, words) in rows.items()]
    detail.write_text("".join(["utt\tref\thyp\tedits\twords\n", *lines]))
    return [
        make(root, "audio", WORSE, model="audio_cnn", text="none"),
        make(root, "bag", PERFECT, model="tfidf_lr", family="baseline"),
        make(root, "both", WORSE, text="ear"),
        make(root, "mixed", WORSE, text="ear", trained_on="gt", trained_in="exp/true"),
        make(root, "true", PERFECT),
    ]


def written(exps, stem):
    text = write_robustness(robustness([Experiment.load(path) for path in exps]), stem)
    return text, list(csv.DictReader((stem.parent / f"{stem.name}.csv").open()))


def test_rows_come_by_family_and_true_words_first(exps, tmp_path):
    text, records = written(exps, tmp_path / "table")
    body = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("| `")]
    assert body[:5] == [
        ["`mscnn_spu`", "true words", "true words", "–", "1", "100.00 ± 0.00", "100.00 ± 0.00", "–"],
        ["`mscnn_spu`", "true words", "ear", "41.7", "1", "68.75 ± 8.84", "70.83 ± 5.89", "-31.25"],
        ["`mscnn_spu`", "ear", "ear", "41.7", "1", "68.75 ± 8.84", "70.83 ± 5.89", "-31.25"],
        ["`audio_cnn`", "–", "–", "–", "1", "68.75 ± 8.84", "70.83 ± 5.89", "–"],
        ["`tfidf_lr`", "true words", "true words", "–", "1", "100.00 ± 0.00", "100.00 ± 0.00", "–"],
    ]
    assert "# Words from a recogniser: random10@1f3a (data)\n" in text and "## ear: 41.7 % WER" in text
    whole = [r for r in records if r["wer_bucket"] == "all"]
    assert {r["aggregate"] for r in whole} == {"fold-mean"} and "UA, WA: mean over folds ±" in text
    assert [(r["trained_on"], r["tested_on"], r["wer"], r["ua_difference"]) for r in whole[:4]] == [
        ("gt", "gt", "", "0.00"), ("gt", "ear", "41.67", "-31.25"), ("ear", "ear", "41.67", "-31.25"),
        ("none", "none", "", ""),
    ]  # fmt: skip


def test_all_forms_have_the_same_rows(exps, tmp_path):
    written(exps, tmp_path / "table")
    tex, page = ((tmp_path / f"table.{ending}").read_text() for ending in ("tex", "html"))
    assert r"mscnn\_spu & true words & ear & 41.7 & 1 & 68.75 $\pm$ 8.84 & 70.83 $\pm$ 5.89 & -31.25 \\" in tex
    assert tex.count(r"\begin{tabular}") == 2 and r"50-100 \% (n = 2)" in tex
    assert "<td>-31.25</td>" in re.sub(r"<td [^>]*>", "<td>", page) and "`" not in page


def test_buckets_are_the_same_utterances_in_every_row(exps, tmp_path):
    text, records = written(exps, tmp_path / "table")
    head = next(line for line in text.splitlines() if "(n = " in line)
    names = ["0 % (n = 2)", "0-25 % (n = 5)", "50-100 % (n = 2)", "over 100 % (n = 1; WA, no cross)"]
    assert [cell.strip() for cell in head.split("|")[4:-1]] == names
    rows = {}
    for r in (r for r in records if r["wer_bucket"] != "all"):
        assert r["engine"] == "ear"
        rows.setdefault(r["experiment"].rpartition("/")[2], []).append((r["utterances"], r["wer"], r["ua"], r["wa"]))
    worse = [("2", "0.00", "50.00", "50.00"), ("5", "25.00", "100.00", "100.00"), ("2", "83.33", "0.00", "0.00"),
             ("1", "125.00", "", "100.00")]  # fmt: skip
    assert rows["both"] == rows["mixed"] == rows["audio"] == worse
    assert [ua for _, _, ua, _ in rows["true"]] == ["100.00", "100.00", "100.00", ""]


def test_every_recogniser_has_its_rows_and_its_buckets(exps, tmp_path):
    detail = tmp_path / "exp" / "asr_nose" / "data" / "wer_detail.tsv"
    detail.parent.mkdir(parents=True)
    detail.write_text("".join(["utt\tref\thyp\tedits\twords\n", *(f"{utt}\tref\thyp\t1\t2\n" for utt in EDITS)]))
    nose = make(tmp_path / "exp", "nose", PERFECT, text="nose", trained_on="gt", trained_in="exp/true")
    text, records = written([nose, *exps], tmp_path / "table")
    whole = [r for r in records if r["wer_bucket"] == "all"]
    assert [(r["trained_on"], r["tested_on"], r["wer"]) for r in whole[:4]] == [
        ("gt", "gt", ""), ("gt", "nose", "50.00"), ("gt", "ear", "41.67"), ("ear", "ear", "41.67"),
    ]  # fmt: skip
    by_nose, by_ear = (part.split("\n* ")[0] for part in text.split("\n## ")[2:])
    assert "nose: 50.0 % WER" in by_nose and "| 25-50 % (n = 10) |" in by_nose and "| ear" not in by_nose
    assert "ear: 41.7 % WER" in by_ear and "| nose" not in by_ear
    rows = ["| `mscnn_spu` | true words | true words |", "| `audio_cnn` | – | – |"]
    assert all(part.count(row) == 1 for part in (by_nose, by_ear) for row in rows)


def test_a_system_with_other_options_is_another_system(exps, tmp_path):
    for path in (exps[2], exps[3]):
        config = path / "config.yaml"
        config.write_text(config.read_text() + "changed: [fc_dim=64]\n")
    text, records = written(exps, tmp_path / "table")
    assert "`mscnn_spu`, fc_dim=64 | true words | ear | 41.7 | 1 | 68.75 ± 8.84 | 70.83 ± 5.89 | – |" in text
    for path in (exps[0], exps[1], exps[4]):
        config = path / "config.yaml"
        config.write_text(config.read_text() + "changed: [fc_dim=64]\n")
    text, records = written(exps, tmp_path / "table")
    assert "`mscnn_spu` | true words | ear |" in text and "* changed in all systems: fc_dim=64" in text


def test_what_cannot_be_compared_is_refused(exps, tmp_path):
    def refuses(message, paths):
        with pytest.raises(UserError, match=message):
            robustness([Experiment.load(path) for path in paths])

    protocol = {"name": "random10", "version": 1, "hash": "ffff", "disjoint": {}, "selection": "dev"}
    other = make(tmp_path / "exp", "other", PERFECT, protocol=protocol)
    refuses("different protocols, random10@1f3a and random10@ffff: .*experiments of one protocol", [*exps, other])
    twin = make(tmp_path / "exp", "twin", WORSE, text="ear")
    refuses("both and .*twin: the same system and words twice", [*exps, twin])
    refuses("no experiment with recognised words", [exps[0], exps[1], exps[4]])
    (tmp_path / "exp" / "asr_ear" / "data" / "wer_detail.tsv").unlink()
    refuses("wer_detail.tsv: not there; .*--asr-engine ear", exps)


def test_protocols_that_pool_have_pooled_scores(tmp_path):
    """The second fold has no calm; UA of the sum of both is (3/4 + 2/4) / 2, and (4/4 + 4/4) / 2 with true words."""
    root = tmp_path / "exp"
    file = root / "asr_ear" / "data" / "wer_detail.tsv"
    file.parent.mkdir(parents=True)
    utts = ("t1-00", "t1-01", "t1-02", "t1-03", "t1-10", "t1-11", "t2-10", "t2-11")
    file.write_text("".join(["utt\tref\thyp\tedits\twords\n", *(f"{utt}\tr\th\t0\t1\n" for utt in utts)]))
    disjoint = dict.fromkeys(("train-test", "train-dev", "dev-test"), ["speaker"])
    protocol = {"name": "cells", "version": 1, "hash": "1f3a", "disjoint": disjoint, "selection": "dev"}
    protocol["aggregate"] = "pooled"
    exps = [
        make(root, "true", [[[[4, 0], [0, 2]]], [[[0, 0], [0, 2]]]], protocol=protocol),
        make(root, "both", [[[[3, 1], [1, 1]]], [[[0, 0], [1, 1]]]], protocol=protocol, text="ear"),
    ]
    text, records = written(exps, tmp_path / "table")
    assert "| ear | ear | 0.0 | 1 | 62.50 | 62.50 | -37.50 |" in text
    assert "UA, WA: of all folds together, averaged over runs" in text and "mean over folds" not in text
    assert {r["aggregate"] for r in records} == {"pooled"}


def test_other_tables_say_what_a_row_was_trained_on(exps):
    for path in exps:
        write_report(Experiment.load(path))
    assert "trained_on=gt" in (exps[3] / "score_test.txt").read_text().splitlines()[0]
    assert [row.text for row in read_rows(exps[2:])] == ["ear", "ear (trained on gt)", "gt"]
    names = [result.path.rpartition("/")[2] for result in read_results(exps[0].parent)]
    assert names == ["audio", "bag", "both", "true"]
