"""Alertmanager's webhook body (version 4) -> signals. Pure: no clock, no network, nothing stored.

Strict on what decides something (version, status, labels, times), tolerant to fields it does not know, because
Alertmanager adds some between releases. Everything in a payload is untrusted text and is bounded here.
Shape: https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError

from agent.incident import Severity, Signal, SignalKind
from config.errors import BadInput

VERSION = "4"
MAX_ALERTS = 10_000
MAX_LABELS = 200
MAX_TITLE = 300
MAX_TEXT = 4_000
DEFAULT_SEVERITY = Severity.WARNING  # for an absent or unknown word: looked at, but no one's sleep is broken

SEVERITY_WORDS: Mapping[str, Severity] = {
    word: severity
    for severity, words in {
        Severity.CRITICAL: "critical crit page emergency emerg disaster fatal blocker urgent high p0 p1 sev0 sev1",
        Severity.WARNING: "warning warn error major medium minor average p2 p3 sev2 sev3",
        Severity.INFO: "info information informational notice low none debug ok p4 p5 sev4 sev5",
    }.items()
    for word in words.split()
}


def _storable(value: Any) -> Any:
    """Puts U+FFFD where a database refuses a character: U+0000 (PostgreSQL) and lone surrogates (UTF-8)."""
    if not isinstance(value, str):
        return value
    return value.replace("\x00", "\ufffd").encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _map_or_empty(value: Any) -> Any:
    return {} if value is None else value


Text = Annotated[str, BeforeValidator(_storable), StringConstraints(strict=True, max_length=65_536)]
LabelName = Annotated[str, BeforeValidator(_storable), StringConstraints(strict=True, min_length=1, max_length=1_024)]
TextMap = Annotated[dict[LabelName, Text], Field(max_length=MAX_LABELS), BeforeValidator(_map_or_empty)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class PayloadAlert(_Part):
    """One alert of the body. `endsAt` is year 1 while it fires."""

    status: Literal["firing", "resolved"]
    labels: Annotated[dict[LabelName, Text], Field(min_length=1, max_length=MAX_LABELS)]
    annotations: TextMap = Field(default_factory=dict)
    startsAt: datetime
    endsAt: datetime | None = None
    generatorURL: Text = ""
    fingerprint: Annotated[Text, Field(max_length=200)] = ""


class AlertPayload(_Part):
    """The body. `truncatedAlerts` counts alerts that `max_alerts` of the receiver cut off."""

    version: Text
    status: Literal["firing", "resolved"]
    alerts: Annotated[tuple[PayloadAlert, ...], Field(min_length=1, max_length=MAX_ALERTS)]
    groupKey: Text = ""
    truncatedAlerts: Annotated[int, Field(ge=0)] = 0
    receiver: Text = ""
    groupLabels: TextMap = Field(default_factory=dict)
    commonLabels: TextMap = Field(default_factory=dict)
    commonAnnotations: TextMap = Field(default_factory=dict)
    externalURL: Text = ""


@dataclass(frozen=True)
class AlertGroup:
    """What one webhook call said. `truncated` > 0 means more alerts exist than were sent: a gap, to be reported."""

    signals: tuple[Signal, ...]
    status: str
    group: str
    receiver: str
    truncated: int
    external_url: str


def parse_payload(body: bytes | str | Mapping[str, Any], *, received_ms: int) -> AlertGroup:
    """Signals in the payload's order. Raises BadInput that names the field at fault."""
    payload = _validated(body)
    return AlertGroup(
        signals=tuple(_signal(alert, payload, received_ms) for alert in payload.alerts),
        status=payload.status, group=payload.groupKey, receiver=payload.receiver,
        truncated=payload.truncatedAlerts, external_url=payload.externalURL,
    )


def _validated(body: bytes | str | Mapping[str, Any]) -> AlertPayload:
    try:
        if isinstance(body, bytes | str):
            payload = AlertPayload.model_validate_json(body)
        else:
            payload = AlertPayload.model_validate(body)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(step) for step in first["loc"]) or "body"
        more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
        raise BadInput(f"Alertmanager payload: {where}: {first['msg']}{more}") from error
    if payload.version != VERSION:
        raise BadInput(f"Alertmanager payload: version {payload.version[:20]!r} is not supported; {VERSION!r} is")
    return payload


def _signal(alert: PayloadAlert, payload: AlertPayload, received_ms: int) -> Signal:
    starts = _ms(alert.startsAt)
    return Signal(
        kind=SignalKind.ALERT,
        fingerprint=alert.fingerprint or label_fingerprint(alert.labels),
        received_ms=received_ms,
        starts_ms=received_ms if starts is None else starts,
        title=(alert.labels.get("alertname") or "alert")[:MAX_TITLE],
        severity=severity_of(alert.labels),
        status=alert.status,
        ends_ms=None if alert.endsAt is None or alert.status == "firing" else _ms(alert.endsAt),
        text=_prose(alert.annotations),
        group=payload.groupKey,
        labels=alert.labels,
        payload={"annotations": dict(alert.annotations), "generator_url": alert.generatorURL,
                 "external_url": payload.externalURL, "receiver": payload.receiver,
                 "group_labels": dict(payload.groupLabels), "truncated_alerts": payload.truncatedAlerts},
    )


def severity_of(labels: Mapping[str, str]) -> Severity:
    """The `severity` label, else `priority`, in any case; DEFAULT_SEVERITY for an unknown or absent word."""
    word = labels.get("severity") or labels.get("priority") or ""
    return SEVERITY_WORDS.get(word.strip().lower(), DEFAULT_SEVERITY)


def _prose(annotations: Mapping[str, str]) -> str:
    """Summary, then description (or `message`, as older rules call it), without saying the same twice."""
    parts: list[str] = []
    for name in ("summary", "description", "message"):
        text = annotations.get(name, "").strip()
        if text and text not in parts:
            parts.append(text)
    return "\n".join(parts)[:MAX_TEXT]


def _ms(moment: datetime) -> int | None:
    """Unix milliseconds; None for Go's zero time (year 1). A time without a zone is UTC."""
    if moment.year <= 1:
        return None
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return int((aware - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1000)


def label_fingerprint(labels: Mapping[str, str]) -> str:
    """Alertmanager's own: 64-bit FNV-1a over name, 0xff, value, 0xff in name order, as 16 hex digits."""
    total = 0xCBF29CE484222325
    for name in sorted(labels):
        for byte in (*name.encode(), 0xFF, *labels[name].encode(), 0xFF):
            total = ((total ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return f"{total:016x}"
