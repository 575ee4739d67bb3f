"""From a configuration to its network: a family is a module with a ``Model`` and its ``Options``.

``family: glam`` names an entry of FAMILIES; ``family: my_package.my_module`` (dotted) names any importable module, so a
custom model is one file and one YAML. This module imports torch only when it imports a family.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from mscnn.config import schema
from mscnn.config.model import TEXT_ENCODER, ModelSpec
from mscnn.errors import UserError

if TYPE_CHECKING:
    from mscnn.models.base import Classifier
    from mscnn.models.inputs import Limits, Sizes

FAMILIES = {
    "acrnn": "mscnn.models.acrnn",
    "adrnn": "mscnn.models.adrnn",
    "adsrnn": "mscnn.models.adsrnn",
    "asrnn": "mscnn.models.asrnn",
    "baseline": "mscnn.baselines.options",
    "ca_mser": "mscnn.models.ca_mser",
    "glam": "mscnn.models.glam",
    "head_fusion": "mscnn.models.head_fusion",
    "mlp": "mscnn.models.mlp",
    "mscnn": "mscnn.models.mscnn",
    "sarma2018": "mscnn.models.sarma2018",
    "satt2017": "mscnn.models.satt2017",
    "ssl_heads": "mscnn.models.ssl_heads",
    "xu2019": "mscnn.models.xu2019",
    "yoon2018": "mscnn.models.yoon2018",
    "yoon2019": "mscnn.models.yoon2019",
}
# Modules that families may import: the code of a family is its own module and these.
SHARED = tuple(f"mscnn.models.{name}" for name in ("attention", "base", "conv", "inputs", "layers", "recurrent"))

PRETRAINED = "mscnn.pretrained"


def options(spec: ModelSpec) -> Any:
    """The options of a configuration as the ``Options`` of its family, checked.

    Raises:
        UserError: the family is unknown; an option is unknown, missing, of another type or contradicts another; the
            inputs are not those that the network takes with these options (``input-unsupported``, ``input-missing``);
            there are segments or mixup, which the network does not support (``segments-unsupported``,
            ``mixup-unsupported``).
    """
    kind = _member(spec, "Options")
    model = vars(import_module(_module(spec))).get("Model")  # baselines have none
    if spec.segments and model is None:
        raise UserError(
            f"{spec.name}: segments: the family {spec.family} takes whole utterances; remove segments",
            code="segments-unsupported",
        )

    def place(key: str) -> str:
        origin = spec.origins.get(f"options.{key.partition('.')[0]}")
        return schema.place(origin, ("options", *key.split("."))) if origin else f"{spec.name}: options"

    checked = schema.build(kind, spec.options, place)
    for name, most in (model.limits(checked)._asdict() if model else {}).items():
        if most is not None and most < 1:
            raise UserError(f"{place(name)}: {name}: expected 1 or more, found {most}", code="option-value")
    taken = list(getattr(checked, "inputs", ("audio",)))
    if spec.text_encoder and getattr(model, "encoded_text", False):
        taken = [TEXT_ENCODER if name == "text" else name for name in taken]
    _check_inputs(spec, taken)
    if spec.training.mixup and not (model and spec.inputs == ["audio"] and model.loss is _classifier().loss):
        raise UserError(
            f"{spec.name}: mixup needs a system with audio as its only input and a loss of class scores; set mixup=0",
            code="mixup-unsupported",
        )
    return checked


def build(spec: ModelSpec, sizes: Sizes) -> Classifier:
    """A new network with random weights (or with those that its options name); raises as :func:`options`."""
    return _member(spec, "Model")(options(spec), sizes)


def limits(spec: ModelSpec) -> Limits:
    """Maximum numbers of frames and tokens of an utterance, by the options of the model."""
    return _member(spec, "Model").limits(options(spec))


def pretrained(spec: ModelSpec) -> Mapping[str, str]:
    """Digest or revision of pretrained weights, by the option that names them; see ``Classifier.pretrained``."""
    return _member(spec, "Model").pretrained(options(spec))


def source_modules(spec: ModelSpec) -> list[str]:
    """Names of the modules that implement a system; the digest of its code covers these, and no other family.

    A family of your own may import helpers: its whole package counts. One with pretrained weights uses
    ``mscnn.pretrained``.
    """
    module = _module(spec)
    model = vars(import_module(module)).get("Model")
    overrides = model is not None and model.pretrained.__qualname__ != "Classifier.pretrained"
    own = module if module.startswith("mscnn.") else module.partition(".")[0]
    return [*SHARED, *([PRETRAINED] if overrides else []), own]


def _check_inputs(spec: ModelSpec, taken: Collection[str]) -> None:
    """Refuse inputs that the network would ignore, and inputs that it lacks."""
    takes = ", ".join(f"inputs.{name}" for name in taken) or "no input"
    for name in spec.inputs:
        if name not in taken:
            raise UserError(
                f"{spec.name}: inputs.{name}: the family {spec.family} would ignore it; with these options it takes "
                f"{takes} (a family of your own states this in Options.inputs). Remove it",
                code="input-unsupported",
            )
    for name in taken:
        if name not in spec.inputs:
            raise UserError(
                f"{spec.name}: inputs.{name} is missing; with these options the family {spec.family} takes {takes}",
                code="input-missing",
            )


def _classifier() -> type[Classifier]:
    from mscnn.models.base import Classifier

    return Classifier


def _module(spec: ModelSpec) -> str:
    """Name of the family's module."""
    if spec.family in FAMILIES:
        return FAMILIES[spec.family]
    if "." in spec.family:
        return spec.family
    near = difflib.get_close_matches(spec.family, FAMILIES, n=1)
    hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(FAMILIES)}."
    raise UserError(
        f"{spec.name}: unknown family {spec.family}; {hint} A custom family has a dot: my_package.my_module",
        code="family-unknown",
    )


def _member(spec: ModelSpec, name: str) -> Any:
    """``Model`` or ``Options`` of the family's module."""
    module = _module(spec)
    try:
        members = vars(import_module(module))
    except ModuleNotFoundError as error:
        raise UserError(
            f"{spec.name}: family {module}: no module {error.name}; install it, or add its folder to PYTHONPATH",
            code="family-not-importable",
        ) from None
    if name not in members:
        raise UserError(
            f"{spec.name}: family {module} has no {name}; mscnn/models/base.py defines what a family is",
            code="family-incomplete",
        )
    return members[name]
