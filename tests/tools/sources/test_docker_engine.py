"""The live containers client against an engine's real HTTP interface: allow-listed, parallel, honest."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, replace

import pytest

from config.errors import CulpritError, NotCaptured, SourceRefused, SourceUnavailable
from tests.tools.sources.fake_engine import FakeEngine, engine, event, inspect_of
from tests.tools.sources.scripted_server import FAULTS, REFUSALS, ScriptedServer, ok
from tools.sources.docker_engine import DockerContainers
from tools.sources.docker_host import DockerHost
from tools.sources.shortfall import collecting

SECRET = "sk-live-9fJ2kQ8sV1xZ"


def now() -> int:
    return time.time_ns() // 1_000_000


def over(
    servers: Sequence[ScriptedServer], *, timeout_s: float = 2.0, labels: tuple[str, ...] = ()
) -> DockerContainers:
    hosts = [DockerHost(f"app-0{i}", s.url.replace("http", "tcp"), timeout_s=timeout_s, labels=labels)
             for i, s in enumerate(servers, 1)]
    return DockerContainers(hosts, cluster="main")


async def test_inspect_becomes_a_container_without_values() -> None:
    """State, limits, labels and mounts come through; of the environment only names; secrets in labels are hidden."""
    fake = FakeEngine({"worker-blue": inspect_of(
        "worker-blue", env=(f"API_KEY={SECRET}", "PORT=8000"), labels={"build": "41", "api_key": SECRET},
        mounts=(("/srv/up", "/etc/nginx/upstream"),))})
    with engine(fake) as server:
        (c,) = await over([server]).list(at_ms=now())
    assert (c.name, c.image, c.state, c.cpu_limit, c.memory_limit, c.restart_count) == (
        "worker-blue", "worker:41", "running", 0.5, 1 << 28, 1)
    assert (c.environment_keys, c.networks, c.mounts, c.host, c.cluster) == (
        ("API_KEY", "PORT"), ("chat",), ("/etc/nginx/upstream",), "app-01", "main")
    assert c.exit_code is None
    assert SECRET not in repr(asdict(c))


async def test_stopped_containers_say_how_they_ended() -> None:
    """An exited container has a code and an end."""
    with engine(FakeEngine({"a": inspect_of("a", state="exited")})) as server:
        (c,) = await over([server]).list(at_ms=now())
    assert (c.state, c.exit_code, c.finished_ms is not None) == ("exited", 137, True)


async def test_one_list_is_shared_by_those_who_ask_together() -> None:
    """Ten questions at once cost one list and one inspect a container."""
    fake = FakeEngine({n: inspect_of(n) for n in ("a", "b")})
    with engine(fake) as server:
        source = over([server])
        for _ in range(10):
            assert len(await source.list(at_ms=now())) == 2
        paths = [a.path for a in server.asked]
    assert sum(p.endswith("/containers/json") for p in paths) == 1
    assert sum(p.endswith("/json") and "/containers/json" not in p for p in paths) == 2


async def test_the_past_is_not_captured() -> None:
    """Docker knows the present: a moment an hour ago is refused, one a minute ago is answered."""
    with engine(FakeEngine({"a": inspect_of("a")})) as server:
        source = over([server])
        with pytest.raises(NotCaptured, match="only the present"):
            await source.list(at_ms=now() - 3_600_000)
        assert await source.list(at_ms=now() - 60_000)


async def test_stats_top_and_events() -> None:
    """Readings, processes and events of the window; an event's labels stay behind."""
    at = now()
    fake = FakeEngine(
        {"a": inspect_of("a"), "b": inspect_of("b", state="exited")},
        tops={"a": [["1", "python worker.py --token=hunter2hunter2"]]},
        events=[event("a", "die", at - 5_000, exitCode="137", signal="9"), event("a", "archive-path", at - 4_000),
                event("a", "start", at - 900_000)],
    )
    with engine(fake) as server:
        source = over([server])
        (stats,) = await source.stats(at_ms=at)
        (process,) = await source.top("a", at_ms=at)
        (died,) = await source.events(start_ms=at - 60_000, end_ms=at)
        with pytest.raises(NotCaptured):
            await source.top("no-such", at_ms=at)
    assert (stats.cpu_seconds, stats.memory_bytes, stats.throttled_periods, stats.network_tx_bytes) == (2.5, 4096, 4, 9)
    assert "hunter2" not in process.command
    assert (died.action, died.exit_code, dict(died.attributes)) == ("die", 137, {"signal": "9"})


