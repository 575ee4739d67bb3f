"""Score lines: their format, written and parsed."""

import pytest

from mscnn.reporting.lines import ScoreLine, read_score
from tests.raises import fails

LINE = (
    "%UA 81.40 %WA 80.30 %F1 80.91 [ 4442 / 5531 ] protocol=random10@1f3a text=gt folds=10 runs=3 exp/mscnn_spu_att_gt"
)


def test_format():
    line = ScoreLine.parse(LINE + "\n")
    assert line.values == {"ua": 81.4, "wa": 80.3, "f1": 80.91}
    assert (line.correct, line.total, line.path) == (4442, 5531, "exp/mscnn_spu_att_gt")
    assert line.fields == {"protocol": "random10@1f3a", "text": "gt", "folds": "10", "runs": "3"}
    assert str(line) == LINE


@pytest.mark.parametrize("path", ["exp/fc_dim=256", "/my folder/exp/a b", "x"])
@pytest.mark.parametrize("more", ["", " set=test agg=fold-mean ua_sd=1.23 legacy=legacy_no_mask"])
def test_round_trip(path, more):
    text = LINE.replace(" exp/mscnn_spu_att_gt", f"{more} {path}")
    assert str(ScoreLine.parse(text)) == text and ScoreLine.parse(text).path == path


def test_a_perfect_score_and_zero():
    line = ScoreLine({"ua": 100.0, "wa": 0.0, "f1": 5.0}, 0, 7, "exp/a", ScoreLine.parse(LINE).fields)
    assert str(line).startswith("%UA 100.00 %WA 0.00 %F1 5.00 [ 0 / 7 ] ") and ScoreLine.parse(str(line)) == line


def test_metrics_are_numbers_in_any_position():
    line = ScoreLine.parse(LINE.replace("runs=3", "runs=3 agg=pooled wf1=79.10 ua_sd=1.23 wf1_run_sd=0.50"))
    assert (line.score("ua"), line.score("wf1"), line.score("kappa")) == (81.4, 79.1, None)
    assert (line.sd("ua"), line.sd("wa"), line.run_sd("wf1")) == (1.23, None, 0.5) and line.aggregate == "pooled"


@pytest.mark.parametrize(
    "text", ["", "# note", LINE.replace("protocol=random10@1f3a ", ""), LINE.replace("%F1", "%X"), LINE[:60]]
)
def test_other_lines_are_refused(text):
    with fails("score-line", repr(text)):
        ScoreLine.parse(text)


def test_file(tmp_path):
    (tmp_path / "score_test.txt").write_text(LINE + "\n# note\n")
    assert str(read_score(tmp_path / "score_test.txt")) == LINE
    (tmp_path / "score_test.txt").write_text("# note\n")
    with fails("score-line", "score_test.txt:1", "stage 6"):
        read_score(tmp_path / "score_test.txt")
