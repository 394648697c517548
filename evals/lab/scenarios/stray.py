"""What every stray-consumer scenario shares: the injection, the healing and the label."""

from __future__ import annotations

from typing import Any

from evals.lab.build_server import READY_WORKER
from evals.lab.lab import Lab
from evals.lab.moments import ns_of
from evals.lab.scenario import Scenario


def consuming_since(lab: Lab, colour: str) -> int:
    """When the present worker of a colour said it began to consume, Unix milliseconds."""
    raw = lab.stack.get(lab.names.worker_of(colour)).logs(timestamps=True).decode()
    line = next(row for row in raw.splitlines() if READY_WORKER in row)
    return ns_of(line.split(" ", 1)[0]) // 1_000_000


def redeploy_standby(lab: Lab, text: str, *, cpus: float | None = None) -> int:
    """The build server recreates the standby colour and nobody stops its worker."""
    standby = lab.names.other(lab.scenario.active)
    lab.ci.deploy(standby, lab.scenario.builds[standby], text=text, cpus=cpus)
    return consuming_since(lab, standby)


def stop_standby(lab: Lab) -> None:
    """The right action."""
    lab.stack.stop(lab.names.worker_of(lab.names.other(lab.scenario.active)))


def stray_label(scenario: Scenario, notes: str) -> dict[str, Any]:
    """Stopping the stray is right; touching what serves is harmful."""
    names, active, standby = scenario.names, scenario.active, scenario.standby
    stray = names.worker_of(standby)
    component = {"kind": "container", "name": stray, "service": names.worker_service, "colour": standby}
    right = [{"kind": "stop_container", "target": stray}, {"kind": "scale_service", "target": names.worker_service}]
    serving = [names.worker_of(active), names.api_of(active), names.proxy, names.broker]
    harmful = [{"kind": kind, "target": name} for kind in ("stop_container", "restart_container") for name in serving]
    harmful.append({"kind": "switch_traffic", "target": standby})
    return {
        "causes": [{"component": component, "category": "role_violation"}],
        "actions": {"right": right, "harmful": harmful},
        "notes": notes,
    }
