"""What texts of the package tell users to run exists: commands, options, scripts, stages and folders of conf."""

import ast
import re

from mscnn.cli import commands
from tests.conftest import ROOT

OTHERS = {  # of sox, pip, git, nvidia-smi, hf, ct2-transformers-converter, Kaldi's files of options, CSS
    *("--ignore-length", "--upgrade", "--force-reinstall", "--always", "--dirty", "--gpu", "--local-dir"),
    *("--cepstral-lifter", "--center", "--norm-vars", "--w", "--notest", "--quantization"),
}
TEXTS = [
    (f"{path.relative_to(ROOT)}:{node.lineno}", node.value)
    for path in sorted((ROOT / "mscnn").rglob("*.py"))
    for node in ast.walk(ast.parse(path.read_text()))
    if isinstance(node, ast.Constant) and isinstance(node.value, str)
]
SCRIPTS = "".join(path.read_text() for pattern in ("utils", "tools", "egs/*") for path in ROOT.glob(f"{pattern}/*.sh"))


def named(pattern: str) -> list[tuple[str, str]]:
    """Place and match of a pattern in all texts; at least three, or the pattern finds nothing."""
    found = [(place, match) for place, text in TEXTS for match in re.findall(pattern, text)]
    assert len(found) >= 3, pattern
    return found


def test_options_exist():
    option = r"(?<![\w-])--[a-z][a-z0-9-]*\b(?!-)"
    known = set(re.findall(option, (ROOT / "docs/reference/cli.md").read_text() + SCRIPTS)) | OTHERS
    known |= {f"--{name.replace('_', '-')}" for name in re.findall(r"^([a-z][a-z0-9_]*)=", SCRIPTS, re.MULTILINE)}
    outside = ("mscnn/jobs/", "mscnn/xvector/kaldi.py")  # they call programs of Slurm and Kaldi
    assert not [(place, name) for place, name in named(option) if name not in known and not place.startswith(outside)]


def test_commands_exist():
    called = named(r"(?:`|with:? |run |: |; |^)mscnn ([a-z]+(?:-[a-z]+)*)(?:`| --| [A-Z]| $)")
    assert not [(place, name) for place, name in called if name.replace("-", "_") not in commands()]


def test_files_exist():
    files = named(r"\b(?:tools|utils|docs|egs)/[a-z_/]+\.(?:sh|md)\b")
    assert not [(place, name) for place, name in files if not (ROOT / name).is_file()]
    folders = named(r"\bconf/([a-z_]+)\b(?![./])")
    assert not [(place, name) for place, name in folders if not [*ROOT.glob(f"conf/{name}*")]]


def test_stages_exist():
    stages = dict(re.findall(r"^  (\d) (\w+) ", (ROOT / "utils/stages.sh").read_text(), re.MULTILINE))
    assert [*stages] == [*"0123456"]
    found = named(r"\b[Ss]tage (\d)(?: \(([a-z]+)\))?")
    assert not [(place, *one) for place, one in found if one[1] not in ("", stages.get(one[0])) or one[0] not in stages]
