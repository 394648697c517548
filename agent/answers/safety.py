"""May it be stopped or switched, and what a request to act gets: facts and text to copy. Nothing is ever executed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from agent.actions import render
from agent.answers.asking import Asking, findings_of, rows_of
from agent.answers.load import without
from agent.answers.phrases import moment
from agent.answers.state import mismatches
from agent.codes import ActionKind
from agent.draft import Proposal
from agent.intents.entities import listed_names
from agent.intents.times import MINUTE
from tools.evidence import parse_iso
from tools.findings import Finding

FACING = ("proxy", "api")  # users reach the system through these
IN_FLIGHT_MS = 2 * MINUTE
_SWITCH = re.compile(r"switch|flip|cut ?over|fail ?over|move|route|swap|전환|스위치|스위칭|넘겨|넘기|트래픽|돌려", re.I)
_VERBS: tuple[tuple[ActionKind, str], ...] = (
    (ActionKind.RESTART_CONTAINER, r"restart|reboot|bounce|재시작|리스타트|재기동|재부팅"),
    (ActionKind.SCALE_SERVICE, r"scale|늘려|줄여|증설|스케일|replica"),
    (ActionKind.ROLLBACK, r"roll ?back|롤백|이전 버전|전 빌드|deploy|ship|release|배포"),
    (ActionKind.SWITCH_TRAFFIC, r"switch|flip|cut ?over|fail ?over|route|전환|스위치|스위칭|넘겨|트래픽"),
    (ActionKind.SILENCE_ALERT, r"silence|mute|snooze|알람|알럿|알림|음소거|뮤트"),
    (ActionKind.RELIEVE_QUEUE, r"flush|purge|empty|clear|drop|wipe|비워|플러시|큐"),
    (ActionKind.SET_LIMITS, r"limit|한도|throttle"),
    (ActionKind.ISOLATE_CONTAINER, r"isolate|quarantine|격리"),
    (ActionKind.PAUSE_CONTAINER, r"pause|일시"),
    (ActionKind.STOP_CONTAINER,
     r"stop|kill|shut|turn off|take down|remove|delete|꺼|끄|내려|중지|멈춰|죽여|정지|빼|지워|삭제|스탑"),
    (ActionKind.START_CONTAINER, r"\bstart|켜|올려|띄워|시작|살려|실행"),
)
WITH_COMMAND = frozenset((ActionKind.STOP_CONTAINER, ActionKind.RESTART_CONTAINER, ActionKind.START_CONTAINER,
                          ActionKind.PAUSE_CONTAINER, ActionKind.ISOLATE_CONTAINER))


async def safe_to_stop(asking: Asking) -> None:
    """Role, capacity of the rest, work in flight and who needs it; the verdict is the worst of all targets'."""
    targets = _leaving(asking)
    if not targets:
        asking.say("no_subject")
        asking.choices += list(asking.known.colours() or asking.known.containers())[:6]
        return
    roster = await asking.ask("containers.roster", containers=list(targets)[:40])
    rows = {r["container"]: r for r in rows_of(roster)}
    rates = await asking.ask("work.rates", scope=asking.scope(recent_ms=IN_FLIGHT_MS))
    verdicts = []
    for name in targets[:4]:
        verdicts.append(await _verdict(asking, name, rows.get(name), roster, rates))
    mismatches(asking, roster)
    worst = next((v for v in ("unsafe", "unknown", "safe", "already") if v in verdicts), "unknown")
    asking.say(f"verdict.{worst}")
    if worst == "safe":
        waiting = tuple(n for n, v in zip(targets, verdicts, strict=False) if v == "safe")
        _copy(asking, Proposal(kind=ActionKind.STOP_CONTAINER, targets=waiting, precondition="capacity"))


