"""The logs seam: what a question may ask of a log store, live or recorded.

A query is structured; nobody upstream writes LogQL. `tools/sources/logql.py` turns it into LogQL for a live Loki and
`tools/recorded/logs/` evaluates the same object on recorded lines, with Loki's own semantics.

Times of lines are Unix nanoseconds (`ns`), times of counts Unix milliseconds (`ms`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import re2

from config.errors import QueryError

MatchOp = Literal["=", "!=", "=~", "!~"]
LineOp = Literal["contains", "not_contains", "regex", "not_regex"]
FieldOp = Literal["=", "!=", "=~", "!~", "==", ">", ">=", "<", "<="]
Parser = Literal["json", "logfmt"]
Direction = Literal["backward", "forward"]

MATCH_OPS = ("=", "!=", "=~", "!~")
LINE_OPS = ("contains", "not_contains", "regex", "not_regex")
NUMERIC_OPS = ("==", "!=", ">", ">=", "<", "<=")
MAX_LIMIT = 1_000_000
MAX_STEPS = 11_000  # what Prometheus and Loki refuse to exceed

_LABEL_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


def line_pattern(text: str) -> Any:
    """An RE2 pattern for lines: searched anywhere, `.` stops at a newline. Raises QueryError."""
    return _compiled(text, text)


def label_pattern(text: str) -> Any:
    """An RE2 pattern for label and field values: anchored at both ends, `.` matches a newline. Raises QueryError."""
    return _compiled(f"^(?s:{text})$", text)


def _compiled(wrapped: str, shown: str) -> Any:
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(wrapped, options)
    except re2.error as error:
        raise QueryError(f"regular expression {shown!r} is not valid RE2: {error}") from error


def _check_name(name: str, what: str) -> None:
    if not _LABEL_NAME.match(name):
        raise QueryError(f"{what} {name!r} is not a label name ([a-zA-Z_][a-zA-Z0-9_]*)")


@dataclass(frozen=True)
class LabelMatcher:
    """Selects streams by one label; an absent label counts as "". Regular expressions are anchored at both ends."""

    name: str
    op: MatchOp
    value: str

    def __post_init__(self) -> None:
        _check_name(self.name, "label")
        if self.op not in MATCH_OPS:
            raise QueryError(f"label {self.name}: unknown operator {self.op!r}; one of {' '.join(MATCH_OPS)}")
        if self.op in ("=~", "!~"):
            label_pattern(self.value)


@dataclass(frozen=True)
class LineFilter:
    """Keeps or drops a line by its text. A regular expression is searched anywhere in the line."""

    op: LineOp
    text: str

    def __post_init__(self) -> None:
        if self.op not in LINE_OPS:
            raise QueryError(f"unknown line filter {self.op!r}; one of {', '.join(LINE_OPS)}")
        if self.op in ("regex", "not_regex"):
            line_pattern(self.text)


@dataclass(frozen=True)
class FieldCondition:
    """Keeps a line by a field: output of the parser, structured metadata or a stream label.

    A string `value` takes = != =~ !~ (anchored; an absent field counts as ""). A number takes == != > >= < <=; a line
    whose field is absent or not a number is dropped, whatever the operator.
    """

    field: str
    op: FieldOp
    value: str | float

    def __post_init__(self) -> None:
        _check_name(self.field, "field")
        allowed = NUMERIC_OPS if self.numeric else MATCH_OPS
        if self.op not in allowed:
            kind = "number" if self.numeric else "string"
            raise QueryError(f"field {self.field}: {self.op!r} does not compare a {kind}; one of {' '.join(allowed)}")
        if self.numeric and not abs(float(self.value)) < float("inf"):
            raise QueryError(f"field {self.field}: {self.value} is not a finite number")
        if not self.numeric and self.op in ("=~", "!~"):
            label_pattern(str(self.value))

    @property
    def numeric(self) -> bool:
        """Whether the comparison is by number."""
        return not isinstance(self.value, str)


@dataclass(frozen=True)
class LogQuery:
    """Lines with start_ns <= ns < end_ns of the streams all `matchers` select, through filters, parser and conditions.

    At least one matcher must refuse the empty string (Loki demands it). Lines the parser cannot read are dropped.
    `limit` counts lines and is not used when counting; backward means newest first.
    """

    matchers: tuple[LabelMatcher, ...]
    start_ns: int
    end_ns: int
    filters: tuple[LineFilter, ...] = ()
    parser: Parser | None = None
    conditions: tuple[FieldCondition, ...] = ()
    limit: int = 100
    direction: Direction = "backward"

    def __post_init__(self) -> None:
        check_matchers(self.matchers)
        check_window(self.start_ns, self.end_ns)
        if self.parser not in (None, "json", "logfmt"):
            raise QueryError(f"unknown parser {self.parser!r}; json or logfmt")
        if not 1 <= self.limit <= MAX_LIMIT:
            raise QueryError(f"limit {self.limit} is outside 1..{MAX_LIMIT}")
        if self.direction not in ("backward", "forward"):
            raise QueryError(f"unknown direction {self.direction!r}; backward or forward")


def check_window(start_ns: int, end_ns: int) -> None:
    """Raises QueryError for a window that is empty, negative or beyond what int64 nanoseconds hold."""
    if not 0 <= start_ns < end_ns < 2**63:
        raise QueryError(f"the window [{start_ns}, {end_ns}) is empty or not in Unix nanoseconds")


def check_matchers(matchers: tuple[LabelMatcher, ...]) -> None:
    """Raises QueryError unless a matcher refuses the empty string, as Loki demands."""
    if not any(_refuses_empty(matcher) for matcher in matchers):
        raise QueryError('at least one matcher must not match the empty string, e.g. {service="api"}')


def _refuses_empty(matcher: LabelMatcher) -> bool:
    if matcher.op in ("=", "!="):
        return (matcher.value == "") == (matcher.op == "!=")
    return bool(label_pattern(matcher.value).match("")) == (matcher.op == "!~")


def check_count(query: LogQuery, by: tuple[str, ...], step_ms: int, window_ms: int | None) -> None:
    """Raises QueryError for a count no server would take."""
    for name in by:
        _check_name(name, "label")
    if step_ms < 1 or (window_ms is not None and window_ms < 1):
        raise QueryError(f"step {step_ms} ms and window {window_ms} ms must be at least 1 ms")
    if (query.end_ns - query.start_ns) // (step_ms * 1_000_000) >= MAX_STEPS:
        raise QueryError(f"step {step_ms} ms is too short for the window: more than {MAX_STEPS} points a series")


@dataclass(frozen=True)
class LogEntry:
    """One line. `labels` are its stream's, its structured metadata and, after a parser, the parsed fields."""

    ns: int
    line: str
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class LogResult:
    """Lines, newest first when the query was backward, else oldest first; truncated when `limit` cut some off."""

    entries: tuple[LogEntry, ...]
    truncated: bool = False
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class CountSeries:
    """Counts of one group: `counts[i]` lines in (ms[i] - window, ms[i]]. Moments that counted nothing are left out."""

    labels: Mapping[str, str]
    ms: tuple[int, ...]
    counts: tuple[int, ...]


