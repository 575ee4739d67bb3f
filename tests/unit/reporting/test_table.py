"""Tables: every format is parsed by an independent reader, and cells are escaped."""

import csv
import io

import pytest

from mscnn.reporting.formats import counted, fixed, p_value, settings, signed, span, thousands, transcripts, with_sd
from mscnn.reporting.table import Cell, Column, Table, write_forms
from mscnn.reporting.templates import Markup, macro
from tests.unit.reporting.reading import read_html, read_rows


def table(heads, *rows, left=1):
    columns = [Column(head, lambda row, i=i: row[i], left=i < left) for i, head in enumerate(heads)]
    return Table.of(columns, rows)


def test_heads_and_cells_of_a_column_stay_together():
    """In any order of columns."""
    columns = [Column("n", len), Column("word", str.upper, left=True)]
    made, turned = Table.of(columns, ["a", "bcd"]), Table.of(columns[::-1], ["a", "bcd"])
    assert read_rows(made.markdown()) == [["n", "word"], ["1", "A"], ["3", "BCD"]]
    assert read_rows(turned.markdown()) == [["word", "n"], ["A", "1"], ["BCD", "3"]]
    assert (made.markdown().splitlines()[1], turned.markdown().splitlines()[1]) == ("|--:|---|", "|---|--:|")


def test_markdown_cells():
    row = (Cell("a_b", rest=", c", code=True), Cell("partial", strong=True), None, "x|y\nz")
    assert table("abcd", row).markdown().splitlines()[2] == r"| `a_b`, c | **partial** | – | x\|y z |"


def test_csv_is_parsed_and_missing_values_are_empty():
    rows = [["a,b", '"c"', "d\ne"], ["", None, 1]]
    read = list(csv.reader(io.StringIO(table("xyz", *rows).csv())))
    assert read == [["x", "y", "z"], ["a,b", '"c"', "d\ne"], ["", "", "1"]]


@pytest.mark.parametrize("cell", ["=1+1", "@x", "+cmd|'a'!A0", "-2+3", "\tx", "=HYPERLINK(1)"])
def test_csv_has_no_formulas(cell):
    assert list(csv.reader(io.StringIO(table("a", (cell,)).csv())))[1] == [f"'{cell}"]


@pytest.mark.parametrize("cell", ["-1.04", "+2", "-1.2e-05", "81.40 ± 2.10", -3.5, "-", "a=b", "–"])
def test_csv_leaves_numbers_alone(cell):
    assert list(csv.reader(io.StringIO(table("a", (cell,)).csv())))[1] == [str(cell)]


def test_markdown_has_no_html_of_cells():
    rows = table("a", ("<script>x</script>",), (Cell("</b>", rest="<img src=x>"),), ("p < 0.01",)).markdown()
    assert "<s" not in rows and "</" not in rows and "<i" not in rows and "p < 0.01" in rows


def test_latex_escapes_cells():
    lines = table(["a_1", "b"], (r"\x{y}$z$", "50 % & ^~#"), ("<|>", "1.00 ± 0.10"), ("n", None)).latex().splitlines()
    assert lines[0] == r"\begin{tabular}{lr}" and lines[-1] == r"\end{tabular}"
    assert [line for line in lines if "&" in line] == [
        r"a\_1 & b \\",
        r"\textbackslash{}x\{y\}\$z\$ & 50 \% \& \textasciicircum{}\textasciitilde{}\# \\",
        r"\textless{}\textbar{}\textgreater{} & 1.00 $\pm$ 0.10 \\",
        r"n & -- \\",
    ]


def test_html_marks_headings_of_rows_and_columns():
    made = table(["<h>", "n"], ("<x>", None), (Cell("y", href="a&b"), Cell(2, style="--w:1", classes="w")))
    box = read_html(macro("table", made, 'The "<caption>"', "t"))["t"]
    assert box.all("table")[0].rows == [["<h>", "n"], ["<x>", "–"], ["y", "2"]]
    assert [one.attributes.get("scope") for one in box.all("th")] == ["col", "col", "row", "row"]
    assert [one.attributes for one in box.all("td")] == [{"class": "n"}, {"class": "w n", "style": "--w:1"}]
    assert box.all("caption")[0].text == box.attributes["aria-label"] == 'The "<caption>"'
    assert box.all("a")[0].attributes == {"href": "a&b"}
    assert box.attributes["tabindex"] == "0", "a table wider than a phone must scroll, by keyboard too"


def test_markup_is_for_html_only():
    made = table("a", (Cell(Markup("<i>x</i>")),), (Cell("<i>"),))
    page = read_html(macro("table", made, "c"))
    assert [one.text for one in page.all("i")] == ["x"] and page.all("tbody")[0].rows == [["x"], ["<i>"]]


def test_empty_columns_and_pairs():
    assert read_rows(table("abc", ("x", "", "1"), ("y", "", "")).without_empty().markdown())[0] == ["a", "c"]
    assert read_rows(Table.pairs(("", ""), {"a": 1, "b": None, "c": "", "d": 0}).markdown())[1:] == [
        ["a", "1"],
        ["d", "0"],
    ]


def test_forms_share_a_stem(tmp_path):
    write_forms(tmp_path / "new" / "v1.2", {"md": "a", "csv": "b"})
    assert {path.name: path.read_text() for path in (tmp_path / "new").iterdir()} == {"v1.2.md": "a", "v1.2.csv": "b"}


@pytest.mark.parametrize(
    "text, expected",
    [
        (fixed(81.404), "81.40"),
        (fixed(None), None),
        (fixed(0.12345, 4), "0.1235"),
        (signed(1.044), "+1.04"),
        (signed(-0.5, 1), "-0.5"),
        (signed(None), None),
        (with_sd(81.4, 2.104), "81.40 ± 2.10"),
        (with_sd(81.4, None), "81.40"),
        (with_sd(0, 0), "0.00 ± 0.00"),
        (with_sd(None, None), None),
        (with_sd("mean", 1), "mean ± 1.00"),
        (span((1, 2.345)), "1.00 to 2.35"),
        (span(None), None),
        (thousands(1468036), "1,468,036"),
        (thousands(None), None),
        (p_value(0.05), "0.0500"),
        (p_value(2e-5), "2.0e-05"),
        (counted(1, "fold"), "1 fold"),
        (counted(2, "run"), "2 runs"),
        (transcripts("gt"), "reference transcripts"),
        (transcripts("google"), "ASR transcripts (google)"),
        (settings({"swem": True, "widths": [2, 3], "lr": 0.1}), "swem=true, widths=2/3, lr=0.1"),
        (settings(None), ""),
    ],
)
def test_formats(text, expected):
    assert text == expected
