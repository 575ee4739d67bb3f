"""egs/own/run.sh: options of its own, and the table that the plan is made for."""

import wave

import pytest

from tests.shell.test_recipes import commands, options, stages_of


@pytest.fixture
def own(sh, checkout, tmp_path):
    """Run egs/own/run.sh from a folder with a table of twenty recordings of five speakers."""
    lines = ["file,emotion,speaker"]
    for n in range(20):
        name = f"{('angry', 'sad')[n % 2]}_{n:02d}.wav"
        with wave.open(str(tmp_path / name), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(16000)
            file.writeframes(bytes(range(200)) * (n + 1))
        lines.append(f"{name},{name.split('_')[0]},s{n // 2 % 5}")
    (tmp_path / "my table.csv").write_text("\n".join(lines) + "\n")
    return lambda *arguments, **more: sh(checkout / "egs/own/run.sh", *arguments, **more)


def test_options_of_the_recipe_are_checked_and_explained(own):
    result = own("--help", PATH="/usr/bin:/bin")
    assert result.returncode == 0 and "--name-pattern" in result.stdout and "--stop-stage" in result.stdout
    result = own("--tabel", "x")
    assert result.returncode == 2 and "--table?" in result.stderr
    result = own()
    assert result.returncode == 2 and "--table" in result.stderr


def test_the_plan_is_that_of_the_table(own, checkout):
    result = own("--table", "my table.csv", "--dry-run")
    assert result.returncode == 0, result.stderr
    plan, data = options(result.stdout, "plan"), options(result.stdout, "prepare_data")
    assert (plan["--labels"], plan["--protocol"]) == ("local/my_table/my_table.yaml", "leave_one_speaker_out")
    assert (data["--corpus"], data["--root"]) == ("own", "local/my_table") and stages_of(result.stdout) == [*range(7)]
    assert "label ← emotion (2 values" in result.stdout and not (checkout / "egs/own/exp").exists()


def test_stage_1_makes_the_data_directory(own, checkout):
    result = own("--table", "my table.csv", "--stop-stage", "data", "--model", "majority", timeout=300)
    assert result.returncode == 0, result.stdout + result.stderr
    assert len((checkout / "egs/own/data/my_table/utt2spk").read_text().splitlines()) == 20
    assert (checkout / "egs/own/data/my_table/audit/leave_one_speaker_out.md").is_file()


@pytest.mark.slow
def test_all_stages_run_in_the_calling_process_with_the_debug_backend(own, checkout):
    result = own("--table", "my table.csv", "--model", "majority", "--backend", "debug", timeout=300)
    assert result.returncode == 0, result.stdout + result.stderr
    assert stages_of(result.stdout) == [*range(7)] and "%UA 50.00" in result.stdout


@pytest.mark.parametrize(
    ("given", "status", "words"),
    [
        (["--columns", "label=emoton"], 1, ["table-column", "emotion"]),
        (["--name-pattern", "(?P<x>.)"], 1, ["name-pattern"]),
        (["--protocol", "loso5"], 1, ["leave_one_speaker_out"]),
        (["--model", "audio_cn"], 2, ["audio_cnn"]),
    ],
)
def test_errors_end_the_run_before_any_stage(own, checkout, given, status, words):
    result = own("--table", "my table.csv", *given)
    assert result.returncode == status and all(word in result.stderr for word in words), result.stderr
    assert not stages_of(result.stdout) and not (checkout / "egs/own/data").exists() and not commands(result.stdout)
