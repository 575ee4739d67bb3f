"""Preflight: checks that this machine has what a run needs; each failure comes with its fix."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterator
from importlib import import_module, metadata
from pathlib import Path

from mscnn.errors import UserError
from mscnn.paths import ROOT
from mscnn.recipe.cost import gigabytes
from mscnn.recipe.inputs import CHECKS as INPUTS
from mscnn.recipe.needs import Finding, Needs

INSTALL = "tools/install.sh, or in an environment of your own: pip install --upgrade mscnn"
LITTLE_DISK, TOO_LITTLE_DISK = 5e9, 5e8  # bytes; little: where it is not known what the features take


def examine(needs: Needs) -> Iterator[Finding]:
    """Results of all checks; a check that raises UserError or OSError yields a FAIL, and the others still run."""
    for check in (*CHECKS, *INPUTS):
        try:
            yield from check(needs)
        except (UserError, OSError) as error:
            yield Finding("FAIL", str(error))


def _python(needs: Needs) -> Iterator[Finding]:
    yield Finding("ok", f"python: {platform.python_version()} ({sys.executable})")


def _packages(needs: Needs) -> Iterator[Finding]:
    from packaging.requirements import Requirement

    required = [r for r in map(Requirement, requirements()) if not r.marker or r.marker.evaluate({"extra": ""})]
    installed = {requirement: _version(requirement.name) for requirement in required}
    missing = [requirement.name for requirement, version in installed.items() if not version]
    unsuitable = [
        f"{requirement.name} {version} (needs {requirement.specifier})"
        for requirement, version in installed.items()
        if version and not requirement.specifier.contains(version, prereleases=True)
    ]
    if missing:
        yield Finding("FAIL", f"packages: {', '.join(missing)} missing", INSTALL)
    if unsuitable:
        yield Finding("warn", f"packages: too old or too new: {', '.join(unsuitable)}", INSTALL)
    if not missing and not unsuitable:
        yield Finding("ok", f"packages: all {len(required)} are installed")


def requirements() -> list[str]:
    """Requirements of mscnn, from pyproject.toml of a checkout or from the metadata of the installed package."""
    path = ROOT / "pyproject.toml"
    if not path.is_file():
        return metadata.requires("mscnn") or []
    try:
        toml = import_module("tomllib")
    except ImportError:  # Python 3.10
        toml = import_module("pip._vendor.tomli")
    return toml.loads(path.read_text(encoding="utf-8"))["project"]["dependencies"]


def _version(name: str) -> str:
    """Installed version, empty where the package is missing."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def _torch(needs: Needs) -> Iterator[Finding]:
    from mscnn import jobs

    try:
        import torch
    except (ImportError, OSError) as error:
        yield Finding("FAIL", f"torch: cannot be imported: {error}", INSTALL)
        return
    devices = {row.device for row in needs.plan.rows}
    cuda = torch.cuda.is_available()
    if "cuda" in devices and not cuda and not jobs.Settings.of("train").gpus:
        message = f"torch: {torch.__version__} finds no CUDA device"
        yield Finding("FAIL", message, "--device cpu, or repair the NVIDIA driver")
        return
    device = torch.cuda.get_device_name() if cuda and devices != {"cpu"} else "cpu"
    yield Finding("ok", f"torch: {torch.__version__}, {device}")


def _machine(needs: Needs) -> Iterator[Finding]:
    """Processors and memory that this process may use."""
    from mscnn import jobs

    count, free = jobs.processors(), jobs.memory() / 1e9
    message = f"machine: {count} processors and {free:.1f} GB of memory for this process"
    if needs.nj > count and not jobs.Settings.of("train").elsewhere:
        yield Finding("warn", f"{message}, fewer than --nj {needs.nj}", f"--nj {count}; stage 5 uses no more than that")
    else:
        yield Finding("ok", message)


def _memory(needs: Needs) -> Iterator[Finding]:
    """Memory of trainings that were measured before; stage 5 measures the others before it trains."""
    from mscnn import jobs
    from mscnn.recipe.memory import stored

    found = {row.exp: stored(Path(row.exp)) for row in needs.plan.trained} if needs.runs_stage(5) else {}
    sizes = {exp: taken.host for exp, taken in found.items() if taken}
    largest = max(sizes, key=lambda exp: sizes[exp], default="")
    if not sizes.get(largest):
        return
    most = max(1, min(needs.nj, int(jobs.MEMORY_SHARE * jobs.memory() / sizes[largest])))
    message = f"memory: one training of {largest} takes {sizes[largest] / 1e9:.2f} GB, {most} at a time fit"
    yield Finding("ok" if most == needs.nj else "warn", message)


def _kaldi(needs: Needs) -> Iterator[Finding]:
    from mscnn.xvector import kaldi

    missing, without = kaldi.missing(), "x-vectors are extracted without Kaldi"
    if not missing:
        yield Finding("ok", f"kaldi: {kaldi.version()}, {kaldi.programs()['nnet3-xvector-compute']}")
    elif needs.xvector_backend == "kaldi" and needs.runs_stage(2):
        yield Finding("FAIL", f"kaldi: not found: {', '.join(missing)}", kaldi.FIX)
    elif root := os.environ.get("KALDI_ROOT"):
        fix = "compile Kaldi (INSTALL in its root), or unset KALDI_ROOT"
        yield Finding("warn", f"kaldi: {root}/src lacks {', '.join(missing)}; {without}", fix)
    else:
        yield Finding("ok", f"kaldi: KALDI_ROOT is not set, {without}")


def _backend(needs: Needs) -> Iterator[Finding]:
    """Where the jobs of each step run, as cmd.sh says, and whether that can be."""
    from mscnn import jobs

    for step in ("", *jobs.STEPS):
        try:
            if step and jobs.Settings.of(step) == jobs.Settings.of():
                continue
            name = jobs.check_backend(step)
            yield Finding("ok", f"jobs{step and f' of {step}'}: {name}")
        except UserError as error:
            yield Finding("FAIL", f"jobs{step and f' of {step}'}: {error}", "correct cmd.sh, or --backend")
            if not step:
                return


def _disk(needs: Needs) -> Iterator[Finding]:
    free, made = shutil.disk_usage(".").free, gigabytes(needs.plan)
    message = f"disk: {free / 1e9:.1f} GB free in {os.getcwd()}"
    if free < TOO_LITTLE_DISK:
        yield Finding("FAIL", message, "free some space: features and models would not fit")
    elif made and free < 1e9 * made:
        yield Finding("warn", f"{message}; features and models of this plan take {made:.1f} GB", "free some space")
    elif not made and free < LITTLE_DISK:
        yield Finding("warn", message, "enough for a small corpus")
    else:
        yield Finding("ok", message)


CHECKS: tuple[Callable[[Needs], Iterator[Finding]], ...] = (
    _python,
    _packages,
    _torch,
    _machine,
    _memory,
    _kaldi,
    _backend,
    _disk,
)
