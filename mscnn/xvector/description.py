"""Parser of the description of an nnet3 network: its nodes and their inputs (descriptors)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NoReturn

from mscnn.errors import UserError

MAX_DIM = 1 << 20  # of a node; recipes have less than a hundredth of it, a damaged file may have more
MAX_LINE = 10_000  # characters
MAX_DEPTH = 20  # of nested descriptors; recipes have two
TOKEN = re.compile(r"[A-Za-z_][\w.-]*|-?\d+|[(),]")


@dataclass(frozen=True)
class Descriptor:
    """Input of a node: the name of a node, or ``Append``, ``Offset`` or ``Round`` of descriptors."""

    kind: str
    parts: tuple[Descriptor, ...] = ()
    name: str = ""
    number: int = 0

    @property
    def names(self) -> set[str]:
        """Names of its nodes."""
        return {self.name} if self.kind == "node" else set().union(*(part.names for part in self.parts))


@dataclass(frozen=True)
class Node:
    """An input node of dimension ``dim``, a component node, or an output node."""

    kind: str
    name: str
    dim: int = 0
    component: str = ""
    input: Descriptor | None = None


def parse_nodes(lines: Sequence[str]) -> dict[str, Node]:
    """Nodes by name; lines have one node each, and a later one replaces an earlier one of the same name.

    Raises:
        UserError: a line is not a node.
    """
    nodes = {}
    for line in lines:
        if len(line) > MAX_LINE:
            raise UserError(
                f"the network is damaged: a line has {len(line)} characters, {line[:60]!r} …",
                code="xvector-network",
            )
        statement = " ".join(line.partition("#")[0].split())  # single spaces
        if statement:
            node = _node(statement)
            nodes[node.name] = node
    return nodes


def _node(line: str) -> Node:
    kind, _, rest = line.partition(" ")
    if kind not in ("input-node", "component-node", "output-node"):
        raise UserError(
            f"the network has a line {line[:100]!r}: expected input-node, component-node or output-node",
            code="xvector-network",
        )
    fields = dict(part.split("=", 1) for part in re.split(r" (?=[\w-]+=)", rest) if "=" in part)
    name = _field(fields, "name", line[:100])
    if kind == "input-node":
        return Node(kind, name, dim=_size(fields, "dim", name))
    component = _field(fields, "component", name) if kind == "component-node" else ""
    return Node(kind, name, component=component, input=parse_descriptor(_field(fields, "input", name), name))


def _field(fields: Mapping[str, str], key: str, node: str) -> str:
    if not fields.get(key):
        raise UserError(f"node {node!r} of the network has no {key}=", code="xvector-network")
    return fields[key]


def _size(fields: Mapping[str, str], key: str, node: str) -> int:
    value = _field(fields, key, node)
    if not re.fullmatch(r"\d{1,7}", value) or not 0 < int(value) < MAX_DIM:
        raise UserError(
            f"node {node!r} of the network has {key}={value[:40]}; expected a number from 1 to {MAX_DIM - 1}",
            code="xvector-network",
        )
    return int(value)


def parse_descriptor(text: str, node: str) -> Descriptor:
    """The descriptor in ``text``, such as ``Append(Offset(input, -1), input)``, of the node ``node``."""
    tokens = TOKEN.findall(text)
    parser = _Parser([*tokens, ""], f"node {node!r} of the network has input {text[:100]!r}")
    if "".join(tokens) != text.replace(" ", ""):
        parser.fail()
    descriptor = parser.descriptor(0)
    parser.expect("")
    return descriptor


@dataclass
class _Parser:
    """Tokens of a descriptor, terminated by an empty one, and the position of the parser."""

    tokens: list[str]
    what: str
    position: int = field(default=0)

    def fail(self) -> NoReturn:
        raise UserError(f"{self.what}; known are Append(…), Offset(…, N), Round(…, N)", code="xvector-network")

    def next(self) -> str:
        token = self.tokens[self.position]
        self.position += bool(token)
        return token

    def expect(self, *wanted: str) -> str:
        token = self.next()
        if token not in wanted:
            self.fail()
        return token

    def descriptor(self, depth: int) -> Descriptor:
        name = self.next()
        if depth > MAX_DEPTH or not re.match(r"[A-Za-z_]", name):
            self.fail()
        if self.tokens[self.position] != "(":
            return Descriptor("node", name=name)
        self.expect("(")
        parts = [self.descriptor(depth + 1)]
        if name == "Append":
            while self.expect(",", ")") == ",":
                parts.append(self.descriptor(depth + 1))
            return Descriptor(name, tuple(parts))
        self.expect(",")
        number = self.next()
        if name not in ("Offset", "Round") or not re.fullmatch(r"-?\d{1,6}", number):
            self.fail()
        if name == "Round" and int(number) < 1:
            self.fail()
        self.expect(")")
        return Descriptor(name, tuple(parts), number=int(number))
