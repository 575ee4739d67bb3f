"""Reader and writer of Kaldi's nnet3 *raw* files, binary and text.

A file has a network description, one node per line, followed by the components, each a sequence of ``<Tag> value``. The
known types are those of the x-vector recipes (sre16/v2, voxceleb/v2).
"""

from __future__ import annotations

import math
import os
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import numpy as np

from mscnn.errors import UserError
from mscnn.files import atomic

AFFINE = {"LinearParams": "matrix", "BiasParams": "vector"}
# component -> required tags and the kinds of their values
TYPES: Mapping[str, Mapping[str, str]] = {
    "AffineComponent": AFFINE,
    "NaturalGradientAffineComponent": AFFINE,
    "FixedAffineComponent": AFFINE,
    "RectifiedLinearComponent": {"Dim": "integer"},
    "LogSoftmaxComponent": {"Dim": "integer"},
    "BatchNormComponent": {
        "Dim": "integer",
        "BlockDim": "integer",
        "Epsilon": "number",
        "TargetRms": "number",
        "Count": "number",
        "StatsMean": "vector",
        "StatsVar": "vector",
    },
    "StatisticsExtractionComponent": {
        "InputDim": "integer",
        "InputPeriod": "integer",
        "OutputPeriod": "integer",
        "IncludeVarinance": "boolean",
    },
    "StatisticsPoolingComponent": {
        "InputDim": "integer",
        "InputPeriod": "integer",
        "LeftContext": "integer",
        "RightContext": "integer",
        "NumLogCountFeatures": "integer",
        "OutputStddevs": "boolean",
        "VarianceFloor": "number",
    },
}
# Tags whose four bytes are an integer; those of other tags are a float.
INTEGERS = frozenset(
    ("Dim", "BlockDim", "InputDim", "InputPeriod", "OutputPeriod", "LeftContext", "RightContext", "RankIn", "RankOut")
    + ("NumLogCountFeatures", "UpdatePeriod")
)
ARRAYS = {b"FV ": (1, "<f4"), b"DV ": (1, "<f8"), b"FM ": (2, "<f4"), b"DM ": (2, "<f8")}
MAX_TOKEN = 200  # characters
DOWNLOAD = "copy or download the model again"
Value = np.ndarray | np.generic | bool
IS_KIND = {
    "integer": lambda value: isinstance(value, np.integer),
    "number": lambda value: isinstance(value, np.number),
    "boolean": lambda value: isinstance(value, bool),
    "vector": lambda value: isinstance(value, np.ndarray) and value.ndim == 1,
    "matrix": lambda value: isinstance(value, np.ndarray) and value.ndim == 2,
}


@dataclass(frozen=True)
class Component:
    """One component: name, type, and values by tag (without brackets)."""

    name: str
    type: str
    fields: Mapping[str, Value]

    def array(self, tag: str) -> np.ndarray:
        """Value of a tag, a vector or matrix."""
        return np.asarray(self.fields[tag])

    def number(self, tag: str) -> float:
        """Value of a tag, a number."""
        return float(np.asarray(self.fields[tag]))

    def integer(self, tag: str) -> int:
        """Value of a tag, an integer."""
        return int(np.asarray(self.fields[tag]))


@dataclass(frozen=True)
class Nnet:
    """A network: the ``lines`` of its description, and its components by name."""

    lines: tuple[str, ...]
    components: Mapping[str, Component]


