"""Signals and incidents: what came in, and what is investigated together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Severity(StrEnum):
    """Order of urgency; `rank` sorts the most urgent first."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"

    @property
    def rank(self) -> int:
        """0 is the most urgent."""
        return list(Severity).index(self)


class SignalKind(StrEnum):
    ALERT = "alert"
    ANOMALY = "anomaly"
    QUESTION = "question"


@dataclass(frozen=True)
class Signal:
    """One thing that came in. Times are Unix ms; `starts_ms` is when the sender says it began.

    `fingerprint` identifies the same condition over time; `labels` are the sender's own; `text` is prose (an alert's
    summary, a person's question) and is untrusted data.
    """

    kind: SignalKind
    fingerprint: str
    received_ms: int
    starts_ms: int
    title: str
    severity: Severity = Severity.WARNING
    status: str = "firing"
    ends_ms: int | None = None
    text: str = ""
    lang: str = "en"
    group: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    payload: Mapping[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """JSON shape, the inverse of `from_dict`."""
        out = dict(self.__dict__)
        out.update(kind=self.kind.value, severity=self.severity.value)
        out.update(labels=dict(self.labels), payload=dict(self.payload))
        return out

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> Signal:
        """Raises KeyError, TypeError or ValueError on a wrong shape."""
        fields = dict(data)
        fields["kind"] = SignalKind(fields["kind"])
        fields["severity"] = Severity(fields.get("severity", "warning"))
        return Signal(**fields)


@dataclass(frozen=True)
class Incident:
    """The signals investigated together. `asked_at_ms` is frozen for a run: no question reads past it."""

    id: str
    fingerprint: str
    signals: tuple[Signal, ...]
    severity: Severity
    opened_ms: int
    revision: int = 0

    @property
    def starts_ms(self) -> int:
        """The earliest moment any signal says it began."""
        return min((s.starts_ms for s in self.signals), default=self.opened_ms)
