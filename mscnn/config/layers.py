"""The files of a model's configuration, merged, and the origin of each value."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from mscnn.config import schema
from mscnn.errors import UserError
from mscnn.paths import conf


@dataclass(frozen=True)
class File:
    """What one file of ``conf/models`` may have.

    Attributes:
        base: name of the configuration that this one changes; values that are not stated here are those of the base.
        family: name of the family of networks, or a module of your own with a dot in its name, ``package.module``.
        inputs: ``audio``, a feature or null; ``text`` and ``xvector``, true or false; ``extra``, further features by
            the names that the network knows them by.
        options: options of the family; the file without ``base`` states all of them.
        normalise: how each input is normalised: zscore (statistics of the training part), minmax or none; ``audio`` is
            zscore where nothing is stated.
        segments: rule by which utterances are segmented.
        xvec_norm: normalisation of x-vectors: none, zscore or length.
        training: how the model is trained.
    """

    base: str | None = None
    family: str | None = None
    inputs: Mapping[str, Any] | None = None
    options: Mapping[str, Any] | None = None
    normalise: Mapping[str, Any] | None = None
    segments: Mapping[str, Any] | None = None
    xvec_norm: str | None = None
    training: Mapping[str, Any] | None = None


@dataclass
class Layers:
    """Values of a chain of files and of settings, in which later ones override earlier ones, and their origins.

    Attributes:
        path: the requested file; ``first`` is the one without a base.
        values: values by section: unparsed text, except ``options``, whose types are those of the values in the first
            file, which states all options.
        origins: dotted key -> the file that states it, or the setting (``--set KEY=VALUE``).
    """

    path: Path
    first: Path
    values: dict[str, Any] = field(default_factory=dict)
    origins: dict[str, Path | str] = field(default_factory=dict)

    @classmethod
    def read(cls, name: str) -> Layers:
        """Merged values of the chain of files that ends in ``conf/models/<name>.yaml`` (or the YAML file ``name``).

        Raises:
            UserError: a file is malformed (see :mod:`mscnn.config.schema`), has an option that the first file does not
                have, or is its own base (``config-base-loop``).
        """
        chain = [*_chain(name)]
        layers = cls(path=chain[0][0], first=chain[-1][0])
        for path, file in reversed(chain):
            for section in fields(File):
                value = getattr(file, section.name)
                if section.name == "base" or value is None:
                    continue
                if isinstance(value, Mapping):
                    for key, inner in value.items():
                        layers.put(f"{section.name}.{key}", inner, path)
                else:
                    layers.put(section.name, value, path)
        return layers

    def put(self, key: str, value: Any, origin: Path | str) -> None:
        """Set the value of a dotted key of up to three parts; an option keeps its type.

        Raises:
            UserError: the first file has no such option (``config-unknown-key``), or it is of another type
                (``config-value``).
        """
        section, _, name = key.partition(".")
        if section == "options":
            value = self._option(name, value, origin)
        target, parts = self.values, key.split(".", 2)
        for part in parts[:-1]:
            target[part] = dict(target[part]) if isinstance(target.get(part), dict) else {}
            target = target[part]
        target[parts[-1]] = value
        self.origins = {k: o for k, o in self.origins.items() if not k.startswith(f"{key}.")} | {key: origin}

    def origin(self, key: str) -> Path | str:
        """File or setting that states the value of a dotted key; the requested file where none does."""
        return self.origins.get(self._stated(key), self.path)

    def states(self, key: str) -> bool:
        """Whether a file or a setting states the value of a dotted key, or of a section that contains it."""
        return bool(self._stated(key))

    def _stated(self, key: str) -> str:
        """The dotted key, or the innermost section that contains it, which a file or a setting states; or empty."""
        while key and key not in self.origins:
            key = key.rpartition(".")[0]
        return key

    def _option(self, name: str, value: Any, origin: Path | str) -> Any:
        known, key = self.values.get("options", {}), f"options.{name}"
        if followed := follows(known.get(name)):
            place = schema.place(origin, ("options", name))
            raise UserError(f"{place}: {key} follows {followed}; set {followed} instead", code="option-follows")
        if origin == self.first:
            return schema.plain(value)
        place = schema.place(origin, ("options", name))
        if name not in known:
            hint = schema.nearest(name, [*known], "options")
            raise UserError(f"{place}: unknown key {key}; {hint}", code="config-unknown-key")
        try:
            return _like(value, known[name])
        except ValueError as error:
            raise UserError(
                f"{place}: {key}: expected {error}, found {schema.shown(value)}", code="config-value"
            ) from None


def follows(value: Any) -> str | None:
    """Key of the input that an option follows, ``inputs.text`` for ``${inputs.text}``, or None.

    Such an option is true where the model has that input.
    """
    match = re.fullmatch(r"\$\{(inputs\.(audio|text|xvector|extra\.\w+))\}", value) if isinstance(value, str) else None
    return match[1] if match else None


def _chain(name: str) -> Iterator[tuple[Path, File]]:
    """Files from ``name`` to the one without a base; a base is a name, or a YAML file relative to the one naming it."""
    visited: list[Path] = []
    while name or not visited:
        path = conf("models", name)
        if path in visited:
            raise UserError(f"{visited[-1]}: base {name}: {path} is its own base", code="config-base-loop")
        visited.append(path)
        file = schema.load(path, File)
        yield path, file
        sibling = path.parent / (file.base or "")
        name = str(sibling) if sibling.suffix in (".yaml", ".yml") and sibling.is_file() else file.base or ""


def _like(text: Any, example: Any) -> Any:
    """``text`` converted to the type of ``example``; raises ValueError with the expected type."""
    if isinstance(example, list):
        if not isinstance(text, list):
            raise ValueError("a list")
        return [_like(value, example[0]) for value in text] if example else schema.plain(text)
    if isinstance(example, str):
        if not isinstance(text, str):
            raise ValueError("text")
        return text
    value = schema.plain(text)
    if isinstance(example, bool) or isinstance(value, bool):
        if not (isinstance(example, bool) and isinstance(value, bool)):
            raise ValueError("true or false" if isinstance(example, bool) else "a number")
        return value
    if isinstance(example, int) and not isinstance(value, int):
        raise ValueError("a whole number")
    if not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ValueError("a number")
    return type(example)(value)
