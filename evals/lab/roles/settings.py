"""What a role reads at start: its build (baked into the image) and its configuration (mounted)."""

from __future__ import annotations

import json
import os
import signal
import threading
from pathlib import Path
from typing import Any

BUILD = Path("/app/build.json")
CONFIG = Path("/etc/chat/config.json")


def build() -> dict[str, Any]:
    """`{"build": "42", "contract": 2, …}` of the image."""
    return dict(json.loads(BUILD.read_text(encoding="utf-8")))


def config() -> dict[str, Any]:
    """The mounted configuration."""
    return dict(json.loads(CONFIG.read_text(encoding="utf-8")))


def host() -> str:
    """The container's own host name."""
    return os.uname().nodename


def stop_event() -> threading.Event:
    """Set on SIGTERM: Python as process 1 would ignore it otherwise."""
    stopping = threading.Event()

    def stop(_signal: int, _frame: object) -> None:
        stopping.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    return stopping
