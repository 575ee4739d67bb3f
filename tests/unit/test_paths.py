"""Files of conf by their names, those of before included."""

import logging
import os
import shutil
import subprocess
import sys

import pytest

from mscnn.files import read_yaml
from mscnn.paths import CONF, PACKAGE, conf, current, names
from tests.raises import fails

RENAMED = read_yaml(CONF / "renamed.yaml")


def test_a_name_is_found_in_any_folder_of_its_kind():
    assert conf("models", "glam") == CONF / "models" / "glam" / "glam.yaml"
    assert conf("protocols", "loso5") == CONF / "protocols" / "loso5.yaml"


def test_a_path_is_taken_as_it_is(tmp_path):
    path = tmp_path / "mine.yaml"
    with fails("conf-unknown", path):
        conf("models", str(path))
    path.touch()
    assert conf("models", str(path)) == path


@pytest.mark.parametrize("kind, name, near", [("models", "gloom", "glam"), ("labels", "iemocap", "iemocap4")])
def test_an_unknown_name_is_answered_with_the_nearest(kind, name, near):
    with fails("conf-unknown", f"{kind}/{name}", near, CONF / kind) as caught:
        conf(kind, name)
    assert not all(other in str(caught.value) for other in names(kind))


@pytest.mark.parametrize("kind", ["models", "labels", "protocols"])
def test_an_unknown_name_that_is_near_to_none_is_answered_with_all(kind):
    with fails("conf-unknown", f"{kind}/0123456789", *names(kind)):
        conf(kind, "0123456789")


@pytest.mark.parametrize("kind, old", [(kind, old) for kind in ("models", "grids") for old in RENAMED[kind]])
def test_a_name_of_before_is_accepted_with_a_warning(kind, old, caplog):
    assert old not in names(kind)
    with caplog.at_level(logging.WARNING):
        assert conf(kind, old) == conf(kind, RENAMED[kind][old])
    assert [(record.levelno, record.args[1:]) for record in caplog.records] == [
        (logging.WARNING, (old, RENAMED[kind][old]))
    ]


def test_an_installed_package_has_its_own_copy(tmp_path):
    """As a wheel lays it out: conf inside of the package, and nothing of a checkout around it."""
    shutil.copytree(PACKAGE, tmp_path / "mscnn", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(CONF, tmp_path / "mscnn" / "conf", ignore=shutil.ignore_patterns("xvector"))
    code = "from mscnn.paths import CONF, conf; print(CONF, conf('models', 'glam').name)"
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.stdout.split() == [str(tmp_path / "mscnn" / "conf"), "glam.yaml"], done.stderr


def test_other_names_stay_as_they_are(caplog):
    assert current("models", "glam") == "glam" and current("features", "abl_a") == "abl_a" and not caplog.records
