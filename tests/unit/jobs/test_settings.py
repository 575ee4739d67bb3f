"""Where jobs run: the values of cmd.sh, and conf/slurm.conf in Kaldi's syntax."""

from pathlib import Path

import pytest

from mscnn.jobs.run import check_backend
from mscnn.jobs.settings import Settings
from mscnn.jobs.slurm_conf import SlurmConf
from tests.raises import fails

KALDI = """\
# Default configuration of Kaldi's slurm.pl
command sbatch --export=PATH  --ntasks-per-node=1
option time=* --time $0
option mem=* --mem-per-cpu $0
option mem=0          # Do not add anything to qsub_opts
option num_threads=* --cpus-per-task $0 --ntasks-per-node=1
option num_threads=1 --cpus-per-task 1  --ntasks-per-node=1 # Do not add anything to qsub_opts
option max_jobs_run=*     # Do nothing
default gpu=0
option gpu=0 -p shared
option gpu=* -p gpu --gres=gpu:$0
"""


@pytest.mark.parametrize(
    ("value", "backend", "options"),
    [
        ("local", "local", {}),
        ("run.pl --mem 4G", "local", {"mem": "4G"}),
        ("slurm", "slurm", {}),
        ("slurm.pl --num-threads 4 --mem=8G", "slurm", {"num_threads": "4", "mem": "8G"}),
        ("slurm --config 'a b.conf' --max_jobs_run 3", "slurm", {"config": "a b.conf", "max_jobs_run": "3"}),
    ],
)
def test_values_of_cmd_sh(monkeypatch, value, backend, options):
    monkeypatch.setenv("MSCNN_BACKEND_TRAIN", value)
    monkeypatch.setenv("MSCNN_BACKEND", "debug")
    assert (Settings.of("train").backend, Settings.of("train").options) == (backend, options)
    assert Settings.of("extract").backend == Settings.of().backend == "debug"
    monkeypatch.delenv("MSCNN_BACKEND")
    assert Settings.of("extract").backend == "local"


@pytest.mark.parametrize(
    "value",
    ["slurm mem", "slurm --mem", "slurm --mem --time 1", "slurm --gpu one", "slurm 'x", "slurm --gpu ²", "a -- 1"],
)
def test_values_that_are_none(monkeypatch, value):
    monkeypatch.setenv("MSCNN_BACKEND", value)
    with fails("backend-option", value):
        Settings.of("train")


def test_a_configuration_of_kaldi(tmp_path):
    path = tmp_path / "slurm.conf"
    path.write_text(KALDI)
    conf = SlurmConf.find(path)
    usual = ["sbatch", "--export=PATH", "--ntasks-per-node=1"]
    assert conf.words({}) == [*usual, "-p", "shared"]
    assert conf.words({"gpu": "2", "max_jobs_run": "3"}) == [*usual, "-p", "gpu", "--gres=gpu:2"]
    assert conf.words({"mem": "0", "num_threads": "1"})[3:] == [
        "-p",
        "shared",
        "--cpus-per-task",
        "1",
        "--ntasks-per-node=1",
    ]
    assert conf.words({"mem": "4 G; rm"})[-2:] == ["--mem-per-cpu", "4 G; rm"]
    with fails("slurm-option", path, "--partition", "--mem"):
        conf.words({"partition": "x"})
    assert conf.takes("mem") and not conf.takes("partition")


def test_the_configuration_of_the_recipe_comes_first(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert SlurmConf.find(None).words({"mem": "2G", "partition": "p"}) == ["sbatch", "--mem", "2G", "--partition", "p"]
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf/slurm.conf").write_text("command sbatch -p mine\n")
    assert SlurmConf.find(None).words({}) == ["sbatch", "-p", "mine"]


@pytest.mark.parametrize(
    "line", ["option mem", "default gpu", "command", "opt mem=1", "option 'x", "default a=1 b", b"\xff"]
)
def test_lines_that_are_none(tmp_path, line):
    path = tmp_path / "slurm.conf"
    path.write_bytes(b"# first\n" + (line if isinstance(line, bytes) else line.encode()))
    with fails("slurm-conf", path):
        SlurmConf.find(path)
    with fails("slurm-conf"):
        SlurmConf.find(Path("/dev/zero"))


def test_slurm_is_checked_before_work(tmp_path, monkeypatch):
    monkeypatch.setenv("MSCNN_BACKEND", "slurm")
    monkeypatch.setenv("PATH", str(tmp_path))
    with fails("slurm-missing", "sbatch, squeue, scancel, scontrol"):
        check_backend("train")
    for name in ("sbatch", "squeue", "scancel", "scontrol"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    assert check_backend("train") == "slurm"
    monkeypatch.setenv("MSCNN_BACKEND_TRAIN", "slurm --color red")
    with fails("slurm-option", "--color"):
        check_backend("train")
