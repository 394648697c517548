"""A case's logs answer through the seam, within its window and never past `now`."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.errors import BadSnapshot, NotCaptured
from tests.tools.recorded.tiny_case import END_MS, NOW_MS, ONSET_MS, START_MS, TinyCase, there, write_tiny_case
from tools.recorded.world import open_world
from tools.sources.logs import LabelMatcher, LineFilter, LogQuery

NS = 1_000_000
WORKERS = (LabelMatcher("service", "=", "worker"),)
DONE = (LineFilter("contains", "job done"),)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> TinyCase:
    return write_tiny_case(tmp_path_factory.mktemp("case") / "tiny")


async def test_work_is_counted_by_container(tiny: TinyCase) -> None:
    """From the onset on, the two workers finish the same number of jobs."""
    logs = there(open_world(tiny.folder).logs)
    query = LogQuery(WORKERS, (ONSET_MS + 60_000) * NS, NOW_MS * NS, filters=DONE)
    counted = await logs.count(query, ("container",), 60_000)
    totals = {series.labels["container"]: sum(series.counts) for series in counted.series}
    assert totals["worker-blue"] == totals["worker-green"] > 50


async def test_lines_after_now_do_not_exist(tiny: TinyCase) -> None:
    """The recording goes on after `now`; a search up to its end stops at `now`."""
    logs = there(open_world(tiny.folder).logs)
    found = await logs.search(LogQuery(WORKERS, START_MS * NS, END_MS * NS, limit=3))
    assert found.entries
    assert max(entry.ns for entry in found.entries) <= NOW_MS * NS


async def test_lines_before_the_window_are_not_captured(tiny: TinyCase) -> None:
    """Asking earlier is answered with the first moment that is known."""
    logs = there(open_world(tiny.folder).logs)
    with pytest.raises(NotCaptured, match="captured from 2026-11-21T02:00:00"):
        await logs.search(LogQuery(WORKERS, (START_MS - 1) * NS, NOW_MS * NS))


async def test_streams_outside_the_scope_are_not_captured(tmp_path: Path) -> None:
    """Where only the workers' logs were captured, nothing is said about nginx."""
    scope = {"metrics": [], "logs": ['{service="worker"}']}
    logs = there(open_world(write_tiny_case(tmp_path / "c", scope=scope).folder).logs)
    assert (await logs.search(LogQuery(WORKERS, START_MS * NS, NOW_MS * NS))).entries
    with pytest.raises(NotCaptured, match="was not captured"):
        await logs.search(LogQuery((LabelMatcher("service", "=", "proxy"),), START_MS * NS, NOW_MS * NS))


async def test_damaged_logs_are_found_when_asked(tmp_path: Path) -> None:
    """A broken line is reported with its number, at the first question and at every later one."""
    folder = write_tiny_case(tmp_path / "c").folder
    with (folder / "logs.jsonl").open("a") as file:
        file.write('{"labels": {}, "entries": [[1]]}\n')
    logs = there(open_world(folder).logs)
    for _ in range(2):
        with pytest.raises(BadSnapshot, match=r"logs\.jsonl:5"):
            await logs.labels(start_ns=START_MS * NS, end_ns=NOW_MS * NS)
