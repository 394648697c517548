"""Profiles of like instances: keys and digests, never values."""

from __future__ import annotations

import time

from tests.tools.sources.fake_engine import FakeEngine, engine, inspect_of
from tools.sources.changes import Change
from tools.sources.docker_changes import DockerChanges, MergedChanges, tag_of
from tools.sources.docker_engine import DockerContainers
from tools.sources.docker_host import DockerHost
from tools.sources.fakes import FakeChanges
from tools.sources.inventory import parse_inventory
from tools.sources.live_peers import LivePeers, file_facts

INVENTORY = parse_inventory("""
version: 1
services:
  - {name: mill, kind: worker, colours: {jade: [mill-1], rust: [mill-2]}}
""")
SECRET = "hunter2-Xk9QzP31"


def now() -> int:
    return time.time_ns() // 1_000_000


async def test_peers_differ_where_they_do_and_values_stay_inside() -> None:
    """Equal environment values have equal digests, different ones differ; config keys and limits are compared plain."""
    config = '{"queue": "jobs", "timeout_s": %d, "db": {"password": "' + SECRET + '"}}'
    fake = FakeEngine(
        {
            "mill-1": inspect_of("mill-1", env=(f"API_KEY={SECRET}", "TZ=Asia/Seoul")),
            "mill-2": inspect_of("mill-2", env=(f"API_KEY={SECRET}x", "TZ=Asia/Seoul"), NanoCpus=250_000_000),
        },
        files={("mill-1", "/etc/mill.json"): (config % 30, 0), ("mill-2", "/etc/mill.json"): (config % 5, 0)},
    )
    with engine(fake) as server:
        containers = DockerContainers([DockerHost("h", server.url.replace("http", "tcp"), timeout_s=2)])
        peers = LivePeers(containers, inventory=INVENTORY, files={"mill": ["/etc/mill.json", "/etc/none.json"]})
        one, two = await peers.profiles("mill", at_ms=now())
    assert one.facts["env.TZ"] == two.facts["env.TZ"]
    assert one.facts["env.API_KEY"] != two.facts["env.API_KEY"]
    assert (one.facts["config.timeout_s"], two.facts["config.timeout_s"]) == ("30", "5")
    assert (one.facts["limit.cpu"], two.facts["limit.cpu"]) == ("0.5", "0.25")
    assert one.facts["config.db.password"] == two.facts["config.db.password"]
    assert one.facts["file.none.json"] == "absent"
    assert SECRET not in repr((one, two))
    assert "Asia/Seoul" not in repr((one, two))


def test_configuration_files_of_any_form() -> None:
    """JSON, YAML, environment files and INI become flat facts; anything else, or a bomb, is one digest."""
    key = b"k" * 16
    assert file_facts("/a.yaml", "a:\n  b: 1\n", key) == {"a.b": "1"}
    assert file_facts("/a.env", "A=1\nTOKEN=" + SECRET + "\n", key)["A"] == "1"
    assert file_facts("/a.env", "A=1\nTOKEN=" + SECRET + "\n", key)["TOKEN"].startswith("sha256:")
    assert file_facts("/a.ini", "[pool]\nsize=4\n", key) == {"pool.size": "4"}
    assert list(file_facts("/a.yaml", "a: &x [1]\nb: *x\n", key)) == ["a.yaml"]
    assert list(file_facts("/a.json", "{broken", key)) == ["a.json"]


async def test_a_created_container_is_a_deploy_unless_it_was_announced() -> None:
    """Docker's own deploys appear with tag and colour, and give way to an announced one nearby."""
    at = now()
    fake = FakeEngine({"mill-1": inspect_of("mill-1", image="reg.local:5000/mill:42", created_ms=at - 60_000),
                       "mill-2": inspect_of("mill-2", created_ms=at - 7_200_000)})
    with engine(fake) as server:
        containers = DockerContainers([DockerHost("h", server.url.replace("http", "tcp"), timeout_s=2)])
        docker = DockerChanges(containers, inventory=INVENTORY)
        (seen,) = await docker.between(start_ms=at - 3_600_000, end_ms=at)
        announced = Change(at - 50_000, "deploy", service="mill", colour="jade", build="42", source="ci")
        hour = {"start_ms": at - 3_600_000, "end_ms": at}
        both = await MergedChanges([FakeChanges(changes=[announced]), docker]).between(**hour)
        other = Change(at - 50_000, "config", service="mill", source="ci")
        kept = await MergedChanges([FakeChanges(changes=[other]), docker]).between(**hour)
    assert (seen.kind, seen.service, seen.colour, seen.build) == ("deploy", "mill", "jade", "42")
    assert both == (announced,)
    assert len(kept) == 2


def test_tags_of_images() -> None:
    """A registry's port is no tag, and a digest is none either."""
    assert [tag_of(i) for i in ("worker:41", "reg:5000/worker", "reg:5000/worker:7", "worker@sha256:ab")] == [
        "41", "", "7", ""]
