"""What a PromQL query reads, and whether a recording holds all of it.

A selector reads one sample at or before each step, a range the whole window behind it. The rule: every range must begin
at or after the recording's start, else its function would be computed on fewer samples than the server had. An instant
selector looks back `lookback` too, but only its newest sample counts, so it may be asked from one scrape interval after
the start: by then every living series was scraped once. What lies before is not captured, never no data.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from config.errors import NotCaptured
from tools.evidence import iso
from tools.recorded.logs.store import matches_value
from tools.recorded.promql.semantics import Semantics
from tools.recorded.promql.syntax import (
    Aggregate,
    At,
    Binary,
    Call,
    Matcher,
    Negate,
    Node,
    Paren,
    RangeSelector,
    Selector,
    Subquery,
)
from tools.sources.logs import LabelMatcher

Matchers = tuple[Matcher, ...]


@dataclass(frozen=True)
class Read:
    """One selector over one evaluation: samples in [first_ms, last_ms]. `ranged`: all of them count, not the newest.

    `anchored`: an `@` decides when, so that a later start would not help.
    """

    matchers: Matchers
    first_ms: int
    last_ms: int
    ranged: bool
    anchored: bool


def reads(node: Node, start_ms: int, end_ms: int, semantics: Semantics) -> Iterator[Read]:
    """Every selector's reading for steps from start to end."""
    yield from _Walk(start_ms, end_ms, semantics).walk(node, start_ms, end_ms, False)


@dataclass(frozen=True)
class _Walk:
    start_ms: int
    end_ms: int
    semantics: Semantics

    def walk(self, node: Node, first: int, last: int, anchored: bool) -> Iterator[Read]:
        match node:
            case Selector():
                yield self._read(node, first, last, 0, anchored)
            case RangeSelector():
                yield self._read(node.selector, first, last, node.range_ms, anchored)
            case Subquery():
                first, last = self._moved(first, last, node.offset_ms, node.at)
                inner = _first_step(first - node.range_ms, node, self.semantics)
                yield from self.walk(node.expr, min(inner, last), last, anchored or node.at is not None)
            case _:
                for child in _children(node):
                    yield from self.walk(child, first, last, anchored)

    def _read(self, selector: Selector, first: int, last: int, range_ms: int, anchored: bool) -> Read:
        first, last = self._moved(first, last, selector.offset_ms, selector.at)
        return Read(selector.matchers, first - range_ms, last, range_ms > 0, anchored or selector.at is not None)

    def _moved(self, first: int, last: int, offset_ms: int, at: At) -> tuple[int, int]:
        if at is None:
            return first - offset_ms, last - offset_ms
        fixed = {"start": self.start_ms, "end": self.end_ms}[at] if isinstance(at, str) else at
        return fixed - offset_ms, fixed - offset_ms


def _first_step(opening: int, subquery: Subquery, semantics: Semantics) -> int:
    """Subqueries are evaluated at multiples of their step."""
    step = subquery.step_ms or semantics.default_subquery_step_ms
    return -(-opening // step) * step


def _children(node: Node) -> tuple[Node, ...]:
    match node:
        case Call():
            return node.args
        case Aggregate():
            return (node.expr,) if node.param is None else (node.expr, node.param)
        case Binary():
            return node.left, node.right
        case Negate() | Paren():
            return (node.expr,)
        case _:
            return ()


@dataclass(frozen=True)
class Coverage:
    """What of metrics was captured: from `start_ms` on, series inside `scope` (empty: all there were)."""

    start_ms: int
    scrape_interval_ms: int
    semantics: Semantics
    scope: tuple[Matchers, ...] = ()

    def check(self, node: Node, start_ms: int, end_ms: int) -> None:
        """Raises NotCaptured that says what is missing, and from when the same question can be answered."""
        late = self.missing_ms(node, start_ms, end_ms)
        if late is None:
            raise NotCaptured(f"metrics: an @ modifier reads before {iso(self.start_ms)}, where the recording starts")
        if late > 0:
            raise NotCaptured(f"metrics: this reads {late / 1000:g} s more than there is; "
                              f"captured from {iso(self.start_ms)}, so ask from {iso(start_ms + late)}")

    def missing_ms(self, node: Node, start_ms: int, end_ms: int) -> int | None:
        """How much later the first step must be (0: covered); None where no later step would do."""
        late = 0
        for read in reads(node, start_ms, end_ms, self.semantics):
            self._check_scope(read.matchers)
            least = self.start_ms + (0 if read.ranged else self.scrape_interval_ms)
            if read.first_ms < least:
                if read.anchored:
                    return None
                late = max(late, least - read.first_ms)
        return late

    def _check_scope(self, matchers: Matchers) -> None:
        if self.scope and not any(_inside(matchers, selector) for selector in self.scope):
            asked = "{" + ", ".join(map(str, matchers)) + "}"
            raise NotCaptured(f"metrics: {asked} is not inside what was captured (snapshot.yaml: scope.metrics)")


def _inside(matchers: Matchers, selector: Matchers) -> bool:
    """Whether every series the query selects is one the captured selector selects, as far as can be proven."""
    return all(any(_implies(asked, captured) for asked in matchers) for captured in selector)


def _implies(asked: Matcher, captured: Matcher) -> bool:
    if asked.name != captured.name:
        return False
    if asked.kind == "=":
        return matches_value(LabelMatcher(captured.name, captured.kind, captured.value), asked.value)
    return asked == captured
