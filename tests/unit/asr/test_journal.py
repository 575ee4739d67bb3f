"""Complete transcripts survive an interruption, incomplete ones do not."""

from mscnn.asr.journal import Journal


def test_merges_complete_lines_only(tmp_path):
    journal = Journal(tmp_path / "j")
    assert journal.collect() == {}
    journal.job(1).write_text("b\tx\tsome words\na\tx\t\ntorn\tx\tsome wo")
    journal.job(2).write_bytes("c\ty\tcafé".encode()[:-1])  # truncated inside a character
    expected = {("b", "x"): "some words", ("a", "x"): ""}
    assert journal.read() == expected and journal.job(1).exists() and journal.job(2).exists()
    assert journal.collect() == expected
    assert Journal(tmp_path / "j").collect() == expected
    assert [p.name for p in journal.path.iterdir()] == ["done.tsv"]


def test_later_runs_add_and_processes_of_earlier_runs_cannot_interfere(tmp_path):
    journal = Journal(tmp_path)
    with open(journal.job(1), "w") as outlived:
        outlived.write("a\tx\tone\n")
        outlived.flush()
        journal.collect()
        journal.job(1).write_text("b\tx\ttwo\n")
        outlived.write("z\tx\tlost\n")
    assert journal.collect() == {("a", "x"): "one", ("b", "x"): "two"}
