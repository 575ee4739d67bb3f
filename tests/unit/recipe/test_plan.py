"""The plan of a recipe, and the options that are refused before any stage runs."""

import json
import re
import shutil
import sys
from pathlib import Path

import pytest
import yaml

from mscnn.bin import plan as entry_point
from mscnn.config import embeddings, schema
from mscnn.errors import DataErrors
from mscnn.paths import CONF, conf, names
from mscnn.recipe.grid import Request, read_grid
from mscnn.recipe.make import make_plan
from mscnn.recipe.options import Options
from mscnn.recipe.plan import Plan
from mscnn.reporting.published import read_published
from tests.raises import check, fails

USUAL = {
    "labels": "iemocap4",
    "usual": "iemocap4",
    "models": ("audio_cnn",),
    "texts": ("none",),
    "protocols": ("loso5",),
}


def plan(**options):
    return make_plan(Options(**{**USUAL, **options}))


def tags(**options):
    return [row.tag for row in plan(**options).rows]


def issues(**options):
    with pytest.raises(DataErrors) as caught:
        plan(**options)
    check(caught.value, "plan-wrong")
    return caught.value.issues


def refused(code, *words, **options):
    """The options have one issue, of this code, whose message contains ``words``."""
    (issue,) = issues(**options)
    assert issue.code == code, f"{issue.code}: {issue}"
    for word in words:
        assert word in str(issue)


