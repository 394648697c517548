"""The settlement batch: a minute's calm, a short burst of CPU, Korean prose in its log."""

from __future__ import annotations

import hashlib
import sys
import time
from datetime import UTC, datetime

from .settings import build, config, stop_event


def _say(text: str) -> None:
    sys.stdout.write(f"[{datetime.now(UTC):%Y-%m-%d %H:%M:%S}] {text}\n")
    sys.stdout.flush()


def main() -> None:
    """Runs until SIGTERM."""
    settings = config()
    stopping = stop_event()
    _say(f"정산 배치 기동 (빌드 {build()['build']})")
    number = 0
    for line in settings.get("say", []):
        _say(str(line))
    while not stopping.wait(float(settings["period_s"])):
        number += 1
        rows = 1200 + number * 37 % 400
        _say(f"정산 배치 시작: 대상 {rows}건")
        end = time.thread_time() + float(settings["burst_cpu_s"])
        digest = b"batch"
        while time.thread_time() < end and not stopping.is_set():
            digest = hashlib.sha256(digest * 64).digest()
        _say(f"정산 배치 완료: {rows}건 처리, 불일치 0건")


if __name__ == "__main__":
    main()
