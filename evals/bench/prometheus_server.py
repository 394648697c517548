"""A real Prometheus server of one's own: started empty on a free port, filled by remote write, stopped afterwards.

Remote write into an empty database keeps raw samples and stale markers exactly (backfilling blocks would not).
"""

from __future__ import annotations

import shutil
import socket
import struct
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cramjam
import httpx

from config.errors import SourceRefused, SourceUnavailable
from tools.recorded.promql.arrays import Floats, Ints

START_SECONDS = 20.0
BATCH_SAMPLES = 50_000


@dataclass(frozen=True)
class PrometheusServer:
    """A running server. Times are milliseconds; answers are the API's JSON as it came."""

    client: httpx.Client
    version: str

    def write(self, series: Iterable[tuple[Mapping[str, str], Ints, Floats]]) -> None:
        """Remote-write whole series. Raises SourceRefused with the server's words."""
        batch, samples = bytearray(), 0
        for labels, ms, values in series:
            batch += _field(1, _series(labels, ms, values))
            samples += len(ms)
            if samples >= BATCH_SAMPLES:
                self._send(bytes(batch))
                batch, samples = bytearray(), 0
        if batch:
            self._send(bytes(batch))

    def instant(self, query: str, at_ms: int) -> dict[str, Any]:
        return self._ask("/api/v1/query", {"query": query, "time": at_ms / 1000})

    def range(self, query: str, start_ms: int, end_ms: int, step_ms: int) -> dict[str, Any]:
        window = {"start": start_ms / 1000, "end": end_ms / 1000, "step": step_ms / 1000}
        return self._ask("/api/v1/query_range", {"query": query, **window})

    def fetch_range(self, query: str, start_ms: int, end_ms: int, step_ms: int) -> bytes:
        """The bytes of an answer, not parsed."""
        window = {"start": start_ms / 1000, "end": end_ms / 1000, "step": step_ms / 1000}
        return self.client.post("/api/v1/query_range", data={"query": query, **window}).raise_for_status().content

    def fetch_instant(self, query: str, at_ms: int) -> bytes:
        """The bytes of an answer, not parsed."""
        return self.client.post("/api/v1/query", data={"query": query, "time": at_ms / 1000}).raise_for_status().content

    def _ask(self, path: str, form: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = self.client.post(path, data=form).json()
        return answer

    def _send(self, request: bytes) -> None:
        packed = bytes(cramjam.snappy.compress_raw(request))
        headers = {"Content-Encoding": "snappy", "Content-Type": "application/x-protobuf"}
        answer = self.client.post("/api/v1/write", content=packed, headers=headers)
        if answer.status_code >= 300:
            raise SourceRefused(f"remote write: {answer.status_code} {answer.text[:300]}")


@contextmanager
def running_prometheus(folder: Path, binary: str | None = None) -> Iterator[PrometheusServer]:
    """A server with its data under `folder`. Raises SourceUnavailable if there is no binary or it does not start."""
    program = binary or shutil.which("prometheus")
    if program is None:
        raise SourceUnavailable("no prometheus binary on the path")
    (folder / "prometheus.yml").write_text("global: {scrape_interval: 1h}\n")
    port = _free_port()
    command = [
        program,
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--web.enable-remote-write-receiver",
        "--storage.tsdb.min-block-duration=7d",  # accepts series one after the other, each in its own order of time
        "--storage.tsdb.max-block-duration=7d",
        "--storage.tsdb.retention.time=100y",
        "--log.level=error",
    ]
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60.0, trust_env=False) as client:
                _await_ready(client, process, folder / "prometheus.log")
                build = client.get("/api/v1/status/buildinfo").json()
                yield PrometheusServer(client, str(build["data"]["version"]))
        finally:
            process.terminate()
            process.wait(timeout=30)


def _await_ready(client: httpx.Client, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if client.get("/-/ready").status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    raise SourceUnavailable(f"prometheus did not start: {log.read_text(errors='replace')[-500:]}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _series(labels: Mapping[str, str], ms: Ints, values: Floats) -> bytes:
    """A TimeSeries message of the remote-write protocol, labels sorted as it demands."""
    message = bytearray()
    for name, value in sorted(labels.items()):
        message += _field(1, _field(1, name.encode()) + _field(2, value.encode()))
    for at, value in zip(ms.tolist(), values.view("<u8").tolist(), strict=True):
        message += _field(2, b"\x09" + struct.pack("<Q", value) + b"\x10" + _varint(at))
    return bytes(message)


def _field(number: int, payload: bytes) -> bytes:
    return bytes([number << 3 | 2]) + _varint(len(payload)) + payload


def _varint(value: int) -> bytes:
    """Base-128, least significant first; negative numbers as 64-bit two's complement."""
    value &= 2**64 - 1
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)
