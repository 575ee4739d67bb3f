"""Option semantics: dashes and underscores, equals signs, booleans, configuration files, near misses."""

import pytest

from mscnn.options import Parser, flag, run


@pytest.fixture
def parser():
    parser = Parser("test", "test")
    parser.add_argument("--stop-stage", type=int, default=6, help="last stage")
    parser.add_argument("--on-bad", default="stop", help="what to do")
    parser.add_argument("--dry-run", type=flag, default=False, help="only print")
    return parser


@pytest.mark.parametrize(
    "words", [["--stop-stage", "3"], ["--stop_stage", "3"], ["--stop-stage=3"], ["--stop_stage=3"]]
)
def test_spellings(parser, words):
    assert parser.parse_args(words).stop_stage == 3


def test_value_keeps_its_underscores(parser):
    assert parser.parse_args(["--on_bad=a_b"]).on_bad == "a_b"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--stop-stag", "3"], "did you mean --stop-stage?"),
        (["--zzz"], "unknown option --zzz"),
        (["--stop-stage"], "expected one argument"),
        (["--dry-run", "yes"], "expected true or false, found 'yes'"),
        (["surplus"], "unknown option surplus"),
    ],
)
def test_wrong_usage_exits_with_two(parser, capsys, words, message):
    with pytest.raises(SystemExit) as stop:
        parser.parse_args(words)
    assert stop.value.code == 2
    assert message in capsys.readouterr().err


def test_command_line_wins_over_config(parser, tmp_path):
    (tmp_path / "c.yaml").write_text("stop-stage: 2\non_bad: skip\n")
    args = parser.parse_args(["--stop-stage", "4", "--config", str(tmp_path / "c.yaml")])
    assert (args.stop_stage, args.on_bad) == (4, "skip")


def test_unknown_name_in_config_is_refused(parser, tmp_path, capsys):
    (tmp_path / "c.yaml").write_text("stop-stages: 2\n")
    with pytest.raises(SystemExit) as stop:
        parser.parse_args(["--config", str(tmp_path / "c.yaml")])
    assert stop.value.code == 2
    assert "did you mean --stop-stage?" in capsys.readouterr().err


def test_booleans_in_config(parser, tmp_path):
    (tmp_path / "c.yaml").write_text("dry-run: true\n")
    assert parser.parse_args(["--config", str(tmp_path / "c.yaml")]).dry_run is True


def test_files_that_cannot_be_written_end_without_a_traceback(capsys, tmp_path):
    (tmp_path / "file").write_text("")

    def main():
        (tmp_path / "file" / "below").write_text("x")

    with pytest.raises(SystemExit) as end:
        run(main)
    assert end.value.code == 1
    assert capsys.readouterr().err == f"error[file-system]: {tmp_path}/file/below: Not a directory\n"
