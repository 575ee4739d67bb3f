"""Systems of conf/models, with some options changed."""

from dataclasses import replace
from importlib import import_module
from pathlib import Path

from torch import nn

from mscnn import models
from mscnn.config import schema
from mscnn.config.model import ModelSpec
from mscnn.errors import UserError
from mscnn.features.config import Feature
from mscnn.models.base import Classifier
from mscnn.models.inputs import Sizes

DONGHYUN = {"project_dim": 8, "lstm_dim": 3, "fc_dim": 5, "frames": 40}
SMALL = {  # options that make a network small; other families are checked with their own options
    "acrnn": DONGHYUN | {"filters": [4, 6]},
    "adrnn": DONGHYUN | {"filters": 4, "dilated_filters": [4, 4, 6]},
    "adsrnn": {"filters": 4, "dilated_filters": 3, "lstm_dim": 3, "frames": 40, "slice": 4},
    "asrnn": DONGHYUN | {"filters": [4, 4, 6], "window_lstm_dim": 4},
    "ca_mser": {"frames": 60},
    "sarma2018": {"units": 8, "heads": 2},
    "satt2017": {"filters": [3, 4, 5], "lstm_dim": 3, "fc_dim": 5, "frames": 64},
}
ENCODED = {"text_encoder": 12, "ssl_frames": 24}  # their own are known only with the weights
FRAMES = {"sarma2018": 9000}  # samples


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
    if spec.text_encoder and {"text", "text_encoder"} & {*taken}:
        extra, taken = [*extra, "text_encoder"], [*taken, "text"]
    return replace(
        spec,
        audio=(spec.audio or "mfcc40") if "audio" in taken else None,
        text="text" in taken,
        xvector="xvector" in taken,
        extra={key: spec.extra.get(key, "mfcc40") for key in extra},
    )


def widths(spec: ModelSpec, wav2vec2_folder: Path) -> dict[str, int]:
    """Dimension of each feature of a configuration, by the names of the network; ENCODED for pretrained encoders."""
    settings = {"wav2vec2": [f"model={wav2vec2_folder}"]}
    features = {key: Feature.load(name, settings.get(name, [])) for key, name in spec.features.items()}
    return {key: ENCODED.get(one.kind) or one.extractor.dim for key, one in features.items()}


def build(name: str, sizes: Sizes, **changes: object) -> Classifier:
    """The network of the configuration ``name``, with random weights."""
    return models.build(spec_of(name, **changes), sizes)


def count(model: nn.Module) -> int:
    """Number of all parameters."""
    return sum(p.numel() for p in model.parameters())
