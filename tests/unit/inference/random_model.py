"""A predictor with random weights: it takes recordings at once, without a corpus or a training."""

import numpy as np
import torch

from mscnn import models
from mscnn.config.model import ModelSpec
from mscnn.features.config import Feature
from mscnn.inference.description import Corpus, Description, FeatureFacts, NetworkFacts, Reject, System
from mscnn.inference.load import Loaded, predictor
from mscnn.inference.predictor import Predictor
from mscnn.models.inputs import Sizes
from mscnn.text.vocabulary import PAD, UNK, Vocabulary
from tests.unit.models.systems import spec_of

CLASSES = ("angry", "happy", "sad", "neutral")
WORDS = ("i", "am", "so", "happy", "ca", "n't", "wait", ".", "!")
NORMALISED = {"zscore": {"mean": 0.0, "std": 1.0}, "minmax": {"min": -1.0, "max": 1.0}, "none": {}}


def random_predictor(name: str = "audio_cnn", *, networks: int = 1, card: str = "# A card\n", **options) -> Predictor:
    """The predictor of a configuration without x-vectors, with some options changed."""
    spec = spec_of(name, **options)
    features = {key: Feature.load(feature) for key, feature in spec.features.items()}
    vocabulary = Vocabulary([PAD, UNK, *WORDS])
    audio = {"audio": features["audio"].extractor.dim} if spec.audio else {}
    sizes = Sizes(len(CLASSES), vocabulary=len(vocabulary), embedding=8, **audio)
    torch.manual_seed(0)
    weights = [
        {**{k: v.numpy() for k, v in models.build(spec, sizes).state_dict().items()}, **statistics(spec, features)}
        for _ in range(networks)
    ]
    facts = {key: FeatureFacts(one.name, one.options, one.hash, one.extractor.dim) for key, one in features.items()}
    known = spec.describe()
    description = Description(
        format=1,
        name=f"random_{name}",
        classes=CLASSES,
        system=System(
            name, spec.family, known["normalise"], known["segments"], known["model_options"], known["xvec_norm"]
        ),
        features=facts,
        text="gt" if spec.text else "none",
        xvector=None,
        networks=tuple(NetworkFacts(fold, 1, 1.5, 0.0, 0.0) for fold in range(1, networks + 1)),
        seconds=None,
        reject=Reject(0.3, 90.0),
        corpus=Corpus("none", "none"),
    )
    loaded = Loaded(description, features, weights, [vocabulary if spec.words else None] * networks, None, card)
    return predictor(loaded)


def statistics(spec: ModelSpec, features: dict[str, Feature]) -> dict[str, np.ndarray]:
    """Statistics of normalisation, by their names in a file of weights."""
    return {
        f"{key}.{what}": np.full(feature.extractor.dim, value, np.float32)
        for key, feature in features.items()
        for what, value in NORMALISED[spec.normalise.get(key, "none")].items()
    }
