"""The Markdown of a comparison."""

from mscnn.evaluation.compare import compare
from mscnn.reporting.compare import render
from tests.unit.evaluation.conftest import write_data
from tests.unit.evaluation.test_compare import exps  # noqa: F401  (a fixture)


def rows_of(text):
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("| E")]


def test_scores_differences_and_tests(exps, tmp_path):  # noqa: F811
    text = render(compare(exps))
    rows = rows_of(text)
    assert rows[1] == ["E2", str(exps[1].path), "gt", "2", "65.10 ± 3.68", "65.10 ± 3.68", "65.10 ± 3.68"]
    assert rows[3][0] == "E1 − E2" and rows[3][5:9:3] == ["+28.65", "0.0938"]
    assert "random10@1f3a: 96 utterances, 6 speakers" in text and "2^6" in text and "0.03" in text
    write_data(tmp_path / "more", exps[0], utt2spk=lambda u: u[:2] + u[-1])
    more = render(compare(exps, tmp_path / "more"))
    assert "65535" in more and "2^" not in more
    assert more.count("\n* ") == text.count("\n* ") + 1  # one model is tested on several speakers


def test_other_clusters(exps, tmp_path):  # noqa: F811
    tables = {"utt2spk": lambda u: u[:2], "utt2scene": lambda u: f"d{int(u[4:]) % 4}"}
    text = render(compare([exps[0], exps[2]], write_data(tmp_path / "more", exps[0], **tables), "dialogue"))
    assert "96 utterances, 4 dialogues" in text and "speaker" not in text
    alone = render(compare([exps[0], exps[2]], over="utterance"))
    assert "96 utterances\n" in alone and rows_of(alone)[2][1] == rows_of(text)[2][1]
