"""One running lab for all live tests of a session: booted at the first use, taken down at the end.

    def test_something(running_lab: RunningLab) -> None:
        running_lab.prometheus_url, running_lab.alertmanager_url, running_lab.docker_socket, running_lab.inventory_path
        running_lab.inject(); …; running_lab.heal()

Needs Linux and root (containers), and the packages evals/lab/README.md lists; skips with the reason where one is not
there.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from evals.lab.engine import SOCKET, ensure_engine
from evals.lab.images import default_cache, ensure_root
from evals.lab.inventory_file import render_inventory
from evals.lab.lab import Lab
from evals.lab.names import prefixed
from evals.lab.plot import free_plots
from evals.lab.scenario import Scenario
from evals.lab.scenarios import scenario_named

BINARIES = ("prometheus", "prometheus-alertmanager", "prometheus-node-exporter", "dockerd", "debootstrap")
ROOT_PATHS = "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin"


@dataclass(frozen=True)
class RunningLab:
    """Addresses of the real servers, and the doors to break the system and heal it."""

    lab: Lab
    inventory_path: Path
    docker_socket: Path = SOCKET

    @property
    def prometheus_url(self) -> str:
        return self.lab.monitoring.prometheus_url

    @property
    def alertmanager_url(self) -> str:
        return self.lab.monitoring.alertmanager_url

    @property
    def edge_url(self) -> str:
        """nginx, with its status location at `/__active`."""
        return f"http://127.0.0.1:{self.lab.plot.edge}"

    @property
    def upstream_path(self) -> Path:
        """The switched file on the host."""
        return self.lab.upstream

    @property
    def broker_port(self) -> int:
        """Redis, on the loopback address."""
        return self.lab.plot.broker

    @property
    def label_filter(self) -> str:
        """The Docker label of this lab's containers, `key=value`."""
        return f"lab={self.lab.id}"

    def inject(self) -> int:
        """A deploy recreates the standby and leaves its worker consuming; the onset in Unix milliseconds."""
        return self.lab.scenario.inject(self.lab)

    def heal(self) -> None:
        """Stops the stray."""
        self.lab.scenario.heal(self.lab)


def live_scenario() -> Scenario:
    """The stray on an older contract, spelled so that it can run beside recordings."""
    return replace(scenario_named("f01-a"), id="live", names=prefixed("live"), steps=())


@pytest.fixture(scope="session")
def running_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLab]:
    """Boots the lab (about 30 s; with an empty image cache a minute more) and takes down what it started."""
    missing = [name for name in BINARIES if shutil.which(name, path=ROOT_PATHS) is None]
    if missing or os.geteuid() != 0:
        pytest.skip(f"the lab needs root and {', '.join(missing) or 'nothing else'}; see evals/lab/README.md")
    folder = tmp_path_factory.mktemp("lab")
    client, engine = ensure_engine(folder / "dockerd.log")
    try:
        ensure_root(client, default_cache())
        scenario = live_scenario()
        inventory = folder / "inventory.yaml"
        inventory.write_text(render_inventory(scenario.names, scenario.tuning), encoding="utf-8")
        subnets = {c["Subnet"] for n in client.api.networks() for c in n["IPAM"].get("Config") or [] if "Subnet" in c}
        plot = free_plots(1, frozenset(subnets))[0]
        with Lab(scenario=scenario, plot=plot, folder=folder / "run", client=client) as lab:
            lab.warm_up(20)
            yield RunningLab(lab=lab, inventory_path=inventory)
    finally:
        if engine is not None:
            engine.terminate()
            engine.wait(timeout=30)
