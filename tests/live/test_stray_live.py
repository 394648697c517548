"""The main job on real servers: a stray is injected, Alertmanager calls `culprit serve`, the stored diagnosis is right.

Prometheus, Alertmanager, Docker, nginx and Redis are real; logs come through the stand-in for Loki. The fault lasts
while these tests ask.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from config.settings import World as WorldSettings
from tests.bench.live_latency import replay, summary
from tests.live.culprit_process import ROOT
from tests.live.get_only_proxy import get_only_proxy
from tests.live.lab import RunningLab
from tests.live.stray import FeltStray, felt_stray
from tools import toolbox
from tools.evidence import Status
from tools.live_world import live_worlds
from tools.world import Scope, World

pytestmark = pytest.mark.live
DEAD = "http://127.0.0.1:9"
REPLAY_S = 240.0  # ten runs take a minute; a machine ten times slower does fewer
LOOKS = 3


@pytest.fixture(scope="module")
def felt(running_lab: RunningLab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FeltStray]:
    """The fault works, its alert came, the first diagnosis is stored. Healed at the end."""
    with felt_stray(running_lab, tmp_path_factory.mktemp("culprit")) as found:
        yield found


@pytest.fixture
def scope() -> Scope:
    """Now, against a baseline before the fault."""
    now = time.time_ns() // 1_000_000
    return Scope(now, (now - 60_000, now), (now - 300_000, now - 120_000))


def world_of(settings: dict[str, Any], **changed: Any) -> World:
    """The first world of these settings, with whole sources replaced."""
    parsed = WorldSettings.model_validate({**settings["world"], **changed})
    return next(iter(live_worlds(parsed).values()))


def test_the_alert_is_a_symptom(felt: FeltStray) -> None:
    """What Alertmanager sent names what users feel, and neither the stray nor a colour."""
    told = json.dumps(felt.payload, ensure_ascii=False)
    assert felt.stray not in told
    assert felt.payload["commonLabels"]["service"] == "chat"


def test_the_stored_diagnosis_is_right(felt: FeltStray) -> None:
    """The stray's container is the root, as a role violation."""
    assert felt.diagnosis["verdict"] == "diagnosed"
    root = felt.diagnosis["hypotheses"][0]
    assert (root["status"], root["component"]["name"], root["category"]) == ("root", felt.stray, "role_violation")
    assert root["supports"]


def test_the_action_is_to_stop_the_stray_after_a_look_at_capacity(felt: FeltStray) -> None:
    """`stop_container` on the stray; its first step looks at who must carry the load alone, its second stops.

    Nothing that serves is touched.
    """
    (stop,) = (a for a in felt.diagnosis["actions"] if a["kind"] == "stop_container")
    assert stop["targets"] == [felt.stray]
    first, *rest = (step["command"] for step in stop["steps"])
    assert felt.serving in first
    assert "stop" not in first
    assert any(command.startswith("docker stop") and felt.stray in command for command in rest)
    assert not any(felt.serving in a["targets"] for a in felt.diagnosis["actions"]
                   if a["kind"] in ("stop_container", "restart_container"))


def test_every_source_was_asked_and_answered(felt: FeltStray) -> None:
    """Evidence of Docker, nginx, changes, logs and metrics is there with status ok, and names its cluster."""
    answered = {e["question"] for e in felt.diagnosis["evidence"] if e["status"] == "ok"}
    assert {"containers.state", "bluegreen.views", "changes.recent", "logs.activity", "metrics.health"} <= answered
    assert {e["cluster"] for e in felt.diagnosis["evidence"]} == {felt.lab.lab.names.cluster}
    views = next(e for e in felt.diagnosis["evidence"] if e["question"] == "bluegreen.views")
    assert "views_agree" in {f["kind"] for f in views["findings"]}


def test_no_value_of_an_environment_variable_is_stored(felt: FeltStray) -> None:
    """The lab's containers hold a key in their environment; the diagnosis with its evidence does not."""
    assert "lab-not-a-key" not in json.dumps(felt.diagnosis)


async def test_a_get_only_proxy_is_enough(felt: FeltStray, scope: Scope) -> None:
    """Every question is answered through a proxy that passes GET alone as through the socket; nothing else was sent."""
    with get_only_proxy(felt.lab.docker_socket) as proxy:
        docker = [{**felt.settings["world"]["docker"][0], "url": proxy.url.replace("http", "tcp")}]
        direct, through = world_of(felt.settings), world_of(felt.settings, docker=docker)
        for question in toolbox.available(direct):
            if any(f.is_required() for f in question.arguments.model_fields.values()):
                continue
            statuses = [(await toolbox.ask(question.name, {}, world, scope)).status for world in (direct, through)]
            assert statuses[0] == statuses[1], question.name
        assert {a.method for a in proxy.asked} == {"GET"}
        asked = " ".join(a.path for a in proxy.asked)
    assert all(f"/{what}" in asked for what in ("json", "top", "events", "archive"))


