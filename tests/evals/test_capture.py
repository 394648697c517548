"""What is captured from servers answers every question as they did; what is left out is written down."""

from __future__ import annotations

import json
import struct
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import cramjam
import httpx
import numpy as np
import pytest
from typer.testing import CliRunner

from config.errors import BadInput, NotCaptured, SourceUnavailable
from config.redact import Redactor
from evals.capture import capture
from evals.capture_plan import Plan
from evals.case import load_case
from evals.check import check_case
from evals.log_pages import read_stream
from tests.tools.recorded.served_case import served_over_http
from tests.tools.recorded.tiny_case import END_MS, NOW_MS, ONSET_MS, START_MS, TinyCase, alerts, there, write_tiny_case
from tools.recorded.case_api import CaseApi
from tools.recorded.check import Severity
from tools.recorded.logs.engine import LogEngine
from tools.recorded.logs.store import stream_of
from tools.recorded.snapshot import read_snapshot
from tools.recorded.world import open_world
from tools.sources.logs import LabelMatcher, LogQuery
from tools.sources.loki import LokiLogs
from tools.sources.raw_samples import RawSamples, duration_s
from tools.world import World
from triggers.case_cli import app

MINUTE, NS = 60_000, 1_000_000
PLAN = Plan(id="again", start_ms=START_MS + MINUTE, end_ms=END_MS, now_ms=NOW_MS, question="왜 느린가요?", lang="ko",
            payloads=((NOW_MS, alerts()["payloads"][0]["payload"]),))
QUERIES = ["up", "rate(container_cpu_usage_seconds_total[1m])", "sum by (image) (container_memory_usage_bytes)",
           "max_over_time(container_memory_usage_bytes[2m:30s])", "count(container_cpu_usage_seconds_total)"]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> TinyCase:
    return write_tiny_case(tmp_path_factory.mktemp("case") / "tiny")


@asynccontextmanager
async def live(folder: Path, fail_at: int = 0) -> AsyncIterator[tuple[World, RawSamples]]:
    """The case as servers over HTTP: metrics and logs through the live clients. `fail_at`: that request breaks."""
    served: Any = CaseApi(folder, whole=True)
    asked = 0

    async def application(scope: Any, receive: Any, send: Any) -> None:
        nonlocal asked
        asked += 1
        if asked == fail_at:
            await send({"type": "http.response.start", "status": 503, "headers": []})
            await send({"type": "http.response.body", "body": b""})
        else:
            await served(scope, receive, send)

    transport = httpx.ASGITransport(app=application)
    logs = LokiLogs(base_url="http://loki", transport=transport)
    world = replace(open_world(folder, whole=True), logs=logs, metrics=None)
    yield world, RawSamples(url="http://prometheus", transport=transport)
    await logs.aclose()


async def captured(folder: Path, out: Path, plan: Plan = PLAN, **options: Any) -> tuple[dict[str, Any], ...]:
    async with live(folder) as (world, samples):
        return await capture(world, plan, out, samples=samples, redactor=Redactor(), present_ms=END_MS, **options)


async def test_replayed_queries_give_what_the_server_gave(tiny: TinyCase, tmp_path: Path) -> None:
    """Every query on the captured case equals the same query on what it was captured from."""
    await captured(tiny.folder, tmp_path / "again")
    before, after = there(open_world(tiny.folder).metrics), there(open_world(tmp_path / "again").metrics)
    for query in QUERIES:
        window = {"start_ms": START_MS + 4 * MINUTE, "end_ms": NOW_MS, "step_ms": 20_000}
        old, new = await before.range(query, **window), await after.range(query, **window)
        assert len(old.series) == len(new.series) > 0, query
        for one, other in zip(old.series, new.series, strict=True):
            assert dict(one.labels) == dict(other.labels)
            assert np.array_equal(one.ms, other.ms), (query, one.labels)
            assert np.allclose(one.values, other.values, rtol=1e-12)


async def test_every_line_is_captured_once(tiny: TinyCase, tmp_path: Path) -> None:
    """All lines of the window, in order, none lost and none doubled, through a paging Loki client."""
    await captured(tiny.folder, tmp_path / "again")
    query = LogQuery((LabelMatcher("container", "=~", ".+"),), PLAN.start_ms * NS, NOW_MS * NS, limit=100_000)
    old = await there(open_world(tiny.folder).logs).search(query)
    new = await there(open_world(tmp_path / "again").logs).search(query)
    assert len(old.entries) == len(new.entries) > 1_000
    assert new.entries == old.entries


