"""The containers of one lab: create, recreate, stop, remove. What carries its label `lab=<id>`, and nothing else."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import docker
from docker.errors import APIError, NotFound
from docker.models.containers import Container
from docker.types import IPAMConfig, IPAMPool

from config.errors import SourceUnavailable

MEBIBYTE = 1024 * 1024
Restart = Literal["no", "always", "on-failure", "unless-stopped"]


@dataclass(frozen=True)
class Spec:
    """How one container is run: `ports` from container to loopback ports, `mounts` from container paths to folders."""

    name: str
    role: str
    service: str
    image: str
    config: Mapping[str, object] = field(default_factory=dict)
    cpus: float | None = None
    memory_mb: int | None = 128
    environment: Mapping[str, str] = field(default_factory=dict)
    mounts: Mapping[str, Path] = field(default_factory=dict)
    ports: Mapping[int, int] = field(default_factory=dict)
    command: tuple[str, ...] = ()
    restart: Restart = "no"
    watched: bool = True
    labels: Mapping[str, str] = field(default_factory=dict)


class Stack:
    """Owns the network and the containers. `before_removal` is called with a name whose logs are about to be lost.

    `cgroup` is the parent group of the watched containers: those that run on the lab's host.
    """

    def __init__(
        self, *, client: docker.DockerClient, lab: str, network: str, subnet: str, folder: Path, cgroup: str = ""
    ) -> None:
        self.client = client
        self.lab = lab
        self.folder = folder
        self.specs: dict[str, Spec] = {}
        self.before_removal: list[Callable[[str], None]] = []
        self._network_name = network
        self._subnet = subnet
        self._cgroup = cgroup
        self._lock = threading.Lock()

    def open(self) -> None:
        """Creates the network."""
        pool = IPAMPool(subnet=self._subnet)
        self.client.networks.create(
            self._network_name, driver="bridge", ipam=IPAMConfig(pool_configs=[pool]), labels={"lab": self.lab}
        )

    def run(self, spec: Spec, *, start: bool = True) -> Container:
        """Creates (replacing one of the same name) and starts. Raises SourceUnavailable when the engine refuses."""
        self.remove(spec.name)
        home = self.folder / "config" / spec.name
        home.mkdir(parents=True, exist_ok=True)
        (home / "config.json").write_text(json.dumps(dict(spec.config), ensure_ascii=False, indent=1), encoding="utf-8")
        volumes = {str(home): {"bind": "/etc/chat", "mode": "ro"}}
        volumes.update({str(path): {"bind": inside, "mode": "ro"} for inside, path in spec.mounts.items()})
        labels = {"lab": self.lab, "com.docker.compose.service": spec.service, **spec.labels}
        if not spec.watched:
            labels["lab.unwatched"] = "1"
        policy: Any = {"Name": spec.restart, "MaximumRetryCount": 0} if spec.restart != "no" else None
        try:
            container = self.client.containers.create(
                spec.image,
                list(spec.command) or None,
                name=spec.name,
                hostname=spec.name,
                network=self._network_name,
                labels=labels,
                environment=dict(spec.environment),
                volumes=volumes,
                ports={f"{inside}/tcp": ("127.0.0.1", outside) for inside, outside in spec.ports.items()},
                nano_cpus=round(spec.cpus * 1e9) if spec.cpus else None,
                mem_limit=spec.memory_mb * MEBIBYTE if spec.memory_mb else None,
                restart_policy=policy,
                cgroup_parent=f"/{self._cgroup}" if self._cgroup and spec.watched else None,
            )
            if start:
                container.start()
        except APIError as error:
            raise SourceUnavailable(f"engine refused {spec.name}: {error.explanation}") from error
        with self._lock:
            self.specs[spec.name] = spec
        return container

    def get(self, name: str) -> Container:
        """The container of that name. Raises SourceUnavailable."""
        try:
            return self.client.containers.get(name)
        except NotFound as error:
            raise SourceUnavailable(f"no container {name}") from error

    def stop(self, name: str, timeout_s: int = 30) -> None:
        """SIGTERM, then SIGKILL after the time-out."""
        self.get(name).stop(timeout=timeout_s)

    def remove(self, name: str) -> None:
        """Stops and removes, telling the listeners first; nothing happens when there is none."""
        try:
            container = self.client.containers.get(name)
        except NotFound:
            return
        if container.labels.get("lab") != self.lab:
            raise SourceUnavailable(f"a container {name} exists and is not this lab's")
        container.stop(timeout=10)
        for listener in self.before_removal:
            listener(name)
        container.remove(force=True)
        with self._lock:
            self.specs.pop(name, None)

    def wait_for_line(self, name: str, text: str, timeout_s: float = 40) -> None:
        """Waits until a container has logged the text. Raises SourceUnavailable."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            if text.encode() in self.get(name).logs(tail=200):
                return
            time.sleep(0.4)
        raise SourceUnavailable(f"{name} did not log {text!r} within {timeout_s:g} s")

    def watched(self) -> tuple[Spec, ...]:
        """Specs of the containers that are part of the system (users, provider and prober are not)."""
        with self._lock:
            return tuple(s for s in self.specs.values() if s.watched)

    def close(self) -> None:
        """Removes every container and the network of this lab, and nothing else."""
        for container in self.client.containers.list(all=True, filters={"label": f"lab={self.lab}"}):
            container.remove(force=True)
        for network in self.client.networks.list(filters={"label": f"lab={self.lab}"}):
            network.remove()