@pytest.fixture
def grid(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def write(*rows):
        (tmp_path / "mine.yaml").write_text(yaml.safe_dump({"experiments": list(rows)}, sort_keys=False))
        return {"grid": "mine.yaml", "models": ()}

    return write


@pytest.mark.parametrize(
    "options, expected",
    [
        ({"models": ("audio_cnn", "mscnn_spu"), "texts": ("gt",)}, ["audio_cnn_none_loso5", "mscnn_spu_gt_loso5"]),
        ({"models": ("text_cnn",), "texts": ("gt", "google")}, ["text_cnn_gt_loso5", "text_cnn_google_loso5"]),
        ({"texts": ("gt", "file")}, ["audio_cnn_none_loso5"]),
        ({"protocols": ("loso5", "speaker10")}, ["audio_cnn_none_loso5", "audio_cnn_none_speaker10"]),
        ({"subset": "improvised"}, ["audio_cnn_none_loso5_iemocap4_improvised"]),
        ({"labels": "iemocap4_exc"}, ["audio_cnn_none_loso5_iemocap4_exc"]),
        ({"tag": "mine"}, ["mine"]),
    ],
)
def test_experiments_and_their_names(options, expected):
    assert tags(**options, last=3) == expected


def test_a_row_has_all_that_stages_need(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (row,) = plan(
        models=("mscnn_spu",), texts=("gt",), set=("training.lr=0.1", "max-epochs=3", "lr=0.2"), runs=3, trim="30"
    ).rows
    assert (row.exp, row.data, row.xvector) == (
        "exp/mscnn_spu_gt_loso5",
        "data/iemocap4",
        "exp/xvector/iemocap4/xvector.scp",
    )
    assert (row.features, row.feature_set) == ({"mfcc96": "dump/mfcc96/iemocap4"}, {"mfcc96": ("trim_db=30",)})
    assert (row.set, row.runs, row.xvector_model) == (("lr=0.2", "max-epochs=3"), 3, "espeak")
    setup = row.setup()
    assert (setup.model, str(setup.exp), setup.settings, setup.text.source) == ("mscnn_spu", row.exp, row.set, "gt")
    assert [str(path) for path in setup.feature_dirs] == ["dump/mfcc96/iemocap4"] and setup.text.embeddings is None
    assert str(setup.xvector) == row.xvector


def test_word_vectors_are_for_networks_that_take_text(tmp_path, monkeypatch):
    """A known name may have to be downloaded first; a system without word vectors does not ask for it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(embeddings, "FOLDER", tmp_path)
    made = plan(models=("text_cnn", "tfidf_lr", "audio_cnn"), texts=("gt",), embeddings="glove.840B.300d")
    assert {row.model: row.embeddings for row in made.rows} == {
        "text_cnn": "glove.840B.300d",
        "tfidf_lr": "none",
        "audio_cnn": "none",
    }
    assert made.rows[0].setup().text.embeddings == "glove.840B.300d"
    assert plan(models=("text_cnn",), texts=("gt",)).rows[0].embeddings == "word2vec"


def test_a_plan_is_one_json_object_per_experiment(tmp_path):
    made = plan(models=("mscnn_spu", "text_cnn"), texts=("gt", "google"))
    made.write(tmp_path / "plan.jsonl")
    lines = (tmp_path / "plan.jsonl").read_text().splitlines()
    assert [json.loads(line)["tag"] for line in lines] == [row.tag for row in made.rows]
    assert Plan.load(tmp_path / "plan.jsonl") == made
    with fails("plan-missing", "absent.jsonl"):
        Plan.load(tmp_path / "absent.jsonl")
    (tmp_path / "broken.jsonl").write_text(lines[0] + "\n{")
    with fails("plan-malformed", "broken.jsonl:2"):
        Plan.load(tmp_path / "broken.jsonl")
    (tmp_path / "other.jsonl").write_text(json.dumps({**json.loads(lines[0]), "runs": "many"}))
    with fails("config-value", "other.jsonl:1", "runs", "many"):
        Plan.load(tmp_path / "other.jsonl")


def test_features_of_one_folder_are_refused(grid, tmp_path):
    shutil.copy(conf("features", "mfcc40"), tmp_path / "mfcc40.yaml")
    mine = {"model": "mscnn_audio_max", "text": "gt", "set": {"inputs.audio": "mfcc40.yaml"}, "tag": "mine"}
    (row,) = plan(**grid(mine)).rows
    assert row.features == {"mfcc40.yaml": "dump/mfcc40/iemocap4"}
    shipped = {"model": "mscnn_audio_max", "text": "gt", "set": {"inputs.audio": "mfcc40"}}
    refused("plan-data-twice", "mfcc40.yaml", "dump/mfcc40/iemocap4", **grid(mine, shipped))


def test_rows_are_grouped_into_data_sets(grid):
    other = {"text": "google", "labels": "iemocap4_exc", "subset": "improvised", "protocol": ["loso5", "speaker10"]}
    rows = grid({"model": ["mscnn_spu", "glam"], "text": "gt"}, {"model": "mscnn_spu", **other})
    first, second = plan(**rows).data_sets
    assert (first.path, first.protocols, first.engines) == ("data/iemocap4", {"loso5": 0}, [])
    assert first.features == {"mfcc96": "dump/mfcc96/iemocap4", "mfcc26_seg18": "dump/mfcc26_seg18/iemocap4"}
    assert first.xvectors == {"exp/xvector/iemocap4": "espeak"}
    assert (second.name, second.labels, second.subset) == ("iemocap4_exc_improvised", "iemocap4_exc", "improvised")
    assert (second.protocols, second.engines) == ({"loso5": 0, "speaker10": 0}, ["google"])


def test_transcripts_are_made_where_an_experiment_takes_them(grid):
    """Those of an engine that is named, and that no experiment takes, are made for every data set."""
    made = plan(**grid({"model": "text_cnn", "text": "asr"}, {"model": "glam", "labels": "iemocap4_exc"}))
    assert [(data.name, engine) for data, engine in made.transcripts(["pocketsphinx"])] == [
        ("iemocap4", "pocketsphinx")
    ]
    both = [(data.name, engine) for data, engine in made.transcripts(["google"])]
    assert both == [("iemocap4", "google"), ("iemocap4", "pocketsphinx"), ("iemocap4_exc", "google")]


def test_x_vectors_are_made_where_a_model_takes_them(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.scp").write_text("")

    def vectors(model, xvector):
        (row,) = plan(models=(model,), texts=("gt",), xvector=xvector).rows
        return row.xvector, row.xvector_model

    assert vectors("mscnn_spu", "extract") == ("exp/xvector/iemocap4/xvector.scp", "espeak")
    assert vectors("audio_cnn", "extract") == vectors("mscnn_spu", "none") == ("none", "")
    assert vectors("mscnn_spu", "x.scp") == ("x.scp", "")
    refused("plan-xvector-needed", "audio_cnn_xvector", models=("audio_cnn_xvector",), xvector="none")


def test_a_grid_without_x_vectors_trains_no_system_twice_and_says_so(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made = plan(grid="peng2021_table1", xvector="none", last=2)
    names = {row.model for row in made.rows}
    assert "audio_cnn_xvector" not in names and "mscnn_spu" in names
    assert len(made.left_out) == 1 and "audio_cnn_xvector" in made.left_out[0]
    made = plan(grid="peng2021_table2", xvector="none", last=2)
    names = [row.model for row in made.rows if row.protocol == "loso5"]
    assert {"mscnn_no_xvector", "mscnn_no_xvector_text_max", "mscnn_spu_att"} <= {*names}
    assert not {"mscnn_spu", "mscnn_text_max"} & {*names} and len(made.left_out) == 2
    assert "mscnn_spu " in made.left_out[0] and "mscnn_no_xvector" in made.left_out[0]
    assert plan(grid="peng2021_table2", last=2).left_out == ()


def test_a_grid_gives_all_combinations_with_the_values_of_its_entries(grid):
    changes = {"mixup": 0.0, "betas": [0.5, 0.9], "fusion": "none"}
    rows = grid(
        {"model": ["text_cnn", "majority"], "text": ["gt", "asr"]},
        {"model": "glam", "folds": 2, "runs": 1, "protocol": "session5", "set": changes, "tag": "plain"},
    )
    made = plan(**rows, runs=3, set=("max_epochs=7",))
    tags = ["text_cnn_gt_loso5", "text_cnn_pocketsphinx_loso5", "majority_none_loso5", "plain"]
    assert [row.tag for row in made.rows] == tags and {row.grid for row in made.rows} == {"mine"}
    first, *_, last = made.rows
    assert (first.runs, first.set) == (3, ("max_epochs=7",))
    assert (last.folds, last.runs, last.protocol) == (2, 1, "session5")
    assert last.set == ("mixup=0.0", "betas=[0.5,0.9]", "fusion=none", "max_epochs=7")


def test_baselines_beside_networks_take_the_settings_that_they_have():
    made = plan(models=("majority", "logmel_lr", "audio_cnn"), set=("max_frames=150", "max_epochs=2"))
    assert [row.set for row in made.rows] == [(), (), ("max_frames=150", "max_epochs=2")]
    assert [line.partition(" ")[0] for line in made.left_out] == ["majority", "logmel_lr"]
    refused("option-unknown", "max_frame", models=("majority", "audio_cnn"), set=("max_frame=150",))
    refused("option-unknown", "max_frames", models=("majority",), set=("max_frames=150",))


def test_an_entry_varies_values_and_names_its_experiments_by_them(grid):
    vary = {"inputs.audio": ["mfcc40", "logmel3d"], "options.filters": [8, 16]}
    rows = plan(**grid({"model": ["audio_cnn", "mscnn_spu"], "text": "gt", "set": {"lr": 0.1}, "vary": vary})).rows
    assert [row.tag for row in rows[:4]] == [
        "audio_cnn_none_loso5_mfcc40_filters8",
        "audio_cnn_none_loso5_mfcc40_filters16",
        "audio_cnn_none_loso5_logmel3d_filters8",
        "audio_cnn_none_loso5_logmel3d_filters16",
    ]
    assert len({row.exp for row in rows}) == len(rows) == 8
    assert {*rows[1].set} == {"inputs.audio=mfcc40", "options.filters=16", "lr=0.1"}
    assert [*rows[3].features] == ["logmel3d"]


def test_baselines_of_a_grid_take_the_settings_that_they_have(grid):
    rows = grid({"model": ["ca_mser_no_wav2vec2", "tfidf_lr"], "text": "gt"})
    made = plan(**rows, set=("dropout=0.2", "max_epochs=2", "segments.hop=200"), last=2)
    assert [row.set for row in made.rows] == [("dropout=0.2", "max_epochs=2", "segments.hop=200"), ()]
    refused("option-unknown", "max_epoch", **rows, set=("max_epoch=2",))


VALUES = ["[\\w']+", "a, b", ["a, b", "[x]"], ["a: b", "# c", 'say "no"', ""], {"x": "1, 2"}, "", "null", "*a", "é"]


@pytest.mark.parametrize("value", VALUES)
def test_values_of_a_grid_are_those_that_set_reads(grid, value):
    row = grid({"model": "majority", "set": {"pattern": value}})
    (request,) = read_grid(row["grid"], Request(), ["loso5"], [])
    key, _, text = request.set[0].partition("=")
    assert (key, schema.parse(text, "here")) == ("pattern", value)


def test_models_are_tested_on_the_transcripts_of_every_engine_after_their_training(grid):
    rows = grid({"model": ["text_cnn", "audio_cnn"], "text": ["gt", "asr"], "tested_on": ["gt", "asr"]})
    made = plan(**rows, engines=("google", "file"), usual="other").rows
    assert [row.tag for row in made] == [
        "text_cnn_gt_loso5_iemocap4",
        "text_cnn_gt_loso5_iemocap4_on_google",
        "text_cnn_gt_loso5_iemocap4_on_file",
        "text_cnn_google_loso5_iemocap4",
        "text_cnn_google_loso5_iemocap4_on_gt",
        "text_cnn_google_loso5_iemocap4_on_file",
        "text_cnn_file_loso5_iemocap4",
        "text_cnn_file_loso5_iemocap4_on_gt",
        "text_cnn_file_loso5_iemocap4_on_google",
        "audio_cnn_none_loso5_iemocap4",
    ]
    assert [(row.text, row.tested_on, row.trained_in) for row in made[:2]] == [
        ("gt", "", ""),
        ("gt", "google", "exp/text_cnn_gt_loso5_iemocap4"),
    ]
    made = plan(**rows, engines=("google",))
    assert {row.tag for row in made.trained} | {row.tag for row in made.predicted} == {row.tag for row in made.rows}


def test_the_speech_model_is_set_in_its_features_and_in_models_that_fine_tune_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my model").mkdir()
    (tmp_path / "my model/config.json").write_text("{}")
    models = {"models": ("ca_mser", "ca_mser_finetuned", "audio_cnn"), "last": 3}
    made = plan(**models, wav2vec2="my model")
    assert [row.set for row in made.rows] == [(), ("wav2vec2=my model",), ()]
    assert made.data_sets[0].feature_set == {"wav2vec2": ("model=my model",)} and not made.data_sets[0].given
    assert plan(models=("ca_mser",), wav2vec2="none").data_sets[0].given == {"wav2vec2"}
    refused("plan-wav2vec2-needed", "ca_mser_finetuned", **models, wav2vec2="none")
    (tmp_path / "my model/config.json").unlink()
    refused("file-missing", "my model", models=("ca_mser",), wav2vec2="my model")


@pytest.mark.parametrize(
    "options, code, words",
    [
        ({"models": ()}, "plan-empty", ["--model"]),
        ({"models": ("audio_cn",)}, "conf-unknown", ["audio_cnn"]),
        ({"models": ("text_cnn",)}, "plan-text-needed", ["text_cnn"]),
        ({"protocols": ("loso",)}, "conf-unknown", ["loso5"]),
        ({"labels": "iemocap44"}, "conf-unknown", ["iemocap4"]),
        ({"models": ("acrnn_paper",), "set": ("pool=[100,100]",)}, "model-shape", ["acrnn_paper", "pool=[100,100]"]),
        ({"models": ("ca_mser_no_wav2vec2",), "set": ("alexnet=w.pth",)}, "pretrained-weights", ["w.pth"]),
        ({"set": ("max_frames=0",)}, "config-value", ["max_frames", "0"]),
        ({"models": ("mscnn_spu",), "texts": ("gt",), "set": ("max_tokens=-1",)}, "config-value", ["max_tokens", "-1"]),
        ({"set": ("training.class_weights.hapy=2",)}, "class-weights", ["hapy", "happy"]),
        ({"corpus": "ravdess"}, "labels-of-another-corpus", ["iemocap4", "ravdess"]),
        ({"corpus": "iemocapp"}, "plan-value", ["iemocapp", "iemocap?"]),
        ({"texts": ("pocketsphin",)}, "plan-text-unknown", ["pocketsphinx"]),
        ({"engines": ("whisper",)}, "plan-text-unknown", ["faster-whisper"]),
        ({"grid": "peng2021_table11"}, "conf-unknown", ["peng2021_table1"]),
        ({"device": "cudda"}, "plan-value", ["cuda"]),
        ({"subset": "improvized"}, "plan-value", ["improvised"]),
        ({"tokens": "words"}, "plan-value", ["word?"]),
        ({"on_bad": "stp"}, "plan-value", ["--on-bad", "stop?"]),
        ({"xvector_backend": "kadli"}, "plan-value", ["--xvector-backend", "kaldi?"]),
        ({"unvoiced": "drob"}, "plan-value", ["--unvoiced", "drop?"]),
        ({"runs": 0}, "plan-value", ["--runs 0"]),
        ({"nj": 0}, "plan-value", ["--nj 0"]),
        ({"jobs_per_device": -1}, "plan-value", ["--jobs-per-device -1"]),
        ({"xvector_model": "espeek"}, "plan-xvector-model", ["espeak"]),
        ({"xvector": "absent.scp"}, "file-missing", ["--xvector", "absent.scp"]),
        ({"embeddings": "absent.txt"}, "file-missing", ["--embeddings", "absent.txt"]),
        ({"set": ("fc_dmi=3",)}, "option-unknown", ["options.fc_dim"]),
        ({"set": ("bach_size=3",)}, "option-unknown", ["training.batch_size"]),
        ({"set": ("batch_size=many",)}, "config-value", ["batch_size", "many"]),
        ({"set": ("batch_size=1_000",)}, "config-value", ["batch_size", "1_000"]),
        ({"set": ("batch_size=3.0",)}, "config-value", ["batch_size", "3.0"]),
        ({"set": ("lr=1_0.5",)}, "config-value", ["lr", "1_0.5"]),
        ({"set": ("balance=some",)}, "config-value", ["balance", "none, oversample", "some"]),
        ({"set": ("select=uaa",)}, "metric-unknown", ["uaa", "ua?"]),
        ({"set": ("audio_cnn",)}, "option-syntax", ["audio_cnn"]),
        ({"set": ("inputs.text=true",), "texts": ("gt",)}, "input-unsupported", ["inputs.text"]),
        ({"models": ("glam",), "set": ("segments.streams.foo=3",)}, "input-unsupported", ["segments.streams.foo"]),
        ({"models": ("audio_cnn_xvector",), "set": ("mixup=0.2",)}, "mixup-unsupported", ["audio_cnn_xvector"]),
        ({"set": ("lr=1", "audio_widths=[3,", "5]", "a=1")}, "option-blank", [" audio_widths=[3,5]"]),
        ({"set": ("audio_widths=[3", ",", "5]")}, "option-blank", [" audio_widths=[3,5]"]),
        ({"set": ("audio_widths=[3,5",)}, "config-yaml", ["audio_widths=[3,5"]),
        ({"trim": "loud"}, "config-value", ["trim_db", "loud"]),
        ({"models": ("audio_cnn", "glam"), "tag": "x"}, "plan-tag-twice", ["exp/x"]),
    ],
)
def test_a_wrong_option_is_refused_with_the_nearest_name(options, code, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    refused(code, *words, **options)


@pytest.mark.parametrize(
    "tag",
    ["../x", "a/b", "a b", ".x", "-x", "log", "Log", "xvector", "embeddings", "asr_google", "plan.jsonl", "x" * 256],
)
def test_a_tag_that_cannot_name_an_experiment(tag, grid):
    refused("tag-invalid", f"--tag {tag}", tag=tag)
    refused("tag-invalid", f"--tag {tag}", **grid({"model": "audio_cnn", "tag": tag, "protocol": "loso5"}))


@pytest.mark.parametrize("tag", ["tfidf_lr_c0.3", "a-b+c", "1", "größer", "logs", "my_asr_x"])
def test_other_tags_name_experiments(tag):
    assert [row.exp for row in plan(tag=tag, last=3).rows] == [f"exp/{tag}"]


@pytest.mark.parametrize(
    "row, code, words",
    [
        ({"model": "glam", "fold": 1}, "config-unknown-key", ["fold", "folds"]),
        ({"text": "gt"}, "config-missing-key", ["model"]),
        ({"model": "glam", "folds": "all"}, "config-value", ["folds", "all"]),
        ({"model": "glam", "set": ["mixup=0"]}, "config-value", ["set"]),
        ({"model": "glam", "set": {"mixupp": 0}}, "option-unknown", ["training.mixup"]),
        ({"model": "glam", "set": {"max_epochs": "x"}}, "config-value", ["max_epochs"]),
        ({"model": "glamm"}, "conf-unknown", ["glam"]),
        ({"model": "glam", "protocol": "loso"}, "conf-unknown", ["loso5"]),
        ({"model": "glam", "labels": "iemocap44"}, "conf-unknown", ["iemocap4"]),
        ({"model": "text_cnn", "text": "pocketsphynx"}, "plan-text-unknown", ["pocketsphinx"]),
        ({"model": "text_cnn", "text": "gt", "tested_on": "gogle"}, "plan-text-unknown", ["google"]),
    ],
)
def test_a_wrong_entry_of_a_grid_is_refused(grid, row, code, words):
    refused(code, *words, **grid(row))


def test_all_issues_are_listed_at_once():
    codes = [
        issue.code for issue in issues(models=("glamm", "audio_cnn"), protocols=("loso",), device="gpu", set=("a=1",))
    ]
    assert codes == ["conf-unknown", "option-unknown", "conf-unknown", "plan-value"]


def test_packages_that_are_missing(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for name in ("tensorboard", "faster_whisper", "transformers"):
        monkeypatch.setitem(sys.modules, name, None)
    refused("package-missing", "tensorboard", tensorboard=True)
    refused("package-missing", "faster_whisper", models=("text_cnn",), texts=("faster-whisper",))
    refused("package-missing", "transformers", models=("ca_mser",))
    assert tags(models=("text_cnn",), texts=("faster-whisper",), last=3)


def test_stages_that_have_to_run_first(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    options = {"models": ("mscnn_spu",), "texts": ("pocketsphinx",), "last": 5}

    def missing(first):
        return [re.findall(r"stage (\d)", str(issue))[0] for issue in issues(**options, first=first)]

    assert missing(1 + 1) == ["1"] and missing(4) == ["1", "2", "3"] and missing(5) == ["1", "2", "3", "4"]
    assert {issue.code for issue in issues(**options, first=4)} == {"stage-missing"}
    for path in ("data/iemocap4/utt2spk", "exp/xvector/iemocap4/xvector.scp", "dump/mfcc96/iemocap4/feats.scp"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("")
        assert tags(**{**options, "last": 1}) and path not in str(issues(**options, first=5))
    assert tags(**options, first=4)
    (tmp_path / "data/iemocap4/text.mine").write_text("s1-a hi\n")
    assert tags(**{**options, "texts": ("mine",)}, first=5) == ["mscnn_spu_mine_loso5"]
    assert "exp/mscnn_spu_mine_loso5/" in str(issues(**{**options, "texts": ("mine",), "last": 6}, first=6)[0])


@pytest.mark.parametrize(("text", "first"), [("gt", 4), ("pocketsphinx", 5), ("mine", 2)])
def test_transcripts_without_words_that_no_stage_makes_again(monkeypatch, tmp_path, text, first):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data/iemocap4").mkdir(parents=True)
    for name in ("utt2spk", "text", f"text.{text}"):
        (tmp_path / "data/iemocap4" / name).write_text("s1-a\ns1-b\n")
    options = {"models": ("text_cnn",), "texts": (text,)}
    path = "data/iemocap4/text" if text == "gt" else f"data/iemocap4/text.{text}"
    refused("text-empty", path, "2", **options, first=first)
    assert plan(**options, first=first, last=4)
    if text != "mine":
        assert plan(**options, first=1)


@pytest.mark.parametrize("name", names("grids"))
def test_shipped_grids_have_baselines_for_their_text_and_audio(name, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    made = plan(grid=name, protocols=("random10",), last=2)
    models = {row.model for row in made.rows}
    assert "majority" in models
    assert "tfidf_lr" in models or not any(row.text != "none" for row in made.rows)
    assert "logmel_lr" in models or not any(row.features for row in made.rows)


PAPERS = {  # grid of a paper -> its data sets
    "peng2021_table1": {"iemocap4", "iemocap4_improvised"},
    "peng2021_table2": {"iemocap4"},
    "adsrnn": {"iemocap4_noexc_improvised"},
    "glam": {"iemocap4_exc", "iemocap4_exc_improvised", "iemocap4_exc_scripted"},
    "ca_mser": {"iemocap4"},
}


@pytest.mark.parametrize("name", PAPERS)
def test_the_grid_of_a_paper_has_every_row_of_its_table(name, monkeypatch, tmp_path):
    """Every row under its own protocol, or one of the columns; on its own class set."""
    monkeypatch.chdir(tmp_path)
    facts = read_published(CONF / "published.yaml")
    made, table = plan(grid=name, protocols=("random10",), last=2), facts.tables[name]
    trained = {(row.model, row.text, row.protocol, Path(row.data).name, values(row.set)) for row in made.rows}
    for row in table.rows:
        own, text = facts.protocols[row.protocol], "pocketsphinx" if row.text == "asr" else row.text
        wanted = {own.like, *table.columns} - {"own"} if own.set == "iemocap4" and table.columns else {own.like}
        for protocol in wanted:
            assert (row.model, text, protocol, own.set, values(f"{k}={v}" for k, v in row.options.items())) in trained
    assert {data.name for data in made.data_sets} == PAPERS[name]


def values(settings):
    return tuple(sorted(settings))


@pytest.mark.parametrize(
    "labels, engine, model, language, code, names",
    [
        ("emodb7", "pocketsphinx", "", "", "language-unknown", ["de-DE", "en-US"]),  # the language of the corpus
        ("emodb7", "faster-whisper", "tiny.en", "", "language-unknown", ["de-DE", "tiny.en"]),
        ("emodb7", "faster-whisper", "", "", "", []),
        ("ravdess8", "faster-whisper", "", "de", "", []),
        ("ravdess8", "pocketsphinx", "", "de-DE", "language-unknown", ["de-DE"]),
        ("ravdess8", "pocketsphinx", "", "englsh", "language-invalid", ["englsh", "en (English)"]),
        ("esd5", "pocketsphinx", "", "", "language-several", ["data/esd5", "zh-CN", "en-US"]),
        ("esd5", "pocketsphinx", "", "en", "", []),
    ],
)
def test_languages_are_checked_before_any_stage(labels, engine, model, language, code, names, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    options = Options(
        labels, models=("text_cnn",), texts=(engine,), protocols=("random10",), asr_model=model, language=language
    )
    if not code:
        assert make_plan(options).rows
        return
    with fails("plan-wrong", *names) as caught:
        make_plan(options)
    assert [issue.code for issue in caught.value.issues] == [code]


def test_vectors_of_each_text_have_a_folder_of_their_own(grid, tmp_path, monkeypatch):
    rows = ({"model": "mscnn_text_encoder", "text": ["gt", "pocketsphinx"], "tested_on": "pocketsphinx"},)
    made = plan(**grid(*rows), trim="30")
    folders = {row.tag: (row.features["minilm_tokens"], row.text_encoder, row.feature_set) for row in made.rows}
    gt = ("dump/minilm_tokens/iemocap4/gt", "minilm_tokens", {})  # text is not trimmed
    assert folders["mscnn_text_encoder_gt_loso5"] == folders["mscnn_text_encoder_gt_loso5_on_pocketsphinx"] == gt
    recognised = "dump/minilm_tokens/iemocap4/pocketsphinx"
    assert folders["mscnn_text_encoder_pocketsphinx_loso5"][0] == recognised
    (data,) = made.data_sets
    assert data.features == {} and data.engines == ["pocketsphinx"]
    assert data.extracted(3) == [("minilm_tokens", gt[0], "gt")], "before transcripts"
    assert data.extracted(4) == [("minilm_tokens", recognised, "pocketsphinx")], "after them"
    assert all(row.embeddings == "none" for row in made.rows), "no word vectors are learned"
    (data,) = plan(**grid(*rows), pretrained={"minilm_tokens": "none"}).data_sets
    assert data.extracted(3) == data.extracted(4) == [], "they are there already"


def test_audio_and_text_features_are_not_taken_for_each_other():
    refused("feature-source", "minilm_tokens", "inputs.text_encoder", set=("inputs.audio=minilm_tokens",))
    mfcc = {"models": ("mscnn_text_encoder",), "texts": ("gt",), "set": ("inputs.text_encoder=mfcc96",)}
    refused("feature-source", "mfcc96", "inputs.audio", **mfcc)
    refused("input-unsupported", "text_encoder", models=("tre",), texts=("gt",), set=("text_encoder=minilm_tokens",))
    other = plan(models=("text_cnn",), texts=("gt",), set=("text_encoder=bert_base_tokens",)).rows[0]
    assert other.features == {"bert_base_tokens": "dump/bert_base_tokens/iemocap4/gt"}


def test_a_pretrained_network_is_given_by_the_name_of_a_feature_file(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text(conf("features", "minilm_tokens").read_text())
    row = plan(
        models=("mscnn_text_encoder",), texts=("gt",), set=(f"text_encoder={file}",), pretrained={"mine": "a/b"}
    ).rows[0]
    assert row.feature_set == {str(file): ("model=a/b",)} and row.features == {str(file): "dump/mine/iemocap4/gt"}


@pytest.mark.parametrize("given", ["minilm_tokens", "minilm_tokens=", "minilm_tokens=a minilm_tokens=b"])
def test_a_pretrained_network_is_given_once(given, monkeypatch, capsys):
    words = "plan --labels iemocap4 --model mscnn_text_encoder --protocol loso5 --dry-run true --pretrained"
    monkeypatch.setattr(sys, "argv", [*words.split(), *given.split()])
    assert entry_point.main() == 2
    errors = capsys.readouterr().err
    assert errors.count("error[") == 1 and "--pretrained minilm_tokens" in errors