def _leaving(asking: Asking) -> tuple[str, ...]:
    """What would stop: what is named, or, for a switch to a colour, the other colours of the routed services."""
    if asking.entities.colours and not asking.entities.containers and _SWITCH.search(asking.masked):
        return tuple(m for s in asking.known.inventory.services if s.routed or s.follows
                     for c, members in s.colours.items() if c not in asking.entities.colours for m in members)
    return asking.containers()


async def _verdict(
    asking: Asking, name: str, row: Mapping[str, Any] | None, roster: Mapping[str, Any] | None,
    rates: Mapping[str, Any] | None,
) -> str:
    """safe, unsafe, unknown or already (stopped), with the claims that say why."""
    if row is None:
        return "unknown"
    if row["state"] != "running":
        asking.claim("stop.stopped", roster, container=name, state=row["state"])
        return "already"
    service = asking.known.inventory.service_of(name)
    if service is None:
        return "unknown"
    if row["role"] == "active":
        asking.claim("stop.active", roster, container=name, service=service.name)
        _in_flight(asking, name, rates)
        return "unsafe"
    needed_by = [s.name for s in asking.known.inventory.services if service.name in s.depends_on]
    if not service.colours and needed_by:
        described = await asking.ask("inventory.describe", service=service.name)
        asking.claim("stop.needed", described, container=name, needed_by=listed_names(needed_by))
        return "unsafe"
    if not service.colours and service.kind in FACING:
        described = await asking.ask("inventory.describe", service=service.name)
        asking.claim("stop.front", described, container=name, kind=service.kind)
        return "unsafe"
    found = await without(asking, service.name, [name]) if service.work is not None else None
    _in_flight(asking, name, rates)
    return _by_capacity(found, row["role"])


def _by_capacity(found: Finding | None, role: str) -> str:
    if found is None:
        return "unknown"
    if found.kind == "capacity_short":
        return "unsafe"
    return "safe" if role in ("standby", "both") else "unknown"


def _in_flight(asking: Asking, name: str, rates: Mapping[str, Any] | None) -> None:
    owner = asking.known.inventory.service_of(name)
    for row in rows_of(rates):
        if rates is None or owner is None or row["service"] != owner.name:
            continue
        start = moment(parse_iso(rates["window"][0]), asking.zone)
        done = next((c for c in row["containers"] if c["container"] == name), None)
        if done:
            asking.claim("stop.working", rates, container=name, handled=done["handled"], total=row["handled"],
                         unit=row["unit"], start=start)
        elif row["handled"]:
            asking.claim("stop.idle", rates, container=name, start=start)


async def command(asking: Asking) -> None:
    """A request to change the world: refused, with what a careful person would want to know, and text to copy."""
    kind = next((k for k, pattern in _VERBS if re.search(pattern, asking.masked, re.I)), None)
    targets = asking.containers() if kind in WITH_COMMAND else ()
    if kind is None or not targets:
        asking.say("not_executed_manual")
        return
    roster = await asking.ask("containers.roster", containers=list(targets)[:40])
    seen = tuple(r["container"] for r in rows_of(roster))
    for row in rows_of(roster)[:4]:
        service = asking.known.inventory.service_of(row["container"])
        if kind is ActionKind.STOP_CONTAINER and row["role"] == "active":
            asking.claim("stop.active", roster, container=row["container"], service=row["service"])
        if kind is ActionKind.STOP_CONTAINER and service is not None and service.work is not None:
            await without(asking, service.name, [row["container"]])
    asking.say("not_executed" if seen else "not_executed_manual")
    if seen:
        _copy(asking, Proposal(kind=kind, targets=seen, precondition="capacity"), lead=False)


def _copy(asking: Asking, proposal: Proposal, *, lead: bool = True) -> None:
    """The action's own steps, verification and undo, as text."""
    facts = [f for e in asking.evidence.values() for f in findings_of(e, "capacity_enough", "capacity_short")]
    for action in render([proposal], findings=facts, inventory=asking.known.inventory, lang=asking.lang):
        commands = [s.command for s in action.steps if s.command]
        if commands and lead:
            asking.say("copy")
        asking.copy += commands
