"""LogQL -> LogQuery: all that our compiler writes, and the same written by hand.

A query our structured form cannot say exactly is refused by name, never answered approximately.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from config.errors import QueryError, UnsupportedQuery
from tools.sources.logs import FieldCondition, LabelMatcher, LineFilter, Parser

_TOKEN = re.compile(
    r"""
      (?P<space>\s+)
    | (?P<string>"(?:[^"\\\n]|\\.)*"|`[^`]*`)
    | (?P<duration>\d+(?:\.\d+)?(?:ns|us|µs|ms|[smhdwy])(?:\d+(?:\.\d+)?(?:ns|us|µs|ms|[smhdwy]))*)
    | (?P<number>\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+)
    | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
    | (?P<sign>\|=|\|~|!=|!~|=~|==|>=|<=|[{}()\[\],|=<>+-])
    """,
    re.VERBOSE,
)
_DURATION_PART = re.compile(r"(\d+(?:\.\d+)?)(ns|us|µs|ms|[smhdwy])")
_UNIT_MS = {"ns": 1e-6, "us": 1e-3, "µs": 1e-3, "ms": 1, "s": 1e3, "m": 6e4, "h": 3.6e6, "d": 8.64e7, "w": 6.048e8}
_LINE_OPS = {"|=": "contains", "!=": "not_contains", "|~": "regex", "!~": "not_regex"}
_END = ("end", "")


@dataclass(frozen=True)
class ParsedPipeline:
    """What a log query says, without its window: the fields of a LogQuery."""

    matchers: tuple[LabelMatcher, ...]
    filters: tuple[LineFilter, ...]
    parser: Parser | None
    conditions: tuple[FieldCondition, ...]


@dataclass(frozen=True)
class ParsedCount:
    """`sum by (…) (count_over_time(pipeline [window]))`."""

    pipeline: ParsedPipeline
    by: tuple[str, ...]
    window_ms: int


def parse_logql(text: str) -> ParsedPipeline | ParsedCount:
    """A log query or a count. Raises QueryError for bad syntax, UnsupportedQuery for LogQL beyond our own."""
    reader = _Reader(text)
    parsed = _pipeline(reader) if reader.peek() == ("sign", "{") else _count(reader)
    if reader.peek() != _END:
        raise reader.unexpected("the end")
    return parsed


def parse_selector(text: str) -> tuple[LabelMatcher, ...]:
    """The matchers of `{name="value"}`. Raises QueryError when it says more than that."""
    parsed = parse_logql(text)
    if isinstance(parsed, ParsedCount) or parsed != ParsedPipeline(parsed.matchers, (), None, ()):
        raise QueryError(f'{text[:200]} is not just a selector: {{name="value"}}')
    return parsed.matchers


class _Reader:
    """Tokens of a query, one ahead."""

    def __init__(self, text: str) -> None:
        self._tokens: list[tuple[str, str, int]] = []
        position = 0
        while position < len(text):
            match = _TOKEN.match(text, position)
            if match is None:
                raise QueryError(f"parse error at col {position + 1}: unexpected {text[position]!r}")
            if match.lastgroup != "space":
                self._tokens.append((str(match.lastgroup), match.group(), position))
            position = match.end()
        self._tokens.append((*_END, len(text)))
        self._next = 0

    def peek(self) -> tuple[str, str]:
        kind, text, _ = self._tokens[self._next]
        return kind, text

    def take(self) -> tuple[str, str]:
        token = self.peek()
        self._next = min(self._next + 1, len(self._tokens) - 1)
        return token

    def skip(self, text: str) -> bool:
        """Take the token if it is this one."""
        if self.peek()[1] == text and self.peek() != _END:
            self.take()
            return True
        return False

    def expect(self, text: str) -> None:
        if not self.skip(text):
            raise self.unexpected(text)

    def name(self) -> str:
        if self.peek()[0] != "name":
            raise self.unexpected("a name")
        return self.take()[1]

    def string(self) -> str:
        if self.peek()[0] != "string":
            raise self.unexpected("a string")
        return _unquoted(self.take()[1])

    def unexpected(self, wanted: str) -> QueryError:
        _, text, position = self._tokens[self._next]
        return QueryError(f"parse error at col {position + 1}: unexpected {text or 'end'!r}, expected {wanted}")


def _pipeline(reader: _Reader) -> ParsedPipeline:
    matchers = _matchers(reader)
    filters: list[LineFilter] = []
    conditions: list[FieldCondition] = []
    parser: Parser | None = None
    may_err = False
    while reader.peek()[1] in ("|=", "!=", "|~", "!~", "|"):
        sign = reader.take()[1]
        if sign != "|":
            filters.append(LineFilter(_LINE_OPS[sign], reader.string()))  # type: ignore[arg-type]
            continue
        name = reader.name()
        if name in ("json", "logfmt"):
            if parser is not None or reader.peek()[0] == "name":
                raise UnsupportedQuery(f"`| {name}` is supported once, without expressions")
            parser, may_err = name, True  # type: ignore[assignment]
        elif name == "__error__":
            may_err = _drops_errors(reader)
        else:
            conditions.append(_condition(reader, name))
            may_err = may_err or conditions[-1].numeric
    if may_err:
        raise UnsupportedQuery('lines with errors cannot be kept: end the pipeline with `| __error__=""`')
    return ParsedPipeline(matchers, tuple(filters), parser, tuple(conditions))


def _matchers(reader: _Reader) -> tuple[LabelMatcher, ...]:
    reader.expect("{")
    matchers: list[LabelMatcher] = []
    while not reader.skip("}"):
        if matchers:
            reader.expect(",")
        name = reader.name()
        if reader.peek()[1] not in ("=", "!=", "=~", "!~"):
            raise reader.unexpected("= != =~ or !~")
        matchers.append(LabelMatcher(name, reader.take()[1], reader.string()))  # type: ignore[arg-type]
    return tuple(matchers)


def _drops_errors(reader: _Reader) -> bool:
    """After `__error__`: only `=""` is ours. Answers whether a line with an error can still come through: no."""
    reader.expect("=")
    if reader.string():
        raise UnsupportedQuery('of `__error__` only `__error__=""` is supported')
    return False


def _condition(reader: _Reader, name: str) -> FieldCondition:
    kind, op = reader.take()
    if kind != "sign" or op not in ("=", "!=", "=~", "!~", "==", ">", ">=", "<", "<="):
        raise UnsupportedQuery(f"stage `| {name}` is not supported")
    if reader.peek()[0] == "string":
        condition = FieldCondition(name, op, reader.string())  # type: ignore[arg-type]
    else:
        sign = -1.0 if reader.skip("-") else 1.0
        kind, text = reader.take()
        if kind != "number":
            raise UnsupportedQuery(f"`{name} {op} {text}`: only strings and plain numbers are compared")
        condition = FieldCondition(name, op, sign * float(text))  # type: ignore[arg-type]
    if reader.peek()[1] in ("and", "or", ","):
        raise UnsupportedQuery(f"`{reader.peek()[1]}` between conditions is not supported; write another `|`")
    return condition


def _count(reader: _Reader) -> ParsedCount:
    kind, function = reader.peek()
    if kind != "name":
        raise reader.unexpected("{")
    if function != "sum":
        raise UnsupportedQuery(f"`{function}` is not supported; only sum by (…) (count_over_time({{…}} [window]))")
    reader.take()
    by = _by(reader)
    reader.expect("(")
    if reader.peek()[1] != "count_over_time":
        raise UnsupportedQuery(f"`{reader.peek()[1]}` is not supported; only count_over_time")
    reader.take()
    reader.expect("(")
    pipeline = _pipeline(reader)
    reader.expect("[")
    window_ms = parse_duration_ms(reader.take()[1])
    for closing in ("]", ")", ")"):
        reader.expect(closing)
    return ParsedCount(pipeline, by or _by(reader), window_ms)


def _by(reader: _Reader) -> tuple[str, ...]:
    if reader.peek()[1] == "without":
        raise UnsupportedQuery("`without` is not supported; name the labels with `by`")
    if not reader.skip("by"):
        return ()
    reader.expect("(")
    names: list[str] = []
    while not reader.skip(")"):
        if names:
            reader.expect(",")
        names.append(reader.name())
    return tuple(names)


def parse_duration_ms(text: str) -> int:
    """`90s`, `1h30m` in milliseconds. Raises QueryError unless it is a whole, positive number of them."""
    parts = _DURATION_PART.findall(text)
    if "".join(number + unit for number, unit in parts) != text or not parts or "y" in text:
        raise QueryError(f"{text!r} is not a duration such as 90s or 1h30m")
    ms = float(sum(float(number) * _UNIT_MS[unit] for number, unit in parts))
    if ms < 1 or not ms.is_integer():
        raise QueryError(f"duration {text!r} is not a whole number of milliseconds")
    return int(ms)


def _unquoted(literal: str) -> str:
    if literal.startswith("`"):
        return literal[1:-1]
    try:
        return str(json.loads(literal))
    except ValueError as error:
        raise QueryError(f"string {literal} has an escape that is not supported") from error
