"""What a training left: networks with their weights, and utterances as they read them.

Weights, vocabulary and the statistics that normalise are read as they are; nothing is learnt here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from textwrap import shorten
from typing import TYPE_CHECKING

from mscnn import models
from mscnn.config.model import ModelSpec
from mscnn.data.datadir import DataDir
from mscnn.errors import UserError
from mscnn.log import get_logger
from mscnn.training.experiment import Setup, features_of, input_digests
from mscnn.training.parts import TextOptions

if TYPE_CHECKING:
    import numpy as np

    from mscnn.models.base import Classifier
    from mscnn.text.subwords import Subwords
    from mscnn.text.vocabulary import Vocabulary
    from mscnn.training.examples import Examples

NOT_ASKED = ("code", "embeddings")  # of what went into training: the models hold what came of it


def setup_of(exp: Path, config: Mapping) -> Setup:
    """What the experiment in ``exp`` was trained with, as far as using its models needs it.

    Raises:
        UserError: ``config.yaml`` does not say with which features.
    """
    if "feature_dirs" not in config:
        raise UserError(f"{exp}: trained by an older version, which did not note its features; train it again")
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


def require_unchanged(exp: Path, config: Mapping, data: DataDir) -> None:
    """Raise UserError where labels, features, words or x-vectors are not those that ``exp`` was trained with."""
    setup, spec = setup_of(exp, config), ModelSpec.of_config(config)
    setup = replace(setup, text=TextOptions(setup.text.source))  # the file of embeddings may be gone
    found = input_digests(setup, spec, data, features_of(setup, spec))
    changed = [name for name, value in config["inputs"].items() if found.get(name) != value]
    if wrong := [name for name in changed if name not in NOT_ASKED]:
        raise UserError(
            f"{exp}: changed since it was trained: {', '.join(wrong)}; its models know other data than these. "
            f"Train it again: {config['command']} --overwrite true"
        )
    if "code" in changed:
        get_logger("inference").warning("%s was trained with other code than this; stage 5 (train) would refuse", exp)


def restore(
    exp: Path, config: Mapping, data: DataDir, parts: Mapping[str, Sequence[str]], fold: int, run: int
) -> tuple[Classifier, dict[str, Examples]]:
    """A network on the CPU, ready to predict, and the utterances of each of ``parts`` as it reads them.

    Args:
        exp: folder of the experiment that was trained.
        config: its ``config.yaml``, or that of predictions with its models: ``text`` says which words are read.
        data: where they stand.
        parts: lists of utterances, by names that are not ``train``.
        fold, run: which of the networks, from 1.

    Raises:
        UserError: the weights are not there, or are another network's; or something that it reads is missing.
    """
    import torch

    from mscnn.models.base import WORD_VECTORS
    from mscnn.training.parts import make_examples, make_sizes

    setup, spec = setup_of(exp, config), ModelSpec.of_config(config)
    directory, features = setup.run_dir(fold, run), features_of(setup, spec)
    saved = _read_weights(directory / "model.safetensors")
    texts, vocabulary = (data.text_of(config["text"]), read_vocabulary(directory)) if spec.text else ({}, None)
    try:
        examples = make_examples(
            spec, data, parts, features=features, texts=texts, vocabulary=vocabulary, xvector=setup.xvector,
            statistics=saved,
        )  # fmt: skip
        embedding = saved[WORD_VECTORS].shape if spec.text else None
        sizes = make_sizes(spec, len(config["classes"]), features, next(iter(examples.values())), embedding)
        model = models.build(spec, sizes)
        model.load_state_dict({name: torch.from_numpy(saved[name]) for name in model.state_dict() if name in saved})
    except (KeyError, RuntimeError) as error:
        what = shorten(str(error), 200, placeholder=" …")
        raise UserError(f"{directory}: weights of another network: {what}; train it again") from None
    return model.eval(), examples


def read_vocabulary(directory: Path) -> Vocabulary | Subwords:
    """The tokens, words or pieces of words, that the network in the folder of a run knows."""
    from mscnn.text.subwords import Subwords
    from mscnn.text.vocabulary import Vocabulary

    return (Subwords if (directory / Subwords.FILE).is_file() else Vocabulary).load(directory)


def _read_weights(path: Path) -> dict[str, np.ndarray]:
    """Weights of a network, and the statistics of its training part beside them."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise UserError(f"{path}: no weights to predict with: {error}; train this fold again") from None
