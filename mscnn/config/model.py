"""Models by name: ``conf/models/<name>.yaml`` holds the configuration, ``mscnn/models/<family>.py`` the code.

This module imports no torch: it also answers what a model needs, before anything heavy is loaded.
"""

import difflib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import MISSING, asdict, dataclass, field, replace
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType

from mscnn.data.segments import Segments
from mscnn.errors import UserError
from mscnn.paths import conf, read_conf

NORMS = ("zscore", "minmax", "none")
SHARED = ("attention", "base", "conv", "inputs", "layers", "recurrent")
# the other modules of this folder; what each calls Model is the network, with its Options
MODELS = str(Path(__file__).parent.parent / "models")
FAMILIES = {
    module.name: f"mscnn.models.{module.name}" for module in iter_modules([MODELS]) if module.name not in SHARED
}
FAMILIES["baseline"] = "mscnn.baselines.options"

AT_LEAST_0 = (
    "momentum", "weight_decay", "clip", "max_steps", "balance_power", "min_lr", "mask_bins", "mask_frames", "mixup",
)  # fmt: skip
CHOICES = {
    "optimizer": ("adam", "nadam", "adamw", "sgd"),
    "clip_mode": ("norm", "per_tensor", "value"),
    "select": ("wa_ua", "ua", "wa", "wf1", "loss"),
    "balance": ("none", "oversample"),
    "schedule": ("none", "exponential", "step"),
    "precision": ("single", "bf16"),
}


@dataclass(frozen=True)
class Training:
    """How a system is trained; the defaults are those of the MSCNN-SPU paper where it states them.

    An epoch is what lies between two evaluations on dev: a pass over the training part, unless ``eval_every`` says
    otherwise.

    Attributes:
        optimizer: adam, nadam, adamw or sgd; epsilon 1e-8.
        lr: learning rate.
        betas: of the Adam kinds.
        momentum, nesterov: of sgd.
        weight_decay: L2 penalty (of adamw: decoupled).
        clip: largest gradient, 0 for any.
        clip_mode: whether ``clip`` means the norm over all parameters (norm), of each (per_tensor), or each value.
        batch_size: examples a step.
        max_epochs: epochs at most.
        max_steps: steps at most, 0 for any number.
        patience: epochs without a better ``select`` on dev before training stops.
        eval_every: passes over the training part in an epoch.
        select: what makes an epoch the best on dev: wa_ua (their mean), ua, wa, wf1 (weighted F1) or loss.
        replacement: whether batches are drawn with replacement.
        balance: none; oversample (every class as often as the largest in a pass); or a number of examples a
            class, drawn once.
        balance_power: how far oversample goes: n examples of the largest's N come n (N / n)^balance_power times a pass.
        schedule: none; exponential (times ``gamma`` each epoch) or step (each ``step_epochs``), down to ``min_lr``.
        precision: of training steps: single, or bf16 (autocast: products and convolutions in bfloat16, up to twice as
            fast where the processor has it). Weights, and the scores of dev and test, are single always.
        mask_bins, mask_frames: SpecAugment (Park et al. 2019): in every example a band of bins and a stretch of frames,
            each at most that wide, are put to the means of the bins; 0 for none.
        mixup: alpha of the Beta distribution (Zhang et al. 2018), one draw a batch; 0 for none.
    """

    optimizer: str = "adam"
    lr: float = 5e-4
    betas: tuple[float, float] = (0.9, 0.999)
    momentum: float = 0.0
    nesterov: bool = False
    weight_decay: float = 0.0
    clip: float = 1.0
    clip_mode: str = "norm"
    batch_size: int = 64
    max_epochs: int = 100
    max_steps: int = 0
    patience: int = 10
    eval_every: float = 1.0
    select: str = "wa_ua"
    replacement: bool = False
    balance: str = "none"
    balance_power: float = 1.0
    schedule: str = "none"
    gamma: float = 1.0
    step_epochs: int = 1
    min_lr: float = 0.0
    precision: str = "single"
    mask_bins: int = 0
    mask_frames: int = 0
    mixup: float = 0.0

    def __post_init__(self) -> None:
        values = asdict(self)
        positive = ("lr", "batch_size", "max_epochs", "patience", "eval_every", "gamma", "step_epochs")
        low = [key for key in positive if values[key] <= 0]
        low += [key for key in AT_LEAST_0 if values[key] < 0]
        if low:
            raise UserError(f"training: {', '.join(low)} must be above 0")
        for key, known in CHOICES.items():
            if values[key] not in known and not (key == "balance" and values[key].isdecimal()):
                raise UserError(f"training: {key} {values[key]}: expected one of {', '.join(known)}")


