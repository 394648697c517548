"""What an investigation asked of a live system, as the plan of a capture: what it read, when, and what began it.

    plan = plan_of(incident, diagnosis, signals)     then `capture` (evals/capture.py), then the shelf

Only series that were asked for are kept, so that keeping an incident costs the backends what investigating it did.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

from agent.diagnosis import Diagnosis
from agent.incident import Signal, SignalKind
from config.errors import QueryError
from evals.capture_plan import Plan
from evals.shelf import safe_name
from tools.evidence import iso, parse_iso
from tools.recorded.promql.grammar import parse
from tools.recorded.promql.semantics import Semantics
from tools.recorded.promql.syntax import Matcher, Selector

LONGEST_MS = 6 * 3_600_000
DEFAULT_MS = 3_600_000
MOST_NAMES = 300
_METRIC = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_NAMES = re.compile(r"[a-zA-Z0-9_:|()]+")  # alternatives that we or a model wrote; anything broader is left out


def plan_of(incident: str, diagnosis: Diagnosis, signals: Sequence[Signal], *, max_bytes: int) -> Plan:
    """From the earliest moment any answer looked at (six hours at most) to the moment asked about."""
    end = parse_iso(diagnosis.asked_at)
    starts = [at for e in diagnosis.evidence for at in _moments(e.get("window"))]
    start = max(min(starts, default=end - DEFAULT_MS), end - LONGEST_MS)
    alerts = [s for s in signals if s.kind is SignalKind.ALERT]
    asked = next((s.text or s.title for s in signals if s.kind is not SignalKind.ALERT), "")
    first = next(iter(signals), None)
    return Plan(
        id=safe_name(incident), start_ms=min(start, end - 1), end_ms=end, now_ms=end, max_bytes=max_bytes,
        title=first.title if first else "", question="" if alerts else asked[:300],
        lang=first.lang if first and first.lang in ("en", "ko") else "en",
        metrics=series_asked(diagnosis.evidence),
        payloads=((min(end, max(s.received_ms for s in alerts)), webhook_of(alerts)),) if alerts else ())


def series_asked(evidence: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """One selector for all metric names that any query read; () where none can be told, which captures everything."""
    names: dict[str, None] = {}
    for e in evidence:
        for query in e.get("query", {}).get("queries", ()):
            for matcher in _matchers(str(query)):
                plain = matcher.kind == "=" and _METRIC.fullmatch(matcher.value)
                if plain or (matcher.kind == "=~" and _NAMES.fullmatch(matcher.value)):
                    names.setdefault(matcher.value)
    return ('{__name__=~"' + "|".join(list(names)[:MOST_NAMES]) + '"}',) if names else ()


def _matchers(query: str) -> Iterator[Matcher]:
    """The conditions on the metric's name; none for a question to logs or containers, which is no PromQL."""
    try:
        tree = parse(query, Semantics())
    except QueryError:
        return
    for selector in _selectors(tree):
        yield from (m for m in selector.matchers if m.name == "__name__")


def _selectors(node: Any) -> Iterator[Selector]:
    if isinstance(node, Selector):
        yield node
    elif isinstance(node, tuple):
        for one in node:
            yield from _selectors(one)
    elif is_dataclass(node):
        for f in fields(node):
            yield from _selectors(getattr(node, f.name))


def _moments(window: Any) -> Iterator[int]:
    try:
        yield parse_iso(str(window[0]))
    except (ValueError, OverflowError, TypeError, IndexError, KeyError):
        return


def webhook_of(alerts: Sequence[Signal]) -> dict[str, Any]:
    """Alertmanager's body (version 4) that says again what these signals were read from."""
    return {
        "version": "4", "status": "firing" if any(s.status == "firing" for s in alerts) else "resolved",
        "receiver": "culprit", "groupKey": alerts[0].group,
        "alerts": [{
            "status": s.status, "labels": {"alertname": s.title, **s.labels}, "fingerprint": s.fingerprint,
            "annotations": dict(s.payload.get("annotations") or {}) or {"summary": s.text},
            "startsAt": iso(s.starts_ms), "endsAt": iso(s.ends_ms) if s.ends_ms else "0001-01-01T00:00:00Z",
        } for s in alerts],
    }
