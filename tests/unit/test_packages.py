"""Optional packages: errors name them and their extra, and no import of mscnn needs them."""

import subprocess
import sys

import pytest

from mscnn.packages import EXTRAS, check, require
from mscnn.paths import ROOT
from tests.raises import fails


def test_a_package_that_is_there_is_imported():
    assert require("transformers", "a test") is sys.modules["transformers"]


@pytest.mark.parametrize(("module", "extra"), EXTRAS.items())
def test_the_error_of_a_missing_package_names_its_extra(monkeypatch, module, extra):
    monkeypatch.setitem(sys.modules, module, None)
    with fails("package-missing", "a test", module, f"mscnn[{extra}]", "use another"):
        require(module, "a test", "use another")


@pytest.mark.parametrize(("module", "extra"), EXTRAS.items())
def test_a_missing_package_is_noticed_before_it_is_needed(monkeypatch, module, extra):
    monkeypatch.setitem(sys.modules, module, None)
    with fails("package-missing", "a test", module, f"mscnn[{extra}]"):
        check(module, "a test")


def test_a_package_that_is_there_is_noticed_without_an_import():
    check("google.cloud.speech_v1", "a test")


def test_a_package_with_missing_dependencies(monkeypatch):
    monkeypatch.setitem(sys.modules, "google.cloud.speech_v1", None)
    with fails("package-missing", "google.cloud.speech_v1", "mscnn[google]"):
        require("google.cloud.speech_v1", "a test")


def test_every_extra_is_one_of_the_project():
    declared = (ROOT / "pyproject.toml").read_text().partition("[project.optional-dependencies]")[2].partition("\n[")[0]
    assert all(f"\n{extra} = [" in declared for extra in EXTRAS.values())


@pytest.mark.slow
def test_every_module_is_imported_without_any_of_them():
    code = f"""
import importlib, pkgutil, sys
sys.modules.update(dict.fromkeys({list(EXTRAS)}))
import mscnn
for module in pkgutil.walk_packages(mscnn.__path__, "mscnn."):
    importlib.import_module(module.name)
"""
    subprocess.run([sys.executable, "-c", code], check=True)
