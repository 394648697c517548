"""What a query would read: every selector with the whole time range its evaluation touches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tools.recorded.promql.grammar import parse
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

DEFAULT_SEMANTICS = Semantics()


@dataclass(frozen=True)
class Read:
    """One selector and the closed interval of sample times that can change its answer."""

    matchers: tuple[Matcher, ...]
    from_ms: int
    to_ms: int


def reads(query: str, start_ms: int, end_ms: int, semantics: Semantics = DEFAULT_SEMANTICS) -> list[Read]:
    """All selectors of a query asked from `start_ms` to `end_ms` (equal for an instant query), in order of the text.

    Raises QueryError as the engine would for a malformed query.
    """
    found: list[Read] = []
    _walk(parse(query, semantics), _Reach(start_ms, end_ms, start_ms, end_ms), semantics, found)
    return found


@dataclass(frozen=True)
class _Reach:
    """first, last: the evaluation times at this depth; start, end: the query's own, for @ start() and @ end()."""

    first: int
    last: int
    start: int
    end: int

    def look(self, offset_ms: int, at: At) -> tuple[int, int]:
        if at is None:
            return self.first - offset_ms, self.last - offset_ms
        fixed = {"start": self.start, "end": self.end}[at] if isinstance(at, str) else at
        return fixed - offset_ms, fixed - offset_ms


def _walk(node: Node, reach: _Reach, semantics: Semantics, found: list[Read]) -> None:
    match node:
        case Selector():
            found.append(_read(node, semantics.lookback_ms, reach, semantics))
        case RangeSelector(selector, range_ms):
            found.append(_read(selector, range_ms, reach, semantics))
        case Subquery(expr, range_ms, _, offset_ms, at):
            first, last = reach.look(offset_ms, at)
            _walk(expr, _Reach(first - range_ms, last, reach.start, reach.end), semantics, found)
        case Paren(expr) | Negate(expr):
            _walk(expr, reach, semantics, found)
        case Aggregate(_, expr, param):
            if param is not None:
                _walk(param, reach, semantics, found)
            _walk(expr, reach, semantics, found)
        case Binary(_, left, right):
            _walk(left, reach, semantics, found)
            _walk(right, reach, semantics, found)
        case Call(_, args):
            for arg in args:
                _walk(arg, reach, semantics, found)


def _read(selector: Selector, back_ms: int, reach: _Reach, semantics: Semantics) -> Read:
    first, last = reach.look(selector.offset_ms, selector.at)
    edge: Literal[0, 1] = 1 if semantics.left_open else 0
    return Read(selector.matchers, first - back_ms + edge, last)
