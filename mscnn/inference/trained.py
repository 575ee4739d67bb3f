"""What a training left: networks with their weights, and utterances as they read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mscnn.config.model import ModelSpec
from mscnn.data.datadir import DataDir
from mscnn.errors import UserError
from mscnn.log import get_logger
from mscnn.training import network
from mscnn.training.experiment import Setup
from mscnn.training.fingerprint import input_digests
from mscnn.training.network import read_vocabulary
from mscnn.training.sources import Reader, TextOptions

if TYPE_CHECKING:
    from mscnn.models.base import Classifier
    from mscnn.training.examples import Examples

__all__ = ["read_vocabulary", "require_unchanged", "restore", "setup_of"]
Config = Mapping[str, Any]  # what config.yaml holds
NOT_NEEDED = ("code", "embeddings")  # of what went into training: the models hold what came of it


def setup_of(exp: Path, config: Config) -> Setup:
    """What the experiment in ``exp`` was trained with, as far as using its models needs it.

    Raises:
        UserError: ``config.yaml`` does not say with which features.
    """
    if "feature_dirs" not in config:
        raise UserError(
            f"{exp}: trained by an older version, which did not note its features; train it again",
            code="experiment-too-old",
        )
    return Setup(
        model=config["model"],
        data=Path(config["data"]),
        labels=config["labels"],
        protocol=config["protocol"]["name"],
        exp=exp,
        feature_dirs=tuple(map(Path, config["feature_dirs"].values())),
        text=TextOptions(config.get("trained_on", config["text"]), **config["text_options"]),
        xvector=None if config["xvector"] == "none" else Path(config["xvector"]),
        device=config["device"],
    )


def require_unchanged(exp: Path, config: Config, data: DataDir, reader: Reader | None = None) -> None:
    """Check that labels, features, transcripts and x-vectors are those that ``exp`` was trained with.

    Raises:
        UserError: some are not; names them, and the command that trains again.
    """
    setup, spec = setup_of(exp, config), ModelSpec.of_config(config)
    setup = replace(setup, text=TextOptions(setup.text.source))  # the file of embeddings may be gone
    reader = reader or Reader()
    digests = input_digests(spec, setup.sources(spec, data, reader), reader)
    changed = [name for name, value in config["inputs"].items() if digests.get(name) != value]
    if wrong := [name for name in changed if name not in NOT_NEEDED]:
        raise UserError(
            f"{exp}: changed since it was trained: {', '.join(wrong)}; its models know other data than these. "
            f"Train it again: {config['command']} --overwrite true",
            code="inputs-changed",
        )
    if "code" in changed:
        get_logger("inference").warning("%s was trained with other code than this; stage 5 (train) would refuse", exp)


def restore(
    exp: Path, config: Config, data: DataDir, parts: Mapping[str, Sequence[str]], fold: int, run: int
) -> tuple[Classifier, dict[str, Examples]]:
    """A network on the CPU, ready to predict, and the utterances of each of ``parts`` as it reads them.

    Args:
        exp: folder of the experiment that was trained.
        config: its ``config.yaml``, or that of predictions with its models: ``text`` says which transcripts are read.
        data: where they are.
        parts: utterance ids, by any names.
        fold, run: which of the networks, from 1.

    Raises:
        UserError: the weights are not there, or are another network's; or something that it reads is missing.
    """
    setup, spec = setup_of(exp, config), ModelSpec.of_config(config)
    setup = replace(setup, text=replace(setup.text, source=config["text"]))
    sources = setup.sources(spec, data, Reader())
    return network.restore(spec, sources, config["classes"], setup.run_dir(fold, run), parts)
