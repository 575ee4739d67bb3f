"""Names of recordings, which come from outside, cannot become formulas of a spreadsheet or fields of another format."""

import csv
import io

import pytest

from mscnn.inference.result import Result, Segment
from mscnn.reporting.annotations import write

FORMULAS = ["=1+1.wav", "+cmd.wav", "-2+3.wav", "@SUM(A1).wav", "\t=1.wav", "\r=1.wav", '=HYPERLINK("x","y").wav']


def text_of(form: str, name: str, transcript: str = "=now()") -> str:
    result = Result("sad", {"sad": 0.75, "happy": 0.25}, 0.75, "ok", transcript, 2.0)
    return "".join(write(form, [(name, [Segment(0.0, 2.0, result)])], ["sad", "happy"], timeline=True))


@pytest.mark.parametrize("name", FORMULAS)
def test_no_cell_of_csv_is_a_formula(name):
    head, row = csv.reader(io.StringIO(text_of("csv", name), newline=""))
    cells = dict(zip(head, row, strict=True))
    assert cells["recording"] == f"'{name}".replace("\r", "\n") and cells["text"] == "'=now()"
    assert (cells["start"], cells["confidence"], cells["p_sad"]) == ("0.000", "0.7500", "0.750000")


def test_usual_names_stay_as_they_are():
    assert text_of("csv", "a-b/c=d.wav", "it's").splitlines()[1].startswith("a-b/c=d.wav,0.000,2.000,sad,")
    assert text_of("tsv", "-").splitlines()[1].startswith("-\t0.000")  # standard input
    assert text_of("csv", "-").splitlines()[1].startswith("-,0.000")


@pytest.mark.parametrize("name", ["a b.wav", "a\nb.wav", "a\tb.wav"])
def test_a_name_is_one_field_of_rttm(name):
    assert text_of("rttm", name).split(" ")[:3] == ["SPEAKER", "a_b.wav", "1"]
    assert text_of("rttm", name).count("\n") == 1