def test_doctor_finds_nothing_broken(felt: FeltStray, tmp_path: Path) -> None:
    """`culprit doctor --json` exits with 0: checks pass or warn; clocks, mapping and permissions are ok."""
    config = tmp_path / "culprit.yaml"
    config.write_text(yaml.safe_dump({"data_dir": str(tmp_path / "data"), **felt.settings}), "utf-8")
    for _ in range(LOOKS):  # a scrape that came late on a busy machine is rightly told; it does not last
        done = subprocess.run([sys.executable, "-m", "triggers.cli", "doctor", "--json", "--config", str(config)],
                              cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
        if done.returncode == 0:
            break
        time.sleep(5)
    assert done.returncode == 0, done.stdout + done.stderr
    checks = json.loads(done.stdout)
    assert not [c for c in checks if c["state"] == "fail"]
    assert all(c["fix"] for c in checks if c["state"] == "warn")
    ok = {(c["backend"].split()[0], c["what"]) for c in checks if c["state"] == "ok"}
    assert {("prometheus", "clock"), ("prometheus", "label mapping"), ("loki", "freshness"), ("docker", "events"),
            ("docker", "clock"), ("alertmanager", "alerts"), ("redis", "lists")} <= ok
    api = felt.lab.lab.names.api_service
    assert {c["what"] for c in checks if c["backend"] == "routing"} == {
        f"{api} declared_host", f"{api} declared_container", f"{api} loaded"}


async def test_three_clusters_one_unreachable(felt: FeltStray, scope: Scope, tmp_path: Path) -> None:
    """A question names its cluster; the dead one is a gap; whether the rest could carry all is answered all the same.

    The twin reads the same servers under another name: what is shown is the naming, not another load.
    """
    world = three_clusters(felt, tmp_path / "inventory.yaml")
    told = {n: await toolbox.ask("containers.state", {"cluster": n}, world, scope) for n in ("main", "twin", "far")}
    assert {n: e.cluster for n, e in told.items()} == {n: n for n in told}
    assert [e.status for e in told.values()] == [Status.OK, Status.OK, Status.FAILED]
    spare = await toolbox.ask("capacity.clusters", {"leaving_cluster": "far"}, world, scope)
    (found,) = spare.findings
    assert found.kind == "capacity_enough"
    assert found.extra["estimated"] == ["far"]
    by_cluster = found.extra["by_cluster"]
    assert by_cluster["main"] == pytest.approx(felt.lab.lab.tuning.rate, rel=0.5)
    assert by_cluster["far"] == pytest.approx((by_cluster["main"] + by_cluster["twin"]) / 2, rel=0.05)
    assert any("far" in gap for gap in spare.query["notes"]["incomplete"])


def three_clusters(felt: FeltStray, inventory: Path) -> World:
    """One configuration: the lab, its twin, and one that nobody can reach."""
    document = yaml.safe_load(felt.lab.inventory_path.read_text("utf-8"))
    for part in (*document["services"], *document["hosts"]):
        part.pop("cluster", None)
    shares = {"main": 0.34, "twin": 0.33, "far": 0.33}
    document["clusters"] = [{"name": n, "active_active": True, "traffic_share": share, "capacity_per_second": 20.0}
                            for n, share in shares.items()]
    inventory.write_text(yaml.safe_dump(document, allow_unicode=True), "utf-8")
    here = {k: v for k, v in felt.settings["world"].items() if k not in ("inventory", "cluster")}
    docker = [{"name": "far-1", "url": DEAD.replace("http", "tcp")}]
    dead = {"cluster": "far", "prometheus": {"url": DEAD}, "loki": {"url": DEAD}, "docker": docker}
    return world_of(felt.settings, inventory=str(inventory), clusters=[{**here, "cluster": "twin"}, dead])


def test_ten_alerts_are_diagnosed(felt: FeltStray, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The same webhook ten times with a new fingerprint, each to a new process: every run ends, and is right.

    Seconds are printed and belong to the bench; the law here is that runs end (`replay` waits two minutes at most).
    """
    runs = replay(felt, tmp_path, at_most_s=REPLAY_S)
    assert runs
    for number, run in enumerate(runs):
        root = run.diagnosis["hypotheses"][0]
        assert (root["component"]["name"], root["category"]) == (felt.stray, "role_violation"), f"run {number}"
    figures = {"fault_to_alert_s": felt.fired_s, "first_diagnosis_s": felt.stored_s, **summary(runs)}
    with capsys.disabled():
        sys.stdout.write(f"\n{json.dumps(figures)}\n")
    if folder := os.environ.get("LIVE_OUT"):
        Path(folder, "latency.json").write_text(json.dumps(figures, indent=2), "utf-8")
