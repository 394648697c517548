"""Half of it broken at 03:00: the bundled stray case behind real HTTP, with each backend failing in each way.

Every run must end in time, say what it could not check, and never say healthy for unknown.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agent.assemble import assemble
from agent.diagnosis import Diagnosis
from config.errors import SourceUnavailable
from evals.case import BUNDLED, load_case
from tests.live.http_server import serving_app
from tools.recorded.case_api import CaseApi
from tools.recorded.world import open_world
from tools.sources.http_json import Endpoint
from tools.sources.loki import LokiLogs
from tools.sources.prometheus import PrometheusMetrics
from tools.toolbox import QUESTIONS
from tools.world import World

pytestmark = pytest.mark.live
CASE = BUNDLED / "f01-a"
TIMEOUT_S = 2.0
MOST_S = 60.0
FAULTS = ("down", "slow", "500", "html", "truncated", "429", "credentials", "clock")
SEAMS = ("containers", "routing", "changes", "peers", "alerts")
NEEDED = tuple(s for s in SEAMS if any(s in q.needs for q in QUESTIONS))  # the others only add to an answer
BACKENDS_AT_ONCE = ("everything",)
Reply = tuple[int, str, bytes]
ANSWERS: Mapping[str, Reply] = {
    "500": (500, "text/plain", b"internal error"),
    "html": (200, "text/html", b"<html><body>Sign in</body></html>"),
    "truncated": (200, "application/json", b'{"status":"success","data":{"resultType":"matrix","result":[{"met'),
    "429": (429, "text/plain", b"too many requests"),
    "credentials": (401, "text/plain", b"Unauthorized"),
}


class Broken:
    """The case's own servers, of which those whose path begins with a prefix fail."""

    def __init__(self, case: CaseApi, *, prefix: str = "", fault: str = "") -> None:
        self._case, self._prefix, self._fault = case, prefix, fault

    async def __call__(
        self, scope: Mapping[str, Any], receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]
    ) -> None:
        if not self._fault or not scope["path"].startswith(self._prefix):
            await self._case(scope, receive, send)
            return
        if self._fault == "slow":
            await asyncio.sleep(30)
        if self._fault == "clock":
            scope = {**scope, "query_string": later(scope["query_string"].decode(), -600)}
            await self._case(scope, receive, send)
            return
        status, kind, body = ANSWERS.get(self._fault, ANSWERS["500"])
        await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", kind.encode())]})
        await send({"type": "http.response.body", "body": body})


def later(query: str, seconds: int) -> bytes:
    """A query string whose moments are shifted: a server whose clock is off answers for another time."""
    parts = []
    for pair in query.split("&"):
        name, _, value = pair.partition("=")
        if name in ("time", "start", "end") and value:
            nanoseconds = len(value.partition(".")[0]) > 12
            value = str(int(value) + seconds * 10**9) if nanoseconds else f"{float(value) + seconds:.3f}"
        parts.append(f"{name}={value}")
    return "&".join(parts).encode()


class Down:
    """A seam that is down, whatever it is asked."""

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        async def ask(*_: Any, **__: Any) -> Any:
            raise SourceUnavailable("the backend is down")

        return ask


async def investigated(world: World) -> tuple[Diagnosis, float]:
    case = load_case(CASE)
    began = time.monotonic()
    found = await assemble(world).investigate(case.incident(), run_id="r1", asked_at_ms=case.now_ms)
    return found, time.monotonic() - began


def note(what: str, found: Diagnosis, seconds: float) -> None:
    """A row of the table, where LIVE_OUT names a folder."""
    if folder := os.environ.get("LIVE_OUT"):
        first = found.hypotheses[0] if found.hypotheses else None
        row = {"what": what, "verdict": found.verdict.value, "seconds": round(seconds, 1),
               "first": f"{first.component.name} {first.category.value} {first.confidence}" if first else "",
               "gaps": [f"{g.what}: {g.why[:90]}" for g in found.gaps]}
        with Path(folder, "degraded.jsonl").open("a") as out:
            out.write(json.dumps(row, ensure_ascii=False) + "\n")


