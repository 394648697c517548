"""Reads a query's surface before it is parsed: what the parser cannot take, and what only other versions accept."""

from __future__ import annotations

import re

from config.errors import QueryError, UnsupportedQuery
from tools.recorded.promql.semantics import Semantics

MAX_QUERY_CHARS = 65_536
MAX_STRUCTURE = 2_000
"""The parser recurses on the machine stack: some ten thousand operators or brackets would end the whole process."""

_STRING_OR_COMMENT = re.compile(r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'|`[^`]*`|#[^\n]*', re.DOTALL)
_HIGH_BYTE = re.compile(r"(?<!\\)(?:\\\\)*\\(?:x[89a-fA-F][0-9a-fA-F]|[23][0-7]{2})")
_STRUCTURE = re.compile(r"[-+*/%^(\[{<>=]|\b(?:and|or|unless|atan2)\b", re.IGNORECASE)
_BRACKETS = re.compile(r"\[[^\[\]]*\]")
_BRACES = re.compile(r"\{[^{}]*\}")
_DURATION = r"(?:\d+(?:ms|[smhdwy]))+"
_OFFSET = re.compile(rf"\boffset\s+-?\s*{_DURATION}\b", re.IGNORECASE)
_DURATION_NUMBER = re.compile(rf"(?<![\w:.]){_DURATION}\b")
_PLAIN_RANGE = re.compile(r"[\[:]\s*(?:0x[0-9a-f]+|[\d.]+(?:e[-+]?\d+)?)\s*[:\]]", re.IGNORECASE)
_PLAIN_OFFSET = re.compile(r"\boffset\s+-?\s*[\d.]+(?:e[-+]?\d+)?(?![\w.])", re.IGNORECASE)
_DIGITS = r"\d+(?:_\d+)*"
_NUMBER = re.compile(
    rf"(?<![\w:.])(?:0[xX]_?[0-9a-fA-F]+(?:_[0-9a-fA-F]+)*|(?:{_DIGITS})?\.?{_DIGITS}(?:[eE][-+]?{_DIGITS})?)(?![\w:])"
)
_QUOTED_NAME = re.compile(r"(?:^\{|,)\s*\"")
_BARE_NAME = re.compile(r"(?:^\{|,)\s*\"[^\"]*\"\s*(?=[,}])")
_KEY = re.compile(r"(\"[^\"]*\"|\w+)\s*[=!]")
_QUOTED_GROUPING = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^()]*\"", re.IGNORECASE)

_UNSUPPORTED = (
    (re.compile(r"</|>/"), "the histogram trim operators </ and >/"),
    (re.compile(r"\]\s*(?:anchored|smoothed)\b", re.IGNORECASE), "the modifiers anchored and smoothed"),
    (re.compile(r"\boffset\s*-?\s*\(", re.IGNORECASE), "duration expressions"),
    (re.compile(r"\[[^\[\]]*[-+*/^%(][^\[\]]*\]"), "duration expressions"),
    (re.compile(r"\{\{"), "native histogram literals"),
)

_UNKNOWN_TO_THE_PARSER = (
    (re.compile(r"\b(?:anchored|smoothed)\b", re.IGNORECASE), "the modifiers anchored and smoothed"),
    (re.compile(r"\boffset\s*-?\s*(?:step|range|min|max)\s*\(", re.IGNORECASE), "duration expressions"),
    (re.compile(r"\btimeseries_gen\s*\("), "the experimental function timeseries_gen"),
)
"""Constructs of newer servers, whose words may also be innocent names: asked about only where the parser gave up."""


def prepare(query: str, semantics: Semantics) -> str:
    """The text to hand to the parser. Raises QueryError, or UnsupportedQuery naming the construct."""
    if len(query) > MAX_QUERY_CHARS:
        raise QueryError(f"the query has {len(query)} characters, more than {MAX_QUERY_CHARS}")
    for literal in _STRING_OR_COMMENT.finditer(query):
        if literal.group()[0] in "\"'" and _HIGH_BYTE.search(literal.group()):
            raise UnsupportedQuery("not supported: byte escapes beyond ASCII in strings")
    surface = _STRING_OR_COMMENT.sub(_blank, query)
    if len(_STRUCTURE.findall(surface)) > MAX_STRUCTURE:
        raise QueryError(f"the query has more than {MAX_STRUCTURE} operators and brackets")
    for pattern, construct in _UNSUPPORTED:
        if pattern.search(surface):
            raise UnsupportedQuery(f"not supported: {construct}")
    if not semantics.numbers_are_durations:
        _refuse_newer_syntax(surface)
        return _rename_smoothing(query, surface, semantics)
    _refuse_two_names(query, surface)
    return _rename_smoothing(*_ungrouped(query, surface), semantics)


def beyond_the_parser(query: str) -> str | None:
    """The construct that would explain why the parser refuses a query a newer server takes, if one is in it."""
    surface = _STRING_OR_COMMENT.sub(_blank, query)
    return next((construct for pattern, construct in _UNKNOWN_TO_THE_PARSER if pattern.search(surface)), None)


def _blank(match: re.Match[str]) -> str:
    """A string keeps its quotes and length but loses its contents; a comment becomes blanks."""
    text = match.group()
    return " " * len(text) if text[0] == "#" else '"' + "_" * (len(text) - 2) + '"'


def _refuse_newer_syntax(surface: str) -> None:
    if _PLAIN_RANGE.search(surface) or _PLAIN_OFFSET.search(surface):
        raise QueryError("parse error: a plain number is a duration only from Prometheus 3.0 on")
    if _DURATION_NUMBER.search(_OFFSET.sub(" ", _BRACKETS.sub(" ", surface))):
        raise QueryError("parse error: a duration is a number only from Prometheus 3.0 on")
    quoted = any(_QUOTED_NAME.search(braces) for braces in _BRACES.findall(surface))
    if quoted or _QUOTED_GROUPING.search(surface):
        raise QueryError("parse error: quoted names exist only from Prometheus 3.0 on")


def _refuse_two_names(query: str, surface: str) -> None:
    """`{"a", "b"}` and `{"a", __name__="b"}` are refused, though two `__name__` conditions are not."""
    for braces in _BRACES.finditer(surface):
        bare = len(_BARE_NAME.findall(braces.group()))
        spans = [(braces.start() + key.start(1), braces.start() + key.end(1)) for key in _KEY.finditer(braces.group())]
        keyed = any(query[start:end].strip('"') == "__name__" for start, end in spans)
        if bare + keyed > 1 and bare:
            raise QueryError("parse error: metric name must not be set twice")


def _ungrouped(query: str, surface: str) -> tuple[str, str]:
    """Query and surface without the `_` that may group a number's digits from 3.0 on."""
    for match in reversed([number for number in _NUMBER.finditer(surface) if "_" in number.group()]):
        plain = match.group().replace("_", "")
        query, surface = (text[: match.start()] + plain + text[match.end() :] for text in (query, surface))
    return query, surface


def _rename_smoothing(query: str, surface: str, semantics: Semantics) -> str:
    """The parser knows one of the function's two names; let the version's name through and refuse the other."""
    known = "double_exponential_smoothing"
    wrong = "holt_winters" if semantics.smoothing_name == known else known
    if re.search(rf"\b{wrong}\s*\(", surface):
        raise QueryError(f'unknown function with name "{wrong}"')
    if semantics.smoothing_name == known:
        return query
    for match in reversed(list(re.finditer(rf"\b{semantics.smoothing_name}(?=\s*\()", surface))):
        query = query[: match.start()] + known + query[match.end() :]
    return query
