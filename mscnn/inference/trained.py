"""Trained experiments: their options, networks with weights, and the input of these networks."""

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
from mscnn.training.experiment import options_of
from mscnn.training.fingerprint import input_digests
from mscnn.training.sources import Reader, TextOptions
from mscnn.training.words import read_table, read_vocabulary

if TYPE_CHECKING:
    from mscnn.models.base import Classifier
    from mscnn.training.examples import Examples

__all__ = ["read_table", "read_vocabulary", "require_unchanged", "restore", "options_of"]
Config = Mapping[str, Any]  # content of config.yaml
NOT_NEEDED = ("code", "embeddings")  # inputs of training that prediction does not use


def require_unchanged(exp: Path, config: Config, data: DataDir, reader: Reader | None = None) -> None:
    """Check that labels, features, transcripts and x-vectors are those of the training of ``exp``.

    Raises:
        UserError: some have changed; lists them, and the command to train again.
    """
    options, spec = options_of(exp, config), ModelSpec.of_config(config)
    options = replace(options, text=TextOptions(options.text.source))  # the file of word vectors need not exist
    reader = reader or Reader()
    digests = input_digests(spec, options.sources(spec, data, reader), reader)
    changed = [name for name, value in config["inputs"].items() if digests.get(name) != value]
    if relevant := [name for name in changed if name not in NOT_NEEDED]:
        raise UserError(
            f"{exp}: changed since training: {', '.join(relevant)}; train it again: {config['command']} "
            "--overwrite true",
            code="inputs-changed",
        )
    if "code" in changed:
        get_logger("inference").warning("%s: the code has changed since training; stage 5 (train) would refuse it", exp)


def restore(
    exp: Path, config: Config, data: DataDir, sets: Mapping[str, Sequence[str]], fold: int, run: int
) -> tuple[Classifier, dict[str, Examples]]:
    """A trained network on the CPU, in eval mode, and its input for each of ``sets``.

    Args:
        exp: folder of the trained experiment.
        config: its ``config.yaml``, or that of predictions with its models; ``text`` is the source of the transcripts.
        data: data directory.
        sets: utterance ids of each set, by any names.
        fold, run: fold and run of the network, from 1.

    Raises:
        UserError: the weights are missing or of another network, or an input is missing.
    """
    options, spec = options_of(exp, config), ModelSpec.of_config(config)
    options = replace(options, text=replace(options.text, source=config["text"]))
    sources = options.sources(spec, data, Reader())
    return network.restore(spec, sources, config["classes"], options.run_dir(fold, run), sets)
