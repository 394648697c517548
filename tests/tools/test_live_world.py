"""From settings to live worlds: one a cluster, each with its own backends."""

from __future__ import annotations

import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from config.errors import ConfigError
from config.settings import World as WorldSettings
from tests.tools.sources.fake_engine import FakeEngine, inspect_of
from tests.tools.sources.scripted_server import Asked, Reply, ok, serving
from tools import toolbox
from tools.evidence import Status
from tools.live_world import live_worlds
from tools.sources.endpoints import endpoint, without_credentials
from tools.world import Scope

INVENTORY = """
version: 1
clusters: [{name: seoul}, {name: busan}, {name: jeju}]
services:
  - {name: web-s, kind: api, cluster: seoul, containers: [web-1]}
  - {name: web-b, kind: api, cluster: busan, containers: [web-2]}
  - {name: dns, kind: other}
"""


def settings(tmp_path: Path, **world: Any) -> WorldSettings:
    (tmp_path / "inventory.yaml").write_text(INVENTORY)
    return WorldSettings(inventory=tmp_path / "inventory.yaml", **world)


def empty(_: Asked) -> Reply:
    return ok({"status": "success", "data": {"resultType": "vector", "result": []}})


async def test_three_clusters_one_unreachable(tmp_path: Path) -> None:
    """Each is asked at its own address, sees its own services, and the dead one fails by its name, not the others."""
    now = time.time_ns() // 1_000_000
    scope = Scope(now, (now - 60_000, now), (now - 600_000, now - 60_000))
    with ExitStack() as stack:
        def engine(name: str) -> str:
            fake = FakeEngine({name: inspect_of(name)})
            return stack.enter_context(serving(fake.answer)).url.replace("http", "tcp")

        worlds = live_worlds(settings(
            tmp_path, cluster="seoul", docker=[{"name": "s1", "url": engine("web-1")}],
            clusters=[{"cluster": "busan", "docker": [{"name": "b1", "url": engine("web-2")}]},
                      {"cluster": "jeju", "docker": [{"name": "j1", "url": "tcp://127.0.0.1:9"}]}]))
        first = worlds["seoul"]
        told = {name: await toolbox.ask("containers.state", {"cluster": name}, first, scope) for name in worlds}
    assert {n: e.cluster for n, e in told.items()} == {n: n for n in ("seoul", "busan", "jeju")}
    assert [e.status for e in told.values()] == [Status.OK, Status.OK, Status.FAILED]
    assert "Docker on j1" in told["jeju"].text
    assert {s.name for s in first.inventory.services} == {"web-s", "dns"}


@pytest.mark.parametrize(("world", "complaint"), [
    ({}, "no world is configured"),
    ({"loki": {"url": "http://l"}, "routes": [{"service": "web-s", "status": {"url": "http://e"}}]}, "routed: true"),
    ({"loki": {"url": "http://l", "ca_file": "/nowhere.pem"}}, "TLS"),
    ({"redis": {"url": "http://r"}}, "redis://"),
    ({"prometheus": {"url": "p:9090"}}, "not an http URL"),
])
def test_wrong_settings_are_named(tmp_path: Path, world: dict[str, Any], complaint: str) -> None:
    """A mistake is found when the worlds are built, before the first incident."""
    with pytest.raises(ConfigError, match=complaint):
        live_worlds(settings(tmp_path, **world))


@pytest.mark.parametrize("world", [
    {"cluster": "", "clusters": [{"cluster": "a", "loki": {"url": "http://l"}}], "loki": {"url": "http://l"}},
    {"cluster": "a", "clusters": [{"cluster": "a"}], "loki": {"url": "http://l"}},
])
def test_clusters_need_names_of_their_own(tmp_path: Path, world: dict[str, Any]) -> None:
    """Two without a name, or of one name, could not be told apart."""
    with pytest.raises(ValueError, match="a `cluster` name of its own"):
        settings(tmp_path, **world)


def test_credentials_in_a_url_are_taken_out_of_it() -> None:
    """They are sent, and stand in no address that a message could repeat."""
    assert without_credentials("https://kim:p%40ss@mimir/prometheus") == ("https://mimir/prometheus", "kim", "p@ss")
    source = WorldSettings(prometheus={"url": "https://kim:pw@mimir/x", "tenant": "a"}).prometheus  # type: ignore[arg-type]
    at = endpoint(source)
    assert (at.url, at.auth, dict(at.headers)) == ("https://mimir/x", ("kim", "pw"), {"X-Scope-OrgID": "a"})
    assert "pw" not in repr(at)
