"""The recipes and the stages they share: egs/*/run.sh, utils/stages.sh."""

import re
import shlex
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from tests.shell.conftest import ROOT

RECIPES = sorted(path.parent.name for path in ROOT.glob("egs/*/run.sh") if "utils/stages.sh" in path.read_text())
STAGES = ["preflight", "data", "xvector", "features", "transcripts", "train", "score"]


def stages_of(output: str) -> list[int]:
    return [int(n) for n in re.findall(r"stage (\d) \w+:", output)]


def commands(output: str) -> list[list[str]]:
    return [shlex.split(line) for line in output.splitlines() if line.startswith("python3 -m ")]


def options(command: list[str]) -> dict[str, str]:
    """Options of a command; of several values the first."""
    return {name: value for name, value in zip(command, [*command[1:], ""], strict=True) if name.startswith("--")}


def of(output: str, verb: str) -> list[dict[str, str]]:
    return [options(c) for c in commands(output) if c[2] == f"mscnn.bin.{verb}"]


@cache
def help_of(module: str) -> str:
    return subprocess.run([sys.executable, "-m", module, "--help"], cwd=ROOT, text=True, capture_output=True).stdout


def test_recipes_are_there():
    assert {"iemocap", "meld", "mini_iemocap", "ravdess"} <= {*RECIPES}


@pytest.mark.parametrize("recipe", RECIPES)
def test_help_answers_before_any_environment_is_there(sh, checkout, recipe):
    (checkout / "tools").unlink()
    result = sh(checkout / "egs" / recipe / "run.sh", "--help", PATH="/usr/bin:/bin")
    assert (result.returncode, result.stderr) == (0, "")
    assert all(f"  {n} {name} " in result.stdout for n, name in enumerate(STAGES))
    assert "--stop-stage" in result.stdout and "[loso5]" in result.stdout or recipe != "mini_iemocap"


@pytest.mark.parametrize("recipe", RECIPES)
def test_dry_run_prints_commands_that_the_entry_points_understand(sh, checkout, recipe):
    result = sh(checkout / "egs" / recipe / "run.sh", "--dry-run", "--corpus", "/some where", "--nj", 3)
    assert (result.returncode, result.stderr) == (0, "")
    assert stages_of(result.stdout) == [*range(7)]
    verbs = dict.fromkeys(command[2].rpartition(".")[2] for command in commands(result.stdout))
    listening = [] if recipe == "meld" else ["extract_xvectors", "extract_features"]  # meld has words only
    expected = ["doctor", "prepare_data", "audit", *listening, "train", "score", "report"]
    assert [verb for verb in verbs if verb != "transcribe"] == expected
    for command in commands(result.stdout):
        unknown = [name for name in options(command) if f"{name} " not in help_of(command[2])]
        assert not unknown, f"{command[2]} knows no {unknown}"
    assert of(result.stdout, "prepare_data")[0]["--root"] == "/some where"
    assert not (checkout / "egs" / recipe / "exp").exists()


def test_mini_makes_its_corpus_unless_another_is_given(sh, checkout):
    run = checkout / "egs/mini_iemocap/run.sh"
    verbs = [c[2] for c in commands(sh(run, "--dry-run", "--stop-stage", "1").stdout)]
    assert verbs == [f"mscnn.bin.{name}" for name in ("doctor", "make_mini_iemocap", "prepare_data", "audit")]
    other = sh(run, "--dry-run", "--stage", "1", "--stop-stage", "1", "--corpus", "/other").stdout
    assert [c[2] for c in commands(other)] == ["mscnn.bin.prepare_data", "mscnn.bin.audit"]


