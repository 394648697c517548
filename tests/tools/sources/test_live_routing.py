"""The three views of the active colour, read without exec from an engine, a status location and Traefik's API."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from config.errors import NotCaptured, SourceRefused
from tests.tools.sources.fake_engine import FakeEngine, engine, inspect_of
from tests.tools.sources.scripted_server import FAULTS, Reply, ok, serving
from tools.sources.colour_words import colour_of_answer, colour_of_file
from tools.sources.container_files import ContainerFiles
from tools.sources.docker_engine import DockerContainers
from tools.sources.docker_host import DockerHost
from tools.sources.http_json import Endpoint, HttpReader
from tools.sources.inventory import parse_inventory
from tools.sources.nginx_routing import NginxRoute, NginxRouting
from tools.sources.traefik_routing import TraefikRoute, TraefikRouting

INVENTORY = parse_inventory("""
version: 1
services:
  - {name: front, kind: api, routed: true, colours: {jade: [web-a], rust: [web-b]}}
""")
FRONT = INVENTORY.services[0]
FILE = "/etc/nginx/upstream/active.conf"
JADE, RUST = "upstream u { server web-a:8000; }\n", "upstream u { server web-b:8000; }\n"


def now() -> int:
    return time.time_ns() // 1_000_000


def containers(url: str) -> DockerContainers:
    return DockerContainers([DockerHost("h", url.replace("http", "tcp"), timeout_s=2)])


def proxy(text: str = JADE, *, written_s_ago: float = 600, workers_s: tuple[int, ...] = (300,),
          mounts: tuple[tuple[str, str], ...] = (("/srv/up", "/etc/nginx/upstream"),)) -> FakeEngine:
    rows = [["1", "900", "nginx: master process nginx"]]
    rows += [[str(i), str(age), "nginx: worker process"] for i, age in enumerate(workers_s, 2)]
    rows.append(["99", "4000", "nginx: worker process is shutting down"])
    return FakeEngine({"edge": inspect_of("edge", mounts=mounts)}, tops={"edge": rows},
                      files={("edge", FILE): (text, time.time() - written_s_ago)})


async def read(fake: FakeEngine, **route: object) -> Mapping[str, tuple[str, str]]:
    """Views by name: (colour, detail)."""
    with engine(fake) as server:
        found = NginxRoute("front", container="edge", file=FILE, **route)  # type: ignore[arg-type]
        routing = NginxRouting([found], inventory=INVENTORY, containers=containers(server.url))
        views = await routing.views("front", at_ms=now())
    return {v.view: (v.colour, v.detail) for v in views}


async def test_a_mounted_directory_shows_host_and_container() -> None:
    """Below a mounted directory the archive is what both see; workers started after the file was written loaded it."""
    views = await read(proxy())
    assert {name: colour for name, (colour, _) in views.items()} == {
        "declared_host": "jade", "declared_container": "jade", "loaded": "jade"}


async def test_a_single_file_mount_never_agrees() -> None:
    """For a file mounted by itself the archive shows the host's new file: what the process has is unknown."""
    views = await read(proxy(mounts=(("/srv/up/active.conf", FILE),)))
    assert views["declared_host"][0] == "jade"
    assert views["declared_container"][0] == "unknown"
    assert "single file" in views["declared_container"][1]


async def test_a_file_in_the_image_has_no_host_view() -> None:
    """A file of the container's own layer is declared in the container alone."""
    assert set(await read(proxy(mounts=()))) == {"declared_container", "loaded"}


async def test_a_file_written_after_the_workers_started_is_not_loaded() -> None:
    """A forgotten reload: declared rust, loaded unknown, never rust."""
    views = await read(proxy(RUST, written_s_ago=60, workers_s=(300, 300)))
    assert views["declared_container"][0] == "rust"
    assert views["loaded"][0] == "unknown"
    assert "not loaded" in views["loaded"][1]


async def test_the_status_location_says_what_is_loaded() -> None:
    """With a status location the forgotten reload is seen as what it is: declared rust, loaded jade."""
    with serving(lambda _: Reply(b"jade\n", content_type="text/plain")) as status:
        reader = HttpReader("proxy", Endpoint(status.url))
        views = await read(proxy(RUST, written_s_ago=60), status=reader, status_path="/__active")
    assert (views["declared_host"][0], views["loaded"][0]) == ("rust", "jade")


