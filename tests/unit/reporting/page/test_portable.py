"""Absolute paths are shortened, other text is not changed."""

from pathlib import Path

import pytest

from mscnn.reporting.page.portable import portable

ROOT = Path("/home/x/my recipes/egs/toy")


@pytest.mark.parametrize(
    "text, expected",
    [
        ("python -m x --data /scratch/a/data/toy --exp exp/t", "python -m x --data toy --exp exp/t"),
        ("--set alexnet=/models/a.pth,b=/m/c lr=1", "--set alexnet=a.pth,b=c lr=1"),
        ("'/a b/c d.wav' and \"/e/f\"", 'c d.wav and "f"'),
        (f"{ROOT}/exp/t/fold01: gone; see {ROOT}/log (in /tmp/y)", "exp/t/fold01: gone; see log (in y)"),
        ("[ 251 / 313 ] WA / UA and/or %UA n_m / n 1/K https://x.org/a ../b/c ~/d </p> </script>", None),
        (f"a/{ROOT}/b", None),
        ("oh, no: what?", None),
    ],
)
def test_texts(text, expected):
    assert portable(text, ROOT) == (text if expected is None else expected)


def test_lists_and_mappings():
    given = {"a": ["/x/y", 1, None, {"b": "/x/z"}], "c": True, "d": 1.5}
    assert portable(given, ROOT) == {"a": ["y", 1, None, {"b": "z"}], "c": True, "d": 1.5}
    assert given["a"][0] == "/x/y"


def test_a_recipe_behind_a_link(tmp_path):
    (tmp_path / "far" / "toy").mkdir(parents=True)
    (tmp_path / "near").symlink_to(tmp_path / "far")
    for start in ("near", "far"):
        assert portable(f"see {tmp_path}/{start}/toy/exp/t", tmp_path / "near" / "toy") == "see exp/t"
