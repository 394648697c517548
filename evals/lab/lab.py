"""One running lab: the system in containers, its monitoring, its build server, and doors to break and heal it."""

from __future__ import annotations

import logging
import shutil
import time
from pathlib import Path
from types import TracebackType
from typing import Any

import docker

from config.errors import SourceUnavailable
from evals.lab.build_server import READY_WORKER, BuildServer
from evals.lab.engine import SOCKET
from evals.lab.host_slice import HostSlice
from evals.lab.images import build_role
from evals.lab.monitoring import Monitoring, fetch_json
from evals.lab.names import Names
from evals.lab.plot import Plot
from evals.lab.receiver import Receiver
from evals.lab.scenario import Scenario, Tuning
from evals.lab.stack import Restart, Spec, Stack
from evals.lab.upstream import render_nginx

log = logging.getLogger(__name__)
MAX_LOAD_S = 3 * 3600  # the load stops by itself, whatever happens to the lab's own process


class Lab:
    """`with Lab(...) as lab:` boots it and takes it down. `folder` holds mounts and server data, and goes with it."""

    def __init__(
        self, *, scenario: Scenario, plot: Plot, folder: Path, client: docker.DockerClient, socket: Path = SOCKET
    ) -> None:
        self.scenario = scenario
        self.names: Names = scenario.names
        self.tuning: Tuning = scenario.tuning
        self.plot = plot
        self.folder = folder
        self.id = f"{scenario.id}-{plot.index}"
        self.host = HostSlice(f"lab-{self.id}", folder)
        self.stack = Stack(
            client=client,
            lab=self.id,
            network=self.names.network,
            subnet=plot.subnet,
            folder=folder,
            cgroup=self.host.name if self.host.usable else "",
        )
        self.receiver = Receiver(plot.receiver)
        self.upstream = folder / "upstream" / "active.conf"
        for part in (self.upstream.parent, folder / "nginx"):
            part.mkdir(parents=True, exist_ok=True)
        self.ci = BuildServer(
            names=self.names,
            stack=self.stack,
            upstream=self.upstream,
            run_api=self.run_api,
            run_worker=self.run_worker,
            run_docs=self.run_docs,
        )
        self.monitoring = Monitoring(
            names=self.names,
            plot=plot,
            folder=folder,
            lab=self.id,
            socket=socket,
            timestamps=self.tuning.exporter_timestamps,
            procfs=self.host.procfs if self.host.usable else None,
        )

    def __enter__(self) -> Lab:
        try:
            self.boot()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def boot(self) -> None:
        """Containers, a standby worker that ran once and was stopped, monitoring, then the load."""
        names, active = self.names, self.scenario.active
        standby = names.other(active)
        builds = self.scenario.builds
        self.host.open()
        self.stack.open()
        self._run_broker()
        self._run_outside("provider", ports={8080: self.plot.provider})
        self.run_worker(standby, builds[standby])
        self.stack.wait_for_line(names.worker_of(standby), READY_WORKER)
        self.stack.stop(names.worker_of(standby))
        for colour in (standby, active):
            self.run_api(colour, builds[colour])
        self.run_worker(active, builds[active])
        self.run_docs("7")
        self.run_batch("12")
        self.ci.write_upstream(active)
        self._run_proxy()
        self._run_outside(
            "prober", ports={9115: self.plot.prober}, config={"edge": names.proxy, "period_s": 5, "timeout_s": 35}
        )
        self._run_outside(
            "load",
            ports={8090: self.plot.load},
            config={
                "edge": names.proxy,
                "rate": self.tuning.rate,
                "context_share": self.tuning.context_share,
                "docs_share": self.tuning.docs_share,
                "retries": self.tuning.retries,
                "max_s": MAX_LOAD_S,
            },
        )
        self.monitoring.open()
        if self.tuning.provider:
            self.provider(**self.tuning.provider)
        if self.scenario.prepare:
            self.scenario.prepare(self)
        log.info("lab %s is up: http://127.0.0.1:%d", self.id, self.plot.edge)

    def _image(self, role: str, build: str) -> str:
        reference = self.names.image(role, build)
        facts = {
            "build": build,
            "contract": self.tuning.contracts.get(build, 1),
            **self.tuning.build_facts.get(build, {}),
        }
        build_role(self.stack.client, role, reference, facts)
        return reference

    def run_api(self, colour: str, build: str, **overrides: Any) -> None:
        """(Re)creates the API of a colour. `overrides` replace fields of its configuration."""
        names, tuning = self.names, self.tuning
        config = {
            "redis": names.broker,
            "queue": names.queue,
            "timeout_s": tuning.timeout_s,
            "log_style": "logfmt" if tuning.log_style == "json" else "json",
            "words": dict(tuning.words),
            **tuning.api,
            **overrides,
        }
        self.stack.run(
            Spec(
                name=names.api_of(colour),
                role="api",
                service=names.api_service,
                image=self._image("api", build),
                config=config,
                cpus=tuning.api_cpus,
                environment=_environment("API"),
                labels=self._labels(),
            )
        )

    def run_worker(
        self, colour: str, build: str, *, cpus: float | None = None, restart: Restart = "no", **overrides: Any
    ) -> None:
        """(Re)creates the worker of a colour; it consumes from its boot on."""
        names, tuning = self.names, self.tuning
        config = {
            "redis": names.broker,
            "queue": names.queue,
            "provider": f"http://{names.outside('provider')}:8080",
            "model": "chat-large-2",
            "provider_timeout_s": tuning.provider_timeout_s,
            "concurrency": tuning.concurrency,
            "cpu_ms": tuning.cpu_ms,
            "retry_s": tuning.retry_s,
            "max_attempts": tuning.max_attempts,
            "heartbeat_s": tuning.heartbeat_s,
            "log_style": tuning.log_style,
            "words": dict(tuning.words),
            **tuning.worker,
            **overrides,
        }
        self.stack.run(
            Spec(
                name=names.worker_of(colour),
                role="worker",
                service=names.worker_service,
                image=self._image("worker", build),
                config=config,
                cpus=cpus or tuning.worker_cpus,
                environment=_environment("WORKER"),
                restart=restart,
                labels=self._labels(),
            )
        )

    def run_docs(self, build: str) -> None:
        """(Re)creates another team's documentation site."""
        self.stack.run(
            Spec(
                name=self.names.docs,
                role="docs",
                service=self.names.docs_service,
                image=self._image("docs", build),
                cpus=self.tuning.docs_cpus,
            )
        )

    def run_batch(self, build: str, **overrides: Any) -> None:
        """(Re)creates the settlement batch."""
        self.stack.run(
            Spec(
                name=self.names.batch,
                role="batch",
                service=self.names.batch_service,
                image=self._image("batch", build),
                cpus=self.tuning.batch_cpus,
                config={"period_s": 60, "burst_cpu_s": 0.4, **overrides},
                environment=_environment("BATCH"),
            )
        )

    def serve_with_both(self) -> None:
        """Starts the standby's worker on the active build and steers HTTP to both colours; nothing is announced."""
        active = self.scenario.active
        standby, build = self.names.other(active), self.scenario.builds[active]
        self.run_api(standby, build)
        self.run_worker(standby, build)
        self.stack.wait_for_line(self.names.worker_of(standby), READY_WORKER)
        self.ci.write_upstream("both", *self.names.colours)
        self.ci.reload()

    def _run_broker(self) -> None:
        self.stack.run(
            Spec(
                name=self.names.broker,
                role="redis",
                service=self.names.broker_service,
                image=self._image("redis", "7.0"),
                cpus=self.tuning.redis_cpus,
                memory_mb=self.tuning.redis_memory_mb,
                ports={6379: self.plot.broker},
            )
        )

    def _run_proxy(self) -> None:
        (self.folder / "nginx" / "nginx.conf").write_text(
            render_nginx(docs=self.names.docs, limit_per_s=self.tuning.nginx_limit_per_s), encoding="utf-8"
        )
        self.stack.run(
            Spec(
                name=self.names.proxy,
                role="nginx",
                service=self.names.proxy_service,
                image=self._image("nginx", "1.22"),
                memory_mb=64,
                mounts={"/etc/nginx/upstream": self.upstream.parent, "/etc/nginx/chat": self.folder / "nginx"},
                ports={80: self.plot.edge},
            )
        )

    def _run_outside(self, role: str, *, ports: dict[int, int], config: dict[str, Any] | None = None) -> None:
        self.stack.run(
            Spec(
                name=self.names.outside(role),
                role=role,
                service=role,
                image=self._image(role, "1"),
                config=config or {},
                ports=ports,
                watched=False,
                memory_mb=256,
            )
        )

    def _labels(self) -> dict[str, str]:
        return {"com.docker.compose.project": self.names.network}

    def load(self, **settings: float) -> dict[str, float]:
        """Changes the users' behaviour (`rate`, `context_share`, `retries`…); without arguments, reads its counters."""
        return dict(fetch_json(f"http://127.0.0.1:{self.plot.load}/control", settings))

    def provider(self, **behaviour: float) -> dict[str, float]:
        """Changes the provider's behaviour (`first_ms`, `token_ms`, `error_share`, `error_status`, `limit_per_s`…)."""
        return dict(fetch_json(f"http://127.0.0.1:{self.plot.provider}/control", behaviour))

    def warm_up(self, seconds: float) -> None:
        """Waits until users get answers and rates have a past. Raises SourceUnavailable when they get none."""
        time.sleep(seconds)
        counts = self.load()
        if not counts.get("ok"):
            raise SourceUnavailable(f"lab {self.id} gives users no answers: {counts}")

    def close(self) -> None:
        """Stops and removes what this lab started."""
        self.monitoring.close()
        self.receiver.close()
        self.stack.close()
        self.host.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def _environment(role: str) -> dict[str, str]:
    """Keys as a real service has them; the values are worthless and never recorded."""
    return {
        "TZ": "Asia/Seoul",
        "APP_ENV": "prod",
        f"{role}_LOG_LEVEL": "info",
        "REDIS_PASSWORD": "",
        "PROVIDER_API_KEY": "lab-not-a-key",
    }
