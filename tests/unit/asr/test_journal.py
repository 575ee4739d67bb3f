"""What was finished survives any interruption, and nothing that was not."""

from mscnn.asr.journal import Journal


def test_gathers_whole_lines_only(tmp_path):
    journal = Journal(tmp_path / "j")
    assert journal.collect() == {}
    journal.job(1).write_text("b\tx\tsome words\na\tx\t\ntorn\tx\tsome wo")
    journal.job(2).write_bytes("c\ty\tcafé".encode()[:-1])  # cut inside a character
    expected = {("b", "x"): "some words", ("a", "x"): ""}
    assert journal.collect() == expected
    assert Journal(tmp_path / "j").collect() == expected
    assert [p.name for p in journal.path.iterdir()] == ["done.tsv"]


def test_later_runs_add_and_earlier_writers_do_no_harm(tmp_path):
    journal = Journal(tmp_path)
    with open(journal.job(1), "w") as outlived:
        outlived.write("a\tx\tone\n")
        outlived.flush()
        journal.collect()
        journal.job(1).write_text("b\tx\ttwo\n")
        outlived.write("z\tx\tlost\n")
    assert journal.collect() == {("a", "x"): "one", ("b", "x"): "two"}
