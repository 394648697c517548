"""From query text to our nodes, by way of promql-parser, whose traps end here.

Its operators and matcher kinds are opaque and read by `str()`; a negative `@` time panics when read, so it is
taken from the debug text; `or` between matchers parses but is not PromQL; fill modifiers parse but are experimental.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta
from functools import lru_cache
from typing import Any, Literal, cast

import promql_parser

from config.errors import QueryError, UnsupportedQuery
from tools.recorded.promql.dialect import beyond_the_parser, prepare
from tools.recorded.promql.labelsets import NAME
from tools.recorded.promql.semantics import Semantics
from tools.recorded.promql.syntax import (
    Aggregate,
    At,
    Binary,
    Call,
    Matcher,
    Matching,
    MatchKind,
    Negate,
    Node,
    Number,
    Paren,
    RangeSelector,
    Selector,
    Subquery,
    Text,
)

MAX_DEPTH = 200
"""Deeper nesting would exhaust Python's stack during evaluation."""

_KINDS: dict[str, MatchKind] = {
    "MatchOp.Equal": "=",
    "MatchOp.NotEqual": "!=",
    "MatchOp.Re": "=~",
    "MatchOp.NotRe": "!~",
}
_AT_TIME = re.compile(r"at: Some\(\s*At\(\s*SystemTime \{\s*tv_sec: (-?\d+),\s*tv_nsec: (\d+),?\s*\}")
_LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_NATIVE = ("histogram_avg", "histogram_count", "histogram_stddev", "histogram_stdvar", "histogram_sum")
_EXPERIMENTAL_OPS = ("limitk", "limit_ratio")


@lru_cache(maxsize=512)
def parse(query: str, semantics: Semantics) -> Node:
    """The query's tree. Raises QueryError where a server would answer 400, UnsupportedQuery where only we refuse."""
    text = prepare(query, semantics)
    try:
        parsed = promql_parser.parse(text)
    except ValueError as error:
        if construct := beyond_the_parser(text):
            raise UnsupportedQuery(f"not supported: {construct}") from error
        raise QueryError(f"parse error: {error}") from error
    return _node(parsed, 0, semantics)


def is_label_name(name: str, semantics: Semantics) -> bool:
    return bool(name) if semantics.utf8_names else _LABEL_NAME.fullmatch(name) is not None


def _node(parsed: Any, depth: int, semantics: Semantics) -> Node:
    if depth > MAX_DEPTH:
        raise QueryError(f"the query is nested more than {MAX_DEPTH} deep")
    match type(parsed).__name__:
        case "NumberLiteral":
            return Number(parsed.val)
        case "StringLiteral":
            return Text(parsed.val)
        case "VectorSelector":
            return _selector(parsed, parsed)
        case "MatrixSelector":
            return RangeSelector(_selector(parsed.vector_selector, parsed), _span(parsed.range))
        case "SubqueryExpr":
            step = None if parsed.step is None else _span(parsed.step)
            inner = _node(parsed.expr, depth + 1, semantics)
            return Subquery(inner, _span(parsed.range), step, _offset(parsed), _at(parsed, parsed))
        case "Call":
            return _call(parsed, depth, semantics)
        case "AggregateExpr":
            return _aggregate(parsed, depth, semantics)
        case "BinaryExpr":
            return _binary(parsed, depth, semantics)
        case "UnaryExpr":
            return Negate(_node(parsed.expr, depth + 1, semantics))
        case "ParenExpr":
            return Paren(_node(parsed.expr, depth + 1, semantics))
        case other:
            raise UnsupportedQuery(f"not supported: {other}")


def _selector(parsed: Any, outer: Any) -> Selector:
    if parsed.matchers.or_matchers:
        raise QueryError('parse error: unexpected "or" in label matching')
    matchers = [Matcher(m.name, _KINDS[str(m.op)], m.value) for m in parsed.matchers.matchers]
    if parsed.name is not None:
        matchers.insert(0, Matcher(NAME, "=", parsed.name))
    return Selector(tuple(matchers), _offset(parsed), _at(parsed, outer))


def _call(parsed: Any, depth: int, semantics: Semantics) -> Node:
    name = parsed.func.name
    if name in _NATIVE:
        raise UnsupportedQuery(f"not supported: {name} (native histograms)")
    experimental = parsed.func.experimental and name != "double_exponential_smoothing"
    if experimental or (name == "first_over_time" and not semantics.first_over_time_is_stable):
        raise UnsupportedQuery(f"not supported: the experimental function {name}")
    return Call(name, tuple(_node(arg, depth + 1, semantics) for arg in parsed.args))


def _aggregate(parsed: Any, depth: int, semantics: Semantics) -> Node:
    op = str(parsed.op)
    if op in _EXPERIMENTAL_OPS:
        raise UnsupportedQuery(f"not supported: the experimental aggregation {op}")
    modifier = parsed.modifier
    without = modifier is not None and str(modifier.type).endswith("Without")
    labels = _label_names(modifier.labels) if modifier is not None else ()
    param = None if parsed.param is None else _node(parsed.param, depth + 1, semantics)
    return Aggregate(op, _node(parsed.expr, depth + 1, semantics), param, without, labels)


def _binary(parsed: Any, depth: int, semantics: Semantics) -> Node:
    left, right = _node(parsed.lhs, depth + 1, semantics), _node(parsed.rhs, depth + 1, semantics)
    modifier = parsed.modifier
    if modifier is None:
        return Binary(str(parsed.op), left, right, False, Matching(False, (), None, ()))
    fill = modifier.fill_values
    if fill is not None and (fill.lhs is not None or fill.rhs is not None):
        raise UnsupportedQuery("not supported: the fill modifiers")
    on = modifier.matching is not None and str(modifier.matching.type).endswith("Include")
    labels = _label_names(modifier.matching.labels) if modifier.matching is not None else ()
    sides = {"ManyToOne": "left", "OneToMany": "right"}
    many = cast(Literal["left", "right"] | None, sides.get(str(modifier.card).rpartition(".")[2]))
    matching = Matching(on, labels, many, _label_names(modifier.group_labels or ()))
    return Binary(str(parsed.op), left, right, modifier.return_bool, matching)


def _offset(parsed: Any) -> int:
    return 0 if parsed.offset is None else _ms(parsed.offset)


def _at(parsed: Any, outer: Any) -> At:
    """`outer` is the node whose debug text is wanted: a range selector's inner selector has none of its own."""
    if parsed.at is None:
        return None
    kind = str(parsed.at.type).rpartition(".")[2]
    if kind != "At":
        return "start" if kind == "Start" else "end"
    seconds, nanos = _AT_TIME.findall(repr(outer))[-1]
    ms = int(seconds) * 1000 + (int(nanos) + 500_000) // 1_000_000
    if abs(ms) > 2**53:
        raise QueryError("parse error: timestamp out of bounds for @ modifier")
    return ms


def _label_names(names: Sequence[str]) -> tuple[str, ...]:
    if "" in names:
        raise QueryError('parse error: invalid label name ""')
    return tuple(names)


def _span(duration: timedelta) -> int:
    """A range or step in milliseconds; plain numbers reach here that are none."""
    if duration <= timedelta(0):
        raise QueryError("parse error: duration must be greater than 0")
    return _ms(duration)


def _ms(duration: timedelta) -> int:
    return duration // timedelta(milliseconds=1)
