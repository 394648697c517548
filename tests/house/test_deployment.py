"""compose.yaml, Dockerfile and the example configuration, held statically: no image can be pulled where tests run."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from config.settings import Settings, load_settings, unknown_variables
from tests.house.tree import ROOMS, ROOT
from tools.live_world import live_worlds
from tools.sources.inventory import load_inventory

EXAMPLE = ROOT / "docs" / "example"
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
SEES_THE_SOCKET = {"socket-proxy", "cadvisor"}
NEEDS_MORE = {"cadvisor"}


def mounts(service: dict[str, Any]) -> list[list[str]]:
    return [str(v).split(":") for v in service.get("volumes", ())]


@pytest.mark.parametrize("name", SERVICES)
def test_what_is_mounted_exists(name: str) -> None:
    """Every file below the repository is there and read-only; every named volume is declared."""
    for source, *rest in mounts(SERVICES[name]):
        if source.startswith("./"):
            assert (ROOT / source).is_file(), source
            assert rest[-1] == "ro", source
        elif not source.startswith("/"):
            assert source in COMPOSE["volumes"], source


@pytest.mark.parametrize("name", SERVICES)
def test_services_are_confined(name: str) -> None:
    """No privileges are gained, capabilities are dropped, ports stay on loopback, images have a version."""
    service = SERVICES[name]
    assert not service.get("privileged")
    if name not in NEEDS_MORE:
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
    assert all(str(port).startswith("127.0.0.1:") for port in service.get("ports", ()))
    assert re.search(r":(v?\d|local)", service["image"]), service["image"]
    assert set(service["networks"]) <= set(COMPOSE["networks"])


def test_docker_is_seen_through_a_proxy_that_only_gets() -> None:
    """Only the proxy (and cAdvisor, which reads it) mounts the socket, read-only; the proxy passes no POST."""
    holders = {n for n, s in SERVICES.items() if any("docker.sock" in m[0] for m in mounts(s))}
    assert holders == SEES_THE_SOCKET
    allowed = SERVICES["socket-proxy"]["environment"]
    assert allowed["POST"] == "0"
    assert {k for k, v in allowed.items() if v == "1"} == {"CONTAINERS", "EVENTS", "INFO", "PING", "VERSION"}
    assert COMPOSE["networks"]["docker"]["internal"]


def test_no_secret_stands_in_the_files() -> None:
    """Tokens and passwords come from the environment, and compose stops where one is missing."""
    text = (ROOT / "compose.yaml").read_text("utf-8")
    for name in ("CULPRIT_TOKEN", "POSTGRES_PASSWORD"):
        assert re.search(rf"\$\{{{name}:\?", text)
    values = re.findall(r"(?im)^\s*[\w-]*(?:token|password)[\w-]*:[ ]*(\S+)", text)
    assert values
    assert all(v.startswith(("${", "{environment:")) for v in values), values


def test_the_variables_of_the_containers_are_settings() -> None:
    """What compose and the Dockerfile set is what a setting reads."""
    named = dict.fromkeys(SERVICES["culprit"]["environment"], "x")
    named |= dict.fromkeys(re.findall(r"(CULPRIT_\w+)=", (ROOT / "Dockerfile").read_text("utf-8")), "x")
    assert named
    assert unknown_variables(named) == ()


def test_the_example_settings_build_a_world() -> None:
    """The file loads, and every backend it names becomes a source."""
    settings = load_settings(EXAMPLE / "culprit.yaml", http={"auth": {"token": "t"}})
    world = settings.world.model_copy(update={"inventory": EXAMPLE / "inventory.yaml"})
    (built,) = live_worlds(world).values()
    assert None not in (built.metrics, built.logs, built.containers, built.alerts)
    hosts = {f"http://{n}" for n in SERVICES} | {f"tcp://{n}" for n in SERVICES}
    for url in (world.prometheus.url, world.loki.url, world.alertmanager.url, world.docker[0].url):
        assert url.rpartition(":")[0] in hosts, url


def test_what_the_example_leaves_commented_out_is_right_too() -> None:
    """A user who uncomments the optional parts gets settings that load."""
    text = (EXAMPLE / "culprit.yaml").read_text("utf-8")
    whole = re.sub(r"(?m)^  # ((?:redis|routes|config_files|clusters): |  ? ?[-\w])", r"  \1", text)
    data = yaml.safe_load(whole)
    assert {"redis", "routes", "config_files", "clusters"} <= set(data["world"])
    settings = Settings(**{**data, "http": {}})
    assert settings.world.routes[0].service == "api"
    assert settings.world.clusters[0].cluster == "busan"


def test_the_example_inventory_is_valid() -> None:
    """It parses, and its parts refer to each other."""
    found = load_inventory(EXAMPLE / "inventory.yaml")
    assert [s.name for s in found.services if s.follows] == ["worker"]


def test_alertmanager_posts_to_our_door_with_the_token() -> None:
    """The receiver to copy: our path, resolved alerts too, a credential from a file."""
    config = yaml.safe_load((EXAMPLE / "alertmanager.yml").read_text("utf-8"))
    (hook,) = next(r for r in config["receivers"] if r["name"] == "culprit")["webhook_configs"]
    assert hook["url"].endswith("/webhooks/alertmanager")
    assert hook["send_resolved"]
    assert "credentials_file" in hook["http_config"]["authorization"]


def test_our_rules_name_our_metrics() -> None:
    """An alert on a metric that is not exposed would never fire."""
    rules = (EXAMPLE / "rules.yml").read_text("utf-8")
    exposed = (ROOT / "triggers" / "metrics.py").read_text("utf-8")
    assert all(f'"{name}"' in exposed for name in re.findall(r"culprit_\w+", rules))


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_promtool_accepts_the_prometheus_configuration(tmp_path: Path) -> None:
    """Checked by Prometheus' own tool; a setting newer than Debian's version is left out for it."""
    for name in ("prometheus.yml", "rules.yml"):
        text = (EXAMPLE / name).read_text("utf-8").replace("/run/secrets/culprit_token", str(tmp_path / "token"))
        (tmp_path / name).write_text(re.sub(r"(?m)^.*track_timestamps_staleness.*\n", "", text), "utf-8")
    (tmp_path / "token").write_text("t", "utf-8")
    done = subprocess.run(["promtool", "check", "config", str(tmp_path / "prometheus.yml")], capture_output=True,
                          text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.skipif(shutil.which("amtool") is None, reason="amtool is not installed")
def test_amtool_accepts_the_alertmanager_configuration() -> None:
    """Checked by Alertmanager's own tool."""
    done = subprocess.run(["amtool", "check-config", str(EXAMPLE / "alertmanager.yml")], capture_output=True,
                          text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_image_is_built_in_stages_and_runs_as_nobody_special() -> None:
    """Hash-pinned installs, every package copied, a numeric user that is not root, no build tools in the last stage."""
    text = (ROOT / "Dockerfile").read_text("utf-8")
    _, first, last = text.split("\nFROM ")
    assert len(re.findall(r"^FROM ", text, re.MULTILINE)) == 2
    assert first.count("--require-hashes") == 2
    assert all(f"COPY {room} {room}" in first for room in ROOMS)
    assert re.search(r"^USER [1-9]\d*:[1-9]\d*$", last, re.MULTILINE)
    assert "pip install" not in last
    assert re.search(r"^HEALTHCHECK ", last, re.MULTILINE)


def test_the_postgres_pins_are_found_in_the_lock() -> None:
    """The Dockerfile's awk finds the four packages with their hashes in the lock that holds all extras."""
    script = re.search(r"awk '(.+?)' \\\n", (ROOT / "Dockerfile").read_text("utf-8"))
    assert script is not None
    found = subprocess.run(["awk", script.group(1), "requirements-dev.lock"], cwd=ROOT, capture_output=True, text=True,
                           check=True).stdout
    pins = re.findall(r"^([\w-]+)==", found, re.MULTILINE)
    assert sorted(pins) == ["langgraph-checkpoint-postgres", "psycopg", "psycopg-binary", "psycopg-pool"]
    assert all(f"{pin}" in found and "--hash=sha256:" in found for pin in pins)
