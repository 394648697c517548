"""What Prometheus says of itself beside its query API: alerting rules, their alerts, and scrape targets.

Rules exist in Prometheus, Mimir, Thanos and VictoriaMetrics' vmalert; targets in Prometheus and VictoriaMetrics.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from config.errors import SourceUnavailable
from tools.evidence import parse_iso
from tools.sources.alerts import Alert, AlertRule, ScrapeTarget
from tools.sources.http_json import HttpReader

MAX_ROWS = 5_000
_RULE_STATES = frozenset(("firing", "pending", "inactive"))
_HEALTH = frozenset(("up", "down"))

Row = TypeVar("Row")


class PrometheusState:
    """Reads `/api/v1/alerts`, `/rules` and `/targets` with GET; all of them tell the present only."""

    def __init__(self, reader: HttpReader) -> None:
        self._reader = reader

    async def alerts(self) -> tuple[Alert, ...]:
        """Firing and pending alerts; Prometheus does not know what is silenced."""
        return _rows(await self._data("alerts"), lambda data: (_alert(row) for row in data["alerts"]), self._name)

    async def rules(self) -> tuple[AlertRule, ...]:
        """Alerting rules of all groups."""
        data = await self._data("rules", {"type": "alert"})
        return _rows(data, lambda d: (_rule(r) for group in d["groups"] for r in group["rules"]
                                      if r.get("type", "alerting") == "alerting"), self._name)

    async def targets(self) -> tuple[ScrapeTarget, ...]:
        """Active targets, also those that are down."""
        data = await self._data("targets", {"state": "active"})
        return _rows(data, lambda d: (_target(row) for row in d["activeTargets"]), self._name)

    @property
    def _name(self) -> str:
        return self._reader.backend

    async def _data(self, what: str, params: Mapping[str, str] | None = None) -> Any:
        answer = await self._reader.json(f"/api/v1/{what}", what, params)
        if not isinstance(answer, dict) or answer.get("status") != "success":
            raise SourceUnavailable(f"{self._name}: {what}: answered JSON of another shape")
        return answer.get("data")


def _rows(data: Any, read: Callable[[Any], Iterable[Row]], backend: str) -> tuple[Row, ...]:
    try:
        return tuple(read(data))[:MAX_ROWS]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise SourceUnavailable(f"{backend}: answered JSON of another shape ({error!r:.100})") from error


def _alert(row: Mapping[str, Any]) -> Alert:
    labels = _texts(row["labels"])
    return Alert(
        name=labels.get("alertname", ""), state="pending" if row["state"] == "pending" else "firing", labels=labels,
        annotations=_texts(row.get("annotations")), starts_ms=parse_iso(row["activeAt"]),
    )


def _rule(row: Mapping[str, Any]) -> AlertRule:
    state = str(row.get("state", ""))
    return AlertRule(
        name=str(row["name"]), state=state if state in _RULE_STATES else "unknown", query=str(row.get("query", "")),
        labels=_texts(row.get("labels")), error=str(row.get("lastError") or ""),
    )


def _target(row: Mapping[str, Any]) -> ScrapeTarget:
    labels, health = _texts(row["labels"]), str(row.get("health", ""))
    return ScrapeTarget(
        job=labels.get("job", ""), instance=labels.get("instance", ""),
        health=health if health in _HEALTH else "unknown", error=str(row.get("lastError") or ""),
    )


def _texts(value: Any) -> dict[str, str]:
    return {str(k): str(v) for k, v in (value or {}).items()}