async def test_forgotten_events_are_told() -> None:
    """A full buffer means that older events are lost: the answer says from when it is whole."""
    at = now()
    fake = FakeEngine({"a": inspect_of("a")}, events=[event("a", "top", at - 60_000 + i) for i in range(256)])
    with engine(fake) as server, collecting() as told:
        assert await over([server]).events(start_ms=at - 3_600_000, end_ms=at) == ()
    assert any("remembers its events from" in t for t in told)


async def test_one_host_of_two_is_a_shortfall() -> None:
    """Containers of the host that answers come through, and the other one is named as not read."""
    broken = FakeEngine(fault=FAULTS["500"])
    with engine(FakeEngine({"a": inspect_of("a")})) as good, engine(broken) as bad, collecting() as told:
        listed = await over([good, bad]).list(at_ms=now())
    assert [c.name for c in listed] == ["a"]
    assert any("app-02" in t for t in told)


@pytest.mark.parametrize("fault", FAULTS)
async def test_an_engine_that_fails_is_unavailable_in_time(fault: str) -> None:
    """Slow, 500, HTML, truncated, 429: an error of the tree within the time-out, never an empty list."""
    began = time.monotonic()
    with engine(FakeEngine(fault=FAULTS[fault])) as server, pytest.raises(SourceUnavailable):
        await over([server], timeout_s=0.4).list(at_ms=now())
    assert time.monotonic() - began < 3


async def test_an_engine_that_stops_answering_later_is_unavailable() -> None:
    """A client that has connected meets the same faults."""
    fake = FakeEngine({"a": inspect_of("a")})
    with engine(fake) as server:
        source = over([server], timeout_s=0.4)
        await source.list(at_ms=now())
        for name in ("500", "truncated JSON", "HTML with 200", "slow", "another JSON", "null", "a body cut off"):
            fake.fault = replace(FAULTS[name], after_s=1.0) if name == "slow" else FAULTS[name]
            with pytest.raises(CulpritError) as raised:
                await source.hosts[0].inspected()
            assert isinstance(raised.value, SourceUnavailable), name


async def test_a_proxy_that_does_not_allow_it_is_named() -> None:
    """403 of a socket proxy is permanent and says so."""
    fake = FakeEngine({"a": inspect_of("a")})
    with engine(fake) as server:
        source = over([server])
        await source.list(at_ms=now())
        fake.fault = REFUSALS["403"]
        with pytest.raises(SourceRefused, match="socket proxy"):
            await source.events(start_ms=now() - 1_000, end_ms=now())


async def test_a_clock_ten_minutes_off_is_told_and_does_not_block() -> None:
    """Events are asked by the engine's own clock, and the difference is a shortfall."""
    fake = FakeEngine({"a": inspect_of("a")}, skew_s=-600)
    with engine(fake) as server, collecting() as told:
        source = over([server])
        await source.list(at_ms=now())
        await source.events(start_ms=now() - 3_600_000, end_ms=now())
        (asked,) = [a for a in server.asked if a.path.endswith("/events")]
    assert float(asked.params["until"]) < time.time() - 590
    assert any("s behind ours" in t for t in told)


async def test_labels_narrow_what_is_looked_at() -> None:
    """Where others share the machine, only containers with the label are listed."""
    fake = FakeEngine({"a": inspect_of("a", labels={"team": "x"}), "b": inspect_of("b")})
    with engine(fake) as server:
        assert [c.name for c in await over([server], labels=("team=x",)).list(at_ms=now())] == ["a"]


async def test_only_get_requests_are_sent() -> None:
    """Whatever is asked, the engine sees GET."""
    fake = FakeEngine({"a": inspect_of("a")})
    with engine(fake) as server:
        source = over([server])
        await source.stats(at_ms=now())
        await source.top("a", at_ms=now())
        await source.events(start_ms=0, end_ms=now())
        assert {a.method for a in server.asked} == {"GET"}


async def test_nobody_listening_is_unavailable() -> None:
    """A missing socket is named, without a traceback of a library."""
    source = DockerContainers([DockerHost("app-01", "unix:///nonexistent/docker.sock", timeout_s=1)])
    with pytest.raises(SourceUnavailable, match="Docker on app-01"):
        await source.list(at_ms=now())


async def test_inspect_of_another_shape_is_unavailable() -> None:
    """A thing that answers JSON but is no Docker is not read as a container."""
    fake = FakeEngine({"a": inspect_of("a")})
    with engine(fake) as server:
        server.answer = lambda asked: ok({"hello": 1}) if "/61000" in asked.path else fake.answer(asked)
        with pytest.raises(SourceUnavailable, match="another shape"):
            await over([server]).list(at_ms=now())