async def test_captured_case_is_a_good_case(tiny: TinyCase, tmp_path: Path) -> None:
    """It passes the check, starts with the payload and the question, and says how markers were got."""
    missing = await captured(tiny.folder, tmp_path / "again")
    problems = [p for p in check_case(tmp_path / "again") if p.severity is Severity.ERROR and p.file != "label.yaml"]
    assert problems == []
    case = load_case(tmp_path / "again")
    assert [s.title for s in case.signals] == ["CompletionsLate", "왜 느린가요?"]
    assert any(m["what"] == "stale markers" for m in missing)
    manifest = read_snapshot(tmp_path / "again").manifest
    assert (manifest.server.prometheus, manifest.server.scrape_interval_s) == ("2.42.0", 5)
    world = open_world(tmp_path / "again")
    assert [c.build for c in await there(world.changes).between(start_ms=PLAN.start_ms, end_ms=NOW_MS)] == ["42"]
    assert {v.colour for v in await there(world.routing).views("api", at_ms=NOW_MS)} == {"blue"}
    listed = {c.name: c.state for c in await there(world.containers).list(at_ms=ONSET_MS + MINUTE)}
    assert listed["worker-green"] == "running"


async def test_scope_bounds_what_is_captured(tiny: TinyCase, tmp_path: Path) -> None:
    """Only the selected series and streams are written; the rest is not captured rather than absent."""
    plan = replace(PLAN, metrics=("up",), logs=('{service="worker"}',))
    await captured(tiny.folder, tmp_path / "again", plan)
    world = open_world(tmp_path / "again")
    assert (await there(world.metrics).instant("up", at_ms=NOW_MS)).series
    with pytest.raises(NotCaptured):
        await there(world.metrics).instant(QUERIES[2], at_ms=NOW_MS)
    with pytest.raises(NotCaptured):
        await there(world.logs).search(LogQuery((LabelMatcher("service", "=", "api"),), ONSET_MS * NS, NOW_MS * NS))


async def test_limit_of_bytes_leaves_out_what_it_names(tiny: TinyCase, tmp_path: Path) -> None:
    """What a limit cut off is listed as missing and answers not_captured."""
    missing = await captured(tiny.folder, tmp_path / "again", replace(PLAN, max_bytes=20_000))
    assert {m["what"].split(":")[0] for m in missing} >= {"part of metrics", "part of logs"}
    world = open_world(tmp_path / "again")
    with pytest.raises(NotCaptured):
        await there(world.metrics).instant("up", at_ms=NOW_MS)
    assert (await there(world.metrics).instant("container_cpu_usage_seconds_total", at_ms=NOW_MS)).series


@pytest.mark.parametrize("fail_at", [3, 8, 11])
async def test_interrupted_capture_goes_on_where_it_stopped(tiny: TinyCase, tmp_path: Path, fail_at: int) -> None:
    """After a failure the folder is no case yet; the second run asks less and ends with the same content."""
    out = tmp_path / "again"
    async with live(tiny.folder, fail_at) as (world, samples):
        with pytest.raises(SourceUnavailable):
            await capture(world, PLAN, out, samples=samples, redactor=Redactor(), present_ms=END_MS)
    assert not (out / "snapshot.yaml").exists()
    done = {p.name for p in (out / ".capture").glob("*.jsonl")}
    await captured(tiny.folder, out)
    await captured(tiny.folder, tmp_path / "whole")
    assert not (out / ".capture").exists()
    for path in (tmp_path / "whole").iterdir():
        assert (out / path.name).read_bytes() == path.read_bytes(), (path.name, done)


async def test_another_plan_does_not_continue_this_one(tiny: TinyCase, tmp_path: Path) -> None:
    """A half-done capture is finished with its own plan, and a finished case is never written over."""
    out = tmp_path / "again"
    async with live(tiny.folder, 8) as (world, samples):
        with pytest.raises(SourceUnavailable):
            await capture(world, PLAN, out, samples=samples, redactor=Redactor(), present_ms=END_MS)
    with pytest.raises(BadInput, match="another capture is under way"):
        await captured(tiny.folder, out, replace(PLAN, id="other"))
    await captured(tiny.folder, out)
    with pytest.raises(BadInput, match="holds a case already"):
        await captured(tiny.folder, out)


