"""What a recipe is to train."""

import pytest
import yaml

from mscnn.errors import UserError
from mscnn.paths import names
from mscnn.recipe.plan import Cell, from_options, read_grid, resolved

COMMON = Cell(runs=3)


def tags(cells, **options):
    return [cell.tag for cell, _ in resolved(cells, "", **options)]


def grid(tmp_path, *rows):
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump({"experiments": list(rows)}, sort_keys=False))
    return read_grid(str(path), COMMON, ["loso5"], ["pocketsphinx"])


def test_every_system_with_every_text_that_it_reads():
    cells = from_options(["text_cnn", "audio_cnn"], ["gt", "google"], ["loso5", "random10"], COMMON)
    assert tags(cells) == [
        "text_cnn_gt_loso5", "text_cnn_gt_random10", "text_cnn_google_loso5", "text_cnn_google_random10",
        "audio_cnn_none_loso5", "audio_cnn_none_random10",
    ]  # fmt: skip


def test_nothing_words_left_out_and_equal_tags_are_refused():
    with pytest.raises(UserError, match="nothing to train"):
        from_options([], ["gt"], ["loso5"], COMMON)
    with pytest.raises(UserError, match="text_cnn reads words"):
        resolved(from_options(["text_cnn"], ["none"], ["loso5"], COMMON), "")
    with pytest.raises(UserError, match="two experiments would be exp/mine"):
        resolved(from_options(["audio_cnn", "glam"], ["none"], ["loso5"], Cell(tag="mine")), "")


def test_a_grid_multiplies_out_and_keeps_what_rows_say(tmp_path):
    cells = grid(
        tmp_path,
        {"model": ["text_cnn", "majority"], "text": ["gt", "asr"]},
        {"model": "glam", "folds": 2, "runs": 1, "protocol": "session5",
         "set": {"mixup": 0.0, "betas": [0.5, 0.9], "fusion": "none"}, "tag": "plain"},
    )  # fmt: skip
    assert tags(cells) == ["text_cnn_gt_loso5", "text_cnn_pocketsphinx_loso5", "majority_none_loso5", "plain"]
    last, spec = resolved(cells, "")[-1]
    assert (last.folds, last.runs, last.protocol) == (2, 1, "session5") and cells[0].runs == 3
    assert last.settings == ("mixup=0.0", "betas=[0.5,0.9]", "fusion=none")
    assert (spec.training.mixup, spec.training.betas, spec.options["fusion"]) == (0.0, (0.5, 0.9), "none")


def test_models_are_tested_on_the_words_of_every_recogniser_after_their_training(tmp_path):
    path = tmp_path / "mine.yaml"
    row = {"model": ["text_cnn", "audio_cnn"], "text": ["gt", "asr"], "tested_on": ["gt", "asr"]}
    path.write_text(yaml.safe_dump({"experiments": [row]}))
    cells = [c for c, _ in resolved(read_grid(str(path), COMMON, ["loso5"], ["google", "file"]), "_x")]
    assert [cell.tag for cell in cells] == [
        "text_cnn_gt_loso5_x", "text_cnn_gt_loso5_x_on_google", "text_cnn_gt_loso5_x_on_file",
        "text_cnn_google_loso5_x", "text_cnn_google_loso5_x_on_gt", "text_cnn_google_loso5_x_on_file",
        "text_cnn_file_loso5_x", "text_cnn_file_loso5_x_on_gt", "text_cnn_file_loso5_x_on_google",
        "audio_cnn_none_loso5_x",
    ]  # fmt: skip
    assert [(cell.text, cell.tested_on) for cell in cells[:2]] == [("gt", ""), ("gt", "google")]


@pytest.mark.parametrize(
    "row, message",
    [
        ("glam", "experiment 1: expected model, text"),
        ({"model": "glam", "fold": 1}, "experiment 1: expected model, text"),
        ({"text": "gt"}, "model, text, protocol and tested_on are names"),
        ({"model": []}, "model, text, protocol and tested_on are names"),
        ({"model": "glam", "folds": "all"}, "folds and runs are numbers"),
        ({"model": "text_cnn", "tested_on": []}, "tested_on are names"),
        ({"model": "glam", "set": ["mixup=0"]}, "set is a mapping"),
    ],
)
def test_a_malformed_grid_names_its_row(tmp_path, row, message):
    with pytest.raises(UserError, match=message):
        grid(tmp_path, row)


def test_a_speech_model_reaches_only_those_that_train_it():
    cells = from_options(["ca_mser", "ca_mser_finetuned"], ["none"], ["loso5"], COMMON)
    found = [cell.settings for cell, _ in resolved(cells, "", wav2vec2="here/tiny")]
    assert found == [(), ("wav2vec2=here/tiny",)]
    with pytest.raises(UserError, match="ca_mser_finetuned trains wav2vec 2.0"):
        resolved(cells, "", wav2vec2="none")


def test_without_x_vectors_a_grid_leaves_out_what_would_be_another_system():
    models = [c.model for c in read_grid("peng2021_table1", COMMON, ["loso5"], ["pocketsphinx"], xvector=False)]
    assert "audio_cnn_xvector" not in models and "mscnn_spu" in models


@pytest.mark.parametrize("name", names("grids"))
def test_shipped_grids_show_the_baselines_beside_every_text_model(name):
    found = resolved(read_grid(name, COMMON, ["random10"], ["pocketsphinx"]), "")
    models = {cell.model for cell, _ in found}
    assert "majority" in models
    assert "tfidf_lr" in models or not any(spec.text for _, spec in found)
    assert "logmel_lr" in models or not any(spec.audio for _, spec in found)