def judged(what: str, found: Diagnosis, seconds: float, told: str) -> None:
    """What holds for every loss: in time, said, and never a clean bill of health nor the wrong culprit."""
    note(what, found, seconds)
    assert seconds < MOST_S
    assert found.verdict.value != "no_fault"
    assert any(told in f"{g.what} {g.why}" for g in found.gaps), [g.model_dump() for g in found.gaps]
    if found.hypotheses and found.verdict.value == "diagnosed":
        assert (found.hypotheses[0].component.name, found.hypotheses[0].category.value) == (
            "worker-blue", "role_violation")


async def test_whole_it_is_right() -> None:
    """Through live clients over real HTTP the case gives its own answer."""
    with serving_app(Broken(CaseApi(CASE))) as url:
        found, seconds = await investigated(over_http(url))
    note("nothing", found, seconds)
    assert found.hypotheses[0].component.name == "worker-blue"
    assert seconds < MOST_S


def over_http(url: str) -> World:
    """The case's world with live clients for metrics and logs."""
    return replace(open_world(CASE), metrics=PrometheusMetrics(Endpoint(url, timeout_s=TIMEOUT_S)),
                   logs=LokiLogs(base_url=url, timeout_s=TIMEOUT_S))


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize(("backend", "prefix"), [("Prometheus", "/api/"), ("Loki", "/loki/")])
async def test_a_backend_that_fails_is_a_gap(backend: str, prefix: str, fault: str) -> None:
    """Metrics or logs failing in each way: the run ends, says so, and does not call the system healthy."""
    with serving_app(Broken(CaseApi(CASE), prefix=prefix, fault=fault)) as url:
        world = over_http(url)
        if fault == "down":
            dead = "http://127.0.0.1:9"
            world = (replace(world, metrics=PrometheusMetrics(Endpoint(dead, timeout_s=TIMEOUT_S)))
                     if backend == "Prometheus" else replace(world, logs=LokiLogs(base_url=dead, timeout_s=TIMEOUT_S)))
        found, seconds = await investigated(world)
    told = "" if fault == "clock" else "metrics" if backend == "Prometheus" else "logs"
    judged(f"{backend} {fault}", found, seconds, told)


@pytest.mark.parametrize("case", ["f22-a", "f22-b"])
async def test_a_control_without_metrics_and_logs_is_not_called_healthy(case: str) -> None:
    """Where nothing is wrong but neither users nor work can be looked at, the run does not say so."""
    told = load_case(BUNDLED / case)
    world = replace(open_world(BUNDLED / case), metrics=Down(), logs=Down())
    found = await assemble(world).investigate(told.incident(), run_id="r1", asked_at_ms=told.now_ms)
    whole = await assemble(open_world(BUNDLED / case)).investigate(
        told.incident(), run_id="r2", asked_at_ms=told.now_ms)
    assert (whole.verdict.value, found.verdict.value) == ("no_fault", "undetermined")


@pytest.mark.parametrize("seam", NEEDED)
async def test_a_source_that_is_down_is_a_gap(seam: str) -> None:
    """Docker, the proxy, changes, alerts: each alone, where a question cannot do without it."""
    found, seconds = await investigated(replace(open_world(CASE), **{seam: Down()}))
    judged(f"{seam} down", found, seconds, "")


async def test_everything_down_is_undetermined() -> None:
    """With nothing to ask, nothing is concluded and every question is a gap."""
    down = {name: Down() for name in (*SEAMS, "metrics", "logs", "queues")}
    found, seconds = await investigated(replace(open_world(CASE), **down))
    judged(f"{BACKENDS_AT_ONCE[0]} down", found, seconds, "metrics")
    assert found.verdict.value == "undetermined"
    assert len(found.gaps) >= 6
