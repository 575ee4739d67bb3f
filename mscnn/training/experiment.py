"""An experiment: one system under one protocol, and ``config.yaml`` with all that its results depend on."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from mscnn.config.layers import Layers
from mscnn.config.model import ModelSpec
from mscnn.config.overrides import full_key
from mscnn.data.datadir import DataDir
from mscnn.data.protocols import Fold, Protocol, folds_digest, short_hash
from mscnn.device import choose_device
from mscnn.errors import UserError
from mscnn.features.archive import FeatureDir
from mscnn.features.config import FULL, Feature
from mscnn.paths import stem
from mscnn.training.contamination import corpora_under_test, pretrained_on
from mscnn.training.fingerprint import input_digests
from mscnn.training.outputs import environment
from mscnn.training.short import too_short
from mscnn.training.sources import Reader, Sources, TextOptions, features_of
from mscnn.training.systems import System, system_of
from mscnn.xvector.vectors import model_name

READ = ("model", "data", "labels", "protocol", "feature_dirs", "text", "text_options", "xvector", "device")


@dataclass(frozen=True)
class ExperimentConfig:
    """Options of an experiment.

    Attributes:
        model: name of a configuration in conf/models; ``settings`` are KEY=VALUE changes of it.
        data: data directory; ``labels`` is its label map; ``feature_dirs`` are the feature folders of stage 3.
        exp: folder of the experiment.
        xvector: an ``xvector.scp``, or None for no x-vectors.
        folds: number of folds to train, 0 for all; fewer are marked partial on every score line.
        runs: runs per fold; their seeds depend on ``seed``, protocol, fold and run.
        device: cpu, cuda or auto.
    """

    model: str
    data: Path
    labels: str
    protocol: str
    exp: Path
    feature_dirs: tuple[Path, ...] = ()
    text: TextOptions = field(default_factory=TextOptions)
    xvector: Path | None = None
    settings: tuple[str, ...] = ()
    folds: int = 0
    runs: int = 1
    seed: int = 0
    device: str = "auto"
    tensorboard: bool = False

    def spec(self) -> ModelSpec:
        """Configuration of the model, without x-vectors where none are given.

        Raises:
            UserError: it is malformed, or needs x-vectors.
        """
        spec = ModelSpec.load(self.model, self.settings)
        if not spec.xvector or self.xvector:
            return spec
        if spec.only_with_xvector:
            raise UserError(
                f"{self.model} needs x-vectors: give --xvector PATH, or train audio_cnn, the same without them",
                code="xvector-missing",
            )
        return spec.without_xvector()

    def sources(self, spec: ModelSpec, data: DataDir, reader: Reader) -> Sources:
        """Inputs of the system in ``data``; raises UserError where features are missing, or of another text."""
        return Sources(data, features_of(spec, self.feature_dirs, reader), self.text, self.xvector).require_text()

    def run_dir(self, fold: int, run: int) -> Path:
        """Folder of a run of a fold, both counted from 1."""
        return self.exp / f"fold{fold:02d}" / f"run{run}"


def options_of(exp: Path, config: Mapping[str, Any]) -> ExperimentConfig:
    """Options of the experiment in ``exp`` with this ``config.yaml``, as far as its runs depend on them.

    Raises:
        UserError: ``config.yaml`` lacks some of them.
    """
    if missing := [key for key in READ if key not in config]:
        raise UserError(
            f"{exp}: config.yaml has no {', '.join(missing)}, as that of an older version; train it again",
            code="experiment-too-old",
        )
    return ExperimentConfig(
        model=config["model"],
        data=Path(config["data"]),
        labels=config["labels"],
        protocol=config["protocol"]["name"],
        exp=exp,
        feature_dirs=tuple(map(Path, config["feature_dirs"].values())),
        text=TextOptions(config.get("trained_on", config["text"]), **config["text_options"]),
        xvector=None if config["xvector"] == "none" else Path(config["xvector"]),
        seed=config.get("seed", 0),
        device=config["device"],
    )


def decided(options: ExperimentConfig, spec: ModelSpec, classes: Sequence[str], protocol: Protocol) -> dict[str, Any]:
    """The part of ``config.yaml`` that the options decide: known before there are data, features or x-vectors."""
    text = asdict(options.text) if spec.text else {"source": "none"}
    return {
        **spec.describe(),
        "data": str(options.data),
        "labels": options.labels,
        "classes": list(classes),
        "protocol": _facts(protocol),
        "text": text.pop("source"),
        "text_options": text,
        "xvector": str(options.xvector) if spec.xvector else "none",
        "seed": options.seed,
        "device": choose_device(options.device),
        "legacy": spec.legacy(),
    }


def resolve(
    options: ExperimentConfig,
    spec: ModelSpec,
    sources: Sources,
    classes: Sequence[str],
    protocol: Protocol,
    folds: Sequence[Fold],
    reader: Reader,
) -> dict[str, Any]:
    """Content of ``config.yaml``: all that results depend on; ``folds`` are all folds, without excluded utterances."""
    system = system_of(spec)
    known = decided(options, spec, classes, protocol)
    sha256 = folds_digest(protocol, folds)
    folds_of = {"hash": short_hash(sha256), "sha256": sha256}
    partial = 0 < options.folds < len(folds)
    seen = pretrained_on(sources.features, corpora_under_test(options.labels, sources.data.path))
    return {
        **known,
        "protocol": {**known["protocol"], **folds_of},
        "features": {name: archive.title for name, archive in sources.features.items()},
        "feature_dirs": {name: str(archive.path) for name, archive in sources.features.items()},
        "changed": sorted(
            [
                *_used(options, system),
                *(options.text.changed if spec.text and system.learns_tokens else ()),
                *{change for archive in sources.features.values() for change in _feature_changes(archive)},
            ]
        ),
        "embeddings": options.text.title if spec.text and system.learns_tokens else "none",
        "xvector_model": model_name(sources.xvectors()) if spec.xvector else "none",
        "folds": min(options.folds or len(folds), len(folds)),
        "partial": f"{options.folds}/{len(folds)}" if partial else "",
        **({} if sources.data.speakers_known else {"speakers": "unknown"}),
        **({"pretrained_on_test": seen} if seen else {}),
        "runs": options.runs,
        "short_excluded": len(too_short(spec, sources)),
        "parameters": system.parameters(sources, classes),
        "inputs": input_digests(spec, sources, reader),
        "environment": environment(),
        "command": shlex.join(["python", "-m", "mscnn.bin.train", *sys.argv[1:]]),
    }


def _feature_changes(archive: FeatureDir) -> Iterator[str]:
    """Options of a feature that are not those of conf/features; of another pretrained network its last name."""
    try:
        shipped = Feature.load(archive.feature).options
    except UserError:  # a feature of the user, whose file states all options
        shipped = archive.options
    full = {"stored": FULL}  # what is not stated
    for key, value in {**full, **archive.options}.items():
        if value != {**full, **shipped}.get(key):
            yield f"{archive.feature}.model={Path(str(value)).name}" if key == "model" else f"{key}={value}"


def _used(options: ExperimentConfig, system: System) -> list[str]:
    """The settings that the system has, files by their name: one without training takes none of ``training``."""
    parts = [setting.partition("=") for setting in options.settings]
    shown = [f"{key}{equals}{stem(value)}" for key, equals, value in parts]
    if not system.refitted:
        return shown
    layers = Layers.read(options.model)
    keys = [full_key(layers, key.replace("-", "_")) for key, _, _ in parts]
    return [one for one, key in zip(shown, keys, strict=True) if not key.startswith("training.")]


def _facts(protocol: Protocol) -> dict[str, Any]:
    """Entry of the protocol in ``config.yaml``, without the digests of the utterances of every split."""
    return {
        "name": protocol.name,
        "version": protocol.version,
        "disjoint": {pair: list(what) for pair, what in protocol.disjoint.items()},
        "selection": protocol.selection,
        "aggregate": protocol.aggregate,
        "legacy": list(protocol.legacy),
    }
