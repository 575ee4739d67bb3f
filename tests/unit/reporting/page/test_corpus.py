"""corpus.yaml: those of our recipes, where it is looked for, and faults that are named."""

import pytest
import yaml

from mscnn.data.corpus_facts import CorpusFacts
from mscnn.reporting.page.card import card, limits
from mscnn.reporting.page.source import read_source
from tests.conftest import ROOT
from tests.raises import fails
from tests.unit.reporting.page.test_html import Reader

TOWN = {
    "name": "<b>Town",
    "about": "four people, Dutch, shouting.",
    "source": "x.org",
    "licence": "CC BY",
    "limits": ["One town."],
}


@pytest.mark.parametrize("recipe, name, synthetic", [
    ("iemocap", "IEMOCAP", False), ("mini_iemocap", "mini_iemocap", True), ("ravdess", "RAVDESS", False),
    ("meld", "MELD", False),
])  # fmt: skip
def test_every_recipe_says_what_its_corpus_is(recipe, name, synthetic):
    found = CorpusFacts.find(ROOT / "egs" / recipe / "data" / "set")
    assert (found.name, found.synthetic) == (name, synthetic)
    assert found.about and found.source and found.licence and bool(found.limits) != synthetic


def test_a_new_recipe_needs_nothing_but_the_file(scored, tmp_path):
    assert "Whose corpus it is stands nowhere" in card(read_source(scored))
    (tmp_path / "corpus.yaml").write_text(yaml.safe_dump(TOWN))
    text = Reader(card(read_source(scored))).text
    assert "<b>Town: four people, Dutch, shouting. Source: x.org. Licence: CC BY.toy: 20 utterances" in text
    assert "One town." in [*limits(read_source(scored))]
    (tmp_path / "data" / "toy" / "corpus.yaml").write_text(yaml.safe_dump({"name": "Nearer", "about": "x"}))
    assert "Nearer: x.toy: 20" in Reader(card(read_source(scored))).text


def test_voices_of_a_program_are_never_taken_for_people(scored, tmp_path):
    (tmp_path / "corpus.yaml").write_text(yaml.safe_dump(TOWN))
    (tmp_path / "MANIFEST.json").write_text('{"generator": "x"}')
    source = read_source(scored)
    assert source.synthetic and source.corpus is None and "Town" not in card(source)
    (tmp_path / "MANIFEST.json").unlink()
    assert not read_source(scored).synthetic
    (tmp_path / "corpus.yaml").write_text(yaml.safe_dump({**TOWN, "synthetic": True}))
    assert read_source(scored).synthetic and "Town" in card(read_source(scored))


@pytest.mark.parametrize("facts, code, names", [
    ({"name": "x"}, "config-missing-key", ["about"]),
    ({**TOWN, "limit": "x"}, "config-unknown-key", ["limit", "limits"]),
    ({**TOWN, "limits": "One town."}, "config-value", ["limits", "One town."]),
    ({**TOWN, "synthetic": "yes"}, "config-value", ["synthetic", "'yes'"]),
    ({**TOWN, "licence": [4]}, "config-value", ["licence", "['4']"]),
    (["name"], "config-yaml", []),
])  # fmt: skip
def test_what_is_wrong_is_named(tmp_path, facts, code, names):
    (tmp_path / "corpus.yaml").write_text(yaml.safe_dump(facts))
    with fails(code, "corpus.yaml", *names):
        CorpusFacts.find(tmp_path / "data" / "set")


def test_no_file_is_no_fault(tmp_path):
    assert CorpusFacts.find(tmp_path / "data" / "set") is None
