"""Options of shell scripts: utils/parse_options.sh."""

import shutil
from pathlib import Path

import pytest

from tests.shell.conftest import ROOT

SCRIPT = f"""#!/usr/bin/env bash
set -euo pipefail
not_declared=1
# begin configuration section
stage=data       # first stage
stop_stage=score # last stage
nj=4             # parallel processes,
                 # any number
cmd=run.pl       # how to run
dry_run=false    # print only
tag=             # name
config=          # file of options
# end configuration section
. {ROOT}/utils/parse_options.sh
printf '%s|' "$stage" "$stop_stage" "$nj" "$cmd" "$dry_run" "$tag" "$@"
"""
DEFAULTS = "data|score|4|run.pl|false||"


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "script.sh"
    path.write_text(SCRIPT)
    return path


@pytest.mark.parametrize(
    "arguments, expected",
    [
        ([], DEFAULTS),
        (["--stop-stage", "train"], "data|train|4|run.pl|false||"),
        (["--stop_stage", "train"], "data|train|4|run.pl|false||"),
        (["--stop-stage=train"], "data|train|4|run.pl|false||"),
        (["--stop_stage=a=b"], "data|a=b|4|run.pl|false||"),
        (["--dry-run", "true"], "data|score|4|run.pl|true||"),
        (["--dry-run=false"], DEFAULTS),
        (["--dry-run"], "data|score|4|run.pl|true||"),
        (["--dry-run", "--nj", "8"], "data|score|8|run.pl|true||"),
        (["--nj", "1", "--nj", "2"], "data|score|2|run.pl|false||"),
        (["--tag", "a b  c"], "data|score|4|run.pl|false|a b  c|"),
        (["--tag", "--fc-dim 256"], "data|score|4|run.pl|false|--fc-dim 256|"),
        (["--tag=--nj"], "data|score|4|run.pl|false|--nj|"),
        (["--tag", "x", "--tag="], DEFAULTS),
        (["--tag", "$(touch hacked)`id`;$HOME"], "data|score|4|run.pl|false|$(touch hacked)`id`;$HOME|"),
        (["a", "--nj", "2", "b c"], "data|score|2|run.pl|false||a|b c|"),
        (["--nj", "2", "--", "--nj", "3"], "data|score|2|run.pl|false||--nj|3|"),
    ],
)
def test_accepted(sh, script, arguments, expected):
    result = sh("bash", script, *arguments)
    assert (result.stdout, result.stderr, result.returncode) == (expected, "", 0)
    assert not (script.parent / "hacked").exists()


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["--stage"], "--stage"),  # Kaldi's parser loops forever
        (["--nj", "2", "--tag"], "--tag"),
        (["--stage", "--nj", "3"], "--stage --nj"),
        (["--stagr", "3"], "--stagr --stage?"),
        (["--stop", "3"], "--stop --stop-stage?"),
        (["--dryrun"], "--dryrun --dry-run?"),
        (["--Stage=3"], "--stage?"),
        (["--completely-else", "1"], "--completely-else --help"),
        (["--=3"], "--;"),
        (["-n", "3"], " -n"),
        (["--not-declared", "2"], "--not-declared"),
        (["--path", "x"], "--path"),
        (["--PATH", "x"], "--PATH"),
        (["--dry-run", "yes"], "--dry-run true false 'yes'"),
        (["--dry-run", "a"], "--dry-run true false 'a'"),
        (["--dry-run="], "--dry-run true false"),
        (["--nj", "four"], "--nj 'four'"),
        (["--nj", "$(id)"], "--nj"),
        (["--cmd", ""], "--cmd"),
        (["--config", "absent.conf"], "--config absent.conf"),
    ],
)
def test_refused(sh, script, arguments, words):
    result = sh("bash", script, *arguments, timeout=10)
    assert result.returncode == 2
    assert result.stdout == ""
    assert result.stderr.startswith("script.sh: ") and all(word in result.stderr for word in words.split())


def test_without_python_an_unknown_option_is_refused_all_the_same(sh, script):
    bash = shutil.which("bash")
    (script.parent / "empty").mkdir()
    result = sh("/usr/bin/env", f"PATH={script.parent}/empty", bash, script, "--stagr", "3")
    assert result.returncode == 2 and result.stderr.startswith("script.sh: ") and "--stagr" in result.stderr


@pytest.mark.parametrize("arguments", [["--config", "c.conf", "--nj", "2"], ["--nj=2", "--config=c.conf"]])
def test_command_line_wins_over_the_file(sh, script, arguments):
    (script.parent / "c.conf").write_text(
        '# remark\n\nnj = 7  # processes\n--stop-stage train\n  cmd: "queue.pl --mem 4G # no"  # quoted\n'
        "tag='a b'\ndry-run=true"
    )
    result = sh("bash", script, *arguments)
    assert (result.stdout, result.stderr) == ("data|train|2|queue.pl --mem 4G # no|true|a b|", "")


@pytest.mark.parametrize(
    "line, words",
    [
        ("njj=3", "c.conf:2: --njj --nj?"),
        ("nj=many", "c.conf:2: --nj"),
        ("rm -rf x", "c.conf:2: --rm"),
        ("=3", "c.conf:2: name=value"),
        ("config=d.conf", "c.conf:2:"),
    ],
)
def test_config_is_checked(sh, script, line, words):
    (script.parent / "c.conf").write_text(f"stage=train\n{line}\n")
    result = sh("bash", script, "--config", "c.conf")
    assert result.returncode == 2 and all(word in result.stderr for word in words.split())


def test_config_is_never_run(sh, script):
    (script.parent / "c.conf").write_text("tag=$(touch hacked)\ncmd=`touch hacked`; touch hacked\n")
    result = sh("bash", script, "--config", "c.conf")
    assert result.stdout == "data|score|4|`touch hacked`; touch hacked|false|$(touch hacked)|"
    assert not (script.parent / "hacked").exists()


def test_help_has_every_option_with_its_default(sh, script):
    result = sh("bash", script, "--help")
    assert result.returncode == 0
    assert "--nj               parallel processes, any number [4]" in result.stdout
    assert "--dry-run          print only [false]" in result.stdout


def test_works_without_strict_mode(sh, script):
    script.write_text(SCRIPT.replace("set -euo pipefail\n", ""))
    assert sh("bash", script, "--nj", "2", "x").stdout == "data|score|2|run.pl|false||x|"
    assert sh("bash", script, "--nj").returncode == 2