def read(path: str | os.PathLike) -> Nnet:
    """The network in a raw nnet3 file, binary or text.

    Raises:
        UserError: the file is missing, truncated, damaged or not an nnet3 file, or has a component of an unknown type.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}", code="file-unreadable") from None
    source = _Binary(path, data, 2) if data.startswith(b"\0B") else _Text(path, data, 0)
    if data.startswith(b"version https://git-lfs"):
        raise UserError(
            f"{path}: a Git LFS pointer instead of the file; download it with: git lfs pull", code="lfs-pointer"
        )
    if source.token() != "<Nnet3>":
        source.fail(
            "not an nnet3 file: it does not start with <Nnet3> (a file with <TransitionModel> is final.mdl, not "
            "final.raw)"
        )
    lines = source.lines()
    source.expect("<NumComponents>")
    number = source.integer()
    components: dict[str, Component] = {}
    for i in range(1, number + 1):
        source.expect("<ComponentName>")
        name = source.token()
        component = _read_component(source, name, f"component {i} of {number}, {name!r},")
        if name in components:
            source.fail(f"duplicate component {name!r}")
        components[name] = component
    source.expect("</Nnet3>")
    return Nnet(lines, components)


def _read_component(source: _Source, name: str, where: str) -> Component:
    kind = source.token()
    if kind[1:-1] not in TYPES:
        source.fail(
            f"{where} has the unsupported type {kind[:60]}; supported: {', '.join(TYPES)}",
            "use a network of these components",
            "xvector-network",
        )
    fields: dict[str, Value] = {}
    while (tag := source.token()) != f"</{kind[1:]}":
        if not (tag.startswith("<") and tag.endswith(">")):
            source.fail(f"{where} has {tag[:60]!r}, expected a tag")
        value = source.value(tag[1:-1])
        if not np.all(np.isfinite(value)):
            source.fail(f"{where} has values of {tag} that are not finite")
        fields[tag[1:-1]] = value
    for tag, wanted in TYPES[kind[1:-1]].items():
        if tag not in fields or not IS_KIND[wanted](fields[tag]):
            source.fail(f"{where} has no <{tag}>, or its value is not a {wanted}")
    return Component(name, kind[1:-1], fields)


class _Source:
    """Bytes and a position in them."""

    def __init__(self, path: str | os.PathLike, data: bytes, position: int) -> None:
        self.path, self.data, self.position = path, data, position

    def fail(self, what: str, fix: str = DOWNLOAD, code: str = "xvector-model-damaged") -> NoReturn:
        raise UserError(f"{self.path}: byte {self.position}: {what}; {fix}", code=code)

    def take(self, size: int) -> bytes:
        """The next ``size`` bytes; raises UserError where the file has fewer."""
        if size > len(self.data) - self.position:
            self.fail(f"truncated or damaged: expected {size} more bytes, found {len(self.data) - self.position}")
        self.position += size
        return self.data[self.position - size : self.position]

    def expect(self, token: str) -> None:
        word = self.token()
        if word != token:
            self.fail(f"truncated or damaged: expected {token}, found {word[:60]!r}")

    def lines(self) -> tuple[str, ...]:
        """Lines of the description, up to the empty line at its end."""
        end = self.data.find(b"\n\n", self.position)
        if end < 0:
            self.fail("truncated or damaged: no empty line after the description of the network")
        try:
            text = self.take(end + 2 - self.position).decode("ascii")
        except UnicodeDecodeError:
            self.fail("damaged: the description of the network is not ASCII text")
        return tuple(line.strip() for line in text.splitlines() if line.strip())

    def token(self) -> str:
        raise NotImplementedError

    def integer(self) -> int:
        raise NotImplementedError

    def value(self, tag: str) -> Value:
        raise NotImplementedError


class _Binary(_Source):
    def token(self) -> str:
        end = self.data.find(b" ", self.position, self.position + MAX_TOKEN)
        if end < 0:
            self.fail("truncated or damaged: expected a token")
        try:
            return self.take(end + 1 - self.position)[:-1].decode("ascii")
        except UnicodeDecodeError:
            self.fail("damaged: expected a token")

    def integer(self) -> int:
        if self.take(1) != b"\x04":
            self.fail("damaged: expected an integer")
        return int.from_bytes(self.take(4), "little", signed=True)

    def value(self, tag: str) -> Value:
        """A number, after its size, a boolean, or an array, after its type."""
        array_type = self.data[self.position : self.position + 3]
        if array_type in ARRAYS:
            self.take(3)
            dimensions, dtype = ARRAYS[array_type]
            shape = [self.integer() for _ in range(dimensions)]
            if min(shape) < 0:
                self.fail(f"damaged: <{tag}> has the shape {shape}")
            values = np.frombuffer(self.take(math.prod(shape) * int(dtype[-1])), dtype)
            with np.errstate(over="ignore"):  # infinite values are refused by the caller
                return values.reshape(shape).astype(np.float32)
        size = self.take(1)
        if size in (b"T", b"F"):
            return size == b"T"
        if size == b"\x04":
            return np.frombuffer(self.take(4), "<i4" if tag in INTEGERS else "<f4")[0]
        if size == b"\x08":
            return np.frombuffer(self.take(8), "<f8")[0]
        self.fail(f"damaged or of an unsupported type: the value of <{tag}> starts with {array_type!r}")


class _Text(_Source):
    TOKEN = re.compile(rb"\s*(\S+)")

    def token(self) -> str:
        if (match := self.TOKEN.match(self.data, self.position)) is None:
            self.fail("truncated: expected a token")
        self.position = match.end()
        return match[1].decode("ascii", "replace")

    def integer(self) -> int:
        word = self.token()
        if not re.fullmatch(r"-?\d{1,10}", word):
            self.fail(f"damaged: expected an integer, found {word[:60]!r}")
        return int(word)

    def value(self, tag: str) -> Value:
        """A number, a boolean, or an array in brackets: a vector on one line, or a matrix with one row per line."""
        word = self.token()
        if word in ("T", "F"):
            return word == "T"
        try:
            if word != "[":
                return np.int32(word) if tag in INTEGERS else np.float32(word)
            end = self.data.find(b"]", self.position)
            if end < 0:
                self.fail(f"truncated: the array of <{tag}> has no end")
            body = self.take(end + 1 - self.position)[:-1]
            if b"\n" not in body:
                return np.array(body.split(), np.float32)
            return np.array([row.split() for row in body.splitlines() if row.strip()], np.float32)
        except (ValueError, OverflowError):
            self.fail(f"damaged: <{tag}> has values that are not numbers, or rows of different length")


def write(nnet: Nnet, path: str | os.PathLike, binary: bool = True) -> None:
    """Write a raw nnet3 file; the order of fields is kept, as Kaldi requires."""
    with atomic(path, "wb") as out:
        out.write((b"\0B" if binary else b"") + b"<Nnet3> \n")
        out.write("".join(f"{line}\n" for line in nnet.lines).encode() + b"\n")
        encode = _binary if binary else _text
        out.write(b"<NumComponents> " + encode(np.int32(len(nnet.components))))
        for component in nnet.components.values():
            out.write(f"<ComponentName> {component.name} <{component.type}> ".encode())
            for tag, value in component.fields.items():
                out.write(f"<{tag}> ".encode() + encode(value))
            out.write(f"</{component.type}> ".encode() + (b"" if binary else b"\n"))
        out.write(b"</Nnet3> " + (b"" if binary else b"\n"))


def _binary(value: Value) -> bytes:
    if isinstance(value, np.ndarray):
        head = {1: b"FV ", 2: b"FM "}[value.ndim]
        return head + b"".join(struct.pack("<bi", 4, n) for n in value.shape) + value.astype("<f4").tobytes()
    if isinstance(value, bool):
        return b"T" if value else b"F"
    return bytes([value.itemsize]) + value.tobytes()


def _text(value: Value) -> bytes:
    if isinstance(value, np.ndarray):
        rows = "\n  ".join(" ".join(f"{x:.9g}" for x in row) for row in np.atleast_2d(value))
        return (f" [\n  {rows} ]\n" if value.ndim == 2 else f" [ {rows} ]\n").encode()
    if isinstance(value, bool):
        return b"T " if value else b"F "
    return (str(value) if isinstance(value, np.integer) else f"{value:.9g}").encode() + b" "
