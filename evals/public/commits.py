"""Which commit, if any? A set's events and logs, read for the product's change relevance."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

from evals.public.folder import ALERT_LAG_MS, PublicCase
from tools.analysis.change_relevance import (
    LEAST_RELEVANCE,
    Candidate,
    Relevance,
    outside_hosts,
    relevance,
    words_of,
)
from tools.evidence import parse_iso

_ERROR = re.compile(r"\b(error|fatal|critical|panic|exception|failed)\b", re.I)
NONE = "none"
SETTLING_MS = 5 * 60_000


def culprit_commit(case: PublicCase) -> str:
    """The id of the most relevant commit, or "none"."""
    if outside_hosts(_failing(case)):
        return NONE
    ranked = relevant_commits(case)
    return ranked[0].id if ranked and ranked[0].score >= LEAST_RELEVANCE else NONE


def relevant_commits(case: PublicCase) -> list[Relevance]:
    """All commits that ran before the alert, most relevant first."""
    deployed = {str(e.get("commit_sha", "")): e for e in case.events if e.get("kind") == "deploy"}
    changes = [_candidate(e, deployed.get(str(e.get("sha", "")))) for e in case.events if e.get("kind") == "commit"]
    service = str(case.alert.get("service", ""))
    return relevance(changes, _trouble(case), (service,), onset_ms=case.alert_ms)


def _failing(case: PublicCase) -> list[str]:
    """Lines of errors since shortly before the alert, of the service that alerts, else of all."""
    since = case.alert_ms - ALERT_LAG_MS - SETTLING_MS
    late = [r for r in case.logs if int(r["ts"]) >= since and _ERROR.search(str(r["line"]))]
    own = [r for r in late if r.get("service") == case.alert.get("service")]
    return [str(r["line"]) for r in own or late]


def latest_deploy(case: PublicCase) -> str:
    """Baseline: the commit of the last deploy before the alert."""
    deploys = [e for e in case.events if e.get("kind") == "deploy" and parse_iso(e["ts"]) <= case.alert_ms]
    return str(max(deploys, key=lambda e: parse_iso(e["ts"]))["commit_sha"]) if deploys else NONE


def _candidate(event: Mapping[str, Any], deploy: Mapping[str, Any] | None) -> Candidate:
    services = tuple(str(e["service"]) for e in (event, deploy) if e and e.get("service"))
    return Candidate(
        id=str(event["sha"]), text=f"{event.get('message') or ''} {event.get('diff') or ''}",
        paths=tuple(event.get("files_changed") or ()), services=services, at_ms=parse_iso(event["ts"]),
        live_ms=parse_iso(deploy["ts"]) if deploy else None,
    )


def _trouble(case: PublicCase) -> frozenset[str]:
    """Words that came with the incident: of the alert, and of lines whose words were rare before it."""
    quiet = case.alert_ms - ALERT_LAG_MS - SETTLING_MS
    before: Counter[str] = Counter()
    after: Counter[str] = Counter()
    for row in case.logs:
        (before if int(row["ts"]) < quiet else after).update(words_of(str(row["line"])))
    told = case.alert.get("detail") or {}
    alert = words_of(f"{told.get('summary') or ''} {told.get('metric') or ''}")
    return frozenset(w for w, n in after.items() if n >= 2 and before[w] * 10 < n) | alert
