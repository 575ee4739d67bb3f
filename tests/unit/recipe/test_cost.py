"""What a plan costs, before anything starts."""

import pytest

from mscnn.jobs import Need
from mscnn.recipe import cost
from mscnn.recipe.cost import Costs, Rate, SystemCost, estimate, needs, trainings
from mscnn.recipe.plan import Plan, Row
from tests.unit.reporting.reading import read_rows

COSTS = Costs(
    measured="on a desk",
    systems={
        "audio_cnn": SystemCost(epoch=36, step=2, gigabytes=3, weights=0.01),
        "glam": SystemCost(epoch=10, step=1, gigabytes=5),
    },
    features={"mfcc96": Rate(seconds=360, gigabytes=0.5)},
    xvectors=Rate(seconds=36),
    engines={"pocketsphinx": Rate(seconds=3600)},
)


@pytest.fixture(autouse=True)
def costs(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Costs, "load", classmethod(lambda cls: COSTS))


def row(model, tag, data="data/set", **changes):
    values = {"labels": "iemocap4", "protocol": "random10", "runs": 3, **changes}
    return Row(tag, f"exp/{tag}", model, data, features={"mfcc96": f"dump/mfcc96/{data[5:]}"}, **values)


def test_trainings_are_folds_times_runs():
    assert trainings(row("audio_cnn", "a")) == 30 and trainings(row("audio_cnn", "a", protocol="loso5")) == 15
    assert trainings(row("audio_cnn", "a", folds=2)) == 6 and trainings(row("audio_cnn", "a", folds=99)) == 30
    assert trainings(row("audio_cnn", "a", trained_in="exp/b")) == 0


def test_hours_gigabytes_and_memory(tmp_path):
    (tmp_path / "corpus.yaml").write_text("name: x\nabout: y\nhours: {set: 2}\n")
    rows = (
        row("audio_cnn", "long", xvector="exp/xvector/set/xvector.scp", xvector_model="espeak"),
        row("glam", "short", set=("max_steps=10",), text="pocketsphinx"),
        row("majority", "baseline"),
    )
    text = estimate(Plan(rows, ("one is excluded",)), nj=4)
    head, *experiments, _, data = read_rows(text)
    assert [cells[-2:] for cells in experiments] == [["30", "48.0"], ["30", "0.1"], ["30", "0.0"]]
    assert data == ["set", "2.0", "mfcc96", "2.2", "1.0"]  # features 0.2 h, x-vectors 0.02 h, transcripts 2 h
    (total,) = (line for line in text.splitlines() if line.startswith("3 experiments"))
    assert all(
        part in total
        for part in (
            "90 trainings",
            " 50.3 hours",
            "1.0 GB on disk",
            " 0.3 GB for trained models",
            "5.0 GB of memory",
            " 4 ",
        )
    )
    assert "on a desk" in text and "one is excluded" in text.splitlines()
    assert " 30 of the trainings " in text, "the steps of glam are fixed"


def test_data_of_stage_1_is_measured_and_unknown_costs_are_named(tmp_path):
    text = estimate(Plan((row("audio_cnn", "a"),)), nj=1)
    assert [cells[-1] for cells in read_rows(text)[1::2]] == ["–", "–"] and "GB of memory" not in text
    assert "1 experiment, 30 trainings" in text
    (tmp_path / "data" / "set").mkdir(parents=True)
    (tmp_path / "data" / "set" / "utt2dur").write_text("a-1 3600.0\na-2 3600.0\n")
    text = estimate(Plan((row("audio_cnn", "a"), row("mdre", "b"))), nj=1)
    assert [cells[-1] for cells in read_rows(text)[1:3]] == ["48.0", "–"]
    assert "1 experiment, 0 outputs of stages 2 to 4" in text


@pytest.mark.parametrize("content", ["a-1 3600.0", "a-1 x\n", "a-1 nan\n", "a-1 -5\n", "a-1\n", ""])
def test_a_damaged_table_of_durations_stops_no_plan(tmp_path, content):
    (tmp_path / "data" / "set").mkdir(parents=True)
    (tmp_path / "data" / "set" / "utt2dur").write_text(content)
    text = estimate(Plan((row("audio_cnn", "a"),)), nj=1)
    assert [cells[-1] for cells in read_rows(text)[1:2]] == ["–"]


def test_every_system_of_the_papers_is_measured():
    costs = cost.schema.load(cost.CONF / "costs.yaml", Costs)
    assert {"mscnn_spu_att", "adsrnn_code64", "glam", "ca_mser_finetuned"} <= costs.systems.keys()


def test_what_a_cluster_is_asked_for(tmp_path):
    data = tmp_path / "data" / "set"
    data.mkdir(parents=True)
    setups = [row(model, model).setup() for model in ("audio_cnn", "glam", "majority")]
    assert needs(setups)[setups[0].exp] == Need(None, 3 * 10**9), "the hours of speech are not known yet"
    (data / "utt2dur").write_text("a 3600\nb 3600\n")
    found = [needs(setups)[setup.exp] for setup in setups]
    assert found == [Need(100 * 36 * 2 * 0.8, 4 * 10**9), Need(found[1].seconds, 5 * 10**9), Need()]
    setups[0].exp.mkdir(parents=True)
    (setups[0].exp / "memory.json").write_text('{"bytes": 77}')
    assert needs(setups)[setups[0].exp].memory == 77
