"""Any PromQL is answered from the recording as of a moment, or refused with what is missing; never half an answer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.errors import BadSnapshot, NotCaptured, QueryError
from tests.tools.recorded.tiny_case import (
    END_MS,
    NOW_MS,
    ONSET_MS,
    START_MS,
    STEP_MS,
    TinyCase,
    there,
    write_tiny_case,
)
from tools.recorded.coverage import Coverage, reads
from tools.recorded.metrics import known_by
from tools.recorded.promql.grammar import parse
from tools.recorded.promql.semantics import Semantics
from tools.recorded.world import open_world
from tools.sources.metrics import Metrics

MINUTE = 60_000
V2, V3 = Semantics((2, 42)), Semantics((3, 1))
CPU = "container_cpu_usage_seconds_total"


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> TinyCase:
    return write_tiny_case(tmp_path_factory.mktemp("case") / "tiny")


@pytest.fixture(scope="module")
def metrics(tiny: TinyCase) -> Metrics:
    return there(open_world(tiny.folder).metrics)


async def test_rates_show_the_stray(metrics: Metrics) -> None:
    """The standby worker's CPU rises from nothing to that of the active one."""
    result = await metrics.range(f'sum by (name) (rate({CPU}{{name=~"worker-.*"}}[1m]))', start_ms=START_MS + MINUTE,
                                 end_ms=NOW_MS, step_ms=MINUTE)
    by_name = {series.label("name"): series.values for series in result.series}
    assert by_name["worker-blue"][0] == pytest.approx(0.5)
    assert by_name["worker-blue"][-1] == by_name["worker-green"][-1] == pytest.approx(0.25)


async def test_later_than_now_is_as_of_now(metrics: Metrics) -> None:
    """An instant after `now` is answered as of `now`; a range stops there; nothing later is ever read."""
    late = await metrics.instant("timestamp(up)", at_ms=END_MS)
    assert [(int(s.ms[0]), s.values[0]) for s in late.series] == [(NOW_MS, NOW_MS / 1000)]
    ranged = await metrics.range("up", start_ms=NOW_MS - MINUTE, end_ms=END_MS, step_ms=30_000)
    assert ranged.series[0].ms.tolist() == [NOW_MS - MINUTE, NOW_MS - 30_000, NOW_MS]
    future = await metrics.range("up offset -2m", start_ms=NOW_MS - MINUTE, end_ms=NOW_MS, step_ms=MINUTE)
    assert future.series[0].values.tolist() == [1, 1]
    ahead = await metrics.instant(f"timestamp(up @ {END_MS / 1000})", at_ms=NOW_MS)
    assert ahead.series[0].values[0] == NOW_MS / 1000


async def test_wholly_after_now_is_not_captured(metrics: Metrics) -> None:
    """A window that begins after `now` is unknown, not empty."""
    with pytest.raises(NotCaptured, match="nothing is known after"):
        await metrics.range("up", start_ms=NOW_MS + 1, end_ms=END_MS, step_ms=MINUTE)


async def test_a_range_that_begins_before_the_recording_is_not_captured(metrics: Metrics) -> None:
    """rate[5m] one minute into the recording would see a fifth of its samples: the answer says from when to ask."""
    with pytest.raises(NotCaptured, match=r"240 s more than there is; .*so ask from 2026-11-21T02:05:00\.000Z"):
        await metrics.range(f"rate({CPU}[5m])", start_ms=START_MS + MINUTE, end_ms=NOW_MS, step_ms=MINUTE)
    result = await metrics.range(f"rate({CPU}[5m])", start_ms=START_MS + 5 * MINUTE, end_ms=NOW_MS, step_ms=MINUTE)
    assert len(result.series[0].ms) == 12


async def test_world_says_from_when_everything_may_be_asked(tiny: TinyCase) -> None:
    """At `earliest_ms` each living series was scraped once, so that a plain selector misses none of them."""
    world = open_world(tiny.folder)
    earliest = there(world.earliest_ms)
    assert earliest == START_MS + STEP_MS
    found = await there(world.metrics).instant("up", at_ms=earliest)
    assert len(found.series) == 1
    with pytest.raises(NotCaptured, match="ask from 2026-11-21T02:00:05"):
        await there(world.metrics).instant("up", at_ms=START_MS)


@pytest.mark.parametrize(("query", "covered"), [
    ("up", True), ("up offset 1m", True), ("up offset 10m", False), ("1 + 1", True), ("time()", True),
    ("rate(up[8m])", False), ("rate(up[7m])", True), ("rate(up[5m] offset 3m)", False), ("absent(nothing)", True),
    ("max_over_time(rate(up[1m])[5m:30s])", True), ("max_over_time(rate(up[4m])[5m:30s])", False),
    ("sum(up) / on() group_left sum(rate(up[9m]))", False), ("topk(scalar(up offset 1h), up)", False),
    (f"up @ {START_MS / 1000 + 60}", True), (f"rate(up[5m] @ {START_MS / 1000 + 60})", False),
    ("-(up offset 1h)", False),
    ("up @ start()", True), ("rate(up[5m] @ end())", True),
])
async def test_every_selector_of_a_query_must_be_covered(metrics: Metrics, query: str, covered: bool) -> None:
    """Offsets, subqueries, @ and every operand count; seven and a half minutes are there to be read."""
    at = START_MS + 7 * MINUTE + 30_000
    if covered:
        await metrics.instant(query, at_ms=at)
    else:
        with pytest.raises(NotCaptured):
            await metrics.instant(query, at_ms=at)


