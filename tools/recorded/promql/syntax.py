"""The query as the engine sees it: frozen nodes, durations in milliseconds, every trap of the grammar removed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

MatchKind = Literal["=", "!=", "=~", "!~"]


@dataclass(frozen=True)
class Matcher:
    """One condition on a label; regular expressions match the whole value."""

    name: str
    kind: MatchKind
    value: str

    def __str__(self) -> str:
        escaped = self.value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return f'{self.name}{self.kind}"{escaped}"'


At = int | Literal["start", "end"] | None
"""`@ 12.5` as milliseconds, `@ start()`, `@ end()`, or no modifier."""


@dataclass(frozen=True)
class Number:
    value: float


@dataclass(frozen=True)
class Text:
    value: str


@dataclass(frozen=True)
class Selector:
    matchers: tuple[Matcher, ...]
    offset_ms: int
    at: At


@dataclass(frozen=True)
class RangeSelector:
    selector: Selector
    range_ms: int


@dataclass(frozen=True)
class Subquery:
    expr: Node
    range_ms: int
    step_ms: int | None
    offset_ms: int
    at: At


@dataclass(frozen=True)
class Call:
    name: str
    args: tuple[Node, ...]


@dataclass(frozen=True)
class Aggregate:
    op: str
    expr: Node
    param: Node | None
    without: bool
    labels: tuple[str, ...]


@dataclass(frozen=True)
class Matching:
    """How the two sides of an operator find each other. `many` is the side with several series a group, or None."""

    on: bool
    labels: tuple[str, ...]
    many: Literal["left", "right"] | None
    include: tuple[str, ...]


@dataclass(frozen=True)
class Binary:
    op: str
    left: Node
    right: Node
    returns_bool: bool
    matching: Matching


@dataclass(frozen=True)
class Negate:
    expr: Node


@dataclass(frozen=True)
class Paren:
    """Kept apart because absent() and timestamp() look at their argument's form."""

    expr: Node


Node = Number | Text | Selector | RangeSelector | Subquery | Call | Aggregate | Binary | Negate | Paren


def bare(node: Node) -> Node:
    """The node inside any parentheses."""
    while isinstance(node, Paren):
        node = node.expr
    return node
