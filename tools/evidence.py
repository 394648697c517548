"""Evidence: one answer to one question, with the exact query, its window, how stale it is and what was found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from tools.findings import KINDS, Finding

MAX_TEXT = 1_500


class Status(StrEnum):
    """`no_data`: asked, nothing is there. `not_captured`: a recorded world cannot know. `failed`: not answered."""

    OK = "ok"
    NO_DATA = "no_data"
    NOT_CAPTURED = "not_captured"
    FAILED = "failed"


@dataclass(frozen=True)
class Chart:
    """A telling series, small enough to print: `ms` and `values` of equal length (<= 240), None at a gap."""

    title: str
    unit: str
    ms: tuple[int, ...]
    values: tuple[float | None, ...]
    marks: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True)
class Evidence:
    """`query` holds the question's arguments and the exact queries sent. `charts` stay out of state and models."""

    question: str
    query: Mapping[str, Any]
    window: tuple[int, int]
    as_of_ms: int
    status: Status
    text: str
    findings: tuple[Finding, ...] = ()
    id: str = ""
    cluster: str = ""
    link: str = ""
    charts: tuple[Chart, ...] = field(default=(), compare=False)

    def as_dict(self) -> dict[str, Any]:
        """The JSON of DESIGN section 5 (times as ISO 8601)."""
        return {
            "id": self.id, "cluster": self.cluster, "question": self.question, "query": dict(self.query),
            "window": [iso(self.window[0]), iso(self.window[1])], "as_of": iso(self.as_of_ms),
            "status": self.status.value, "text": self.text,
            "findings": [f.as_dict() for f in self.findings], "link": self.link,
        }

    def table(self) -> str:
        """What a model is passed: the text and a compact table of findings, under the evidence id."""
        rows = [f"{self.id} {self.question} {self.status.value}: {self.text[:MAX_TEXT]}"]
        rows += [finding_row(f) for f in self.findings]
        return "\n".join(rows)


def finding_row(finding: Finding) -> str:
    """One line: kind | subject | value (baseline) unit | since | strength | detail."""
    subject = ",".join(f"{k}={v}" for k, v in finding.subject.as_dict().items())
    value = "" if finding.value is None else f"{finding.value:.4g}"
    if finding.baseline is not None:
        value += f" (was {finding.baseline:.4g})"
    since = "" if finding.since_ms is None else iso(finding.since_ms)
    unit = KINDS[finding.kind].unit
    cells = (f"- {finding.kind}", subject, f"{value} {unit}".strip(), since, f"{finding.strength:.2f}", finding.detail)
    return " | ".join(cells)


def iso(ms: int) -> str:
    """2026-11-21T02:10:00.000Z."""
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_iso(text: str) -> int:
    """Milliseconds of an ISO 8601 time; one without a zone is UTC. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return round(moment.timestamp() * 1000)
