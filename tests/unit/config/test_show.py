"""``config show``: resolved values, and where each is stated."""

import subprocess
import sys

import pytest
import yaml

from mscnn.config import show
from mscnn.config.model import ModelSpec
from mscnn.paths import CONF, names


def places(text: str) -> dict[str, str]:
    """Origin of every value, by its dotted key."""
    origins, section = {}, ""
    for line in text.splitlines():
        key, _, rest = line.partition(":")
        section = section if line.startswith(" ") else ""
        if rest:
            origins[section + key.strip()] = rest.partition("  # ")[2]
        else:
            section = f"{key}."
    return origins


@pytest.mark.parametrize("name", names("models"))
def test_the_output_is_a_configuration_with_the_same_values(tmp_path, name):
    (tmp_path / "shown.yaml").write_text(show.model(name), encoding="utf-8")
    spec, again = ModelSpec.load(name), ModelSpec.load(str(tmp_path / "shown.yaml"))
    assert again.describe() == {**spec.describe(), "model": "shown"}
    assert (again.text, again.xvector, again.extra) == (spec.text, spec.xvector, spec.extra)


def test_each_value_has_its_origin():
    stated = places(show.model("glam5", ["lr=1e-4", "inputs.audio=mfcc40"]))
    line = next(
        n for n, text in enumerate((CONF / "models/glam/glam.yaml").read_text().splitlines(), 1) if "heads:" in text
    )
    assert stated["options.heads"] == f"conf/models/glam/glam.yaml:{line}"
    assert stated["options.stem"].startswith("conf/models/glam/glam5.yaml:")
    assert (stated["training.lr"], stated["inputs.audio"]) == ("--set lr=1e-4", "--set inputs.audio=mfcc40")
    assert stated["training.optimizer"] == stated["xvec_norm"] == "default"


def run(*arguments: str) -> dict:
    command = [sys.executable, "-m", "mscnn.bin.config", "show", *arguments]
    return yaml.safe_load(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def test_the_command():
    assert run("glam", "--set", "segments.hop=10", "lr=1")["segments"]["hop"] == 10
    assert run("features/mfcc96", "--set", "n_mfcc=20")["n_mfcc"] == 20
    assert run("protocols/loso5")["test"]["scheme"] == "group"
    assert run("labels/iemocap4")["map"]["exc"] == "happy"
    assert run("grids/robustness") == yaml.safe_load((CONF / "grids/robustness.yaml").read_text())