@dataclass(frozen=True)
class CountResult:
    """One series for each group of `by` labels that had a line; a label a line lacks is left out of its group."""

    series: tuple[CountSeries, ...]
    warnings: tuple[str, ...] = ()


class Logs(Protocol):
    """Raises SourceUnavailable, SourceRefused, QueryError or NotCaptured; never returns half an answer silently."""

    async def search(self, query: LogQuery) -> LogResult:
        """The lines a query selects, `limit` at most."""
        ...

    async def count(
        self, query: LogQuery, by: tuple[str, ...], step_ms: int, window_ms: int | None = None
    ) -> CountResult:
        """Lines in (t - window, t] by label, at each multiple of the step from start rounded down to end rounded up.

        `window_ms` defaults to the step, which counts each line once.
        """
        ...

    async def labels(self, *, start_ns: int, end_ns: int) -> tuple[str, ...]:
        """Names of stream labels, sorted."""
        ...

    async def label_values(self, name: str, *, start_ns: int, end_ns: int) -> tuple[str, ...]:
        """Values one stream label takes, sorted."""
        ...

    async def series(
        self, matchers: tuple[LabelMatcher, ...], *, start_ns: int, end_ns: int
    ) -> tuple[Mapping[str, str], ...]:
        """Label sets of the streams selected that have a line in the window, sorted."""
        ...
