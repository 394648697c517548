"""What happened: changes of a stretch of time, restarts, log lines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agent.answers.asking import Asking, findings_of, rows_of
from agent.answers.phrases import moment
from agent.intents.entities import listed_names
from agent.intents.times import DAY, HOUR, MINUTE
from tools.evidence import Status, parse_iso

ROLLOUT_MS = 3 * MINUTE
ERROR_LINES = "(?i)error|exception|fail|fatal|panic|오류|실패|예외"
ERRORS = ("error_template_new", "dependency_refused", "status_rejected", "template_shifted", "instruction_in_data")
ENDED = ("restarted", "oom_killed", "exited", "not_running", "stopped_in_window", "unhealthy")


async def changes(asking: Asking) -> None:
    """Recorded changes between the moments named; without any, of the last hour."""
    start, end = await _window(asking)
    service = asking.services()[0] if len(asking.services()) == 1 else ""
    found = await asking.ask("changes.between", start_ms=start, end_ms=end, service=service)
    if found is None:
        return
    if found["status"] == Status.NO_DATA.value:
        start, end = _ms(found, 0), _ms(found, 1)
        asking.claim("change.none", found, start=moment(start, asking.zone), end=moment(end, asking.zone))
    for row in rows_of(found):
        asking.claim("change.row", found, at=moment(row["at_ms"], asking.zone), what=row["what"])


async def _window(asking: Asking) -> tuple[int, int]:
    """A window that hangs on the last deploy begins or ends there."""
    if asking.times.anchor:
        day = await asking.ask("changes.between", start_ms=max(asking.at_ms - DAY, 0), end_ms=asking.at_ms)
        wanted = [r["at_ms"] for r in rows_of(day) if r["what"].startswith(("deploy", "switch", "rollback"))]
        if wanted:
            last = wanted[-1]
            if asking.times.anchor == "deploy_before":  # one rollout touches several services within minutes
                for earlier in reversed(wanted):
                    last = earlier if last - earlier <= ROLLOUT_MS else last
            return (last - HOUR, last - 1) if asking.times.anchor == "deploy_before" else (last, asking.at_ms)
    named = asking.window()
    if named is not None:
        return named
    return max(asking.at_ms - HOUR, asking.world.earliest_ms or 0), asking.at_ms


def _ms(evidence: Mapping[str, Any], side: int) -> int:
    """The start (0) or end (1) of what was really looked at."""
    return parse_iso(evidence["window"][side])


async def restarts(asking: Asking) -> None:
    """Containers that were restarted, killed, ended or do not run."""
    service = asking.services()[0] if len(asking.services()) == 1 else ""
    state = await asking.ask("containers.state", service=service)
    if state is None:
        return
    names = asking.containers()
    kept = [f for f in findings_of(state, *ENDED) if (not names or f.subject.container in names)
            and not (f.kind == "exited" and f.extra.get("asked"))]
    told = [asking.tell(f, state) for f in kept[:8]]
    if not kept or not any(told):
        asking.claim("restarts.none", state, who=listed_names(names), start=moment(_ms(state, 0), asking.zone))


async def logs(asking: Asking) -> None:
    """New and more frequent errors, then a few lines word for word."""
    service = asking.services()[0] if len(asking.services()) == 1 else ""
    names = asking.containers()
    templates = await asking.ask("logs.templates", service=service)
    found = [f for f in findings_of(templates, *ERRORS) if not names or f.subject.container in names]
    for finding in found[:4]:
        asking.tell(finding, templates or {})
    if templates is not None and not found:
        asking.claim("logs.quiet", templates, who=listed_names(names))
    lines = await asking.ask("logs.search", containers=list(names)[:40], regex=ERROR_LINES if found else "",
                             newest=True, limit=4, window="incident")
    if lines is not None and lines["status"] == Status.OK.value:
        for row in str(lines["text"]).splitlines()[1:5]:
            asking.claim("logs.line", lines, row=row)
