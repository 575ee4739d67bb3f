"""Loading of trained systems: bundles, and experiments of a recipe."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mscnn.device import choose_device
from mscnn.errors import UserError
from mscnn.inference.description import Description
from mscnn.inference.predictor import Predictor

if TYPE_CHECKING:
    import numpy as np

    from mscnn.features.config import Feature
    from mscnn.xvector.modeldir import XvectorModel

SHIPPED = Path(__file__).parent / "shipped"  # bundles that the package has


@dataclass(frozen=True)
class Loaded:
    """All parts of a system, in memory.

    Attributes:
        weights: weights and statistics of each network of the description.
        vocabularies: vocabulary of each, or None.
        xvector: folder of the x-vector network, or None.
    """

    description: Description
    features: Mapping[str, Feature]
    weights: Sequence[Mapping[str, np.ndarray]]
    vocabularies: Sequence[Any]
    xvector: XvectorModel | None
    card: str = ""


def load_model(
    path: str | os.PathLike,
    device: str = "cpu",
    *,
    fold: str | int = "all",
    run: int = 1,
    asr: str | None = None,
    asr_options: Mapping[str, str | None] | None = None,
) -> Predictor:
    """A trained system that takes recordings.

    Args:
        path: a bundle (a folder or a .zip that ``mscnn bundle`` wrote), the name of one that the package has, such as
            ``demo``, or the folder ``exp/TAG`` of an experiment.
        device: cpu, cuda or auto.
        fold: of an experiment: the networks to use, ``all`` (the mean of their posteriors), ``best-dev`` or a number.
        run: of an experiment: the run of each fold.
        asr: ASR engine of stage 4 for recordings without a transcript, such as ``faster-whisper``.
        asr_options: options of the engine, such as ``model`` and ``language``.

    Raises:
        UserError: there is no such system, or it is damaged or unfinished.
    """
    from mscnn.inference.bundle import load_predictor

    path = shipped(path)
    asr_engine = engine(asr, asr_options or {})
    if (path / "config.yaml").is_file():
        from mscnn.inference.experiment import load_experiment

        return predictor(load_experiment(path, str(fold), run), device, asr_engine)
    if not path.is_file() and not (path / "bundle.yaml").is_file():
        known = ", ".join(sorted(one.stem for one in SHIPPED.glob("*.zip")))
        raise UserError(
            f"{path}: neither a bundle, nor an experiment, nor one of {known}; make a bundle with: mscnn bundle --exp "
            "exp/TAG --out NAME",
            code="model-missing",
        )
    return load_predictor(path, device, asr_engine)


def shipped(path: str | os.PathLike) -> Path:
    """Path of a bundle that the package has, for its name such as ``demo``; any other path as it is."""
    inside = SHIPPED / f"{os.fspath(path)}.zip"
    by_name = re.fullmatch(r"[a-z0-9_]+", str(path)) and not Path(path).exists()
    return inside if by_name and inside.is_file() else Path(path)


def predictor(
    loaded: Loaded, device: str = "cpu", asr: tuple[str, Callable[[np.ndarray], str]] | None = None
) -> Predictor:
    """The predictor of a system; raises UserError where its parts do not fit each other."""
    from mscnn.inference.frontend import Embedder, Frontend
    from mscnn.inference.networks import Networks, make_network

    device, description = choose_device(device), loaded.description
    spec = description.spec()
    networks = [
        make_network(description, spec, saved, vocabulary, f"{description.name}, {facts.folder}")
        for facts, saved, vocabulary in zip(description.networks, loaded.weights, loaded.vocabularies, strict=True)
    ]
    embedder = None
    if loaded.xvector and description.xvector:
        network = loaded.xvector.network()
        _ = loaded.xvector.rate  # its files may be removed afterwards
        embedder = Embedder(
            loaded.xvector, network, description.xvector.chunk_size, description.xvector.unvoiced != "zero"
        )
    frontend = Frontend.of(loaded.features, embedder, device)
    frontend.check()
    temperatures = [facts.temperature for facts in description.networks]
    return Predictor(description, frontend, Networks(networks, temperatures, device), card=loaded.card, asr=asr)


def engine(name: str | None, options: Mapping[str, str | None]) -> tuple[str, Callable[[np.ndarray], str]] | None:
    """Name and function of an ASR engine that takes audio; None without a name.

    Raises:
        UserError: the engine is unknown, takes no audio, or lacks a requirement.
    """
    if name is None or name == "none":
        return None
    from mscnn.asr import make_engine
    from mscnn.asr.base import SpeechEngine

    made = make_engine(name, **options)
    if not isinstance(made, SpeechEngine):
        raise UserError(
            f"ASR engine {name} takes no audio; give transcripts as texts, or another engine", code="engine-no-audio"
        )
    return name, made.open()