@pytest.mark.parametrize(
    "arguments, expected",
    [
        (["--stage", "3", "--stop-stage", "5"], [3, 4, 5]),
        (["--stage", "features", "--stop-stage", "train"], [3, 4, 5]),
        (["--stage=features", "--stop_stage=3"], [3]),
        (["--stage", "score"], [6]),
        (["--stop-stage", "preflight"], [0]),
    ],
)
def test_stage_range(sh, checkout, arguments, expected):
    result = sh(checkout / "egs/mini_iemocap/run.sh", "--dry-run", *arguments)
    assert (result.returncode, stages_of(result.stdout)) == (0, expected)


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--stage", "5", "--stop-stage", "3"], "--stage 5 comes after --stop-stage 3"),
        (["--stage", "train", "--stop-stage", "data"], "comes after"),
        (["--stage", "7"], "--stage takes a stage, 0 to 6 or one of: preflight data"),
        (["--stop-stage", "trian"], "found 'trian'"),
        (["--stage"], "--stage needs a value"),
        (["--stop-stag", "3"], "did you mean --stop-stage?"),
        (["3"], "'3' is no option"),
        (["--dry-run", "--model", "mscnn_spoo"], "mscnn_spoo"),
        (["--dry-run", "--model", "mscnn_spu", "--text", "none"], "mscnn_spu reads words"),
        (["--dry-run", "--model", "audio_cnn text_cnn", "--tag", "x"], "--tag names one experiment"),
        (["--dry-run", "--grid", "peng2021_table9"], "conf/grids has:"),
        (["--dry-run", "--model", "ca_mser_finetuned", "--wav2vec2", "none"], "ca_mser_finetuned trains wav2vec 2.0"),
        (["--dry-run", "--model", " "], "nothing to train"),
    ],
)
def test_wrong_usage_ends_with_2_before_anything_runs(sh, checkout, arguments, message):
    result = sh(checkout / "egs/mini_iemocap/run.sh", *arguments, timeout=20)
    assert result.returncode == 2 and message in result.stderr
    assert not (checkout / "egs/mini_iemocap/data").exists()


def test_a_corpus_is_asked_for(sh, checkout):
    result = sh(checkout / "egs/iemocap/run.sh", IEMOCAP_ROOT="")
    assert result.returncode == 2 and "--corpus FOLDER" in result.stderr
    output = sh(checkout / "egs/iemocap/run.sh", "--dry-run", IEMOCAP_ROOT="/data/iemocap").stdout
    assert of(output, "prepare_data")[0]["--root"] == "/data/iemocap"


def test_the_users_word_wins_over_the_facts_and_the_environment(sh, checkout):
    run = checkout / "egs/iemocap/run.sh"
    (run.parent / "mine.conf").write_text("runs=7\nseed=5\n")
    output = sh(run, "--dry-run", "--config", "mine.conf", "--seed", "9", runs="4", stage="6", dry_run="false").stdout
    (train,) = of(output, "train")
    assert (train["--runs"], train["--seed"], train["--protocol"]) == ("7", "9", "random10")


@pytest.mark.parametrize(
    "arguments, tags",
    [
        ([], ["mscnn_spu_att_gt_loso5"]),
        (["--model", "audio_cnn mscnn_spu"], ["audio_cnn_none_loso5", "mscnn_spu_gt_loso5"]),
        (["--text", "gt pocketsphinx"], ["mscnn_spu_att_gt_loso5", "mscnn_spu_att_pocketsphinx_loso5"]),
        (["--model", "audio_cnn", "--text", "gt file"], ["audio_cnn_none_loso5"]),
        (["--protocol", "loso5 speaker10"], ["mscnn_spu_att_gt_loso5", "mscnn_spu_att_gt_speaker10"]),
        (["--subset", "improvised"], ["mscnn_spu_att_gt_loso5_iemocap4_improvised"]),
        (["--labels", "iemocap4_exc"], ["mscnn_spu_att_gt_loso5_iemocap4_exc"]),
        (["--tag", "mine"], ["mine"]),
    ],
)
def test_experiments_and_their_names(sh, checkout, arguments, tags):
    output = sh(checkout / "egs/mini_iemocap/run.sh", "--dry-run", *arguments).stdout
    assert [t["--exp"] for t in of(output, "train")] == [f"exp/{tag}" for tag in tags]
    assert [t["--exp"] for t in of(output, "score")] == [f"exp/{tag}" for tag in tags]


def test_each_model_is_given_the_features_that_it_names(sh, checkout):
    output = sh(checkout / "egs/ravdess/run.sh", "--dry-run", "--model", "majority audio_cnn glam ca_mser").stdout
    made = [t["--feature"] for t in of(output, "extract_features")]
    assert made == ["mfcc96", "mfcc26_seg18", "camser_spec", "mfcc40_htk", "wav2vec2"]
    assert {t["--set"] for t in of(output, "extract_features")} == {"trim_db=30"}  # ravdess cuts silent edges
    trains = [c for c in commands(output) if c[2] == "mscnn.bin.train"]
    given = [c[c.index("--feature-dir") + 1 : c.index("--xvector")] for c in trains]
    assert given == [[f"dump/{name}/ravdess8" for name in names] for names in ([], made[:1], made[1:2], made[2:])]


