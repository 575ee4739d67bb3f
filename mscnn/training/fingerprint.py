"""What a training follows from: digests of inputs and code, and whether a folder holds the same experiment."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from mscnn import models
from mscnn.config.model import ModelSpec
from mscnn.errors import DataErrors, Issue, UserError
from mscnn.files import atomic, digest, read_yaml
from mscnn.stamp import Stamp
from mscnn.training.sources import Reader, Sources
from mscnn.training.systems import system_of

CODE = (  # beside that of the models; the configuration, folds and data are compared by value
    "mscnn.training",
    "mscnn.baselines",
    "mscnn.text",
    "mscnn.data.segments",
    "mscnn.features.archive",
    "mscnn.evaluation.metrics",
)
NOT_COMPARED = ("environment", "command", "runs", "changed")  # what ``changed`` names is compared itself
# what config.yaml describes
OWNED = ("fold*", "score_*", "confusion_*", "statistics.json", "figures", "report.html", "RESULTS.md")


def input_digests(spec: ModelSpec, sources: Sources, reader: Reader) -> dict[str, str]:
    """Digests of all that training reads, and of the code: any change makes finished runs stale.

    Of the models it is the code of the system's own family, and what families share.
    """
    code = [reader.code_digest(name) for name in (*CODE, *models.source_modules(spec))]
    digests = {"labels": digest(sources.data.emo), "code": digest(code), **system_of(spec).pretrained()}
    if sources.features:
        digests["features"] = digest({name: archive.content for name, archive in sources.features.items()})
    if spec.text:
        digests["text"] = digest(sources.texts())
        file = sources.text.embeddings
        digests["embeddings"] = _digest_of(file, reader) if file else "word2vec"
    if spec.xvector:
        digests["xvector"] = reader.xvector_digest(sources.xvectors(), tuple(sources.data.utts))
    return digests


def stamp(directory: Path, inputs: Mapping[str, str]) -> Stamp:
    """The stamp of a run that is trained from ``inputs``."""
    return Stamp(directory / "done.json", options=inputs)


def require_same(configs: Mapping[Path, Mapping[str, Any]]) -> None:
    """Check that each folder holds no experiment, or the one that its configuration describes.

    Raises:
        DataErrors: some hold others; names what differs in each.
    """
    changed = {exp: changes(_config_in(exp), config) for exp, config in configs.items()}
    issues = [
        Issue("experiment-changed", f"{exp}: changed: {', '.join(names)} (see {exp / 'config.yaml'})")
        for exp, names in changed.items()
        if names
    ]
    if issues:
        raise DataErrors(
            "here are experiments that were made otherwise. Keep both with --tag NAME (--exp DIR for the entry point), "
            "or replace them with --overwrite true:",
            issues,
            code="experiment-changed",
        )


def claim(exp: Path, config: Mapping[str, Any]) -> None:
    """Write ``config.yaml``; what another experiment left in the folder is removed."""
    old = _config_in(exp)
    changed = changes(old, config)
    if old and not changed and old.get("runs") == config["runs"]:
        return
    for path in (path for pattern in OWNED if changed for path in exp.glob(pattern)):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    with atomic(exp / "config.yaml") as out:
        yaml.safe_dump(dict(config), out, sort_keys=False, allow_unicode=True, width=120)


def changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Names of what differs between two configurations, ``group.name`` inside a group; the number of runs may.

    Nothing differs from an ``old`` that is empty.
    """
    names = []
    for key in {**old, **new} if old else {}:
        a, b = old.get(key), new.get(key)
        if key in NOT_COMPARED or a == b:
            continue
        if isinstance(a, dict) and isinstance(b, dict):
            names += [f"{key}.{name}" for name in {**a, **b} if a.get(name) != b.get(name)]
        else:
            names.append(key)
    return names


def _config_in(exp: Path) -> dict[str, Any]:
    path = exp / "config.yaml"
    return read_yaml(path) if path.exists() else {}


def _digest_of(embeddings: str, reader: Reader) -> str:
    if not Path(embeddings).is_file():
        raise UserError(f"--embeddings: {embeddings} is not there; name an existing file, or none", code="file-missing")
    return reader.file_digest(embeddings)
