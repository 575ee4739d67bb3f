"""Robustness to ASR errors: values by hand, order of rows, and errors."""

import pytest

from mscnn.evaluation.experiment import Experiment
from mscnn.evaluation.robustness import robustness
from tests.raises import fails
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


def write_errors(root, engine, edits):
    """What stage 4 leaves: edits and words of utterances."""
    file = root / f"asr_{engine}" / "data" / "wer_detail.tsv"
    file.parent.mkdir(parents=True)
    lines = [f"{utt}\tref\thyp\t{wrong}\t{words}\n" for utt, (wrong, words) in edits.items()]
    file.write_text("".join(["utt\tref\thyp\tedits\twords\n", *lines]))
    return file


def make_conditions(root):
    """A system with and without transcripts of the ASR engine ear, one of audio alone, and a baseline."""
    write_errors(root, "ear", {**EDITS, **{u.replace("t", "d"): (99, 1) for u in EDITS}})  # of dev, which is not used
    return [
        make(root, "audio", WORSE, model="audio_cnn", text="none"),
        make(root, "bag", PERFECT, model="tfidf_lr", family="baseline"),
        make(root, "both", WORSE, text="ear"),
        make(root, "mixed", WORSE, text="ear", trained_on="gt", trained_in="exp/true"),
        make(root, "true", PERFECT),
    ]


@pytest.fixture
def exps(tmp_path):
    return make_conditions(tmp_path / "exp")


def rows_of(paths):
    return robustness([Experiment.load(path) for path in paths])


def test_rows_come_by_family_and_reference_transcripts_first(exps):
    table = rows_of(exps)
    assert [(row.system, row.trained_on, row.tested_on) for row in table.rows] == [
        ("mscnn_spu", "gt", "gt"), ("mscnn_spu", "gt", "ear"), ("mscnn_spu", "ear", "ear"),
        ("audio_cnn", "none", "none"), ("tfidf_lr", "gt", "gt"),
    ]  # fmt: skip
    assert [row.difference for row in table.rows] == [0, -31.25, -31.25, None, 0]
    assert [row.scores.values["ua"].mean for row in table.rows] == [100, 68.75, 68.75, 68.75, 100]
    assert table.total("ear").rate == pytest.approx(100 * 15 / 36)
    assert {row.scores.name for row in table.rows} == {"fold-mean"}


def test_buckets_are_the_same_utterances_in_every_row(exps):
    table = rows_of(exps)
    totals = {name: table.bucket_total("ear", name).rate for name in table.rows[0].buckets["ear"]}
    assert totals == {"0 %": 0, "0-25 %": 25, "50-100 %": pytest.approx(500 / 6), "over 100 %": 125}
    for row in table.rows:
        assert [scores.utterances for scores in row.buckets["ear"].values()] == [2, 5, 2, 1]
    both = next(row for row in table.rows if row.tested_on == row.trained_on == "ear").buckets["ear"]
    assert [(scores.ua, scores.wa) for scores in both.values()] == [(50, 50), (100, 100), (0, 0), (None, 100)]
    assert both["over 100 %"].absent == ["cross"]


def test_every_engine_has_its_rows_and_its_buckets(exps, tmp_path):
    write_errors(tmp_path / "exp", "nose", dict.fromkeys(EDITS, (1, 2)))
    nose = make(tmp_path / "exp", "nose", PERFECT, text="nose", trained_on="gt", trained_in="exp/true")
    table = rows_of([nose, *exps])
    assert [(row.trained_on, row.tested_on) for row in table.rows[:4]] == [
        ("gt", "gt"), ("gt", "nose"), ("gt", "ear"), ("ear", "ear")
    ]  # fmt: skip
    assert table.total("nose").rate == 50 and [*table.rows[0].buckets] == ["nose", "ear"]
    assert [*table.rows[1].buckets] == ["nose"] and [*table.rows[2].buckets] == ["ear"]


def test_a_system_with_other_options_is_another_system(exps):
    for path in (exps[2], exps[3]):
        config = path / "config.yaml"
        config.write_text(config.read_text() + "changed: [fc_dim=64]\n")
    changed = [row for row in rows_of(exps).rows if "fc_dim=64" in row.system]
    assert len(changed) == 2 and {row.difference for row in changed} == {None}


def test_what_cannot_be_compared_is_refused(exps, tmp_path):
    protocol = {"name": "random10", "version": 1, "hash": "ffff", "disjoint": {}, "selection": "dev"}
    other = make(tmp_path / "exp", "other", PERFECT, protocol=protocol)
    with fails("protocols-differ", "random10@1f3a", "random10@ffff"):
        rows_of([*exps, other])
    copy = make(tmp_path / "exp", "copy", WORSE, text="ear")
    with fails("system-twice", exps[2], copy):
        rows_of([*exps, copy])
    with fails("no-asr-experiment"):
        rows_of([exps[0], exps[1], exps[4]])
    (tmp_path / "exp" / "asr_ear" / "data" / "wer_detail.tsv").unlink()
    with fails("word-errors-missing", "wer_detail.tsv", "--asr-engine ear"):
        rows_of(exps)


def test_protocols_that_pool_have_pooled_scores(tmp_path):
    """The second fold has no calm; UA of the sum of both is (3/4 + 2/4) / 2, and 100 with reference transcripts."""
    exps = make_pooled(tmp_path / "exp")
    true, both = rows_of(exps).rows
    assert both.scores.name == "pooled" and both.scores.values["ua"].mean == 62.5 and both.difference == -37.5


def make_pooled(root):
    utts = ("t1-00", "t1-01", "t1-02", "t1-03", "t1-10", "t1-11", "t2-10", "t2-11")
    write_errors(root, "ear", dict.fromkeys(utts, (0, 1)))
    disjoint = dict.fromkeys(("train-test", "train-dev", "dev-test"), ["speaker"])
    protocol = {"name": "cells", "version": 1, "hash": "1f3a", "disjoint": disjoint, "selection": "dev"}
    protocol["aggregate"] = "pooled"
    return [
        make(root, "true", [[[[4, 0], [0, 2]]], [[[0, 0], [0, 2]]]], protocol=protocol),
        make(root, "both", [[[[3, 1], [1, 1]]], [[[0, 0], [1, 1]]]], protocol=protocol, text="ear"),
    ]
