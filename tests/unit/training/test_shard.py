"""Shares of the runs of an experiment, trained by machines that share a folder."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mscnn.training.runner import train_experiments
from mscnn.training.shard import ALL, Shard
from tests.raises import fails
from tests.unit.training.conftest import toy_experiment

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("of", [1, 2, 3, 7])
def test_shares_are_disjoint_and_complete(of):
    shares = [[run for run in range(1, 21) if run in Shard.parse(f"{number}/{of}")] for number in range(1, of + 1)]
    assert sorted(run for share in shares for run in share) == [*range(1, 21)]
    assert max(map(len, shares)) - min(map(len, shares)) <= 1
    assert all(run in ALL for run in range(1, 21))


@pytest.mark.parametrize("text", ["", "0/2", "3/2", "1", "1/0", "a/b", "1/2/3", "-1/2", "1/²", "1/99999999"])
def test_what_is_no_share(text):
    with fails("shard", text):
        Shard.parse(text)


def machine(name: str) -> list[str]:
    """Words that run a command under another name of the machine, where the kernel allows that."""
    words = ["unshare", "--uts", "sh", "-c", 'hostname "$0" && exec "$@"', name]
    if not shutil.which("unshare") or subprocess.run([*words, "true"], capture_output=True).returncode:
        pytest.skip("machines with other names cannot be had: unshare --uts is not allowed")
    return words


def test_two_machines_train_a_share_each_at_the_same_time(toy):
    whole = toy_experiment(toy, "tfidf_lr", "whole")
    train_experiments([whole], nj=1)
    shared = toy_experiment(toy, "tfidf_lr", "shared")
    options = {
        "model": shared.model, "data": shared.data, "labels": shared.labels, "protocol": shared.protocol,
        "exp": shared.exp, "device": "cpu",
    }  # fmt: skip
    command = [sys.executable, "-m", "mscnn.bin.train", *(f"--{name}={value}" for name, value in options.items())]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    both = [
        subprocess.Popen(
            [*machine(f"host{n}"), *command, f"--shard={n}/2"], env=environment, stderr=subprocess.PIPE, text=True
        )
        for n in (1, 2)
    ]
    for process in both:
        output = process.communicate(timeout=300)[1]
        assert process.returncode == 0, output
    logs = {path.name: path.read_text() for path in (shared.exp / "log").glob("train.*.log")}
    assert {name: "on host1 " in text for name, text in logs.items()} == {
        "train.1.log": True, "train.2.log": False, "train.3.log": True, "train.4.log": False,
    }  # fmt: skip
    assert train_experiments([shared], nj=1) == 0
    for path in whole.exp.glob("fold*/run*/predictions_*.tsv"):
        assert (shared.exp / path.relative_to(whole.exp)).read_bytes() == path.read_bytes()
    assert not [*shared.exp.parent.glob(".*.lock")] and not [*shared.exp.rglob("*.lock")]


def test_a_machine_trains_what_another_has_not(toy):
    setup = toy_experiment(toy, "majority")
    assert train_experiments([setup], nj=1, shard=Shard(2, 3)) == 1
    assert [path.parent.parent.name for path in setup.exp.glob("fold*/run*/done.json")] == ["fold02"]
    assert train_experiments([setup], nj=1) == 3


def test_what_fails_on_one_machine_counts_in_its_shares_too(toy):
    setups = [toy_experiment(toy, "majority", name) for name in ("fails", "good")]
    folds = 4
    first = [number for number in range(folds + 1, 2 * folds + 1) if number in Shard(2, 3)]
    assert train_experiments(setups, nj=1, shard=Shard(2, 3), failed=[setups[0].exp]) == len(first)
    trained = [path.parent.parent.name for path in setups[1].exp.glob("fold*/run*/done.json")]
    assert sorted(trained) == [f"fold{number - folds:02d}" for number in first] and not setups[0].exp.exists()
