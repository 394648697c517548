"""alerts.json: the webhook bodies as received, and which alerts were known when.

Where no state was polled, the payloads themselves say what was firing: Alertmanager sends a group whole.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, TypeAdapter, model_validator

from config.errors import NotCaptured
from tools.evidence import parse_iso
from tools.recorded.fields import Moment, Part, Text
from tools.recorded.files import parse_json, read_document
from tools.recorded.records import from_record
from tools.recorded.span import Span, require_ascending
from tools.sources.alerts import Alert, AlertRule, ScrapeTarget


class PayloadRecord(Part):
    """A webhook body exactly as it was received; only its reader (agent/alert_payload.py) judges its inside."""

    received: Moment
    payload: dict[str, Any]

    @property
    def at(self) -> int:
        return self.received


class AlertRecord(Part):
    name: Text
    state: Literal["firing", "pending", "resolved", "silenced", "inhibited"]
    labels: dict[Text, Text] = Field(default_factory=dict)
    annotations: dict[Text, Text] = Field(default_factory=dict)
    starts: Moment
    ends: Moment | None = None


class RuleRecord(Part):
    name: Text
    state: Literal["firing", "pending", "inactive", "unknown"]
    query: Text = ""
    labels: dict[Text, Text] = Field(default_factory=dict)
    error: Text = ""


class TargetRecord(Part):
    job: Text
    instance: Text
    health: Literal["up", "down", "unknown"]
    error: Text = ""


class StateRecord(Part):
    """`rules` and `targets` are null where only alerts were polled."""

    at: Moment
    alerts: tuple[AlertRecord, ...]
    rules: tuple[RuleRecord, ...] | None = None
    targets: tuple[TargetRecord, ...] | None = None


class AlertsFile(Part):
    payloads: tuple[PayloadRecord, ...]
    states: tuple[StateRecord, ...]

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        require_ascending(self.payloads, "payloads")
        require_ascending(self.states, "states")
        return self


_FILE = TypeAdapter(AlertsFile)


def read_alerts(path: Path) -> AlertsFile:
    """Raises BadSnapshot."""
    return parse_json(read_document(path), _FILE, path.name)


class RecordedAlerts:
    """The alerts seam over alerts.json, read at the first question."""

    def __init__(self, path: Path, *, span: Span) -> None:
        self._path = path
        self._span = span

    @cached_property
    def _file(self) -> AlertsFile:
        return read_alerts(self._path)

    async def active(self, *, at_ms: int) -> tuple[Alert, ...]:
        """From the last polled state; without any, from the payloads received by then (none: no rule fired)."""
        if self._file.states:
            seen = self._span.latest(self._file.states, at_ms, "alerts")
            return tuple(Alert(a.name, a.state, a.labels, a.annotations, a.starts, a.ends) for a in seen.alerts)
        moment = self._span.moment(at_ms, "alerts")
        return _told_by([p.payload for p in self._file.payloads if p.received <= moment])

    async def rules(self, *, at_ms: int) -> tuple[AlertRule, ...]:
        """From the last polled state."""
        seen = self._polled(at_ms)
        if seen is None or seen.rules is None:
            raise NotCaptured("alerting rules were not captured")
        return tuple(from_record(AlertRule, rule) for rule in seen.rules)

    async def targets(self, *, at_ms: int) -> tuple[ScrapeTarget, ...]:
        """From the last polled state."""
        seen = self._polled(at_ms)
        if seen is None or seen.targets is None:
            raise NotCaptured("scrape targets were not captured")
        return tuple(from_record(ScrapeTarget, target) for target in seen.targets)

    def _polled(self, at_ms: int) -> StateRecord | None:
        return self._span.latest(self._file.states, at_ms, "alerts") if self._file.states else None


def _told_by(payloads: list[dict[str, Any]]) -> tuple[Alert, ...]:
    """Each alert as its newest payload told it; what cannot be read is left out here and reported by the check."""
    known: dict[tuple[tuple[str, str], ...], Alert] = {}
    for payload in payloads:
        alerts = payload.get("alerts")
        for told in alerts if isinstance(alerts, list) else ():
            alert = _alert(told) if isinstance(told, dict) else None
            if alert is not None:
                known[tuple(sorted(alert.labels.items()))] = alert
    return tuple(known.values())


def _alert(told: dict[str, Any]) -> Alert | None:
    starts = _ms(told.get("startsAt"))
    if starts is None:
        return None
    labels = _texts(told.get("labels"))
    resolved = told.get("status") == "resolved"
    return Alert(labels.get("alertname", ""), "resolved" if resolved else "firing", labels,
                 _texts(told.get("annotations")), starts, _ms(told.get("endsAt")) if resolved else None)


def _texts(value: object) -> dict[str, str]:
    return {str(k): str(v) for k, v in value.items()} if isinstance(value, dict) else {}


def _ms(text: object) -> int | None:
    try:
        return parse_iso(text) if isinstance(text, str) else None
    except (ValueError, OverflowError):
        return None
