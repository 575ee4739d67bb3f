"""Fingerprint of an experiment: digests of inputs and code, and comparison with the experiment in a folder."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from mscnn import models
from mscnn.config.embeddings import WORD2VEC
from mscnn.config.model import ModelSpec
from mscnn.errors import DataErrors, Issue, UserError
from mscnn.files import atomic, digest, read_yaml
from mscnn.stamp import SEAL, Stamp, damaged
from mscnn.text.vectors import WordVectors
from mscnn.training import selection
from mscnn.training.sources import Reader, Sources
from mscnn.training.systems import system_of

CODE = (  # besides the models and the metric that selects; configuration, folds and data are compared by value
    "mscnn.training",
    "mscnn.baselines",
    "mscnn.text",
    "mscnn.data.segments",
    "mscnn.features.archive",
)
AMOUNT = ("folds", "partial", "runs")  # may be changed: finished runs are kept
FACTS = ("pretrained_on_test",)  # on which no result depends
SHOWN = ("changed", "embeddings")  # the options that they show are compared themselves
NOT_COMPARED = ("environment", "command", *SHOWN, *FACTS, *AMOUNT)
FIX = "Keep both with --tag NAME, or replace it with --overwrite true"
WORDS = {  # names of differences, in words of the user
    "inputs.code": "the code of the model or of training",
    "inputs.labels": "the emotion labels of the data",
    "inputs.features": "the content of the features",
    "inputs.text": "the transcripts",
    "inputs.embeddings": "the file of word vectors",
    "inputs.xvector": "the content of the x-vectors",
    "protocol.hash": "the utterances of the folds",
    "protocol.sha256": "the utterances of the folds",
    "parameters": "the number of parameters",
    "data": "the data directory",
    "labels": "--labels",
    "text": "--text",
    "text_options.tokens": "--tokens",
    "text_options.embeddings": "--embeddings",
    "text_options.dim": "--emb-dim",
    "text_options.pieces": "--pieces",
    "text_options.words": "--emb-words",
    "xvector": "--xvector",
    "xvector_model": "--xvector-model",
    "seed": "--seed",
    "device": "--device",
}
GROUPS = {  # those of the names GROUP.NAME that WORDS does not have
    "model_options": "options.{name}",
    "inputs": "the pretrained weights ({name})",
    "protocol": "the protocol ({name})",
    "features": "the features ({name})",
    "feature_dirs": "the folder of the features ({name})",
}
# files of an experiment besides config.yaml
PAGES = ("figures", "report.html", "RESULTS.md")
RUNS = "fold*/run*/done.json"
OUTPUTS = ("fold*", WordVectors.FILE, "score_*", "confusion_*", "statistics.json", *PAGES)


def input_digests(spec: ModelSpec, sources: Sources, reader: Reader) -> dict[str, str]:
    """Digests of all inputs of training, and of the code; any change makes finished runs stale.

    Of the code of models only the family of the system and shared modules are included; of that of the metrics only
    those that select epochs.
    """
    code = [reader.code_digest(name) for name in (*CODE, *models.source_modules(spec))]
    code.append(selection.code_digest(spec.training.select))
    digests = {"labels": digest(sources.data.emo), "code": digest(code), **system_of(spec).pretrained()}
    if sources.features:
        digests["features"] = digest({name: archive.content for name, archive in sources.features.items()})
    if spec.text:
        digests["text"] = digest(sources.texts())
    if spec.words:
        file = sources.text.file
        digests["embeddings"] = reader.file_digest(file) if file else WORD2VEC
    if spec.xvector:
        digests["xvector"] = reader.xvector_digest(sources.xvectors(), tuple(sources.data.utts))
    return digests


def stamp(directory: Path, config: Mapping[str, Any]) -> Stamp:
    """The stamp of a run of an experiment with this ``config.yaml``."""
    return Stamp(directory / "done.json", options={k: v for k, v in config.items() if k not in NOT_COMPARED})


def require_same(configs: Mapping[Path, Mapping[str, Any]]) -> None:
    """Check that each folder has no experiment, or one of the same configuration.

    Where ``config.yaml`` is damaged, the stamps of finished runs are compared.

    Raises:
        DataErrors: some have other experiments; lists the differences.
    """
    changed = {exp: changes(config_in(exp), config) or _other_runs(exp, config) for exp, config in configs.items()}
    issues = [
        Issue(
            "experiment-changed", f"{exp} has another configuration: {plain(names)} (see {exp / 'config.yaml'}). {FIX}"
        )
        for exp, names in changed.items()
        if names
    ]
    if issues:
        raise DataErrors("nothing was trained; experiments of the same name exist:", issues, code="experiment-changed")


def write_config(exp: Path, config: Mapping[str, Any]) -> None:
    """Write ``config.yaml``; the outputs of another experiment in the folder are removed."""
    old = config_in(exp)
    changed = changes(old, config) or _other_runs(exp, config)
    if old and not changed and all(old.get(key) == config.get(key) for key in (*AMOUNT, *FACTS)):
        return
    for path in (path for pattern in OUTPUTS if changed for path in exp.glob(pattern)):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    with atomic(exp / "config.yaml") as out:
        yaml.safe_dump(dict(config), out, sort_keys=False, allow_unicode=True, width=120)


def changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Names of the differences between two configurations, ``group.name`` inside a group, without ``NOT_COMPARED``.

    An empty ``old`` has no differences.
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


def plain(names: Sequence[str]) -> str:
    """Names of differences as the user knows them, separated by commas."""
    words = []
    for name in names:
        group, _, rest = name.partition(".")
        words.append(WORDS.get(name) or GROUPS.get(group if rest else "", name).format(name=rest))
    return ", ".join(dict.fromkeys(words))


def config_in(exp: Path) -> dict[str, Any]:
    """``config.yaml`` of a folder; empty where there is none, or not the one that was written."""
    path = exp / "config.yaml"
    if not path.exists() or path in damaged(exp / SEAL):
        return {}
    try:
        return read_yaml(path)
    except UserError:
        return {}


def _other_runs(exp: Path, config: Mapping[str, Any]) -> list[str]:
    """What to say where ``config.yaml`` is damaged and a run was trained with another one."""
    if config_in(exp) or "trained_in" in config:  # predictions have stamps of another kind
        return []
    return ["config.yaml is damaged"] if any(stamp(d.parent, config).stale() for d in exp.glob(RUNS)) else []
