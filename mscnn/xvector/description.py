"""The description of an nnet3 network: its nodes, and what they read (descriptors)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NoReturn

from mscnn.errors import UserError

LARGEST = 1 << 20  # values of a node; no recipe has a hundredth of it, a damaged file may have more
LONGEST = 10_000  # characters of a line
DEPTH = 20  # of descriptors within descriptors; recipes have two
TOKEN = re.compile(r"[A-Za-z_][\w.-]*|-?\d+|[(),]")


@dataclass(frozen=True)
class Descriptor:
    """What a node reads: a node's name, or ``Append``, ``Offset``, ``Round`` of descriptors."""

    kind: str
    parts: tuple[Descriptor, ...] = ()
    name: str = ""
    number: int = 0

    @property
    def names(self) -> set[str]:
        """Nodes that it reads."""
        return {self.name} if self.kind == "node" else set().union(*(part.names for part in self.parts))


@dataclass(frozen=True)
class Node:
    """An input node of ``dim`` values, a component node, or an output node."""

    kind: str
    name: str
    dim: int = 0
    component: str = ""
    reads: Descriptor | None = None


def parse_nodes(lines: Sequence[str]) -> dict[str, Node]:
    """Nodes by name, one per line; of several with one name the last counts.

    Raises:
        UserError: a line that is no node, with the line.
    """
    nodes = {}
    for line in lines:
        if len(line) > LONGEST:
            raise UserError(
                f"the network has a line of {len(line)} characters, {line[:60]!r} …; it is damaged",
                code="xvector-network",
            )
        words = " ".join(line.partition("#")[0].split())  # one blank between words
        if words:
            node = _node(words)
            nodes[node.name] = node
    return nodes


def _node(line: str) -> Node:
    kind, _, rest = line.partition(" ")
    if kind not in ("input-node", "component-node", "output-node"):
        raise UserError(
            f"the network has a line {line[:100]!r}: it must start with input-node, component-node or output-node",
            code="xvector-network",
        )
    fields = dict(part.split("=", 1) for part in re.split(r" (?=[\w-]+=)", rest) if "=" in part)
    name = _field(fields, "name", line[:100])
    if kind == "input-node":
        return Node(kind, name, dim=_size(fields, "dim", name))
    component = _field(fields, "component", name) if kind == "component-node" else ""
    return Node(kind, name, component=component, reads=parse_descriptor(_field(fields, "input", name), name))


def _field(fields: Mapping[str, str], key: str, who: str) -> str:
    if not fields.get(key):
        raise UserError(f"the network's node {who!r} has no {key}=", code="xvector-network")
    return fields[key]


def _size(fields: Mapping[str, str], key: str, who: str) -> int:
    value = _field(fields, key, who)
    if not re.fullmatch(r"\d{1,7}", value) or not 0 < int(value) < LARGEST:
        raise UserError(f"the network's node {who!r} has {key}={value[:40]}, which is no size", code="xvector-network")
    return int(value)


def parse_descriptor(text: str, node: str) -> Descriptor:
    """A descriptor, as ``Append(Offset(input, -1), input)``, of the node ``node``."""
    tokens = TOKEN.findall(text)
    parser = _Parser([*tokens, ""], f"the network's node {node!r} reads {text[:100]!r}")
    if "".join(tokens) != text.replace(" ", ""):
        parser.fail()
    descriptor = parser.descriptor(0)
    parser.expect("")
    return descriptor


@dataclass
class _Parser:
    """The tokens of a descriptor, an empty one at their end, and how far they are read."""

    tokens: list[str]
    what: str
    position: int = field(default=0)

    def fail(self) -> NoReturn:
        raise UserError(f"{self.what}; Append(…), Offset(…, N), Round(…, N) are known", code="xvector-network")

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
        if depth > DEPTH or not re.match(r"[A-Za-z_]", name):
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