def test_the_speech_model_goes_to_its_features_and_to_systems_that_tune_it(sh, checkout, tmp_path):
    (tmp_path / "my model").mkdir()
    models = "ca_mser ca_mser_finetuned audio_cnn"

    def plan(*arguments):
        output = sh(checkout / "egs/mini_iemocap/run.sh", "--dry-run", "--model", models, *arguments).stdout
        features = {t["--feature"]: t.get("--set", "") for t in of(output, "extract_features")}
        trains = [c for c in commands(output) if c[2] == "mscnn.bin.train"]
        changes = [[word for word in command if word.startswith("wav2vec2=")] for command in trains]
        return of(output, "doctor")[0], features, changes

    doctor, features, trains = plan("--wav2vec2", "my model")
    folder = str(tmp_path / "my model")
    assert (doctor["--wav2vec2"], doctor["--model"]) == (folder, "ca_mser")
    assert {name: change for name, change in features.items() if change} == {"wav2vec2": f"model={folder}"}
    assert trains == [[], [f"wav2vec2={folder}"], []]
    doctor, features, trains = plan()
    assert doctor["--wav2vec2"] == features["wav2vec2"] == "" and trains == [[]] * 3
    models = "ca_mser"
    doctor, features, trains = plan("--wav2vec2", "none")
    assert doctor["--wav2vec2"] == "none" and "wav2vec2" not in features and trains == [[]]
    assert plan("--stop-stage", "data", "--wav2vec2", "x")[0]["--wav2vec2"] == "none"


def test_the_network_is_asked_for_where_stage_2_runs(sh, checkout):
    def doctor(*arguments):
        return of(sh(checkout / "egs/iemocap/run.sh", "--dry-run", *arguments).stdout, "doctor")[0]

    assert doctor()["--xvector-model"] == "voxceleb"
    assert "--xvector-model" not in doctor("--stop-stage", "1") and "--xvector-model" not in doctor("--xvector", "none")


def test_reserved_words_are_no_files(sh, checkout, tmp_path):
    for name in ("extract", "none"):
        (tmp_path / name).write_text("")
    output = sh(checkout / "egs/mini_iemocap/run.sh", "--dry-run").stdout
    assert of(output, "train")[0]["--xvector"] == "exp/xvector/iemocap4/xvector.scp"


def test_recognisers_are_those_that_something_asks_for(sh, checkout):
    def engines(recipe, *arguments):
        output = sh(checkout / "egs" / recipe / "run.sh", "--dry-run", *arguments).stdout
        return [t["--engine"] for t in of(output, "transcribe")]

    assert engines("iemocap") == engines("ravdess") == []
    assert engines("iemocap", "--text", "gt google") == ["google"]
    assert engines("iemocap", "--asr-engine", "file", "--asr-table", "t") == ["file"]
    assert engines("iemocap", "--grid", "peng2021_table1") == ["pocketsphinx"]
    assert engines("iemocap", "--grid", "peng2021_table1", "--asr-engine", "faster-whisper") == ["faster-whisper"]


def test_x_vectors_are_made_where_a_model_reads_them(sh, checkout):
    def made(recipe, *arguments):
        output = sh(checkout / "egs" / recipe / "run.sh", "--dry-run", *arguments).stdout
        models = [(t["--model"], t["--out"]) for t in of(output, "extract_xvectors")]
        return models, [t["--xvector"] for t in of(output, "train")]

    scp = "exp/xvector/iemocap4/xvector.scp"
    assert made("mini_iemocap") == ([("espeak", "exp/xvector/iemocap4")], [scp])
    assert made("iemocap")[0] == [("voxceleb", "exp/xvector/iemocap4")]
    assert made("ravdess")[0] == [("espeak", "exp/xvector/ravdess8")]
    assert made("mini_iemocap", "--model", "audio_cnn text_cnn") == ([], ["none", "none"])
    assert made("mini_iemocap", "--xvector", "none") == ([], ["none"])
    assert made("mini_iemocap", "--xvector", "run.sh") == ([], ["run.sh"])


def test_a_grid_trains_its_experiments_and_makes_one_table_of_them(sh, checkout):
    run = checkout / "egs/iemocap/run.sh"
    output = sh(run, "--dry-run", "--grid", "peng2021_table2", "--xvector", "none").stdout
    names = [t["--exp"] for t in of(output, "train")]
    assert len(names) == len({*names}) == 12 and "exp/mscnn_no_xvector_no_swem_max_gt_random10" in names
    assert {t["--exp"]: t["--runs"] for t in of(output, "train")}["exp/majority_none_random10"] == "1"
    (overview,) = [c for c in commands(output) if c[2] == "mscnn.bin.overview"]
    assert overview[4:-2] == names and overview[-1] == "exp/peng2021_table2"


