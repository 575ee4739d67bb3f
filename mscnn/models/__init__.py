"""Models by name: ``conf/models/<name>.yaml`` holds the configuration, FAMILIES the code.

This module imports no torch: it also answers what a model needs, before anything heavy is loaded.
"""

import difflib
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace

from mscnn.errors import UserError
from mscnn.paths import conf, read_conf


def _mscnn() -> type:
    from mscnn.models.mscnn import MSCNN

    return MSCNN


FAMILIES: Mapping[str, Callable[[], type]] = {"mscnn": _mscnn}


@dataclass(frozen=True)
class Training:
    """How a system is trained; the defaults are those of the MSCNN-SPU paper where it states them.

    Attributes:
        lr: learning rate of Adam (betas 0.9, 0.999, epsilon 1e-8), constant.
        weight_decay: L2 penalty of Adam.
        clip: maximum norm of the gradient over all parameters.
        batch_size: utterances a step.
        max_epochs: passes over the training part at most.
        patience: epochs without a better (WA + UA) / 2 on dev before training stops.
    """

    lr: float = 5e-4
    weight_decay: float = 0.0
    clip: float = 1.0
    batch_size: int = 64
    max_epochs: int = 100
    patience: int = 10

    def __post_init__(self) -> None:
        low = [k for k in ("lr", "clip", "batch_size", "max_epochs", "patience") if asdict(self)[k] <= 0]
        if low or self.weight_decay < 0:
            raise UserError(f"training: {', '.join(low) or 'weight_decay'} must be above 0")


@dataclass(frozen=True)
class ModelSpec:
    """A named configuration: what the model reads, its options, and how it is trained.

    ``audio`` names the feature (None: the model hears nothing); ``xvec_norm`` is none, zscore or length.
    """

    name: str
    family: str
    audio: str | None
    text: bool
    xvector: bool
    options: Mapping[str, object]
    xvec_norm: str = "none"
    training: Training = field(default_factory=Training)

    @classmethod
    def load(cls, name: str, settings: Sequence[str] = ()) -> "ModelSpec":
        """Read ``conf/models/<name>.yaml`` (or the YAML file ``name``), then apply settings ``KEY=VALUE``.

        A key ``base`` names another configuration that this one changes.

        Raises:
            UserError: the file is malformed, or names an unknown key.
        """
        facts = _with_base(name)
        for setting in settings:
            _apply(facts, setting)
        inputs = facts.get("inputs") or {}
        unknown = facts.keys() - {"family", "inputs", "options", "xvec_norm", "training"}
        unknown |= inputs.keys() - {"audio", "text", "xvector"}
        if unknown or facts.get("family") not in FAMILIES:
            what = (
                f"unknown keys {', '.join(sorted(unknown))}"
                if unknown
                else f"family must be one of {', '.join(FAMILIES)}"
            )
            raise UserError(f"{conf('models', name)}: {what}")
        if facts.get("xvec_norm", "none") not in ("none", "zscore", "length"):
            raise UserError(f"xvec_norm {facts['xvec_norm']}: expected none, zscore or length")
        return cls(
            name=conf("models", name).stem,
            family=facts["family"],
            audio=inputs.get("audio"),
            text=bool(inputs.get("text")),
            xvector=bool(inputs.get("xvector")),
            options=(facts.get("options") or {}),
            xvec_norm=facts.get("xvec_norm", "none"),
            training=_checked(Training, (facts.get("training") or {})),
        )

    def without_xvector(self) -> "ModelSpec":
        """The same model where no x-vectors are at hand."""
        return replace(self, xvector=False, options={**self.options, "xvector": False})

    def build(self, sizes) -> object:
        """Make the network (an ``nn.Module`` whose ``forward`` takes Inputs and returns logits)."""
        family = FAMILIES[self.family]()
        return family(_checked(family.Options, self.options), sizes)

    def legacy(self) -> list[str]:
        """Names of the ``legacy_*`` flags that are on; they mark every score line."""
        return sorted(key for key, value in self.options.items() if key.startswith("legacy_") and value)

    def describe(self) -> dict:
        """The configuration as plain values, for ``config.yaml``."""
        family = FAMILIES[self.family]()
        return {
            "model": self.name,
            "family": self.family,
            "feature": self.audio,
            "model_options": _plain(asdict(_checked(family.Options, self.options))),
            "xvec_norm": self.xvec_norm,
            "training": asdict(self.training),
        }


def _with_base(name: str, seen: tuple[str, ...] = ()) -> dict:
    facts = read_conf("models", name)
    base = facts.pop("base", None)
    if base is None:
        return facts
    if base in (name, *seen):
        raise UserError(f"{conf('models', name)}: base {base} leads back to this file")
    merged = _with_base(base, (name, *seen))
    for key, value in facts.items():
        merged[key] = {**merged.get(key, {}), **value} if isinstance(value, dict) else value
    return merged


def _apply(facts: dict, setting: str) -> None:
    """Put ``KEY=VALUE`` (VALUE in YAML) where the key belongs: training or model options."""
    import yaml

    key, equals, text = setting.partition("=")
    key = key.replace("-", "_")
    if not equals:
        raise UserError(f"--set {setting}: expected KEY=VALUE, for example --set fc_dim=256")
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        raise UserError(f"--set {setting}: the value is not YAML") from None
    if key == "xvec_norm":
        facts[key] = value
    elif key in Training.__dataclass_fields__:
        facts["training"] = {**(facts.get("training") or {}), key: value}
    else:
        facts["options"] = {**(facts.get("options") or {}), key: value}


def _checked(kind: type, values: Mapping[str, object]):
    """Make a dataclass from plain values; unknown names and wrong types are refused with the cure."""
    fields, values = kind.__dataclass_fields__, dict(values)
    for key, value in list(values.items()):
        if key not in fields:
            near = difflib.get_close_matches(key, [*fields, *Training.__dataclass_fields__, "xvec_norm"], n=1)
            hint = f"; did you mean {near[0]}?" if near else f"; known: {', '.join(fields)}"
            raise UserError(f"unknown option {key}{hint}")
        default = fields[key].default
        if isinstance(default, float) and isinstance(value, str):
            with suppress(ValueError):  # YAML takes 1e-4 for a string
                value = values[key] = float(value)
        number = isinstance(default, float) and isinstance(value, int) and not isinstance(value, bool)
        if not (number or type(value) is type(default) or isinstance(default, tuple) and isinstance(value, list)):
            raise UserError(f"option {key}: expected a value like {_plain({key: default})[key]!r}, found {value!r}")
    return kind(**{key: tuple(v) if isinstance(v, list) else v for key, v in values.items()})


def _plain(values: Mapping[str, object]) -> dict:
    return {key: list(v) if isinstance(v, tuple) else v for key, v in values.items()}