@pytest.mark.parametrize(("query", "reading"), [
    ("up", [(0, 100, False)]), ("up[30s]", [(-30_000, 100, True)]), ("up offset 10s", [(-10_000, -9_900, False)]),
    ("up offset -10s", [(10_000, 10_100, False)]), ("up @ 7", [(7_000, 7_000, False)]), ("1", []),
    ("up @ end() offset 5s", [(-4_900, -4_900, False)]), ("rate(a[1m]) + b", [(-60_000, 100, True), (0, 100, False)]),
    ("sum_over_time(up[90s:1m])", [(-60_000, 100, False)]),
    ("sum_over_time(up[2m:1m] @ 30)", [(-60_000, 30_000, False)]),
    ("quantile_over_time(scalar(q), up[10s])", [(0, 100, False), (-10_000, 100, True)]),
])
def test_reads_are_what_the_engine_looks_at(query: str, reading: list[tuple[int, int, bool]]) -> None:
    """First and last moment of every selector, with subqueries on their own grid."""
    found = [(r.first_ms, r.last_ms, r.ranged) for r in reads(parse(query, V2), 0, 100, V2)]
    assert found == reading


@given(start=st.integers(0, 10**6), late=st.integers(1, 10**6), window=st.integers(1, 600))
@settings(max_examples=60)
def test_asking_as_late_as_told_is_covered(start: int, late: int, window: int) -> None:
    """The moment named in a refusal is the first one that is not refused."""
    node = parse(f"rate(up[{window}s] offset 7s) + up", V2)
    coverage = Coverage(start + late, 5_000, V2)
    missing = there(coverage.missing_ms(node, start, start + 1))
    assert missing > 0
    assert coverage.missing_ms(node, start + missing, start + missing) == 0
    assert there(coverage.missing_ms(node, start + missing - 1, start + missing)) == 1


async def test_series_outside_the_scope_are_not_captured(tmp_path: Path) -> None:
    """Where only some series were captured, a query that may select others is refused, whatever it would find."""
    scope = {"metrics": ["up", f'{CPU}{{name=~"worker-.*"}}'], "logs": []}
    metrics = there(open_world(write_tiny_case(tmp_path / "c", scope=scope).folder).metrics)
    for query in ("up", 'up{job="node"}', f'{CPU}{{name="worker-blue"}}', f'{CPU}{{name=~"worker-.*",image!=""}}'):
        assert (await metrics.instant(query, at_ms=NOW_MS)).series
    for query in (CPU, f'{CPU}{{name="redis"}}', f'{CPU}{{name=~"worker-blue|redis"}}', "container_memory_usage_bytes",
                  '{job="node"}', f'up + on() group_left {CPU}{{name="redis"}}'):
        with pytest.raises(NotCaptured, match="is not inside what was captured"):
            await metrics.instant(query, at_ms=NOW_MS)


@pytest.mark.parametrize("query", ["up{", "", "sum(", "rate(up)", '"text"', "up[5m]]"])
async def test_malformed_queries_are_refused(metrics: Metrics, query: str) -> None:
    """What a server would refuse is a QueryError here."""
    with pytest.raises(QueryError):
        await metrics.range(query, start_ms=NOW_MS - MINUTE, end_ms=NOW_MS, step_ms=MINUTE)


@pytest.mark.parametrize(("start", "end", "step", "says"), [
    (NOW_MS - MINUTE, NOW_MS, 0, "step"), (NOW_MS, NOW_MS - 1, 1000, "end timestamp"),
    (NOW_MS - 11 * MINUTE, NOW_MS, 60, "11,000 points"),
])
async def test_impossible_ranges_are_refused(metrics: Metrics, start: int, end: int, step: int, says: str) -> None:
    """As a server: no step, an end before the start, more than 11,000 points."""
    with pytest.raises(QueryError, match=says):
        await metrics.range("up", start_ms=start, end_ms=end, step_ms=step)


def test_cutting_at_now_keeps_shared_vectors_shared() -> None:
    """Series scraped together are cut together, and one that begins after `now` is not there at all."""
    ms, late = np.array([1, 2, 3]), np.array([5, 6])
    values = np.array([1.0, 2.0, 3.0])
    kept = list(known_by([({"a": "1"}, ms, values), ({"a": "2"}, ms, values), ({"a": "3"}, late, values[:2])], 2))
    assert [(labels["a"], t.tolist(), v.tolist()) for labels, t, v in kept] == [
        ("1", [1, 2], [1.0, 2.0]), ("2", [1, 2], [1.0, 2.0])]
    assert kept[0][1] is kept[1][1]


async def test_server_version_decides_what_a_window_holds(tmp_path: Path) -> None:
    """[10s] on a 5 s grid holds three samples in 2.x and two in 3.x."""
    for version, samples in (("2.42.0", 3), ("3.1.0", 2)):
        server = {"prometheus": version, "scrape_interval_s": 5}
        metrics = there(open_world(write_tiny_case(tmp_path / version, server=server).folder).metrics)
        (series,) = (await metrics.instant("count_over_time(up[10s])", at_ms=ONSET_MS)).series
        assert series.values[0] == samples


async def test_damaged_metrics_and_bad_scopes_are_clear(tmp_path: Path) -> None:
    """A broken line is named when it is first asked; a selector that does not parse when the case is opened."""
    folder = write_tiny_case(tmp_path / "c").folder
    with (folder / "metrics.jsonl").open("a") as file:
        file.write('{"labels": {"__name__": "x"}, "ms": [2, 1], "values": [1, 1]}\n')
    with pytest.raises(BadSnapshot, match=r"metrics\.jsonl:\d+: times do not ascend"):
        await there(open_world(folder).metrics).instant("up", at_ms=NOW_MS)
    for modality in ("metrics", "logs"):
        bad = write_tiny_case(tmp_path / f"bad-{modality}", scope={modality: ["sum(up"]}).folder
        with pytest.raises(BadSnapshot, match=rf"snapshot\.yaml: scope\.{modality}"):
            open_world(bad)
