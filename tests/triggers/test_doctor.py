"""`culprit doctor`: what is wrong with each backend is seen, named and given a fix; nothing is written."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from typer.testing import CliRunner

from config.settings import Settings
from tests.tools.sources.fake_engine import FakeEngine, inspect_of
from tests.tools.sources.scripted_server import FAULTS, REFUSALS, Asked, Reply, ScriptedServer, ok, serving
from tools.checkup.check import Check, State
from triggers.cli import app
from triggers.doctor import examine, show

INVENTORY = """
version: 1
services:
  - {name: front, kind: api, routed: true, colours: {jade: [web-a], rust: [web-b]},
     work: {unit: order, started: {contains: order}}}
"""


@dataclass
class Site:
    """A small site whose servers answer as its fields say."""

    skew_s: float = 0.0
    interval_s: float = 15.0
    metrics_label: str = "name"
    log_label: str = "container"
    line_age_s: float = 3.0
    down: int = 0
    first_s_ago: float = 3_600.0
    missing: set[str] = field(default_factory=set)
    fault: dict[str, Reply] = field(default_factory=dict)

    def prometheus(self, asked: Asked) -> Reply:
        if "prometheus" in self.fault:
            return self.fault["prometheus"]
        now, query = time.time(), asked.params.get("query", "")
        if asked.path.endswith("buildinfo"):
            return ok({"status": "success", "data": {"version": "2.42.0"}})
        if query == "time()":
            return ok({"status": "success", "data": {"resultType": "scalar", "result": [now, str(now + self.skew_s)]}})
        if asked.path.endswith("query_range"):
            points = [[now - self.first_s_ago, "1"], [now, "1"]]
            matrix = {"resultType": "matrix", "result": [{"metric": {}, "values": points}]}
            return ok({"status": "success", "data": matrix})
        rows: list[tuple[dict[str, str], float]] = [({}, 1.0)]
        if query == "up":
            rows = [({"job": "node", "instance": f"i{n}"}, float(n >= self.down)) for n in range(3)]
        elif "count_over_time" in query:
            rows = [({}, 300 / self.interval_s)]
        elif query.startswith("group by"):
            rows = [({self.metrics_label: n}, 1.0) for n in ("web-a", "web-b")] if self.metrics_label in query else []
        elif query.startswith("max(timestamp"):
            rows = [({}, now - 5)]
        elif any(name in query for name in self.missing):
            rows = []
        result = [{"metric": labels, "value": [now, str(value)]} for labels, value in rows]
        return ok({"status": "success", "data": {"resultType": "vector", "result": result}})

    def loki(self, asked: Asked) -> Reply:
        if "loki" in self.fault:
            return self.fault["loki"]
        if asked.path.endswith("buildinfo"):
            return ok({"version": "3.0.0"})
        if asked.path.endswith("/labels"):
            return ok({"status": "success", "data": [self.log_label]})
        if asked.path.endswith("/values"):
            return ok({"status": "success", "data": ["web-a", "web-b"]})
        ns = str(int((time.time() - self.line_age_s) * 1e9))
        rows = [{"stream": {self.log_label: "web-a"}, "values": [[ns, "order 1"]]}]
        return ok({"status": "success", "data": {"resultType": "streams", "result": rows}})

    def alertmanager(self, asked: Asked) -> Reply:
        if "alertmanager" in self.fault:
            return self.fault["alertmanager"]
        return ok([]) if asked.path.endswith("/alerts") else ok({"versionInfo": {"version": "0.25.0"}})


@pytest.fixture
def checked(tmp_path: Path) -> Iterator[Callable[..., Settings]]:
    """Settings of a site whose servers run until the test ends."""
    with ExitStack() as stack:
        def build(site: Site, engine: FakeEngine | None = None) -> Settings:
            def server(answer: Callable[[Asked], Reply]) -> ScriptedServer:
                return stack.enter_context(serving(answer))

            (tmp_path / "inventory.yaml").write_text(INVENTORY)
            fake = engine or FakeEngine({n: inspect_of(n) for n in ("web-a", "web-b")})
            status = server(lambda _: Reply(b"jade", content_type="text/plain"))
            world = {
                "inventory": str(tmp_path / "inventory.yaml"),
                "prometheus": {"url": server(site.prometheus).url, "timeout_seconds": 1},
                "loki": {"url": server(site.loki).url, "timeout_seconds": 1},
                "alertmanager": {"url": server(site.alertmanager).url, "timeout_seconds": 1},
                "docker": [{"name": "h1", "url": server(fake.answer).url.replace("http", "tcp"), "timeout_seconds": 1}],
                "routes": [{"service": "front", "status": {"url": status.url + "/__active"}}],
            }
            return Settings(data_dir=tmp_path / "data", world=world, http={"auth": {"token": "t"}})

        yield build


def of(checks: tuple[Check, ...], backend: str, what: str) -> Check:
    return next(c for c in checks if c.backend == backend and c.what == what)


async def test_a_sound_site_has_nothing_to_mend(checked: Callable[..., Settings]) -> None:
    """Every backend answers and every check is ok; the exit code is 0."""
    checks = await examine(checked(Site()))
    assert [c for c in checks if c.state is not State.OK] == []
    assert {c.backend for c in checks} >= {"prometheus", "loki", "docker h1", "routing", "alertmanager", "database"}
    assert show(checks, as_json=False) == 0


@pytest.mark.parametrize(("site", "backend", "what", "state", "fix"), [
    (Site(skew_s=600), "prometheus", "clock", State.FAIL, "NTP"),
    (Site(interval_s=60), "prometheus", "scrape interval", State.WARN, "scrape_interval_seconds: 60"),
    (Site(metrics_label="pod"), "prometheus", "label mapping", State.FAIL, "labels.metrics.container"),
    (Site(down=2), "prometheus", "targets", State.WARN, "Bring them back"),
    (Site(first_s_ago=600), "prometheus", "the last hour", State.WARN, "world.data_since"),
    (Site(missing={"container_cpu_cfs"}), "prometheus", "container_cpu_cfs_throttled_periods_total", State.WARN,
     "Scrape it"),
    (Site(log_label="pod"), "loki", "label mapping", State.FAIL, "labels.logs.container"),
    (Site(line_age_s=900), "loki", "freshness", State.WARN, "log shipper"),
    (Site(fault={"prometheus": FAULTS["HTML with 200"]}), "prometheus", "reachable", State.FAIL, "Check the URL"),
    (Site(fault={"prometheus": REFUSALS["401"]}), "prometheus", "queries", State.FAIL, "token"),
    (Site(fault={"loki": FAULTS["slow"]}), "loki", "queries", State.FAIL, "Check the URL"),
    (Site(fault={"alertmanager": REFUSALS["403"]}), "alertmanager", "alerts", State.FAIL, "tenant"),
], ids=lambda value: value if isinstance(value, str) else None)
async def test_each_ailment_is_named_with_its_fix(
    checked: Callable[..., Settings], site: Site, backend: str, what: str, state: State, fix: str
) -> None:
    """What was seen and what to do, under the backend it concerns."""
    found = of(await examine(checked(site)), backend, what)
    assert (found.state, fix in found.fix) == (state, True), found


async def test_docker_hosts_and_the_inventory_are_compared(checked: Callable[..., Settings]) -> None:
    """A listed container that is not there, and one that is there and not listed."""
    gone = await examine(checked(Site(), FakeEngine({"web-a": inspect_of("web-a")})))
    assert "web-b" in of(gone, "inventory", "containers").detail
    strange = {n: inspect_of(n) for n in ("web-a", "web-b", "miner")}
    assert "miner" in of(await examine(checked(Site(), FakeEngine(strange))), "inventory", "containers").detail
    down = await examine(checked(Site(), FakeEngine(fault=FAULTS["500"])))
    assert of(down, "docker h1", "reachable").state is State.FAIL
    assert show(down, as_json=False) == 1


async def test_what_is_not_configured_says_what_it_costs(tmp_path: Path) -> None:
    """An unset backend is no failure; its line says which questions go."""
    (tmp_path / "i.yaml").write_text(INVENTORY)
    settings = Settings(data_dir=tmp_path, world={"inventory": str(tmp_path / "i.yaml"),
                                                  "loki": {"url": "http://127.0.0.1:9", "timeout_seconds": 0.5}})
    checks = await examine(settings)
    unset = {c.backend: c.detail for c in checks if c.state is State.UNSET}
    assert set(unset) == {"prometheus", "docker", "routing", "alertmanager"}
    assert "latency" in unset["prometheus"]


def test_the_command_prints_json_and_exits(tmp_path: Path) -> None:
    """--json for scripts; a failed check is exit code 1, wrong settings are 2."""
    (tmp_path / "i.yaml").write_text(INVENTORY)
    config = tmp_path / "culprit.yaml"
    config.write_text(f"data_dir: {tmp_path}\nworld:\n  inventory: {tmp_path / 'i.yaml'}\n"
                      "  loki: {url: 'http://127.0.0.1:9', timeout_seconds: 0.5}\n")
    result = CliRunner().invoke(app, ["doctor", "--json", "--config", str(config)])
    assert result.exit_code == 1
    assert any(c["backend"] == "loki" and c["state"] == "fail" for c in json.loads(result.stdout))
    config.write_text("world: {}\n")
    assert CliRunner().invoke(app, ["doctor", "--config", str(config)]).exit_code == 2
