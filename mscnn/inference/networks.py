"""Trained networks of one system: posteriors of each, their mean, and calibrated posteriors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mscnn.config.model import ModelSpec
from mscnn.errors import UserError
from mscnn.inference.description import Description
from mscnn.models.inputs import Sizes
from mscnn.models.trial import without_memory
from mscnn.training.outputs import softmax

if TYPE_CHECKING:
    from mscnn.inference.frontend import Batch
    from mscnn.training.network import Trained
    from mscnn.training.words import Tokens


def make_network(
    description: Description, spec: ModelSpec, saved: Mapping[str, np.ndarray], vocabulary: Tokens | None, where: object
) -> Trained:
    """The network with the weights and statistics ``saved``; ``where`` names them in errors.

    Raises:
        UserError: they do not fit the description.
    """
    from mscnn import models
    from mscnn.models.base import WORD_VECTORS
    from mscnn.training.network import Trained

    dims = {name: facts.dim for name, facts in description.features.items()}
    sizes: dict[str, int] = {"audio": dims.pop("audio")} if "audio" in dims else {}
    if spec.words:
        vectors = saved.get(WORD_VECTORS)
        if vectors is None or vectors.ndim != 2 or vocabulary is None or len(vocabulary) != len(vectors):
            raise UserError(f"{where}: word vectors and vocabulary differ; make it again", code="weights-other")
        sizes["vocabulary"], sizes["embedding"] = vectors.shape
    if description.xvector:
        sizes["xvector"] = description.xvector.dim
    made = Sizes(len(description.classes), extra=dims, **sizes)
    with without_memory():  # a damaged description may state any sizes
        wanted = {name: tuple(value.shape) for name, value in models.build(spec, made).state_dict().items()}
    if unlike := [name for name, shape in wanted.items() if name not in saved or saved[name].shape != shape]:
        raise UserError(f"{where}: weights of another network: {unlike[0]} differs", code="weights-other")
    return Trained.of(spec, saved, made, vocabulary, where)


class Networks:
    """The networks of a system on a device; safe to use from several threads."""

    def __init__(self, networks: Sequence[Trained], temperatures: Sequence[float], device: str) -> None:
        self.networks, self.temperatures, self.device = networks, temperatures, device
        for network in networks:
            network.model.to(device)

    def posteriors(self, batch: Batch) -> tuple[np.ndarray, np.ndarray]:
        """Posteriors (n, K) of a batch, and calibrated ones: means over networks."""
        from mscnn.training.loop import predict

        plain, calibrated = [], []
        for network, temperature in zip(self.networks, self.temperatures, strict=True):
            scores = predict(network.model, network.examples(batch, batch.utts), self.device)
            plain.append(softmax(scores))
            calibrated.append(softmax(scores.astype(np.float64) / temperature))
        return np.mean(plain, axis=0), np.mean(calibrated, axis=0)


def weights_in(folder: Path) -> dict[str, np.ndarray]:
    """Weights and statistics in the folder of a run; raises UserError where they cannot be read."""
    from mscnn.training.network import WEIGHTS, read_weights

    return read_weights(folder / WEIGHTS)
