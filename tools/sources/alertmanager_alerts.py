"""The live alerts source: Alertmanager's API v2, which also shows what is silenced or inhibited and never arrives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from config.errors import SourceUnavailable
from tools.evidence import parse_iso
from tools.sources.alerts import Alert
from tools.sources.http_json import HttpReader
from tools.sources.present import Clock, now_ms, require_present

MAX_ALERTS = 5_000


class AlertmanagerAlerts:
    """Fits the Alerts seam; Alertmanager knows the present only."""

    def __init__(self, reader: HttpReader, *, clock: Clock = now_ms) -> None:
        self._reader, self._clock = reader, clock

    async def active(self, *, at_ms: int) -> tuple[Alert, ...]:
        """Alerts known now, also silenced and inhibited ones."""
        require_present(at_ms, "alerts", clock=self._clock)
        params = {"active": "true", "silenced": "true", "inhibited": "true", "unprocessed": "true"}
        rows = await self._reader.json("/api/v2/alerts", "alerts", params)
        try:
            return tuple(_alert(row) for row in rows[:MAX_ALERTS])
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise SourceUnavailable(f"{self._reader.backend}: alerts have another shape ({error!r:.100})") from error


def _alert(row: Mapping[str, Any]) -> Alert:
    status = row["status"]
    suppressed = "silenced" if status.get("silencedBy") else "inhibited"
    labels = {str(k): str(v) for k, v in row["labels"].items()}
    return Alert(
        name=labels.get("alertname", ""),
        state=suppressed if status["state"] == "suppressed" else "firing",
        labels=labels,
        annotations={str(k): str(v) for k, v in (row.get("annotations") or {}).items()},
        starts_ms=parse_iso(row["startsAt"]),
    )
