"""Experiments of a plan whose folder has an experiment already: options that changed are reported before any stage."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mscnn.config.written import read_config
from mscnn.paths import CONF, stem
from mscnn.recipe.options import Issues, Options
from mscnn.recipe.plan import Plan, Row

if TYPE_CHECKING:
    from mscnn.config.model import ModelSpec


def check_existing(plan: Plan, options: Options, issues: Issues) -> None:
    """Check that experiments that exist have the options of the plan, unless stage 5 does not run or replaces them."""
    from mscnn.training.fingerprint import config_in, require_same

    rows = [row for row in plan.trained if config_in(Path(row.exp))]  # stage 5 writes a damaged one again
    if not rows or options.overwrite or not options.runs_stage(5):
        return

    for row in rows:
        config = issues.attempt(_expected, row, options)
        if config is not None:
            issues.attempt(require_same, {Path(row.exp): config})


def _expected(row: Row, options: Options) -> dict[str, Any]:
    """The ``config.yaml`` that stage 5 will write; what the options do not decide is as in the existing one."""
    from mscnn.config.labels import LabelMap
    from mscnn.data.protocols import Protocol
    from mscnn.training.experiment import decided

    old, setup = read_config(Path(row.exp, "config.yaml")), row.setup()
    spec = setup.spec()
    protocol = Protocol.load(row.protocol)
    used = _mapping(old, "protocol").get("name")
    protocol = next((one for one in protocol.alternatives() if one.name == used), protocol)  # as the data needed
    known = decided(setup, spec, LabelMap.load(row.labels).classes, protocol)
    return {
        **old,
        **known,
        "protocol": {**_mapping(old, "protocol"), **known["protocol"]},
        "features": _titles(row, spec, _mapping(old, "features"), options.runs_stage(3)),
        **({"xvector_model": _xvector_model(row, old, options.runs_stage(2))} if spec.xvector else {}),
    }


def _mapping(config: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = config.get(key)
    return value if isinstance(value, dict) else {}


def _titles(row: Row, spec: ModelSpec, old: Mapping[str, str], extract: bool) -> dict[str, str]:
    """Title of each feature: that of stage 3 where it extracts the feature; else the existing one of this feature."""
    from mscnn.features.config import Feature

    titles = {}
    for name, feature in spec.features.items():
        if extract and feature not in row.given:
            titles[name] = Feature.load(feature, row.feature_set.get(feature, ())).title
        else:
            was = old.get(name, "")
            titles[name] = was if was.split(" ")[0] == stem(feature) else stem(feature)
    return titles


def _xvector_model(row: Row, old: Mapping[str, Any], extract: bool) -> object:
    """Name of the x-vector network: that of stage 2 where it runs; that of a file that the user gave; else the old."""
    from mscnn.xvector.vectors import model_name

    if not row.xvector_model:
        return model_name(row.xvector)
    if not extract:
        return old.get("xvector_model")
    folder = Path(row.xvector_model)
    return (folder if folder.is_dir() else CONF / "xvector" / folder).resolve().name