def test_models_trained_on_true_words_are_tested_on_recognised_ones(sh, checkout):
    run = checkout / "egs/mini_iemocap/run.sh"
    output = sh(run, "--dry-run", "--grid", "robustness", "--asr-engine", "pocketsphinx google").stdout
    assert [t["--engine"] for t in of(output, "transcribe")] == ["pocketsphinx", "google"]
    found = [(t["--exp"], t["--text"], t["--out"]) for t in of(output, "predict")]
    reading = ("mscnn_spu_att", "xu2019_paper", "mdre", "mdrea", "mha1", "mha2", "mha3", "text_cnn", "tre", "text_bre",
               "tfidf_lr")  # fmt: skip
    expected = [(f"exp/{m}_gt_loso5", e) for m in reading for e in ("pocketsphinx", "google")]
    assert found == [(exp, engine, f"{exp}_on_{engine}") for exp, engine in expected]
    trained = [t["--exp"] for t in of(output, "train")]
    assert len(trained) == len({*trained}) == 3 * len(reading) + 6 and {exp for exp, _, _ in found} < {*trained}
    scored = [t["--exp"] for t in of(output, "score")]
    assert {*scored} == {*trained, *(out for _, _, out in found)}
    (table,) = [c for c in commands(output) if c[2] == "mscnn.bin.robustness"]
    assert table[4:-2] == scored and table[-1] == "exp/robustness" and not of(output, "overview")
    output = sh(run, "--dry-run", "--grid", "robustness", "--protocol", "loso5 speaker10").stdout
    tables = [c for c in commands(output) if c[2] == "mscnn.bin.robustness"]
    assert [c[-1] for c in tables] == ["exp/robustness_loso5", "exp/robustness_speaker10"]
    assert all(name.partition("_on_")[0].endswith("loso5") for name in tables[0][4:-2])


def test_only_protocols_with_recognised_words_have_a_table_of_what_they_cost(sh, checkout, tmp_path):
    grid = tmp_path / "mine.yaml"
    words = "{model: text_cnn, text: gt, tested_on: asr, protocol: loso5}"
    grid.write_text(f"experiments:\n- {words}\n- {{model: [text_cnn, audio_cnn], protocol: speaker10}}\n")
    output = sh(checkout / "egs/mini_iemocap/run.sh", "--dry-run", "--grid", grid).stdout
    tables = {c[2].rpartition(".")[2]: c[4:] for c in commands(output) if c[3] == "--exp" and c[-2] == "--out"}
    assert tables["robustness"] == ["exp/text_cnn_gt_loso5", "exp/text_cnn_gt_loso5_on_pocketsphinx", "--out",
                                    "exp/mine_loso5"]  # fmt: skip
    assert tables["overview"] == ["exp/text_cnn_gt_speaker10", "exp/audio_cnn_none_speaker10", "--out", "exp/mine"]


def test_a_large_grid_gets_the_same_table_as_a_small_one(sh):
    """No program of a pipe may end before it has read what another writes."""
    script = (
        "set -euo pipefail; . utils/stages.sh; dry_run=true grid=mine protocols=(loso5)\n"
        "for ((i = 0; i < 1500; i++)); do experiments+=(e$i$'\\t'm$'\\t'gt$'\\t'loso5$'\\t'0$'\\t'1$'\\t'false$'\\t'"
        "mfcc96$'\\t'pocketsphinx); done\n"
        "for ((i = 0; i < 8; i++)); do grid_tables | cut -d ' ' -f 3; done"
    )
    assert sh("bash", "-c", script, cwd=ROOT).stdout.split() == ["mscnn.bin.robustness"] * 8


def test_changes_of_a_grid_reach_their_training_whole(sh, checkout, tmp_path):
    grid = tmp_path / "mine.yaml"
    changed = "{model: audio_cnn, folds: 1, set: {mixup: 0.4, att_mode: a b}, tag: mixed}"
    grid.write_text(f"experiments:\n- {changed}\n- model: text_cnn\n")
    output = sh(checkout / "egs/mini_iemocap/run.sh", "--dry-run", "--grid", grid).stdout
    first, second = (c for c in commands(output) if c[2] == "mscnn.bin.train")
    at = first.index("--set")
    assert first[at : at + 3] == ["--set", "mixup=0.4", "att_mode=a b"] and options(first)["--folds"] == "1"
    assert first[-1] == "exp/mixed" and second[-1] == "exp/text_cnn_gt_loso5" and "mixup=0.4" not in second


def test_train_args_are_split_but_never_run(sh, checkout):
    words = "--set options.fc_dim=256 x=$(id) * --tensorboard true"
    output = sh(checkout / "egs/mini_iemocap/run.sh", "--dry-run", "--train-args", words).stdout
    train = next(c for c in commands(output) if c[2] == "mscnn.bin.train")
    assert " ".join(train[-8:-2]) == words


