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
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
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


@dataclass
class RunningLab:
    """Addresses of the real servers, and the doors to break the system and heal it.

    `quiet_since` is when it was last healed, or first gave answers, in Unix seconds.
    """

    lab: Lab
    inventory_path: Path
    docker_socket: Path = SOCKET
    quiet_since: float = field(default_factory=time.time)

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
        self.quiet_since = time.time()

    def wait_until_quiet_for(self, seconds: float) -> None:
        """A baseline: waits for what is still lacking of it."""
        time.sleep(max(0.0, self.quiet_since + seconds - time.time()))


def live_scenario() -> Scenario:
    """The stray on an older contract, spelled so that it can run beside recordings, and felt within two minutes.

    Rejected jobs come back late enough for the symptom rules on any machine, and the stray has consumers to spare, so
    that it goes on taking its half.
    """
    first = scenario_named("f01-a")
    felt = replace(first.tuning, rate=2.5, context_share=0.3, concurrency=32, retry_s=12.0, max_attempts=3)
    return replace(first, id="live", names=prefixed("live"), steps=(), tuning=felt)


def missing() -> str:
    """What the lab lacks on this machine; "" when it can run."""
    absent = [name for name in BINARIES if shutil.which(name, path=ROOT_PATHS) is None]
    if not absent and os.geteuid() == 0:
        return ""
    return f"the lab needs root and {', '.join(absent) or 'nothing else'}; see evals/lab/README.md"


@contextmanager
def booted_lab(folder: Path) -> Iterator[RunningLab]:
    """Boots the lab (about 30 s; with an empty image cache a minute more) and takes down what it started."""
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


@pytest.fixture(scope="session")
def running_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLab]:
    """The one lab of a session; skips where it cannot run."""
    if lacking := missing():
        pytest.skip(lacking)
    with booted_lab(tmp_path_factory.mktemp("lab")) as lab:
        yield lab
