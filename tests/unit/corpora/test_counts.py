"""Counts of a corpus against published ones."""

from pathlib import Path

import pytest

from mscnn.config.labels import LabelMap
from mscnn.corpora import counts
from mscnn.corpora.common import Corpus, Item
from mscnn.corpora.prepare import report_counts
from tests.raises import check, fails

ROOT = Path(__file__).resolve().parents[3]
HEAD = "# a remark\nspeaker\ttype\tlabel\tcount\n"


def items() -> list[Item]:
    cells = [("Ses01F", "improvised", "ang", 2), ("Ses01M", "scripted", "ang", 1), ("Ses02F", "scripted", "xxx", 3)]
    return [
        Item(f"{speaker}-{n}", speaker, label, "", "", "", style=style, session=speaker[:5])
        for speaker, style, label, count in cells
        for n in range(count)
    ]


def test_differences_are_listed(tmp_path):
    path = tmp_path / "expected.tsv"
    rows = "Ses01F\timprovised\tang\t2\nSes01F\tscripted\tang\t4\n*\t*\tang\t3\nSes01*\t*\t*\t4\n\n*\t*\txxx\t2\n"
    path.write_text(HEAD + rows)
    expected = [(4, "Ses01F scripted ang", 4, 0, -4), (6, "Ses01* * *", 4, 3, -1), (8, "* * xxx", 2, 3, "+1")]
    issues = counts.differences(items(), counts.expected_rows(path))
    for issue, (line, patterns, published, counted, by) in zip(issues, expected, strict=True):
        check(issue, "count-differs", f"{path}:{line}: ", patterns, published, counted, f"({by})")


@pytest.mark.parametrize(
    ("text", "where"),
    [("", ""), ("speaker label count\n", ""), (HEAD + "*\t*\t1\n", ":3"), (HEAD + "*\t*\t*\tten\n", ":3")],
)
def test_malformed_table(tmp_path, text, where):
    path = tmp_path / "expected.tsv"
    path.write_text(text)
    with fails("counts-table", f"expected.tsv{where}: "):
        list(counts.expected_rows(path))
    with fails("counts-table", tmp_path / "absent"):
        list(counts.expected_rows(tmp_path / "absent"))


def test_table_has_rows_for_speakers_sessions_types_and_all():
    rows = [line.split() for line in counts.table(items(), ["ang", "neu"]).splitlines()]
    assert rows == [
        ["ang", "neu", "xxx", "total"],
        ["Ses01F", "2", "0", "0", "2"],
        ["Ses01M", "1", "0", "0", "1"],
        ["Ses01", "3", "0", "0", "3"],
        ["Ses02F", "0", "0", "3", "3"],
        ["Ses02", "0", "0", "3", "3"],
        ["improvised", "2", "0", "0", "2"],
        ["scripted", "1", "0", "3", "4"],
        ["all", "3", "0", "3", "6"],
    ]


def test_many_speakers_have_no_rows_but_splits_have():
    many = [
        Item(f"s{n:02d}-{n}", f"s{n:02d}", "joy", "", "", "", session=f"e{n}", split="train" if n % 3 else "test")
        for n in range(counts.MAX_SPEAKERS + 1)
    ]
    rows = [line.split() for line in counts.table(many, ["joy"]).splitlines()]
    assert rows == [["joy", "total"], ["test", "17", "17"], ["train", "34", "34"], ["all", "51", "51"]]


def test_published_counts_of_iemocap_add_up():
    lines = (ROOT / "egs" / "iemocap" / "local" / "expected_counts.tsv").read_text().splitlines()
    rows = [line.split("\t") for line in lines if not line.startswith("#")][1:]
    total = {label: int(count) for speaker, _, label, count in rows if speaker == "*"}
    for name, count in {"ang": 1103, "hap": 595, "exc": 1041, "sad": 1084, "neu": 1708}.items():
        total[name] = sum(int(row[3]) for row in rows if row[2] == name and "*" not in row[0])
        assert total[name] == count
    assert sum(count for label, count in total.items() if label != "*") == 10039 == int(rows[-1][3])
    assert sum(int(row[3]) for row in rows if row[0].endswith("*") and row[1:3] == ["*", "*"]) == 2 * 10039


def test_differences_warn_or_stop(tmp_path, caplog):
    path, labels = tmp_path / "expected.tsv", LabelMap.load("iemocap4")
    path.write_text(HEAD + "*\t*\tang\t4\n")
    report_counts(Corpus(items()), labels, path, strict=False)
    (record,) = [record for record in caplog.records if record.levelname == "WARNING"]
    assert all(fact in record.getMessage() for fact in (f"{path}:3: ", "* * ang", "(-1)"))
    with fails("counts-differ", 1, "* * ang", "(-1)"):
        report_counts(Corpus(items()), labels, path, strict=True)


def test_a_table_without_counts_is_no_warning(tmp_path, caplog):
    caplog.set_level("INFO")
    path = tmp_path / "expected.tsv"
    for rows in ("", "*\t*\tang\t3\n"):
        caplog.clear()
        path.write_text(HEAD + rows)
        report_counts(Corpus(items()), LabelMap.load("iemocap4"), path, strict=True)
        assert caplog.records[-1].levelname == "INFO" and str(path) in caplog.messages[-1]
