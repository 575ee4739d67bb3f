"""The recipes and their shared stages: egs/*/run.sh, utils/stages.sh."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from tests.shell.conftest import ROOT

RECIPES = sorted(path.parent.name for path in ROOT.glob("egs/*/run.sh") if "utils/stages.sh" in path.read_text())
DESCRIBED = {path.stem for path in (ROOT / "conf" / "corpora").glob("*.yaml")} - {"emodb"}  # one stands for all
OWN = [r for r in RECIPES if r not in {*DESCRIBED, "cross", "own"}]  # of "own": test_own.py
STAGES = ["preflight", "data", "xvector", "features", "transcripts", "train", "score"]
ENTRIES = [
    *("plan", "doctor", "prepare_data", "audit", "extract_xvectors", "extract_features", "audit", "transcribe"),
    "extract_features",  # of texts
    *("train", "predict_experiments", "score", "report", "tables"),
]


def stages_of(output: str) -> list[int]:
    return [int(n) for n in re.findall(r"^.*?stage (\d) \w+$", output, re.MULTILINE)]


def commands(output: str) -> list[list[str]]:
    return [shlex.split(line) for line in output.splitlines() if line.startswith("python3 -m ")]


def entries(output: str) -> list[str]:
    return [command[2].removeprefix("mscnn.bin.") for command in commands(output)]


def options(output: str, entry: str) -> dict[str, str]:
    """Options of the first command of an entry point, each with its values."""
    values: dict[str, list[str]] = {}
    name = ""
    for word in next(c for c in commands(output) if c[2] == f"mscnn.bin.{entry}")[3:]:
        if word.startswith("--"):
            name, _, word = word.partition("=")
            values[name] = [word] if word else []
        else:
            values[name].append(word)
    return {name: " ".join(words) for name, words in values.items()}


@cache
def help_of(module: str) -> str:
    return subprocess.run([sys.executable, "-m", module, "--help"], cwd=ROOT, text=True, capture_output=True).stdout


@pytest.fixture
def mini(sh, checkout):
    """Run egs/mini_iemocap/run.sh."""
    return lambda *arguments, **more: sh(checkout / "egs/mini_iemocap/run.sh", *arguments, **more)


@pytest.mark.parametrize("status", [65, 71])
def test_a_recipe_runs_where_the_file_system_has_no_locks(sh, checkout, tmp_path, status):
    flock = tmp_path / "bin/flock"
    flock.parent.mkdir()
    flock.write_text(f"#!/bin/sh\necho 'flock: 10: No locks available' >&2\nexit {status}\n")
    flock.chmod(0o755)
    path = f"{flock.parent}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    options = ("--stop-stage", "preflight", "--nj", "1", "--model", "majority", "--asr-engine", "none")
    result = sh(checkout / "egs/mini_iemocap/run.sh", *options, PATH=path)
    assert result.returncode == 0 and not (checkout / "egs/mini_iemocap/exp/plan.jsonl.run").exists()
    assert "waiting" not in result.stdout + result.stderr


def test_as_many_processes_as_processors_of_the_job(sh, checkout):
    for recipe in ("mini_iemocap", "mini_voices"):
        result = sh("taskset", "-c", str(min(os.sched_getaffinity(0))), checkout / "egs" / recipe / "run.sh", "--help")
        assert re.search(r"--nj .*\[1\]$", result.stdout, re.MULTILINE), result.stdout


def test_an_old_bash_is_told_which_one_is_needed(sh, checkout):
    (checkout / "utils").unlink()  # a link to the repository's
    shutil.copytree(ROOT / "utils", checkout / "utils")
    stages = checkout / "utils/stages.sh"
    stages.write_text(stages.read_text().replace("BASH_VERSINFO[0] * 100", "3 * 100"))  # that of macOS
    result = sh(checkout / "egs/ravdess/run.sh", "--help")
    assert result.returncode == 2 and "4.4" in result.stderr and "brew install bash" in result.stderr


def test_text_has_the_same_line_ends_in_every_clone():
    if not (ROOT / ".git").exists() or not shutil.which("git"):
        pytest.skip("no clone of git")
    files = [path.relative_to(ROOT) for path in [*ROOT.glob("egs/*/*.sh"), *ROOT.glob("utils/*"), ROOT / "path.sh"]]
    command = ["git", "-C", ROOT, "check-attr", "eol", "--", *files, "conf/published.yaml", "mscnn/cli.py"]
    lines = subprocess.run(command, text=True, capture_output=True, check=True).stdout.splitlines()
    assert len(lines) > len(files) and [line for line in lines if not line.endswith("eol: lf")] == []


def test_recipes_exist():
    assert {"iemocap", "meld", "mini_iemocap", "ravdess"} <= {*RECIPES}


def test_every_recipe_has_the_same_cmd_and_path():
    for name in ("cmd.sh", "path.sh"):
        assert len({(ROOT / "egs" / recipe / name).read_text() for recipe in RECIPES}) == 1


@pytest.mark.parametrize("recipe", RECIPES)
def test_help_needs_no_environment(sh, checkout, recipe):
    (checkout / "tools").unlink()
    result = sh(checkout / "egs" / recipe / "run.sh", "--help", PATH="/usr/bin:/bin")
    assert (result.returncode, result.stderr) == (0, "")
    assert all(f"  {n} {name} " in result.stdout for n, name in enumerate(STAGES))
    assert "--stop-stage" in result.stdout and "[loso5]" in result.stdout or recipe != "mini_iemocap"


@pytest.mark.parametrize("recipe", OWN)
def test_dry_run_prints_commands_with_known_options(sh, checkout, recipe):
    result = sh(checkout / "egs" / recipe / "run.sh", "--dry-run", "--corpus", "/some where", "--nj", 3)
    assert (result.returncode, result.stderr) == (0, "")
    assert stages_of(result.stdout) == [*range(7)] and entries(result.stdout) == ENTRIES
    for command in commands(result.stdout):
        names = [word.partition("=")[0] for word in command if re.match("--[a-z]", word)]
        unknown = [name for name in names if f"{name} " not in help_of(command[2])]
        assert not unknown, f"{command[2]} has no options {unknown}"
    assert options(result.stdout, "prepare_data")["--root"] == "/some where"
    assert not (checkout / "egs" / recipe / "exp").exists()


def test_mini_makes_its_corpus_unless_another_is_given(mini):
    output = mini("--dry-run", "--stop-stage", "data").stdout
    assert (stages_of(output), entries(output)) == (
        [0, 1],
        ["plan", "doctor", "make_mini_iemocap", "prepare_data", "audit"],
    )
    output = mini("--dry-run", "--stage=1", "--stop_stage=1", "--corpus", "/other").stdout
    assert (stages_of(output), entries(output)) == ([1], ["plan", "prepare_data", "audit"])


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["--stage", "5", "--stop-stage", "3"], ["--stage 5", "--stop-stage 3"]),
        (["--stage", "train", "--stop-stage", "data"], ["--stage train"]),
        (["--stage", "7"], ["--stage", "preflight data"]),
        (["--stop-stage", "trian"], ["'trian'"]),
        (["--stage"], ["--stage"]),
        (["--stop-stag", "3"], ["--stop-stage"]),
        (["3"], ["'3'"]),
    ],
)
def test_wrong_stages_end_with_2_before_anything_runs(mini, checkout, arguments, words):
    result = mini(*arguments, timeout=20)
    assert result.returncode == 2 and all(word in result.stderr for word in words)
    assert not (checkout / "egs/mini_iemocap/exp").exists()


@pytest.mark.parametrize(
    "given, near",
    [("--lables", "--labels"), ("--protocl", "--protocol"), ("--modle", "--model"), ("--asrtable", "--asr-table")],
)
def test_an_unknown_option_is_refused_with_the_nearest(mini, given, near):
    result = mini(given, "x")
    assert result.returncode == 2 and f" {near}?" in result.stderr


WRONG = {
    "--model": ("mscnn_spoo", "mscnn_spu"),
    "--protocol": ("loso", "loso5"),
    "--text": ("pocketsphin", "pocketsphinx"),
    "--labels": ("iemocap44", "iemocap4"),
    "--device": ("cudda", "cuda"),
    "--set": ("training.lrr=1", "training.lr"),
    "--train-args": ("--tensorbord true", "--tensorboard"),
}


@pytest.mark.parametrize("dry_run", ["true", "false"])
def test_names_that_do_not_exist_are_refused_before_stage_1(mini, checkout, dry_run):
    result = mini(*(word for option, (given, _) in WRONG.items() for word in (option, given)), "--dry-run", dry_run)
    assert result.returncode == 2 and result.stderr.startswith("error[plan-wrong]: ")
    lines = result.stderr.splitlines()[1:]
    wanted = [near for option, (_, near) in WRONG.items() if option != "--set"]  # there is no model to set it in
    assert all(any(near in line for line in lines) for near in wanted)
    assert not stages_of(result.stdout) and not (checkout / "egs/mini_iemocap/data").exists()


VALUES = {
    "--unvoiced": "drob",
    "--on-bad": "stp",
    "--xvector-backend": "kadli",
    "--nj": "0",
    "--runs": "0",
    "--tag": "../x",
}


@pytest.mark.parametrize("dry_run", ["true", "false"])
def test_wrong_values_are_refused_before_stage_1(mini, checkout, dry_run):
    result = mini(*(word for pair in VALUES.items() for word in pair), "--dry-run", dry_run)
    assert result.returncode == 2 and result.stderr.startswith("error[plan-wrong]: ")
    refused = [line.replace(":", "").split()[:2] for line in result.stderr.splitlines()[1:]]
    assert len(refused) == len(VALUES) and dict(refused) == VALUES
    assert not stages_of(result.stdout) and not (checkout / "egs/mini_iemocap/exp/plan.jsonl").exists()


@pytest.mark.parametrize("option", ["--set", "--train-args", "--grid", "--device"])
def test_one_wrong_option(mini, checkout, tmp_path, option):
    (tmp_path / "g.yaml").write_text("experiments: [{model: audio_cnn, set: {lrr: 1}}]\n")
    own = {"--train-args": ("--set max_epoch=1", "max_epochs"), "--grid": ("g.yaml", "training.lr")}
    given, near = {**WRONG, **own}[option]
    result = mini(option, given, "--dry-run")
    assert result.returncode == 2 and near in result.stderr and len(result.stderr.splitlines()) == 2


def test_a_missing_earlier_stage_is_named_before_any_stage_runs(mini, checkout):
    for dry_run in ("true", "false"):
        result = mini("--stage", "3", "--stop-stage", "5", "--dry-run", dry_run)
        assert result.returncode == 2 and "--stage 1 " in result.stderr and "--stage 2 " in result.stderr
        assert not stages_of(result.stdout)


def test_a_missing_corpus_is_refused(sh, checkout):
    result = sh(checkout / "egs/iemocap/run.sh", IEMOCAP_ROOT="")
    assert result.returncode == 2 and "--corpus" in result.stderr
    output = sh(checkout / "egs/iemocap/run.sh", "--dry-run", IEMOCAP_ROOT="/data/iemocap").stdout
    assert options(output, "prepare_data")["--root"] == "/data/iemocap"


def test_the_command_line_wins_over_the_recipe_and_the_environment(sh, checkout):
    run = checkout / "egs/iemocap/run.sh"
    (run.parent / "mine.conf").write_text("runs=7\nseed=5\n")
    output = sh(run, "--dry-run", "--config", "mine.conf", "--seed", "9", runs="4", stage="6", dry_run="false").stdout
    plan = options(output, "plan")
    assert (plan["--runs"], plan["--seed"], plan["--protocol"]) == ("7", "9", "random10")


def test_options_reach_the_stages_that_need_them(mini):
    output = mini(
        "--dry-run", "--language", "en-US", "--set", "training.lr=0.1 max_epochs=2", "--jobs-per-device", 2
    ).stdout
    assert options(output, "transcribe")["--language"] == options(output, "plan")["--language"] == "en-US"
    assert options(output, "plan")["--set"] == "training.lr=0.1 max_epochs=2"
    assert options(output, "train")["--jobs-per-device"] == "2"


def test_a_share_of_the_runs_is_trained_without_what_needs_all(mini):
    output = mini("--dry-run", "--shard", "2/3").stdout
    assert entries(output)[-1] == "train" and stages_of(output) == [*range(6)]
    assert options(output, "train")["--shard"] == "2/3" and options(output, "train")["--plan"] == "exp/plan.2of3.jsonl"
    for wrong in ("2", "a/b", "1/2;ls"):
        assert mini("--dry-run", "--shard", wrong).returncode == 2


def test_the_backend_on_the_command_line_wins_over_cmd_sh(mini, checkout):
    with open(checkout / "egs/mini_iemocap/cmd.sh", "a") as out:
        out.write('export MSCNN_BACKEND_TRAIN="slurm --gpu 1"\n')
    given = ("--stop-stage", "preflight", "--backend")
    shown = {value: mini(*given, value).stdout for value in ("debug", "local --mem 4G", "moon --mem 4G")}
    assert re.findall(r"\bjobs.*: (\w+)$", shown["debug"], re.M) == ["debug"]
    assert re.findall(r"\bjobs.*: (\w+)$", shown["local --mem 4G"], re.M) == ["local"]
    assert "FAIL jobs" in shown["moon --mem 4G"] and "FAIL jobs of train" in mini("--stop-stage", "preflight").stdout


def test_lists_are_split_at_blanks_but_never_run(mini, checkout):
    (checkout / "egs/mini_iemocap/x").write_text("")
    result = mini("--dry-run", "--protocol", "* $(touch y) loso5")
    assert result.returncode == 2 and "*" in result.stderr and not (checkout / "egs/mini_iemocap/y").exists()


def test_paths_are_relative_to_the_recipe_or_to_the_caller(sh, checkout, tmp_path):
    run, here = checkout / "egs/iemocap/run.sh", tmp_path / "my work"
    (here / "mine").mkdir(parents=True)
    for name, source in (("m", "models/*/audio_cnn"), ("p", "protocols/loso5"), ("l", "labels/iemocap4")):
        (source,) = (ROOT / "conf").glob(f"{source}.yaml")
        (here / f"{name}.yaml").write_text(source.read_text())
    (here / "text_cnn").write_text("")  # a name is not taken for a file
    given = ("--labels", "l.yaml", "--protocol", "p.yaml speaker10", "--model", "m.yaml text_cnn")
    result = sh(run, *given, "--corpus", "mine", "--stop-stage", "preflight", cwd=here)
    assert result.returncode == 1  # the folder mine has no IEMOCAP
    rows = [json.loads(line) for line in (run.parent / "exp/plan.jsonl").read_text().splitlines()]
    assert [row["model"] for row in rows[::2]] == [str(here / "m.yaml"), "text_cnn"]
    assert [row["protocol"] for row in rows[:2]] == [str(here / "p.yaml"), "speaker10"]
    assert (rows[0]["labels"], rows[0]["tag"]) == (str(here / "l.yaml"), "m_none_p_l")
    assert str(here / "mine") in result.stdout and "stage0.log" in result.stderr


def test_a_failed_stage_names_its_log_and_ends_the_run(sh, checkout, tmp_path):
    recipe = checkout / "egs/iemocap"
    (recipe / "cmd.sh").write_text("export MSCNN_BACKEND=moon\n")
    given = ("--xvector", "none", "--embeddings", "word2vec", "--train-args", "--set max_epochs=3", "--runs", 2)
    result = sh(recipe / "run.sh", "--corpus", tmp_path / "absent", *given)
    log = recipe / "exp/log/stage0.log"
    assert result.returncode == 1 and str(log) in result.stderr
    failed = {line.split()[1] for line in log.read_text().splitlines() if line.startswith("FAIL ")}
    assert failed == {"jobs:", f"{tmp_path}/absent:"}
    assert stages_of(result.stdout) == [0] and not (recipe / "data").exists()
    saved = recipe / "exp/log/options.conf"
    text = saved.read_text()
    assert 'train_args="--set max_epochs=3"\n' in text and 'runs="2"\n' in text
    assert sh(recipe / "run.sh", "--config", saved).returncode == 1 and saved.read_text() == text


def test_new_recipe_runs_and_names_the_next_commands(sh, checkout):
    for name in ("conf", "mscnn"):  # it writes to conf, which the package finds beside itself
        (checkout / name).unlink()
        shutil.copytree(ROOT / name, checkout / name, ignore=shutil.ignore_patterns("__pycache__"))
    made = sh(checkout / "utils/new_recipe.sh", "crema_d")
    assert made.returncode == 0 and made.stdout.count("egs/crema_d/run.sh --corpus") == 3
    result = sh(checkout / "egs/crema_d/run.sh", "--dry-run", "--corpus", "/x")
    assert result.returncode == 0 and "audio_cnn" in result.stdout
    assert sh(checkout / "utils/new_recipe.sh", "crema_d").returncode == 1
    assert sh(checkout / "utils/new_recipe.sh", "Crema-D").returncode == 2
    assert sh(checkout / "utils/new_recipe.sh", "x", "--to", "y").returncode == 2
    assert sh(checkout / "utils/new_recipe.sh").returncode == 2
    assert not Path(ROOT, "egs/crema_d").exists() and not Path(ROOT, "conf/corpora/crema_d.yaml").exists()
