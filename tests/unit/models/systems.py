"""Systems of conf/models, with some options changed."""

from dataclasses import replace
from importlib import import_module

from torch import nn

from mscnn import models
from mscnn.config import schema
from mscnn.config.model import ModelSpec
from mscnn.errors import UserError
from mscnn.models.base import Classifier
from mscnn.models.inputs import Sizes


def spec_of(name: str, **changes: object) -> ModelSpec:
    """The configuration ``name``, with some of the model's options changed; its inputs are those that they need."""
    spec = ModelSpec.load(name)
    spec = replace(spec, options={**spec.options, **changes})
    kind = import_module(models.FAMILIES[spec.family]).Options
    try:
        taken = getattr(schema.build(kind, spec.options, name), "inputs", ("audio",))
    except UserError:
        return spec
    extra = [key.removeprefix("extra.") for key in taken if key.startswith("extra.")]
    return replace(
        spec,
        audio=(spec.audio or "mfcc40") if "audio" in taken else None,
        text="text" in taken,
        xvector="xvector" in taken,
        extra={key: spec.extra.get(key, "mfcc40") for key in extra},
    )


def build(name: str, sizes: Sizes, **changes: object) -> Classifier:
    """The network of the configuration ``name``, with random weights."""
    return models.build(spec_of(name, **changes), sizes)


def count(model: nn.Module) -> int:
    """Number of all parameters."""
    return sum(p.numel() for p in model.parameters())
