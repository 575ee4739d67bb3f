"""Tables as text: read back by other readers, and no cell is taken for markup."""

import csv

from mscnn.reporting.tabular import csv_text, latex_table, table, with_sd, write_forms


def test_markdown():
    assert list(table(["a", "b", "c"], [("x", 1, 2.5)], left=2)) == [
        "| a | b | c |",
        "|---|---|--:|",
        "| x | 1 | 2.5 |",
    ]


def test_csv_is_read_back():
    rows = [["a,b", '"c"', "d\ne"], ["", "–", "1"]]
    assert list(csv.reader(csv_text(["x", "y", "z"], rows).splitlines(keepends=True))) == [["x", "y", "z"], *rows]


def test_latex_takes_no_cell_for_a_command():
    lines = list(latex_table(["a_1", "b"], [(r"\x{y}$z$", "50 % & ^~#"), ("<|>", "1.00 ± 0.10")]))
    assert lines[0] == r"\begin{tabular}{lr}" and lines[-1] == r"\end{tabular}"
    assert [line for line in lines if "&" in line] == [
        r"a\_1 & b \\",
        r"\textbackslash{}x\{y\}\$z\$ & 50 \% \& \textasciicircum{}\textasciitilde{}\# \\",
        r"\textless{}\textbar{}\textgreater{} & 1.00 $\pm$ 0.10 \\",
    ]


def test_spread():
    assert with_sd(81.4, 2.104) == with_sd("81.40", "2.10") == "81.40 ± 2.10"
    assert with_sd(81.4, None) == with_sd("81.40", "") == "81.40" and with_sd(0, 0) == "0.00 ± 0.00"


def test_forms_share_a_stem(tmp_path):
    write_forms(tmp_path / "new" / "v1.2", {"md": "a", "csv": "b"})
    assert {path.name: path.read_text() for path in (tmp_path / "new").iterdir()} == {"v1.2.md": "a", "v1.2.csv": "b"}
