"""What to capture: a window, a scope, and what started the incident."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from config.errors import BadInput


@dataclass(frozen=True)
class Plan:
    """What to capture. Selectors bound it (empty: everything); `max_bytes` bounds metrics and logs, each.

    `payloads` are (received ms, webhook body): with `question` they are the case's signals.
    """

    id: str
    start_ms: int
    end_ms: int
    now_ms: int
    title: str = ""
    question: str = ""
    lang: str = "en"
    metrics: tuple[str, ...] = ()
    logs: tuple[str, ...] = ()
    max_bytes: int = 256 * 2**20
    payloads: tuple[tuple[int, Mapping[str, Any]], ...] = ()

    def __post_init__(self) -> None:
        if not self.start_ms < self.end_ms or not self.start_ms <= self.now_ms <= self.end_ms:
            raise BadInput("capture: start must lie before end, and now between them")

    @property
    def digest(self) -> str:
        """The same for the same plan; tells nothing of what is in it."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()