async def test_secrets_never_reach_the_disk(tmp_path: Path) -> None:
    """Passwords in lines, labels, changes and payloads are placeholders, the same one for the same secret."""
    folder = write_tiny_case(tmp_path / "leaky").folder
    for name in ("logs.jsonl", "changes.jsonl", "alerts.json", "metrics.jsonl"):
        path = folder / name
        text = path.read_text().replace("요청을 받았습니다", "password=hunter2butlonger").replace(
            "deploy worker 42 to green", "deploy with password=hunter2butlonger").replace(
            "Completions are late", "Completions are late password=hunter2butlonger")
        path.write_text(text)
    payload = json.loads((folder / "alerts.json").read_text())["payloads"][0]["payload"]
    out = tmp_path / "again"
    async with live(folder, 9) as (world, samples):
        with pytest.raises(SourceUnavailable):
            await capture(world, replace(PLAN, payloads=((NOW_MS, payload),)), out, samples=samples,
                          redactor=Redactor(), present_ms=END_MS)
    assert not any(b"hunter2" in p.read_bytes() for p in out.rglob("*") if p.is_file())
    await captured(folder, out, replace(PLAN, payloads=((NOW_MS, payload),)))
    world = open_world(out)
    assert "[secret-" in (await there(world.changes).between(start_ms=PLAN.start_ms, end_ms=NOW_MS))[0].text
    query = LogQuery((LabelMatcher("service", "=", "api"),), PLAN.start_ms * NS, NOW_MS * NS, limit=5)
    assert all("password=[secret-" in e.line for e in (await there(world.logs).search(query)).entries)
    assert not any("hunter2" in p.read_text() for p in out.glob("*.json"))


async def test_a_live_world_is_not_asked_about_its_past(tiny: TinyCase, tmp_path: Path) -> None:
    """Docker tells only its present: outside the window it is not observed, and that is written down."""
    out = tmp_path / "again"
    async with live(tiny.folder) as (world, samples):
        missing = await capture(replace(world, earliest_ms=None, queues=None), PLAN, out, samples=samples,
                                redactor=Redactor(), present_ms=END_MS + 10 * MINUTE)
    whats = {m["what"] for m in missing}
    assert whats >= {"containers as they were", "routing as they were", "queues"}
    with pytest.raises(NotCaptured, match="there is no reading"):
        await there(open_world(out).containers).list(at_ms=NOW_MS)


@pytest.fixture
def server(tiny: TinyCase) -> Iterator[str]:
    """Where the case is served over HTTP."""
    with served_over_http(tiny.folder, whole=True) as address:
        yield address