@dataclass(frozen=True)
class ModelSpec:
    """A named configuration: what the model reads, its options, and how it is trained.

    ``audio`` names the feature (None: the model hears nothing), ``extra`` further ones, by the name that the model
    knows them by. ``normalise`` says how each of them is normalised: zscore (with the training part's statistics; the
    default of ``audio``), minmax (the same, clipped to 0 to 1) or none. ``xvec_norm`` is none, zscore or length.
    ``segments`` is the rule by which utterances are cut, if they are.
    """

    name: str
    family: str
    audio: str | None
    text: bool
    xvector: bool
    options: Mapping[str, object]
    extra: Mapping[str, str] = field(default_factory=dict)
    normalise: Mapping[str, str] = field(default_factory=dict)
    segments: Segments | None = None
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
        unknown = facts.keys() - {"family", "inputs", "options", "normalise", "segments", "xvec_norm", "training"}
        unknown |= inputs.keys() - {"audio", "text", "xvector", "extra"}
        if unknown or facts.get("family") not in FAMILIES:
            what = (
                f"unknown keys {', '.join(sorted(unknown))}"
                if unknown
                else f"family must be one of {', '.join(FAMILIES)}"
            )
            raise UserError(f"{conf('models', name)}: {what}")
        if facts.get("xvec_norm", "none") not in ("none", "zscore", "length"):
            raise UserError(f"xvec_norm {facts['xvec_norm']}: expected none, zscore or length")
        normalise = {name: how for name, how in (facts.get("normalise") or {}).items() if how is not None}
        extra = inputs.get("extra") or {}
        if normalise.keys() - {"audio", *extra} or {*normalise.values()} - {*NORMS}:
            raise UserError(
                f"{conf('models', name)}: normalise gives audio, or a name in extra, one of {', '.join(NORMS)}"
            )
        segments = facts.get("segments")
        return cls(
            name=conf("models", name).stem,
            family=facts["family"],
            audio=inputs.get("audio"),
            text=bool(inputs.get("text")),
            xvector=bool(inputs.get("xvector")),
            options=(facts.get("options") or {}),
            extra=extra,
            normalise={"audio": "zscore", **normalise},
            segments=_checked(Segments, segments) if segments else None,
            xvec_norm=facts.get("xvec_norm", "none"),
            training=_checked(Training, (facts.get("training") or {})),
        )

    @classmethod
    def of_config(cls, config: Mapping) -> "ModelSpec":
        """The configuration that an experiment's ``config.yaml`` holds, whatever conf/models says by now."""
        features = {name: title.split()[0] for name, title in config["features"].items()}
        segments = config["segments"]
        return cls(
            name=config["model"],
            family=config["family"],
            audio=features.pop("audio", None),
            text=config["text"] != "none",
            xvector=config["xvector"] != "none",
            options=config["model_options"],
            extra=features,
            normalise=config["normalise"],
            segments=_checked(Segments, segments) if segments else None,
            xvec_norm=config["xvec_norm"],
            training=_checked(Training, config["training"]),
        )

    @property
    def features(self) -> dict[str, str]:
        """All features that it hears, by the name that the model knows them by."""
        return {**({"audio": self.audio} if self.audio else {}), **self.extra}

    @property
    def only_with_xvector(self) -> bool:
        """Whether it is another system without x-vectors: audio and x-vectors make it."""
        return self.xvector and not self.text

    def without_xvector(self) -> "ModelSpec":
        """The same model where no x-vectors are at hand."""
        return replace(self, xvector=False, options={**self.options, "xvector": False})

    def build(self, sizes) -> object:
        """Make the network (an ``nn.Module`` whose ``forward`` takes Inputs and returns logits).

        Raises:
            UserError: an option makes no sense, or mixup is asked of a system that it would not do justice to.
        """
        from mscnn.models.base import Classifier

        family = self._module()
        alone = not (self.text or self.xvector or self.extra)
        if self.training.mixup and not (alone and family.Model.loss is Classifier.loss):
            raise UserError(f"{self.name}: mixup is for systems of audio alone and a loss of class scores; set mixup=0")
        return family.Model(_checked(family.Options, self.options), sizes)

    def pretrained(self) -> Mapping[str, str]:
        """What names the weights that its options bring along, by option."""
        family = self._module()
        return family.Model.pretrained(_checked(family.Options, self.options))

    def _module(self) -> ModuleType:
        return import_module(FAMILIES[self.family])

    def legacy(self) -> list[str]:
        """Names of the ``legacy_*`` flags that are on; they mark every score line."""
        return sorted(key for key, value in self.options.items() if key.startswith("legacy_") and value)

    def describe(self) -> dict:
        """The configuration as plain values, for ``config.yaml``."""
        family = self._module()
        return {
            "model": self.name,
            "family": self.family,
            "features": self.features,
            "normalise": dict(self.normalise) if self.features else {},
            "segments": _plain(asdict(self.segments)) if self.segments else None,
            "model_options": _plain(asdict(_checked(family.Options, self.options))),
            "xvec_norm": self.xvec_norm,
            "training": _plain(asdict(self.training)),
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
        spec = fields[key]
        default = spec.default if spec.default is not MISSING else spec.default_factory()
        if isinstance(default, float) and isinstance(value, str):
            with suppress(ValueError):  # YAML takes 1e-4 for a string
                value = values[key] = float(value)
        number = isinstance(default, float) and isinstance(value, int) and not isinstance(value, bool)
        if not (number or type(value) is type(default) or isinstance(default, tuple) and isinstance(value, list)):
            raise UserError(f"option {key}: expected a value like {_plain({key: default})[key]!r}, found {value!r}")
    return kind(**{key: tuple(v) if isinstance(v, list) else v for key, v in values.items()})


def _plain(values: Mapping[str, object]) -> dict:
    return {key: list(v) if isinstance(v, tuple) else v for key, v in values.items()}
