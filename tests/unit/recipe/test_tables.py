"""The tables of a plan, and the experiments in them."""

import pytest

from mscnn.recipe import tables
from mscnn.recipe.plan import Plan, Row


@pytest.fixture
def written(monkeypatch):
    """The tables that are written: their kind and their experiments by their stem."""
    stems = {}
    monkeypatch.setattr(tables, "overview_table", lambda exps, stem: stems.update({stem: ["overview", *exps]}))
    monkeypatch.setattr(tables, "_robustness_table", lambda exps, stem: stems.update({stem: ["robustness", *exps]}))
    return stems


def row(tag, protocol="loso5", tested_on="", data="data/d", grid="mine"):
    return Row(tag, f"exp/{tag}", "m", data, "l", protocol, tested_on=tested_on, grid=grid)


def test_without_a_grid_there_is_none(written):
    assert list(tables.write_tables(Plan((row("a", grid=""),)))) == [] and not written


def test_the_table_of_one_protocol_is_named_after_the_grid(written):
    list(tables.write_tables(Plan((row("a"), row("b")))))
    assert written == {"exp/mine": ["overview", "exp/a", "exp/b"]}
    written.clear()
    list(tables.write_tables(Plan((row("a"), row("a_on_x", tested_on="x"), row("b")))))
    assert written == {"exp/mine": ["robustness", "exp/a", "exp/a_on_x", "exp/b"]}


def test_only_protocols_with_tests_on_other_transcripts_have_a_robustness_table(written):
    rows = row("a"), row("c", "speaker10"), row("a_on_x", tested_on="x"), row("d", "random10"), row("e", "speaker10")
    list(tables.write_tables(Plan(rows)))
    assert written == {
        "exp/mine_loso5": ["robustness", "exp/a", "exp/a_on_x"],
        "exp/mine": ["overview", "exp/c", "exp/e", "exp/d"],
    }
    written.clear()
    rows = row("a"), row("a_on_x", tested_on="x"), row("b", data="data/e"), row("b_on_x", tested_on="x", data="data/e")
    list(tables.write_tables(Plan(rows)))
    assert list(written) == ["exp/mine_d", "exp/mine_e"]


def test_headlines_are_the_first_score_lines(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for tag in "ab":
        (tmp_path / "exp" / tag).mkdir(parents=True)
        (tmp_path / "exp" / tag / "score_test.txt").write_text(f"%UA 1 exp/{tag}\n%UA 2 exp/{tag}\n")
    assert tables.headlines(Plan((row("b"), row("a")))) == ["%UA 1 exp/b", "%UA 1 exp/a"]


def test_pairs_of_corpora_have_a_table(written, monkeypatch):
    def write(exps, stem):
        written[stem] = ["pairs", *exps]

    monkeypatch.setattr("mscnn.reporting.cross.write_pairs", write)
    rows = row("a", "cross_corpus", data="data/x_to_y"), row("b", "cross_corpus", data="data/y_to_x")
    list(tables.write_tables(Plan(rows)))
    assert written["exp/mine_pairs"] == ["pairs", "exp/a", "exp/b"]
