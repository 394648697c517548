"""The recorded logs source: the past as captured, no future, and a refusal where nothing was captured."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.errors import BadSnapshot, NotCaptured, QueryError
from tools.recorded.logs.engine import LogEngine
from tools.recorded.logs.recorded_logs import RecordedLogs, open_logs
from tools.recorded.logs.store import stream_of
from tools.recorded.logs_file import write_logs
from tools.recorded.span import Span
from tools.sources.log_totals import LogTotal, total_lines
from tools.sources.logs import LabelMatcher, LogQuery

MS = 1_000_000
SECOND = 1000 * MS
START, NOW = 1_000 * SECOND, 2_000 * SECOND
API = (LabelMatcher("service", "=", "api"),)

STREAM = stream_of({"service": "api", "env": "prod"}, [(at * SECOND, f"line {at}") for at in range(900, 2100, 10)])


def recorded(*scope: tuple[LabelMatcher, ...]) -> RecordedLogs:
    return RecordedLogs(load=lambda: LogEngine([STREAM]), start_ns=START, now_ns=NOW, scope=scope)


async def test_nothing_after_the_frozen_present_is_read() -> None:
    """A search past `now` ends at it; a count that rounds its end up does not reach into the future."""
    logs = recorded()
    result = await logs.search(LogQuery(API, START, NOW + 50 * SECOND, limit=1000))
    assert result.entries[0].ns == NOW - 10 * SECOND
    counts = await logs.count(LogQuery(API, START + 600 * SECOND, NOW - 100 * SECOND), (), 600_000)
    assert counts.series[0].counts == (60, 19)
    with pytest.raises(NotCaptured, match="nothing is known after"):
        await logs.search(LogQuery(API, NOW, NOW + SECOND))
    with pytest.raises(NotCaptured, match="nothing is known after"):
        await logs.labels(start_ns=NOW, end_ns=NOW + 1)


async def test_a_window_before_the_recording_is_not_captured() -> None:
    """Asking from before the first captured moment is refused, by search, count, names and statistics alike."""
    logs = recorded()
    for ask in (
        logs.search(LogQuery(API, START - 1, NOW)),
        logs.count(LogQuery(API, START - 1, NOW), (), 60_000),
        logs.labels(start_ns=START - 1, end_ns=NOW),
        logs.series(API, start_ns=START - 1, end_ns=NOW),
        logs.stats(API, start_ns=START - 1, end_ns=NOW),
    ):
        with pytest.raises(NotCaptured, match="captured from 1970-01-01T00:16:40"):
            await ask


async def test_counts_whose_window_begins_before_the_recording_are_left_out_and_said() -> None:
    """A moving window that would reach back past the recording is no count; within the asked window it warns."""
    counts = await recorded().count(LogQuery(API, START, NOW), (), 100_000, 300_000)
    assert counts.series[0].ms[0] == 1_300_000
    assert counts.series[0].counts[0] == 30
    assert "counts before 1970-01-01T00:21:40.000Z are left out" in counts.warnings[0]
    tumbling = await recorded().count(LogQuery(API, START + SECOND, NOW), (), 100_000)
    assert (tumbling.series[0].ms[0], tumbling.warnings) == (1_100_000, ())
    with pytest.raises(NotCaptured, match="counts need lines from"):
        await recorded().count(LogQuery(API, START, START + SECOND), (), 1_000, 600_000)


async def test_streams_outside_the_captured_scope_are_refused() -> None:
    """With a scope, only queries that provably stay inside it are answered."""
    logs = recorded((LabelMatcher("service", "=~", "api|web"), LabelMatcher("env", "=", "prod")))
    prod = LabelMatcher("env", "=", "prod")
    inside = [(*API, prod), (LabelMatcher("service", "=~", "api|web"), prod)]
    for matchers in inside:
        assert (await logs.search(LogQuery(matchers, START, NOW))).entries
    for matchers in (API, (LabelMatcher("service", "=", "db"), prod), (prod,)):
        with pytest.raises(NotCaptured, match=r"was not captured; only \{service=~"):
            await logs.search(LogQuery(matchers, START, NOW))


async def test_a_total_counts_exactly_its_window() -> None:
    """Totals take lines in (start, end] whatever the alignment, and refuse a window that was not captured."""
    logs = recorded()
    query = LogQuery(API, START + 5 * SECOND, START + 37 * SECOND + 123 * MS)
    assert await total_lines(logs, query, ("service",)) == (LogTotal({"service": "api"}, 3),)
    assert await total_lines(logs, LogQuery(API, NOW - 100 * SECOND, NOW), ()) == (LogTotal({}, 9),)
    with pytest.raises(NotCaptured):
        await total_lines(logs, LogQuery(API, START - SECOND, START + SECOND), ())


async def test_a_case_folders_file_is_read_when_first_asked(tmp_path: Path) -> None:
    """Opening reads nothing; the first question reads the file; its faults are a BadSnapshot then."""
    path = tmp_path / "logs.jsonl.gz"
    logs = open_logs(path, span=Span(1_000_000, 1_990_000), scope=('{service="api"}',))
    with pytest.raises(BadSnapshot, match=r"logs\.jsonl\.gz"):
        await logs.search(LogQuery(API, START, NOW))
    write_logs(path, [STREAM])
    result = await logs.search(LogQuery(API, START, NOW, limit=1))
    assert (result.entries[0].ns, result.entries[0].line) == (1_990 * SECOND, "line 1990")
    assert await logs.label_values("env", start_ns=START, end_ns=NOW) == ("prod",)
    with pytest.raises(QueryError, match="not just a selector"):
        open_logs(path, span=Span(0, 1), scope=('{service="api"} |= "x"',))
