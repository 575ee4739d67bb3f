"""The mini recipe from corpus to scores, and the work that a second run repeats."""

import re
from pathlib import Path

import pytest

from mscnn.reporting.lines import read_score

pytestmark = pytest.mark.e2e


def times(folder: Path) -> dict[Path, int]:
    """When each file of the trainings was written."""
    return {path: path.stat().st_mtime_ns for path in folder.glob("fold*/run*/*")}


def test_scores_are_those_of_a_model_that_learns(mini):
    line = read_score(mini.exp / "score_test.txt")
    assert line.fields["protocol"] == "loso5@aff4" and (line.fields["folds"], line.total) == ("5", 313)
    assert line.values["ua"] > 70 and line.values["wa"] > 70
    assert line.fields["xvector"] == "espeak" and "max_epochs=20" in line.fields["changed"]


def test_every_stage_wrote_its_files(mini):
    for name in (
        "data/iemocap4/audit/loso5.json",
        "exp/xvector/iemocap4/xvector.scp",
        "dump/mfcc96/iemocap4/feats.scp",
        "data/iemocap4/text.pocketsphinx",
        "exp/asr_pocketsphinx/iemocap4/wer",
        "exp/log/stage5.log",
        "exp/mscnn_spu_att_gt_loso5/report.html",
        "exp/mscnn_spu_att_gt_loso5/RESULTS.md",
    ):
        assert (mini.path / name).is_file(), name


def test_finished_work_is_not_repeated(mini):
    before = times(mini.exp)
    mini.must_run("--stage", "data", "--stop-stage", "train")
    assert len(before) >= 5 * 5 and times(mini.exp) == before


def edit(recipe, name: str, old: str, new: str) -> None:
    """Change a file of the recipe's checkout."""
    file = recipe.root / name
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def test_wording_makes_nothing_stale_but_code_does(mini):
    loop, before = "mscnn/training/loop.py", times(mini.exp)
    edit(mini, loop, '"""The training loop', '"""The loop of training, described in other words')
    mini.must_run("--stage", "train", "--stop-stage", "train")
    assert times(mini.exp) == before
    source = (mini.root / loop).read_text()
    constant = re.search(r"^EVAL_BATCH_SIZE = \d+", source, re.MULTILINE)[0]
    edit(mini, loop, constant, "EVAL_BATCH_SIZE = 63")
    result = mini.run("--stage", "train", "--stop-stage", "train")
    assert result.returncode == 1 and "error[experiment-changed]" in result.stdout
    (mini.root / loop).write_text(source)
    mini.must_run("--stage", "train", "--stop-stage", "train")
    assert times(mini.exp) == before
