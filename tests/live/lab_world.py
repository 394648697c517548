"""Settings of a running lab's live world, its Alertmanager pointed at a door, and its build server's announcements."""

from __future__ import annotations

import time
from typing import Any

import httpx
import yaml

from evals.lab.moments import iso
from tests.live.lab import RunningLab

PATIENT = {"timeout_seconds": 20}  # the machine may be busy with other tests


def live_settings(lab: RunningLab, loki_url: str, *, docker_url: str = "", **changed: Any) -> dict[str, Any]:
    """What a user would write for this system. `changed` replaces whole sources of `world`."""
    names = lab.lab.names
    world = {
        "inventory": str(lab.inventory_path),
        "cluster": names.cluster,
        "scrape_interval_seconds": 5,
        "prometheus": {"url": lab.prometheus_url, **PATIENT},
        "loki": {"url": loki_url, **PATIENT},
        "alertmanager": {"url": lab.alertmanager_url, **PATIENT},
        "docker": [{"name": names.host, "url": docker_url or f"unix://{lab.docker_socket}",
                    "labels": [lab.label_filter], **PATIENT}],
        "redis": {"url": f"redis://127.0.0.1:{lab.broker_port}", "lists": [names.queue]},
        "routes": [{"service": names.api_service, "container": names.proxy,
                    "file": "/etc/nginx/upstream/active.conf", "status": {"url": f"{lab.edge_url}/__active"}}],
        "config_files": {service: ["/etc/chat/config.json"] for service in (names.api_service, names.worker_service)},
        **changed,
    }
    return {"world": world, "correlation": {"group_wait_seconds": 1}, "publish": {"console": False}}


def send_alerts_to(lab: RunningLab, url: str) -> None:
    """Restarts the lab's Alertmanager with a second webhook beside the recording one."""
    path = lab.lab.folder / "monitoring" / "alertmanager.yml"
    config = yaml.safe_load(path.read_text("utf-8"))
    first = config["receivers"][0]["webhook_configs"][0]
    config["receivers"][0]["webhook_configs"] = [first, {"url": url, "send_resolved": True}]
    path.write_text(yaml.safe_dump(config), "utf-8")
    lab.lab.monitoring.stop("alertmanager")
    lab.lab.monitoring.start("alertmanager")
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            if httpx.get(f"{lab.alertmanager_url}/-/ready", timeout=2).status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(0.2)
    raise AssertionError("Alertmanager did not come back")


def announce(lab: RunningLab, url: str) -> int:
    """Posts what the build server announced so far to the door of changes; returns how many it took as new."""
    told = [dict(change) for change in lab.lab.ci.changes]
    answer = httpx.post(f"{url}/webhooks/changes", json={"changes": told}, timeout=20)
    assert answer.status_code == 202, answer.text
    return int(answer.json()["changes"])


def young_settings(lab: RunningLab, loki_url: str, **changed: Any) -> dict[str, Any]:
    """The same for a system whose past before `quiet_since` is not worth comparing with."""
    found = live_settings(lab, loki_url, **changed)
    found["world"]["data_since"] = iso(round(lab.quiet_since * 1000))
    return found
