"""A real Alertmanager for live tests: Debian's binary, a temporary folder, loopback ports of its own."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from tests.live.postgres import free_port


def binary() -> str | None:
    """The installed program, or None."""
    return shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")


class Alertmanager:
    """Sends to one webhook. `group_by` and `max_alerts` as in its configuration."""

    def __init__(self, webhook: str, *, group_by: str = "['alertname']", max_alerts: int = 0,
                 repeat_seconds: int = 3) -> None:
        program = binary()
        assert program is not None, "no Alertmanager is installed"
        self.folder = Path(tempfile.mkdtemp(prefix="culprit-am-"))
        self.port = free_port()
        self._began: dict[str, str] = {}  # Prometheus names the same beginning until the end
        (self.folder / "am.yml").write_text(f"""
route:
  {{receiver: culprit, group_by: {group_by}, group_wait: 1s, group_interval: 1s, repeat_interval: {repeat_seconds}s}}
receivers:
  - name: culprit
    webhook_configs: [{{url: '{webhook}', send_resolved: true, max_alerts: {max_alerts}}}]
""")
        log = (self.folder / "log").open("w")
        self._process = subprocess.Popen(
            [program, f"--config.file={self.folder / 'am.yml'}", f"--storage.path={self.folder / 'data'}",
             f"--web.listen-address=127.0.0.1:{self.port}", "--cluster.listen-address=",
             "--web.external-url=http://alertmanager.example"],
            stdout=log, stderr=log, cwd=self.folder)
        log.close()
        self._wait()

    def _wait(self) -> None:
        for _ in range(200):
            try:
                if httpx.get(f"http://127.0.0.1:{self.port}/-/ready", timeout=1).status_code == 200:
                    return
            except httpx.HTTPError:
                pass
            time.sleep(0.1)
        raise AssertionError((self.folder / "log").read_text())

    def send(self, *labels: dict[str, str], resolved: bool = False) -> None:
        """Fire or resolve alerts, as Prometheus does."""
        now = datetime.now(UTC)
        ends = now - timedelta(seconds=1) if resolved else now + timedelta(minutes=10)
        alerts: list[dict[str, Any]] = [{"labels": found, "annotations": {"summary": "느립니다"},
                                         "startsAt": self._began.setdefault(repr(found), now.isoformat()),
                                         "endsAt": ends.isoformat(), "generatorURL": "http://prometheus/graph"}
                                        for found in labels]
        answer = httpx.post(f"http://127.0.0.1:{self.port}/api/v2/alerts", content=json.dumps(alerts),
                            headers={"Content-Type": "application/json"}, timeout=10)
        assert answer.status_code == 200, answer.text

    def close(self) -> None:
        """Stop and remove everything."""
        self._process.kill()
        self._process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
