"""Kaldi's nnet3 *raw* files, binary and text: read into plain fields, and written for Kaldi's own programs.

A file is a network description, one node per line, and after it the components, each a sequence of ``<Tag> value``. The
types known here are those of the x-vector recipes (sre16/v2, voxceleb/v2).
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
# component -> the tags that matter, and what they hold
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
        "IncludeVarinance": "truth",
    },
    "StatisticsPoolingComponent": {
        "InputDim": "integer",
        "InputPeriod": "integer",
        "LeftContext": "integer",
        "RightContext": "integer",
        "NumLogCountFeatures": "integer",
        "OutputStddevs": "truth",
        "VarianceFloor": "number",
    },
}
# Four bytes may be an integer or a float; these tags hold integers.
INTEGERS = frozenset(
    ("Dim", "BlockDim", "InputDim", "InputPeriod", "OutputPeriod", "LeftContext", "RightContext", "RankIn", "RankOut")
    + ("NumLogCountFeatures", "UpdatePeriod")
)
ARRAYS = {b"FV ": (1, "<f4"), b"DV ": (1, "<f8"), b"FM ": (2, "<f4"), b"DM ": (2, "<f8")}
LONGEST_TOKEN = 200
DOWNLOAD = "copy or download the model again"
Value = np.ndarray | np.generic | bool
KINDS = {
    "integer": lambda value: isinstance(value, np.integer),
    "number": lambda value: isinstance(value, np.number),
    "truth": lambda value: isinstance(value, bool),
    "vector": lambda value: isinstance(value, np.ndarray) and value.ndim == 1,
    "matrix": lambda value: isinstance(value, np.ndarray) and value.ndim == 2,
}


@dataclass(frozen=True)
class Component:
    """One component: its tags, without their brackets, and values."""

    name: str
    type: str
    fields: Mapping[str, Value]

    def array(self, tag: str) -> np.ndarray:
        """A vector or matrix."""
        return np.asarray(self.fields[tag])

    def number(self, tag: str) -> float:
        """A number."""
        return float(np.asarray(self.fields[tag]))

    def integer(self, tag: str) -> int:
        """A whole number."""
        return int(np.asarray(self.fields[tag]))


@dataclass(frozen=True)
class Nnet:
    """A network: the ``lines`` of its description, and its components by name."""

    lines: tuple[str, ...]
    components: Mapping[str, Component]


def read(path: str | os.PathLike) -> Nnet:
    """Read a raw nnet3 file; whether it is binary or text, its first bytes tell.

    Raises:
        UserError: no such file, cut short, damaged, no nnet3 file, or a component of an unknown type; with the
            position in bytes.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}", code="file-unreadable") from None
    source = _Binary(path, data, 2) if data.startswith(b"\0B") else _Text(path, data, 0)
    if data.startswith(b"version https://git-lfs"):
        raise UserError(f"{path}: a Git LFS pointer, not the file itself; fetch it: git lfs pull", code="lfs-pointer")
    if source.token() != "<Nnet3>":
        source.fail(
            "no nnet3 file: it does not start with <Nnet3> (a <TransitionModel> means final.mdl, not final.raw)"
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
            source.fail(f"component {name!r} a second time")
        components[name] = component
    source.expect("</Nnet3>")
    return Nnet(lines, components)


def _read_component(source: _Source, name: str, who: str) -> Component:
    kind = source.token()
    if kind[1:-1] not in TYPES:
        source.fail(
            f"{who} is a {kind[:60]}; x-vector networks are read with: {', '.join(TYPES)}",
            "use such a network",
            "xvector-network",
        )
    fields: dict[str, Value] = {}
    while (tag := source.token()) != f"</{kind[1:]}":
        if not (tag.startswith("<") and tag.endswith(">")):
            source.fail(f"{who} has {tag[:60]!r} where a tag should stand")
        value = source.value(tag[1:-1])
        if not np.all(np.isfinite(value)):
            source.fail(f"{who} has numbers in {tag} that are not finite")
        fields[tag[1:-1]] = value
    for tag, wanted in TYPES[kind[1:-1]].items():
        if tag not in fields or not KINDS[wanted](fields[tag]):
            source.fail(f"{who} has no <{tag}>, or one that is no {wanted}")
    return Component(name, kind[1:-1], fields)


class _Source:
    """Bytes and a position in them."""

    def __init__(self, path: str | os.PathLike, data: bytes, position: int) -> None:
        self.path, self.data, self.position = path, data, position

    def fail(self, what: str, fix: str = DOWNLOAD, code: str = "xvector-model-damaged") -> NoReturn:
        raise UserError(f"{self.path}: byte {self.position}: {what}; {fix}", code=code)

    def take(self, size: int) -> bytes:
        """The next bytes; UserError where the file ends before."""
        if size > len(self.data) - self.position:
            self.fail(f"cut short or damaged: {size} more bytes expected, {len(self.data) - self.position} are left")
        self.position += size
        return self.data[self.position - size : self.position]

    def expect(self, token: str) -> None:
        word = self.token()
        if word != token:
            self.fail(f"cut short or damaged: expected {token}, found {word[:60]!r}")

    def lines(self) -> tuple[str, ...]:
        """The description, up to the empty line that ends it."""
        end = self.data.find(b"\n\n", self.position)
        if end < 0:
            self.fail("cut short or damaged: no empty line after the network's description")
        try:
            text = self.take(end + 2 - self.position).decode("ascii")
        except UnicodeDecodeError:
            self.fail("damaged: the network's description is not plain text")
        return tuple(line.strip() for line in text.splitlines() if line.strip())

    def token(self) -> str:
        raise NotImplementedError

    def integer(self) -> int:
        raise NotImplementedError

    def value(self, tag: str) -> Value:
        raise NotImplementedError


class _Binary(_Source):
    def token(self) -> str:
        end = self.data.find(b" ", self.position, self.position + LONGEST_TOKEN)
        if end < 0:
            self.fail("cut short or damaged: a token should stand here")
        try:
            return self.take(end + 1 - self.position)[:-1].decode("ascii")
        except UnicodeDecodeError:
            self.fail("damaged: a token should stand here")

    def integer(self) -> int:
        if self.take(1) != b"\x04":
            self.fail("damaged: a whole number should stand here")
        return int.from_bytes(self.take(4), "little", signed=True)

    def value(self, tag: str) -> Value:
        """A number (its size comes first), a truth value, or an array (its form comes first)."""
        form = self.data[self.position : self.position + 3]
        if form in ARRAYS:
            self.take(3)
            dimensions, dtype = ARRAYS[form]
            shape = [self.integer() for _ in range(dimensions)]
            if min(shape) < 0:
                self.fail(f"damaged: <{tag}> has the shape {shape}")
            values = np.frombuffer(self.take(math.prod(shape) * int(dtype[-1])), dtype)
            with np.errstate(over="ignore"):  # infinities are refused with the component's name
                return values.reshape(shape).astype(np.float32)
        size = self.take(1)
        if size in (b"T", b"F"):
            return size == b"T"
        if size == b"\x04":
            return np.frombuffer(self.take(4), "<i4" if tag in INTEGERS else "<f4")[0]
        if size == b"\x08":
            return np.frombuffer(self.take(8), "<f8")[0]
        self.fail(f"damaged, or a form that is not known here: <{tag}> starts with {form!r}")


class _Text(_Source):
    TOKEN = re.compile(rb"\s*(\S+)")

    def token(self) -> str:
        if (match := self.TOKEN.match(self.data, self.position)) is None:
            self.fail("cut short: a token should stand here")
        self.position = match.end()
        return match[1].decode("ascii", "replace")

    def integer(self) -> int:
        word = self.token()
        if not re.fullmatch(r"-?\d{1,10}", word):
            self.fail(f"damaged: a whole number should stand here, found {word[:60]!r}")
        return int(word)

    def value(self, tag: str) -> Value:
        """A number, a truth value, or an array in brackets: a vector on one line, a matrix of one row per line."""
        word = self.token()
        if word in ("T", "F"):
            return word == "T"
        try:
            if word != "[":
                return np.int32(word) if tag in INTEGERS else np.float32(word)
            end = self.data.find(b"]", self.position)
            if end < 0:
                self.fail(f"cut short: the array of <{tag}> has no end")
            body = self.take(end + 1 - self.position)[:-1]
            if b"\n" not in body:
                return np.array(body.split(), np.float32)
            return np.array([row.split() for row in body.splitlines() if row.strip()], np.float32)
        except (ValueError, OverflowError):
            self.fail(f"damaged: <{tag}> holds no numbers, or rows of different length")


def write(nnet: Nnet, path: str | os.PathLike, binary: bool = True) -> None:
    """Write a raw nnet3 file that Kaldi's programs read; fields keep their order, which Kaldi minds."""
    with atomic(path, "wb") as out:
        out.write((b"\0B" if binary else b"") + b"<Nnet3> \n")
        out.write("".join(f"{line}\n" for line in nnet.lines).encode() + b"\n")
        form = _binary if binary else _text
        out.write(b"<NumComponents> " + form(np.int32(len(nnet.components))))
        for component in nnet.components.values():
            out.write(f"<ComponentName> {component.name} <{component.type}> ".encode())
            for tag, value in component.fields.items():
                out.write(f"<{tag}> ".encode() + form(value))
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
