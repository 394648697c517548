"""The chat worker: takes jobs from the Redis list, asks the provider, publishes tokens for the API to stream.

It consumes from the moment it boots, whatever its colour. A job whose contract (`schema`) is newer than the build's own
is rejected: logged, put back after a pause, given up after `max_attempts`.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import random
import sys
import threading
import time
from typing import Any
from urllib.parse import urlsplit

from .logline import Log
from .resp import Redis, RespError
from .settings import build, config, host, stop_event

# Redis serves who has waited longest. Consumers that all wait one second keep their boot's rhythm, and a prober whose
# period is a multiple of it would always be served by the same worker: a second consumer would not be felt.
WAIT_S = (0.6, 1.4)


class ProviderError(Exception):
    """The provider refused, failed or was too slow."""


class Worker:
    """`concurrency` threads that consume, one that beats. `alive` is false once a consumer has died for good."""

    def __init__(self) -> None:
        self.build = build()
        self.config = config()
        self.stopping = stop_event()
        style = str(self.config.get("log_style", "json"))
        self.log = Log(style, words=self.config.get("words"), worker=host(), build=str(self.build["build"]))
        self.inflight = 0
        self.done = 0
        self._kept: list[bytes] = []
        self._lock = threading.Lock()

    def connect(self) -> Redis:
        """A connection named after the container."""
        return Redis(str(self.config["redis"]), name=host(), timeout_s=8)

    def run(self) -> None:
        """Consumes until SIGTERM, then finishes what is in flight."""
        self.connect().close()
        self.log(
            "info",
            "워커 시작: 큐 소비를 시작합니다",
            event="consumer_ready",
            queue=self.config["queue"],
            concurrency=self.config["concurrency"],
            contract=self.build["contract"],
        )
        threads = [
            threading.Thread(target=self._consume, name=f"consumer-{n}") for n in range(int(self.config["concurrency"]))
        ]
        for thread in threads:
            thread.start()
        threading.Thread(target=self._beat, daemon=True).start()
        self.stopping.wait()
        self.log(
            "info", "종료 신호 수신: 새 작업을 받지 않고 남은 작업을 마칩니다", event="draining", inflight=self.inflight
        )
        for thread in threads:
            thread.join(timeout=25)
        self.log("info", "워커 종료", event="stopped", done=self.done)

    def _consume(self) -> None:
        queue = str(self.config["queue"])
        retry = bool(self.config.get("reconnect", True))
        connection: Redis | None = None
        while not self.stopping.is_set():
            try:
                connection = connection or self.connect()
                popped = connection.call("BLPOP", queue, f"{random.uniform(*WAIT_S):.2f}", wait_s=8)
            except (OSError, RespError) as error:
                if not retry:
                    self.log("error", "소비 루프가 중단되었습니다", event="consumer_died", error=str(error))
                    return
                self.log("warning", "Redis 연결 재시도", event="redis_retry", error=str(error))
                connection = None
                self.stopping.wait(1.0)
                continue
            if popped:
                self._handle(json.loads(popped[1]))

    def _handle(self, job: dict[str, Any]) -> None:
        with self._lock:
            self.inflight += 1
        try:
            if int(job["schema"]) > int(self.build["contract"]):
                self._reject(job)
            else:
                self._work(job)
        except (ProviderError, OSError, RespError) as error:
            self.log("error", "작업 실패", event="job_failed", job=job["id"], error=str(error))
            self._publish(job, {"error": str(error)})
        finally:
            with self._lock:
                self.inflight -= 1

    def _reject(self, job: dict[str, Any]) -> None:
        attempt = int(job.get("attempt", 1))
        self.log(
            "error",
            "작업을 읽을 수 없습니다: 계약 버전 {schema}은(는) 지원하지 않습니다",
            event="job_rejected",
            job=job["id"],
            schema=job["schema"],
            supported=self.build["contract"],
            attempt=attempt,
        )
        if attempt >= int(self.config["max_attempts"]):
            self._publish(job, {"error": f"unsupported job schema {job['schema']}"})
            return
        self.stopping.wait(float(self.config["retry_s"]) * random.uniform(0.8, 1.2))
        with self.connect() as connection:
            connection.call("RPUSH", str(self.config["queue"]), json.dumps({**job, "attempt": attempt + 1}))

    def _work(self, job: dict[str, Any]) -> None:
        started = time.time()
        self.log(
            "info",
            "작업 시작",
            event="job_started",
            job=job["id"],
            attempt=job.get("attempt", 1),
            queue_ms=round((started - float(job["at"])) * 1000),
        )
        self._fail_if_defective()
        self._burn(float(self.config["cpu_ms"]) / 2000)
        first: float | None = None
        tokens = 0
        with self.connect() as connection:
            for line in self._generate(job):
                first = first or time.time()
                tokens += 1
                connection.call("PUBLISH", str(job["reply"]), json.dumps({"token": line}))
            self._burn(float(self.config["cpu_ms"]) / 2000)
            connection.call("PUBLISH", str(job["reply"]), json.dumps({"done": True, "worker": host()}))
        now = time.time()
        with self._lock:
            self.done += 1
            self._kept.append(b"k" * (int(self.config.get("keep_kb", 0)) * 1024))
        self.log(
            "info",
            "작업 완료",
            event="job_finished",
            job=job["id"],
            tokens=tokens,
            ttft_ms=round(((first or now) - float(job["at"])) * 1000),
            duration_ms=round((now - started) * 1000),
        )

    def _generate(self, job: dict[str, Any]) -> Any:
        address = urlsplit(str(self.config["provider"]))
        connection = http.client.HTTPConnection(
            str(address.hostname), address.port, timeout=float(self.config["provider_timeout_s"])
        )
        began = time.time()
        try:
            connection.request(
                "POST", "/v1/generate", json.dumps({"prompt": job["prompt"], "model": self.config["model"]})
            )
            response = connection.getresponse()
            if response.status != 200:
                self.log(
                    "warning", "모델 제공자 오류 응답", event="provider_error", job=job["id"], status=response.status
                )
                raise ProviderError(f"provider answered {response.status}")
            for raw in response:
                yield json.loads(raw)["token"]
        except (http.client.HTTPException, TimeoutError) as error:
            raise ProviderError(f"provider timeout after {time.time() - began:.1f} s: {error}") from error
        finally:
            connection.close()

    def _fail_if_defective(self) -> None:
        """A build may be bad: `defect_share` of its jobs meet a bug that its predecessor had not."""
        if random.random() < float(self.build.get("defect_share", 0)):
            raise ProviderError(str(self.build.get("defect_text", "KeyError: 'citations' in render_answer()")))

    @staticmethod
    def _burn(seconds: float) -> None:
        """Tokenising and post-processing: a fixed amount of CPU time, so that a limit stretches it."""
        end = time.thread_time() + seconds
        digest = b"x" * 4096
        while time.thread_time() < end:
            digest = hashlib.sha256(digest).digest() * 128

    def _publish(self, job: dict[str, Any], message: dict[str, Any]) -> None:
        try:
            with self.connect() as connection:
                connection.call("PUBLISH", str(job["reply"]), json.dumps(message))
        except (OSError, RespError) as error:
            self.log("error", "결과 발행 실패", event="publish_failed", job=job["id"], error=str(error))

    def _beat(self) -> None:
        period = float(self.config["heartbeat_s"])
        while True:
            self._beat_once(period)
            if self.stopping.wait(period):
                return

    def _beat_once(self, period: float) -> None:
        if self._host_busy():
            self.log("warning", "호스트 CPU 과부하로 하트비트를 건너뜁니다", event="heartbeat_skipped")
            return
        try:
            with self.connect() as connection:
                connection.call("SET", f"hb:{host()}", str(time.time()), "EX", str(int(period * 3)))
            self.log("info", "하트비트", event="heartbeat", inflight=self.inflight, done=self.done)
        except (OSError, RespError) as error:
            self.log("warning", "하트비트 실패", event="heartbeat_failed", error=str(error))

    def _host_busy(self) -> bool:
        limit = float(self.config.get("heartbeat_host_cpu_limit", 0))
        if not limit:
            return False
        first = _cpu_times()
        time.sleep(0.5)
        second = _cpu_times()
        total = sum(second) - sum(first)
        return total > 0 and 1 - (second[3] + second[4] - first[3] - first[4]) / total > limit


def _cpu_times() -> list[int]:
    with open("/proc/stat", encoding="ascii") as file:
        return [int(x) for x in file.readline().split()[1:9]]


def main() -> None:
    """Runs until SIGTERM."""
    try:
        Worker().run()
    except (OSError, RespError) as error:
        Log("json", worker=host())(
            "error", "Redis에 연결할 수 없어 종료합니다", event="dependency_refused", error=str(error)
        )
        sys.exit(1)


if __name__ == "__main__":
    main()