def test_capture_command_records_a_served_case(tiny: TinyCase, tmp_path: Path, server: str) -> None:
    """`case serve` and `case capture` over HTTP: the captured case opens, and what had no source is told."""
    out, alert = tmp_path / "again", tmp_path / "alert.json"
    alert.write_text(json.dumps(alerts()["payloads"][0]["payload"]))
    arguments = ["capture", str(out), "--start", "2026-11-21T02:01:00Z", "--end", "2026-11-21T02:20:00Z", "--now",
                 "2026-11-21T02:16:00Z", "--prometheus", server, "--loki", server, "--alert", str(alert), "--inventory",
                 str(tiny.folder / "inventory.yaml"), "--json"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.stderr
    assert {m["what"] for m in json.loads(result.stdout)["missing"]} >= {"containers", "changes", "stale markers"}
    assert load_case(out).signals[0].title == "CompletionsLate"
    assert [p for p in check_case(out) if p.severity is Severity.ERROR and p.file != "label.yaml"] == []
    assert CliRunner().invoke(app, arguments).exit_code == 2


def test_capture_command_needs_a_source_and_times(tmp_path: Path) -> None:
    """Without a backend, or with a time that is none, it is a usage error and nothing is left behind."""
    for extra in (["--start", "2026-11-21T02:01:00Z"], ["--start", "noon", "--prometheus", "http://p"]):
        result = CliRunner().invoke(app, ["capture", str(tmp_path / "x"), "--end", "2026-11-21T02:20:00Z", *extra])
        assert result.exit_code == 2
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("page", [2, 3, 7, 1000])
async def test_pages_keep_lines_of_one_moment_together(page: int) -> None:
    """Lines that share a nanosecond are neither lost nor doubled at the edge of a page, however small the page."""
    entries = [(10, "a"), (10, "b"), (11, "c"), (11, "c"), (11, "d"), (12, "e"), (13, "f"), (13, "g"), (13, "h")]
    engine = LogEngine([stream_of({"c": "x"}, entries), stream_of({"c": "x", "d": "y"}, [(11, "other")])])

    class Memory:
        async def search(self, query: LogQuery) -> Any:
            return engine.search(query)

    logs: Any = Memory()
    found = await read_stream(logs, {"c": "x"}, {"c", "d"}, start_ns=0, end_ns=100, page=page)
    assert [tuple(entry) for entry in found] == entries


def answering(rows: Sequence[Mapping[str, Any]]) -> RawSamples:
    """A Prometheus without remote read that answers one instant query."""
    def reply(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/read"):
            return httpx.Response(404, text="no")
        return httpx.Response(200, json={"status": "success", "data": {"resultType": "matrix", "result": list(rows)}})

    return RawSamples(url="http://p", transport=httpx.MockTransport(reply))


async def test_stale_markers_are_inferred_where_a_series_ends_or_pauses() -> None:
    """One interval after the last sample and in a long pause; not for a series that lives, nor at one lost scrape."""
    points = [t for t in range(0, 200, 5) if not 50 < t < 90 and t != 100]
    ended = {"metric": {"__name__": "x"}, "values": [[t, "1"] for t in points]}
    alive = {"metric": {"__name__": "y"}, "values": [[t, "NaN"] for t in range(0, 301, 5)]}
    first, second = await answering([ended, alive]).read(
        [LabelMatcher("a", "=", "b")], start_ms=0, end_ms=300_000, external={}, interval_ms=5_000)
    assert first.ms[first.stale()].tolist() == [55_000, 200_000]
    assert not second.stale().any()
    assert np.isnan(second.values).all()


def remote_answer(labels: Mapping[str, str], ms: int, value: float) -> bytes:
    """A remote read response of one series with one sample: snappy over protobuf, written by hand."""
    def part(field: int, body: bytes) -> bytes:
        return bytes([field << 3 | 2, len(body)]) + body

    series = b"".join(part(1, part(1, k.encode()) + part(2, v.encode())) for k, v in labels.items())
    series += part(2, b"\x09" + struct.pack("<d", value) + b"\x10" + bytes([ms]))
    return bytes(cramjam.snappy.compress_raw(part(1, part(1, series))))


async def test_native_histograms_left_out_are_written_down(tiny: TinyCase, tmp_path: Path) -> None:
    """A recording holds floats only; whose histograms it lacks stands under `missing`, and the floats are there."""
    at = PLAN.start_ms / 1000 + 60

    def reply(request: httpx.Request) -> httpx.Response:
        labels = {"__name__": "latency", "of": "a"}
        answers: dict[str, Any] = {
            "/api/v1/label/__name__/values": ["latency"],
            "/api/v1/query": {"resultType": "matrix", "result": [
                {"metric": labels, "values": [[at, "1"]], "histograms": [[at + 15, {"count": "2", "sum": "3"}]]},
                {"metric": {**labels, "of": "b"}, "histograms": [[at, {"count": "2", "sum": "3"}]]}]},
        }
        data = answers.get(request.url.path)
        return httpx.Response(404) if data is None else httpx.Response(200, json={"status": "success", "data": data})

    samples = RawSamples(url="http://p", transport=httpx.MockTransport(reply))
    async with live(tiny.folder) as (world, _):
        missing = await capture(world, replace(PLAN, metrics=()), tmp_path / "again", samples=samples,
                                redactor=Redactor(), present_ms=END_MS)
    assert {"what": "native histograms of latency", "why": "a recording holds float samples only"} in missing
    found = await there(open_world(tmp_path / "again").metrics).instant("latency", at_ms=round(at * 1000))
    assert [dict(one.labels)["of"] for one in found.series] == ["a"]


async def test_native_histograms_of_remote_read_are_noticed() -> None:
    """A series that has nothing else is not captured, but its metric is remembered by name."""
    def part(field: int, body: bytes) -> bytes:
        return bytes([field << 3 | 2, len(body)]) + body

    series = part(1, part(1, b"__name__") + part(2, b"latency")) + part(4, b"\x08\x02")
    content = bytes(cramjam.snappy.compress_raw(part(1, part(1, series))))
    samples = RawSamples(url="http://p", transport=httpx.MockTransport(lambda _: httpx.Response(200, content=content)))
    assert await samples.read([], start_ms=0, end_ms=9, external={}, interval_ms=5) == ()
    assert samples.histograms == {"latency"}


async def test_external_labels_of_remote_read_are_taken_off() -> None:
    """Queries do not show external labels, so the captured series do not have them either."""
    content = remote_answer({"a": "1", "dc": "east", "zone": "b"}, 7, 1.5)
    samples = RawSamples(url="http://p", transport=httpx.MockTransport(lambda _: httpx.Response(200, content=content)))
    (series,) = await samples.read([], start_ms=0, end_ms=9, external={"dc": "east", "zone": "a"}, interval_ms=5)
    assert (series.labels, series.ms.tolist(), series.values.tolist()) == ({"a": "1", "zone": "b"}, [7], [1.5])
    assert samples.refused == ""


@pytest.mark.parametrize(("text", "value"), [("1m30s", 90), ("5s", 5), ("500ms", 0.5), ("", None), ("5", None),
                                             ("1x", None), ("5s ", None)])
def test_durations_of_flags_are_read(text: str, value: float | None) -> None:
    """As Prometheus writes them; anything else is a guess that is said to be one."""
    assert duration_s(text) == value