def test_relative_paths_count_from_the_recipe_or_else_from_the_caller(sh, checkout, tmp_path):
    run = checkout / "egs/iemocap/run.sh"
    (tmp_path / "mine").mkdir()
    outputs = [sh(run, "--dry-run", "--corpus", path).stdout for path in ("mine", "local", "none")]
    roots = [of(output, "prepare_data")[0]["--root"] for output in outputs]
    assert roots == [str(tmp_path / "mine"), "local", "none"]


def test_files_in_place_of_names_are_looked_for_there_too(sh, checkout, tmp_path):
    run, here = checkout / "egs/iemocap/run.sh", tmp_path / "my work"
    here.mkdir()
    for name, source in (("m", "models/mscnn/audio_cnn"), ("p", "protocols/loso5"), ("l", "labels/iemocap4")):
        (here / f"{name}.yaml").write_text((ROOT / "conf" / f"{source}.yaml").read_text())
    (here / "g.yaml").write_text("experiments: [{model: audio_cnn}]\n")
    (here / "text_cnn").write_text("")  # names are no files
    given = ("--dry-run", "--labels", "l.yaml", "--protocol", "p.yaml speaker10")
    trains = of(sh(run, *given, "--model", "m.yaml text_cnn", cwd=here).stdout, "train")
    assert [t["--model"] for t in trains[::2]] == [str(here / "m.yaml"), "text_cnn"]
    assert [t["--protocol"] for t in trains[:2]] == [str(here / "p.yaml"), "speaker10"]
    assert trains[0]["--labels"] == str(here / "l.yaml") and trains[0]["--exp"] == "exp/m_none_p_l"
    trains = of(sh(run, *given, "--grid", "g.yaml", cwd=here).stdout, "train")
    assert [t["--exp"] for t in trains] == ["exp/audio_cnn_none_p_l", "exp/audio_cnn_none_speaker10_l"]
    (run.parent / "m.yaml").write_text((here / "m.yaml").read_text())
    assert of(sh(run, *given, "--model", "m.yaml", cwd=here).stdout, "train")[0]["--model"] == "m.yaml"


def test_a_stage_that_fails_says_where_its_log_is_and_ends_the_run(sh, checkout, tmp_path):
    recipe = checkout / "egs/iemocap"
    result = sh(recipe / "run.sh", "--corpus", tmp_path / "absent", "--asr-engine", "pocketsphinx")
    log = recipe / "exp/log/stage0.log"
    assert result.returncode == 1
    assert f"stage 0 preflight failed; its log: {log}" in result.stderr
    assert "FAIL" in log.read_text() and "absent: no such folder" in log.read_text()
    assert stages_of(result.stdout) == [0]
    assert not (recipe / "data").exists()


def test_the_options_of_a_run_are_written_down_and_can_be_given_again(sh, checkout):
    run = checkout / "egs/iemocap/run.sh"
    stage = ("--stage", "2", "--stop-stage", "2", "--xvector", "none")
    assert sh(run, *stage, "--train-args", "--set a=b  # c").returncode == 0
    saved = run.parent / "exp/log/options.conf"
    text = saved.read_text()
    assert 'train_args="--set a=b  # c"\n' in text
    assert sh(run, "--config", saved).returncode == 0
    assert saved.read_text() == text


def test_every_recipe_has_the_same_cmd_and_path():
    for name in ("cmd.sh", "path.sh"):
        assert len({(ROOT / "egs" / recipe / name).read_text() for recipe in RECIPES}) == 1


def test_an_unknown_backend_is_refused(sh, checkout):
    (checkout / "egs/iemocap/cmd.sh").write_text("export MSCNN_BACKEND=moon\n")
    result = sh(checkout / "egs/iemocap/run.sh", "--corpus", "/x", "--stop-stage", "0")
    assert result.returncode == 1 and "MSCNN_BACKEND from: local" in result.stdout


def test_new_recipe_runs_and_names_what_is_left(sh, checkout):
    made = sh(checkout / "utils/new_recipe.sh", "crema_d")
    assert made.returncode == 0 and "mscnn/corpora/crema_d.py" in made.stdout
    output = sh(checkout / "egs/crema_d/run.sh", "--dry-run", "--corpus", "/x").stdout
    assert of(output, "prepare_data")[0]["--corpus"] == "crema_d"
    assert sh(checkout / "utils/new_recipe.sh", "crema_d").returncode == 1
    assert sh(checkout / "utils/new_recipe.sh", "Crema-D").returncode == 2
    assert sh(checkout / "utils/new_recipe.sh").returncode == 2
    assert not Path(ROOT, "egs/crema_d").exists()
