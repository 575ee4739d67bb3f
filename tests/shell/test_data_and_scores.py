"""Scripts on finished data and experiments: validate_data_dir.sh, best_ua.sh, show_results.sh."""

import shutil

import pytest

from mscnn.data.datadir import DataDir
from tests.shell.conftest import ROOT

VALIDATE = ROOT / "utils/validate_data_dir.sh"


@pytest.fixture
def data(tmp_path):
    wav = tmp_path / "a.wav"
    wav.write_bytes(b"RIFF")
    utts = {"s1-a": "s1", "s1-b": "s1", "s2-c": "s2"}
    DataDir.write(
        tmp_path / "data",
        {
            "wav.scp": dict.fromkeys(utts, wav),
            "text": dict.fromkeys(utts, "some words"),
            "utt2spk": utts,
            "utt2emo": dict.fromkeys(utts, "sad"),
            "utt2dur": dict.fromkeys(utts, "1.5"),
        },
    )
    return tmp_path / "data"


def test_a_valid_directory(sh, data):
    result = sh(VALIDATE, data)
    assert (result.returncode, result.stderr) == (0, "")
    assert "3 utterances, 2 speakers" in result.stdout


@pytest.mark.parametrize(
    "file, content, where",
    [
        ("utt2spk", "s1-a s1 x\ns1-b s1\ns2-c s2\n", "utt2spk:1: "),  # Kaldi's prints an error and exits 0
        ("wav.scp", "s1-a /absent.wav\ns1-b /absent.wav\ns2-c /absent.wav\n", "wav.scp:1: "),  # Kaldi's never looks
        ("wav.scp", "s1-a cat x |\ns1-b cat x |\ns2-c cat x |\n", "wav.scp:1: "),
        ("utt2emo", "s1-b sad\ns1-a sad\ns2-c sad\n", "utt2emo:2: "),
        ("utt2emo", "s1-a sad\ns1-b sad\n", "utt2emo: "),
        ("utt2dur", "s1-a 1\ns1-b 0\ns2-c 1\n", "utt2dur:2: "),
        ("text", "s1-a x\ns1-b x\ns2-c x", "text:3: "),
        ("spk2utt", "s1 s1-a\ns2 s2-c\n", "spk2utt: "),
    ],
)
def test_every_issue_is_named_with_status_1(sh, data, file, content, where):
    (data / file).write_text(content)
    result = sh(VALIDATE, data)
    assert result.returncode == 1 and result.stdout == ""
    assert f"{data}/{where}" in result.stderr and result.stderr.startswith("error[")


def test_all_directories_are_checked(sh, data, tmp_path):
    shutil.copytree(data, tmp_path / "bad")
    (tmp_path / "bad/utt2dur").unlink()
    result = sh(VALIDATE, "bad", "absent", "data")
    assert result.returncode == 1
    assert result.stdout.startswith("data: ") and "bad: " in result.stderr and "absent: " in result.stderr
    assert sh(VALIDATE).returncode == 2
    assert sh(VALIDATE, "--not-text", "data").returncode == 2


def line(ua, protocol, tag, **fields):
    pairs = " ".join(f"{k}={v}" for k, v in {"text": "gt", "folds": 5, "runs": 1, "subset": "all", **fields}.items())
    return f"%UA {ua:.2f} %WA 50.00 %F1 40.00 [ 10 / 20 ] protocol={protocol} {pairs} exp/{tag}\n"


@pytest.fixture
def exp(tmp_path):
    """Experiments as tag -> (protocol, UA on dev, UA on test), written with the lines that stage 6 writes."""
    experiments = {
        "lucky_on_test": ("loso5@aaaa", 60.0, 90.0),
        "best_on_dev": ("loso5@aaaa", 71.0, 65.0),
        "other_folds": ("loso5@bbbb", 9.5, 55.0),
        "perfect": ("random10@cccc", 100.0, 100.0),
        "worse": ("random10@cccc", 99.0, 99.0),
    }
    for tag, (protocol, *values) in experiments.items():
        (tmp_path / "exp" / tag).mkdir(parents=True)
        for part, ua in zip(("dev", "test"), values, strict=True):
            text = line(ua, protocol, tag, agg="fold-mean") + line(99.9, protocol, tag, agg="pooled") + "# remark\n"
            (tmp_path / "exp" / tag / f"score_{part}.txt").write_text(text)
    (tmp_path / "exp" / "log").mkdir()
    return experiments


def test_best_is_chosen_on_dev_within_a_protocol(sh, exp):
    result = sh(ROOT / "utils/best_ua.sh")
    lines = [row for row in result.stdout.splitlines() if row.startswith("%UA")]
    tags = ["best_on_dev", "other_folds", "perfect"]
    assert lines == [line(exp[tag][2], exp[tag][0], tag, agg="fold-mean").strip() for tag in tags]
    assert result.returncode == 0 and "%UA 71.00" in result.stdout
    assert sh(ROOT / "utils/best_ua.sh", "exp/worse").stdout.splitlines()[1].endswith("exp/worse")


def test_best_skips_partial_experiments(sh, exp, tmp_path):
    partial = tmp_path / "exp" / "first_fold_only"
    partial.mkdir()
    for part in ("dev", "test"):
        (partial / f"score_{part}.txt").write_text(
            line(95.0, "loso5@aaaa", partial.name, agg="fold-mean", partial="1/5")
        )
    printed = sh(ROOT / "utils/best_ua.sh").stdout
    assert "first_fold_only" not in printed and "%UA 71.00" in printed
    alone = sh(ROOT / "utils/best_ua.sh", "exp/first_fold_only")
    assert (alone.returncode, alone.stdout) == (1, "") and alone.stderr


def test_table_has_one_row_per_experiment(sh, exp):
    rows = sh(ROOT / "utils/show_results.sh").stdout.splitlines()
    tags = ["lucky_on_test", "best_on_dev", "other_folds", "perfect", "worse"]
    assert [row.split()[-1] for row in rows] == ["experiment", *(f"exp/{tag}" for tag in tags)]
    assert rows[0].index("UA") - len("leave_one_speaker_out@f6d3") >= 1
    assert " ".join(rows[1].split()) == "loso5@aaaa 90.00 50.00 40.00 10/20 5 1 gt all exp/lucky_on_test"
    every = sh(ROOT / "utils/show_results.sh", "--all", "exp/perfect").stdout.splitlines()
    assert len(every) == 3 and sum(row.endswith("(pooled)") for row in every) == 1


@pytest.mark.parametrize("script", ["best_ua.sh", "show_results.sh"])
def test_without_scores_the_status_is_1(sh, script):
    result = sh(ROOT / "utils" / script)
    assert result.returncode == 1 and result.stderr and not result.stdout
    assert sh(ROOT / "utils" / script, "--help").returncode == 0
