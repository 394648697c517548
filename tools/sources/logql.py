"""LogQuery -> LogQL, the only place that writes LogQL.

After a parser, and again after a numeric comparison, `| __error__=""` drops the lines it could not read: without it
Loki keeps a line whose number would not parse.
"""

from __future__ import annotations

import json

from config.errors import QueryError
from tools.sources.logs import FieldCondition, LabelMatcher, LineFilter, LogQuery

NO_ERROR = '| __error__=""'
_LINE_SIGNS = {"contains": "|=", "not_contains": "!=", "regex": "|~", "not_regex": "!~"}


def compile_selector(matchers: tuple[LabelMatcher, ...]) -> str:
    """`{service="api",env!="test"}`."""
    return "{" + ",".join(f"{matcher.name}{matcher.op}{quoted(matcher.value)}" for matcher in matchers) + "}"


def compile_search(query: LogQuery) -> str:
    """The log query: selector, line filters, parser, conditions. The window, limit and direction are parameters."""
    stages = [compile_selector(query.matchers)]
    stages += [_line_filter(line_filter) for line_filter in query.filters]
    if query.parser is not None:
        stages += [f"| {query.parser}", NO_ERROR]
    stages += [_condition(condition) for condition in query.conditions]
    if any(condition.numeric for condition in query.conditions):
        stages.append(NO_ERROR)
    return " ".join(stages)


def compile_count(query: LogQuery, by: tuple[str, ...], window_ms: int) -> str:
    """Lines counted over windows, summed by label: `sum by (pod) (count_over_time({…} [60s]))`."""
    counted = f"count_over_time({compile_search(query)} [{duration(window_ms)}])"
    return f"sum by ({','.join(by)}) ({counted})" if by else f"sum({counted})"


def duration(ms: int) -> str:
    """Milliseconds as LogQL spells them: `60s`, `1500ms`."""
    return f"{ms // 1000}s" if ms % 1000 == 0 else f"{ms}ms"


def quoted(text: str) -> str:
    """A Go string literal. JSON's escapes are a subset of Go's. Raises QueryError for half a surrogate pair."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise QueryError(f"{text!r} is not valid Unicode text") from error
    return json.dumps(text, ensure_ascii=False)


def _line_filter(line_filter: LineFilter) -> str:
    return f"{_LINE_SIGNS[line_filter.op]} {quoted(line_filter.text)}"


def _condition(condition: FieldCondition) -> str:
    value = condition.value
    text = quoted(value) if isinstance(value, str) else _number(value)
    return f"| {condition.field} {condition.op} {text}"


def _number(value: float) -> str:
    """Plain decimals, because LogQL's lexer knows no exponent with a sign."""
    if float(value).is_integer():
        return str(int(value))
    return f"{value:.17f}".rstrip("0") if abs(value) < 1e-4 else repr(float(value))
