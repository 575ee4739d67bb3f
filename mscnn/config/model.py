"""Configurations of models: ``conf/models/<family>/<name>.yaml`` states inputs, options and training.

This module imports no network: what a model needs is known before torch is loaded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from mscnn.config import overrides, schema
from mscnn.config.layers import Layers, follows
from mscnn.config.segments import Segments
from mscnn.config.training import Training
from mscnn.errors import UserError

ADDED = {"mscnn": {"project": 0}}  # options of a family that earlier versions lack -> the value that does as they did
TEXT_ENCODER = "text_encoder"  # name of the feature of the transcript among those of a network


@dataclass(frozen=True)
class Inputs:
    """Inputs of a system: ``audio`` is a feature (None: no audio), ``extra`` are others, by the network's names.

    ``text_encoder`` is a feature of the transcript, which the network takes in place of words (None: words).
    """

    audio: str | None = None
    text: bool = False
    xvector: bool = False
    extra: Mapping[str, str] = field(default_factory=dict)
    text_encoder: str | None = None

    def has(self, key: str) -> bool:
        """Whether the input ``inputs.audio``, ``inputs.text``, ``inputs.xvector`` or ``inputs.extra.NAME`` exists."""
        name = key.removeprefix("inputs.")
        return name.removeprefix("extra.") in self.extra if name.startswith("extra.") else bool(getattr(self, name))


@dataclass(frozen=True)
class _Values:
    """A configuration without its options, typed."""

    family: str
    inputs: Inputs = field(default_factory=Inputs)
    normalise: Mapping[str, Literal["zscore", "minmax", "none"] | None] = field(default_factory=dict)
    segments: Segments | None = None
    xvec_norm: Literal["none", "zscore", "length"] = "none"
    training: Training = field(default_factory=Training)


@dataclass(frozen=True)
class ModelSpec:
    """A named configuration: inputs of the model, its options, and its training.

    ``audio`` names the audio feature (None: no audio), ``extra`` further features, by the names of the network; that
    named ``text_encoder`` has vectors of the transcript. ``text``: whether it takes transcripts, as words or so.
    ``normalise`` states how each of them is normalised: zscore (with statistics of the training part; the default of
    ``audio``), minmax (the same, clipped to 0 to 1) or none. ``xvec_norm`` is none, zscore or length. ``segments`` is
    the segmentation rule (None: whole utterances). ``options`` are all options of the family. ``origins`` are the files
    and settings that state the values, by dotted keys, for messages.
    """

    name: str
    family: str
    audio: str | None
    text: bool
    xvector: bool
    options: Mapping[str, Any]
    extra: Mapping[str, str] = field(default_factory=dict)
    normalise: Mapping[str, str] = field(default_factory=dict)
    segments: Segments | None = None
    xvec_norm: str = "none"
    training: Training = field(default_factory=Training)
    origins: Mapping[str, Path | str] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def load(cls, name: str, settings: Sequence[str] = ()) -> ModelSpec:
        """The configuration in ``conf/models/<family>/<name>.yaml`` (or in the YAML file ``name``), with settings.

        A key ``base`` names another configuration that this one changes. ``settings`` are ``KEY=VALUE``.

        Raises:
            UserError: a file is malformed or names an unknown key (see :mod:`mscnn.config.schema`), or a setting does
                (see :func:`mscnn.config.overrides.apply`).
        """
        return cls.of(resolve(name, settings))

    @classmethod
    def of(cls, layers: Layers) -> ModelSpec:
        """The configuration that layers resolve to; raises as :meth:`load`."""
        sections = {key: value for key, value in layers.values.items() if key != "options"}
        if sections.get("segments") and "frames" not in sections["segments"]:
            origin = layers.origin(next(iter(f"segments.{key}" for key in sections["segments"])))
            raise UserError(
                f"{origin}: {layers.path.stem} takes whole utterances; also set segments.frames, their length",
                code="segments-without-frames",
            )
        values = schema.build(_Values, sections, layers.origin)
        inputs = values.inputs
        extra = dict(inputs.extra) | ({TEXT_ENCODER: inputs.text_encoder} if inputs.text_encoder else {})
        normalise = {name: how for name, how in values.normalise.items() if how is not None}
        _check_segments(values, normalise.get("audio", "zscore"), layers)
        _check_normalisation(inputs, [*normalise], ["audio", *extra], layers)
        return cls(
            name=layers.path.stem,
            family=values.family,
            audio=inputs.audio,
            text=inputs.text or inputs.text_encoder is not None,
            xvector=inputs.xvector,
            options={
                key: inputs.has(followed) if (followed := follows(value)) else value
                for key, value in layers.values.get("options", {}).items()
            },
            extra=extra,
            normalise={"audio": "zscore", **normalise},
            segments=values.segments,
            xvec_norm=values.xvec_norm,
            training=values.training,
            origins=layers.origins,
        )

    @classmethod
    def of_config(cls, config: Mapping) -> ModelSpec:
        """The configuration in the ``config.yaml`` of an experiment, even if conf/models has changed since.

        Raises:
            UserError: it is not one that training wrote.
        """
        try:
            return cls._of_config(config)
        except (KeyError, TypeError, AttributeError, IndexError) as error:
            raise UserError(
                f"not the configuration of an experiment ({error!r}); run stage 5 (train) again",
                code="experiment-config",
            ) from None

    @classmethod
    def _of_config(cls, config: Mapping) -> ModelSpec:
        features = {name: title.split()[0] for name, title in config["features"].items()}
        segments = config["segments"]
        return cls(
            name=config["model"],
            family=config["family"],
            audio=features.pop("audio", None),
            text=config["text"] != "none",
            xvector=config["xvector"] != "none",
            options={**ADDED.get(config["family"], {}), **config["model_options"]},
            extra=features,
            normalise=config["normalise"],
            segments=schema.build(Segments, segments, "segments") if segments else None,
            xvec_norm=config["xvec_norm"],
            training=schema.build(Training, config["training"], "training"),
        )

    @property
    def features(self) -> dict[str, str]:
        """All features that it takes, by the names of the network."""
        return {**({"audio": self.audio} if self.audio else {}), **self.extra}

    @property
    def inputs(self) -> list[str]:
        """Its inputs: ``audio``, ``text`` (words) or ``text_encoder``, ``xvector`` and ``extra.NAME``."""
        given = {"audio": self.audio, "text": self.words, TEXT_ENCODER: self.text_encoder, "xvector": self.xvector}
        extra = (f"extra.{name}" for name in self.extra if name != TEXT_ENCODER)
        return [*(name for name, value in given.items() if value), *extra]

    @property
    def text_encoder(self) -> str | None:
        """The feature that it takes of the transcript; None: words, or no text."""
        return self.extra.get(TEXT_ENCODER)

    @property
    def words(self) -> bool:
        """Whether it takes the words of the transcript."""
        return self.text and not self.text_encoder

    @property
    def only_with_xvector(self) -> bool:
        """Whether it exists only with x-vectors: its inputs are audio and x-vectors."""
        return self.xvector and not self.text

    def without_xvector(self) -> ModelSpec:
        """The same model without x-vectors."""
        without = {"xvector": False} if "xvector" in self.options else {}
        return replace(self, xvector=False, options={**self.options, **without})

    def check_rows(self, feature: str, options: Mapping[str, Any]) -> None:
        """Check that the audio feature has frames, or one row per layer, as the network takes them.

        Raises:
            UserError: it has the other (``feature-rows``).
        """
        layers, layer = options.get("layer") == "all", self.options.get("layer", "frames")
        if layers and layer == "frames":
            raise UserError(
                f"{self.name}: inputs.audio: {feature} has one row per layer (layer: all), not frames: give a "
                "feature of frames, or a head with options.layer=weighted or the number of a layer",
                code="feature-rows",
            )
        if not layers and layer != "frames":
            raise UserError(
                f"{self.name}: options.layer={layer} takes a feature with one row per layer (layer: all), such as "
                f"hubert_base_layers, and {feature} has frames: set inputs.audio, or options.layer=frames",
                code="feature-rows",
            )

    def legacy(self) -> list[str]:
        """Names of the ``legacy_*`` flags that are on; they mark every score line."""
        return sorted(key for key, value in self.options.items() if key.startswith("legacy_") and value)

    def describe(self) -> dict[str, Any]:
        """The configuration as plain values, for ``config.yaml``."""
        return {
            "model": self.name,
            "family": self.family,
            "features": self.features,
            "normalise": dict(self.normalise) if self.features else {},
            "segments": _plain(asdict(self.segments)) if self.segments else None,
            "model_options": dict(self.options),
            "xvec_norm": self.xvec_norm,
            "training": _plain(asdict(self.training)),
        }


def _check_segments(values: _Values, normalise: str, layers: Layers) -> None:
    """Raise UserError where segments do not fit the inputs, or the normalisation of audio."""
    segments, inputs = values.segments, values.inputs
    if not segments:
        return
    if not inputs.audio:
        origin = layers.origin("segments.frames")
        raise UserError(
            f"{origin}: segments need audio features; {layers.path.stem} takes none: remove segments",
            code="segments-no-audio",
        )
    if segments.relative:
        _check_relative(segments, normalise, layers)
    for unknown in segments.streams.keys() - inputs.extra.keys():
        origin = layers.origin(f"segments.streams.{unknown}")
        known = f"known: {', '.join(inputs.extra)}" if inputs.extra else "it has no further features"
        raise UserError(
            f"{origin}: segments.streams.{unknown}: {layers.path.stem} has no inputs.extra.{unknown}; {known}",
            code="input-unsupported",
        )


def _check_normalisation(inputs: Inputs, normalised: Sequence[str], known: Sequence[str], layers: Layers) -> None:
    """Raise UserError where something is normalised that is no input, or by a setting an input that is not taken."""
    absent = {} if inputs.audio else {"normalise.audio": "audio features"}
    absent |= {} if inputs.xvector else {"xvec_norm": "x-vectors"}
    for key, missing in absent.items():
        if isinstance(layers.origins.get(key), str):  # a setting; files may state it for others that are based on them
            raise UserError(
                f"{layers.origin(key)}: {layers.path.stem} takes no {missing}: remove the setting",
                code="option-conflict",
            )
    for unknown in {*normalised} - {*known}:
        origin = layers.origin(f"normalise.{unknown}")
        hint = schema.nearest(unknown, known)
        raise UserError(
            f"{origin}: normalise.{unknown}: no such input; {hint} (null removes the value of a base)",
            code="config-unknown-key",
        )


def _check_relative(segments: Segments, normalise: str, layers: Layers) -> None:
    """Raise UserError where statistics would be those of frames before segments are made relative."""
    for key, is_set in (("normalise.audio", normalise != "none"), ("segments.pad_first", segments.pad_first)):
        if is_set:
            value = normalise if key == "normalise.audio" else "true"
            raise UserError(
                f"{layers.origin(key)}: {key}={value}: {layers.path.stem} has segments.relative, segments relative to "
                "their own maximum, and statistics are those of utterances; set normalise.audio=none and "
                "segments.pad_first=false, or segments.relative=false",
                code="segments-relative",
            )


def resolve(name: str, settings: Sequence[str] = ()) -> Layers:
    """The chain of files that ends in ``name``, with settings applied; raises as :meth:`ModelSpec.load`."""
    layers = Layers.read(name)
    for setting in settings:
        overrides.apply(layers, setting)
    return layers


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: list(v) if isinstance(v, tuple) else v for key, v in values.items()}
