"""corpus.yaml: files of the recipes, search path, and errors."""

import pytest
import yaml

from mscnn.data.corpus_facts import CorpusFacts
from mscnn.paths import names
from mscnn.reporting.page.card import card, limits
from mscnn.reporting.page.source import read_data
from tests.conftest import ROOT
from tests.raises import fails
from tests.unit.reporting.page.conftest import show

TOWN = {
    "name": "<b>Town",
    "about": "four people, Dutch, shouting.",
    "source": "x.org",
    "licence": "CC BY",
    "limits": ["One town."],
}


@pytest.mark.parametrize(
    "recipe, name, synthetic",
    [
        ("iemocap", "IEMOCAP", False),
        ("mini_iemocap", "mini_iemocap", True),
        ("meld", "MELD", False),
    ],
)
def test_every_recipe_describes_its_corpus(recipe, name, synthetic):
    facts = CorpusFacts.find(ROOT / "egs" / recipe / "data" / "set")
    assert (facts.name, facts.synthetic) == (name, synthetic)
    assert facts.about and facts.source and facts.licence and bool(facts.limits) != synthetic


@pytest.mark.parametrize("corpus", names("corpora"))
def test_every_description_has_the_facts_of_a_card(corpus):
    facts = CorpusFacts.described(corpus)
    assert facts.name and facts.about and facts.source and facts.licence and facts.limits
    assert CorpusFacts.described("iemocap") is None


def test_a_new_recipe_needs_nothing_but_the_file(scored, tmp_path):
    assert "no-corpus" in show("card", scored, card)
    (tmp_path / "corpus.yaml").write_text(yaml.safe_dump(TOWN))
    shown = show("card", scored, card)
    assert shown["corpus"].all("strong")[0].text == "<b>Town" and "no-corpus" not in shown
    for text in ("four people, Dutch, shouting. ", "x.org. ", "CC BY."):
        assert text in shown["corpus"].text
    assert shown["data"].text.startswith("toy: 20 utterances")
    assert [note.text for note in limits(read_data(scored)) if note.code == "corpus"] == ["One town."]
    (tmp_path / "data" / "toy" / "corpus.yaml").write_text(yaml.safe_dump({"name": "Nearer", "about": "x"}))
    assert show("card", scored, card)["corpus"].all("strong")[0].text == "Nearer"


def test_synthetic_speech_is_recognised(scored, tmp_path):
    (tmp_path / "corpus.yaml").write_text(yaml.safe_dump(TOWN))
    (tmp_path / "MANIFEST.json").write_text('{"generator": "x"}')
    data = read_data(scored)
    assert data.synthetic and data.corpus is None
    (tmp_path / "MANIFEST.json").unlink()
    assert not read_data(scored).synthetic
    (tmp_path / "corpus.yaml").write_text(yaml.safe_dump({**TOWN, "synthetic": True}))
    assert read_data(scored).synthetic and read_data(scored).corpus.name == "<b>Town"


@pytest.mark.parametrize(
    "facts, code, names",
    [
        ({"name": "x"}, "config-missing-key", ["about"]),
        ({**TOWN, "limit": "x"}, "config-unknown-key", ["limit", "limits"]),
        ({**TOWN, "limits": "One town."}, "config-value", ["limits", "One town."]),
        ({**TOWN, "synthetic": "yes"}, "config-value", ["synthetic", "'yes'"]),
        ({**TOWN, "licence": [4]}, "config-value", ["licence", "['4']"]),
        (["name"], "config-yaml", []),
    ],
)
def test_issues_of_the_file_are_named(tmp_path, facts, code, names):
    (tmp_path / "corpus.yaml").write_text(yaml.safe_dump(facts))
    with fails(code, "corpus.yaml", *names):
        CorpusFacts.find(tmp_path / "data" / "set")


def test_no_file_is_no_error(tmp_path):
    assert CorpusFacts.find(tmp_path / "data" / "set") is None
