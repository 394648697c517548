"""Prometheus, node_exporter, Alertmanager and the container exporter as processes of the host, on loopback ports.

Every name that reaches a payload or a label is the lab's: targets carry the lab's host names, and both servers are told
a neutral external URL (else Alertmanager's payloads and Prometheus' generatorURL carry this machine's).
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import IO, Any

import yaml

from config.errors import ConfigError, SourceUnavailable
from evals.lab.names import Names
from evals.lab.plot import Plot

HERE = Path(__file__).parent
RULES = HERE / "rules.yml"
SCRAPE_S = 5
COLLECTORS = ("cpu", "meminfo", "filesystem", "diskstats", "netdev", "stat", "vmstat")
NODE_KEEP = (
    "node_cpu_seconds_total|"
    "node_memory_(MemTotal|MemFree|MemAvailable|Cached|Buffers|SwapFree)_bytes|"
    "node_filesystem_(avail|size)_bytes|node_disk_(io_time_seconds|read_bytes|written_bytes)_total|"
    "node_network_(receive|transmit)_(bytes|errs)_total|"
    "node_vmstat_oom_kill|node_boot_time_seconds"
)


def prometheus_config(names: Names, plot: Plot, rules: Path) -> dict[str, Any]:
    """prometheus.yml. Cluster and host are target labels: remote read would add external ones to each series."""

    def job(name: str, port: int, instance: str, keep: str = "") -> dict[str, Any]:
        relabel = [{"source_labels": ["__name__"], "regex": keep, "action": "keep"}] if keep else []
        labels = {"instance": instance, "cluster": names.cluster, "env": "prod"}
        return {
            "job_name": name,
            "static_configs": [{"targets": [f"127.0.0.1:{port}"], "labels": labels}],
            "metric_relabel_configs": relabel,
        }

    return {
        "global": {"scrape_interval": f"{SCRAPE_S}s", "scrape_timeout": "4s", "evaluation_interval": f"{SCRAPE_S}s"},
        "rule_files": [str(rules)],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [f"127.0.0.1:{plot.alertmanager}"]}]}]},
        "scrape_configs": [
            job("node", plot.node, names.host, NODE_KEEP),
            job("cadvisor", plot.exporter, names.host),
            job("probe", plot.prober, names.monitor_host),
        ],
    }


def alertmanager_config(plot: Plot) -> dict[str, Any]:
    """alertmanager.yml: grouped by alert name, to the recording receiver."""
    return {
        "route": {
            "receiver": "incidents",
            "group_by": ["alertname", "cluster"],
            "group_wait": "5s",
            "group_interval": "1m",
            "repeat_interval": "4h",
        },
        "receivers": [
            {
                "name": "incidents",
                "webhook_configs": [{"url": f"http://127.0.0.1:{plot.receiver}/", "send_resolved": True}],
            }
        ],
    }


def _binary(*names: str) -> str:
    for name in names:
        found = shutil.which(name)
        if found:
            return found
    raise ConfigError(f"{names[0]} is not installed: apt-get install {names[0]}")


class Monitoring:
    """Starts the four processes and stops exactly those."""

    def __init__(
        self,
        *,
        names: Names,
        plot: Plot,
        folder: Path,
        lab: str,
        socket: Path,
        timestamps: bool,
        procfs: Path | None = None,
    ) -> None:
        self._plot = plot
        self._folder = folder / "monitoring"
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._logs: list[IO[bytes]] = []
        self._commands = self._compose(names, lab, socket, timestamps)
        if procfs is not None:
            self._commands["node"].append(f"--path.procfs={procfs}")

    @property
    def prometheus_url(self) -> str:
        """Prometheus' own address on this machine."""
        return f"http://127.0.0.1:{self._plot.prometheus}"

    @property
    def alertmanager_url(self) -> str:
        """Alertmanager's own address on this machine."""
        return f"http://127.0.0.1:{self._plot.alertmanager}"

    def _compose(self, names: Names, lab: str, socket: Path, timestamps: bool) -> dict[str, list[str]]:
        folder, plot = self._folder, self._plot
        exporter = [
            sys.executable,
            str(HERE / "roles" / "exporter.py"),
            "--socket",
            str(socket),
            "--filter",
            f"lab={lab}",
            "--port",
            str(plot.exporter),
        ]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "prometheus.yml").write_text(yaml.safe_dump(prometheus_config(names, plot, RULES)), encoding="utf-8")
        (folder / "alertmanager.yml").write_text(yaml.safe_dump(alertmanager_config(plot)), encoding="utf-8")
        return {
            "node": [
                _binary("prometheus-node-exporter", "node_exporter"),
                "--collector.disable-defaults",
                *(f"--collector.{c}" for c in COLLECTORS),
                "--web.disable-exporter-metrics",
                "--collector.netdev.device-exclude=^(veth|br-|docker).*",
                f"--web.listen-address=127.0.0.1:{plot.node}",
                "--collector.filesystem.mount-points-exclude=^/(proc|sys|dev|run|var/lib/docker|tmp)($|/)",
            ],
            "exporter": exporter + (["--timestamps"] if timestamps else []),
            "alertmanager": [
                _binary("prometheus-alertmanager", "alertmanager"),
                f"--config.file={folder}/alertmanager.yml",
                f"--storage.path={folder}/alertmanager",
                f"--web.listen-address=127.0.0.1:{plot.alertmanager}",
                "--cluster.listen-address=",
                f"--web.external-url=http://alerts.{names.cluster}.example:9093",
            ],
            "prometheus": [
                _binary("prometheus"),
                f"--config.file={folder}/prometheus.yml",
                f"--storage.tsdb.path={folder}/tsdb",
                f"--web.listen-address=127.0.0.1:{plot.prometheus}",
                "--storage.tsdb.retention.time=6h",
                f"--web.external-url=http://prometheus.{names.cluster}.example:9090",
                "--log.level=warn",
            ],
        }

    def open(self, timeout_s: float = 30) -> None:
        """Starts everything and waits for Prometheus and Alertmanager to be ready. Raises SourceUnavailable."""
        for name in self._commands:
            self.start(name)
        deadline = time.monotonic() + timeout_s
        for url in (self.prometheus_url, self.alertmanager_url):
            while not _ready(f"{url}/-/ready"):
                if time.monotonic() > deadline:
                    raise SourceUnavailable(f"{url} is not ready; its log is in {self._folder}")
                time.sleep(0.3)

    def start(self, name: str) -> None:
        """Starts one of them (again)."""
        log = (self._folder / f"{name}.log").open("ab")
        self._logs.append(log)
        self._processes[name] = subprocess.Popen(
            [*_tied_to_us(), *self._commands[name]], stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )

    def stop(self, name: str) -> None:
        """Stops one of them: a scenario of blind monitoring does this."""
        process = self._processes.pop(name, None)
        if process is None:
            return
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def alert_states(self) -> list[dict[str, Any]]:
        """`/api/v2/alerts` as it is. Raises SourceUnavailable."""
        return list(fetch_json(f"{self.alertmanager_url}/api/v2/alerts"))

    def close(self) -> None:
        """Stops what was started here."""
        for name in list(self._processes):
            self.stop(name)
        for log in self._logs:
            log.close()


def fetch_json(url: str, body: dict[str, Any] | None = None) -> Any:
    """GET, or POST of a JSON body. Raises SourceUnavailable."""
    data = None if body is None else json.dumps(body).encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data), timeout=10) as response:
            return json.loads(response.read())
    except (OSError, ValueError) as error:
        raise SourceUnavailable(f"{url}: {error}") from error


def _tied_to_us() -> list[str]:
    """A prefix that ends the process with ours even if we are killed; util-linux has it, others do without."""
    found = shutil.which("setpriv")
    return [found, "--pdeathsig", "TERM"] if found else []


def _ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False