@pytest.mark.parametrize("fault", ["500", "HTML with 200", "slow", "429"])
async def test_a_status_location_that_fails_is_unknown(fault: str) -> None:
    """Whatever answers in its place, the loaded view is unknown with a reason, and the others stand."""
    with serving(lambda _: FAULTS[fault]) as status:
        reader = HttpReader("proxy", Endpoint(status.url, timeout_s=0.3))
        views = await read(proxy(), status=reader, status_path="/__active")
    assert (views["declared_host"][0], views["loaded"][0]) == ("jade", "unknown")


async def test_the_host_export_is_preferred_to_the_mount(tmp_path: Path) -> None:
    """Where the host exports the file, its own text is the host's view."""
    exported = tmp_path / "active.conf"
    exported.write_text(RUST)
    views = await read(proxy(), host_file=exported)
    assert (views["declared_host"][0], views["declared_container"][0]) == ("rust", "jade")


async def test_views_of_the_past_are_not_captured() -> None:
    """A proxy knows the present only."""
    with engine(proxy()) as server:
        routing = NginxRouting([NginxRoute("front")], inventory=INVENTORY, containers=containers(server.url))
        assert await routing.views("mill", at_ms=0) == ()
        with pytest.raises(NotCaptured):
            await routing.views("front", at_ms=now() - 3_600_000)


@pytest.mark.parametrize("path", ["/etc/shadow", "/etc/nginx/upstream/../../shadow", "etc/x", "/proc/1/environ"])
async def test_only_listed_files_are_read(path: str) -> None:
    """No path that is not on the list reaches the engine."""
    with engine(proxy()) as server:
        files = ContainerFiles(containers(server.url), allowed=frozenset({FILE}))
        with pytest.raises(SourceRefused, match="not on the list"):
            await files.read("edge", path, at_ms=now())
        assert server.asked == []


@pytest.mark.parametrize(
    ("text", "colour"),
    [
        (JADE, "jade"),
        ("# server web-a:8000;\nserver web-b:8000;", "rust"),
        ("server web-a:8000 down;\nserver web-b:8000;", "rust"),
        ("server web-a:8000 backup;\nserver web-b:8000;", "rust"),
        ("server web-a:8000;\nserver web-b:8000 weight=3;", "both"),
        ("proxy_pass http://web-b:8000;", "rust"),
        ("set $active jade;", "jade"),
        ("server 10.0.0.7:8000;", "rust"),
        ("server web-aa:8000;", "unknown"),
        ("", "unknown"),
    ],
)
def test_colours_in_a_file(text: str, colour: str) -> None:
    """Serving lines decide, by container, address or word; comments, spare servers and longer names do not."""
    assert colour_of_file(text, FRONT, {"rust": ("10.0.0.7:8000",)})[0] == colour


@pytest.mark.parametrize(
    ("told", "colour"), [("jade\n", "jade"), ("web-b", "rust"), ("both", "both"), ("ok", "unknown")]
)
def test_colours_in_an_answer(told: str, colour: str) -> None:
    """A colour, a container's name or `both`; anything else is unknown."""
    assert colour_of_answer(told, FRONT, {})[0] == colour


async def test_traefik_says_what_it_routes_to() -> None:
    """A weighted service with one weight at zero routes to the other; both weights mean both."""
    weights = {"jade": 0, "rust": 1}

    def answer(asked: object) -> Reply:
        path = asked.path  # type: ignore[attr-defined]
        if path == "/api/http/routers/chat@docker":
            return ok({"name": "chat@docker", "service": "split"})
        if path == "/api/http/services/split@docker":
            parts = [{"name": f"front-{c}", "weight": w} for c, w in weights.items()]
            return ok({"weighted": {"services": parts}})
        host = "web-a" if path.endswith("front-jade@docker") else "web-b"
        return ok({"loadBalancer": {"servers": [{"url": f"http://{host}:8000"}]}})

    with serving(answer) as server:
        route = TraefikRoute("front", HttpReader("Traefik", Endpoint(server.url)), "chat@docker")
        routing = TraefikRouting([route], inventory=INVENTORY)
        (view,) = await routing.views("front", at_ms=now())
        assert (view.view, view.colour) == ("loaded", "rust")
        weights["jade"] = 1
        (view,) = await routing.views("front", at_ms=now())
        assert view.colour == "both"
        server.answer = lambda _: FAULTS["HTML with 200"]
        (view,) = await routing.views("front", at_ms=now())
        assert view.colour == "unknown"
