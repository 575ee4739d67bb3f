"""Systems of conf/models, with some options changed."""

from dataclasses import replace

from torch import nn

from mscnn import models
from mscnn.config.model import ModelSpec
from mscnn.models.base import Classifier
from mscnn.models.inputs import Sizes


def spec_of(name: str, **changes: object) -> ModelSpec:
    """The configuration ``name``, with some of the model's options changed."""
    spec = ModelSpec.load(name)
    return replace(spec, options={**spec.options, **changes})


def build(name: str, sizes: Sizes, **changes: object) -> Classifier:
    """The network of the configuration ``name``, with random weights."""
    return models.build(spec_of(name, **changes), sizes)


def count(model: nn.Module) -> int:
    """Number of all parameters."""
    return sum(p.numel() for p in model.parameters())
