"""Two runs in one folder: of different experiments, both go on; of one experiment, the second says so and ends."""

import os

import pytest

from mscnn.lock import Lock, Owner, here, of_folder

OPTIONS = ("--model", "majority", "--asr-engine", "none", "--nj", "1", "--tag", "x")
DEAD = f"{here()} 999999999 12345 2026-01-01T00:00:00\n"


@pytest.fixture
def mini(sh, checkout):
    """The folder of the recipe, and a function that runs it with a folder that is no corpus: stage 1 fails."""
    folder = checkout / "egs/mini_iemocap"
    return folder, lambda: sh(folder / "run.sh", *OPTIONS, "--stage", "data", "--corpus", checkout)


@pytest.fixture
def busy():
    """A function that locks a file for this process, as another run."""
    taken = []

    def lock(path) -> None:
        taken.append(Lock(path))
        assert taken[-1].take() is None

    yield lock
    for one in taken:
        one.release()


def test_a_run_beside_another_has_its_own_plan(mini, busy):
    folder, run = mini
    busy(folder / "exp/plan.jsonl.run")
    busy(of_folder(folder / "exp/other"))
    result = run()
    assert "stage 1 data failed" in result.stderr
    assert (folder / "exp/plan.2.jsonl").is_file() and not (folder / "exp/plan.jsonl").exists()
    assert str(os.getpid()) in result.stdout and "exp/plan.2.jsonl" in result.stdout
    assert not (folder / "exp/plan.2.jsonl.run").exists() and (folder / "exp/plan.jsonl.run").exists()


def test_a_second_run_of_an_experiment_says_so_and_ends(mini, busy):
    folder, run = mini
    busy(of_folder(folder / "exp/x"))
    result = run()
    assert result.returncode == 1 and result.stderr.startswith("error[lock-held]: "), result.stderr
    assert str(os.getpid()) in result.stderr and "exp/.x.lock" in result.stderr
    assert [*folder.glob("exp/*.run")] == [] and " stage " not in result.stdout
    assert Owner.parse((folder / "exp/.x.lock").read_text()).pid == os.getpid()


def test_the_locks_of_who_has_ended_are_taken_over_and_released(mini):
    folder, run = mini
    (folder / "exp").mkdir()
    for name in (".x.lock", "plan.jsonl.run"):
        (folder / "exp" / name).write_text(DEAD)
    result = run()
    assert "stage 1 data failed" in result.stderr and "plan.2" not in result.stdout
    assert not [*folder.glob("exp/.*.lock"), *folder.glob("exp/*.run")]
