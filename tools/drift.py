"""drift.peers: how like instances differ: image, limits, configuration and environment keys.

An instance's own name and colour inside a value are no difference; differences the inventory allows are left out.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

from pydantic import BaseModel, ConfigDict

from config.errors import NotCaptured, UnknownThing
from tools.evidence import Status
from tools.findings import Finding, Subject
from tools.question import Answer, Question
from tools.roles import STANDBY, Roles, read_roles
from tools.sources.containers import Container
from tools.sources.inventory import Service
from tools.sources.peers import PeerProfile
from tools.subjects import subject
from tools.windows import earlier_ms
from tools.wording import listed, quote, sig
from tools.world import Scope, World

Facts = Mapping[str, Mapping[str, str]]  # container -> fact -> value
IMAGE = re.compile(r"^(image|image_id|build|version|tag|commit|revision)$", re.I)
LIMIT = re.compile(r"(^|[._])limits?([._]|$)", re.I)
CONTRACT = re.compile(r"contract|schema|protocol|api_?version|payload", re.I)
IDENTITY = re.compile(r"(^|[._])(id|name|hostname|ip|ip_address|mac|created|started|pid|color|colour)$", re.I)


class PeersArguments(BaseModel):
    """`service`: whose instances are compared; empty for every service with two or more."""

    model_config = ConfigDict(extra="forbid")
    service: str = ""


async def ask(world: World, scope: Scope, arguments: PeersArguments) -> Answer:
    """Compares instances as they are now; what an instance was at the baseline tells which one changed."""
    services = [s for s in world.inventory.services if s.members() and arguments.service in ("", s.name)]
    if arguments.service and world.inventory.service(arguments.service) is None:
        raise UnknownThing(f"no service {arguments.service!r} in the inventory")
    roles, read = await asyncio.gather(
        read_roles(world, scope),
        asyncio.gather(*(_both_times(world, scope, s) for s in services)),
    )
    findings, sentences = list[Finding](), list[str]()
    for service, (now, then) in zip(services, read, strict=True):
        findings += changed_since(world, scope, service, now, then, roles)
        if len(now) < 2:
            continue
        found = _differences(world, scope, service, now, then, roles)
        findings += found
        sentences.append(_sentence(service, now, found))
    if not sentences and not findings:
        return Answer("No two like instances are known.", status=Status.NO_DATA, queries=("peers.profiles",))
    text = " ".join(sentences) or "Instances that have no like: " + listed([f.detail for f in findings], 4) + "."
    return Answer(text, tuple(findings), queries=("peers.profiles", "containers.list"))


async def _both_times(world: World, scope: Scope, service: Service) -> tuple[Facts, Facts]:
    moments = scope.asked_at_ms, earlier_ms(world, scope)
    now, then = await asyncio.gather(*(_facts_at(world, service, m) for m in moments), return_exceptions=True)
    if isinstance(now, BaseException):
        raise now
    if isinstance(then, BaseException) and not isinstance(then, NotCaptured):
        raise then
    return now, {} if isinstance(then, BaseException) else then


async def _facts_at(world: World, service: Service, at_ms: int) -> Facts:
    profiles, containers = await asyncio.gather(_profiles(world, service, at_ms), _containers(world, at_ms))
    if profiles is None and containers is None:
        raise NotCaptured("neither peers nor containers were captured at that moment")
    members, out = service.members(), dict[str, dict[str, str]]()
    for container in containers or ():
        if container.name in members:
            out[container.name] = _inspected(container)
    for profile in profiles or ():
        out.setdefault(profile.name, {}).update(profile.facts)
    return out


async def _profiles(world: World, service: Service, at_ms: int) -> tuple[PeerProfile, ...] | None:
    if world.peers is None:
        return None
    try:
        return await world.peers.profiles(service.name, at_ms=at_ms)
    except NotCaptured:
        return None


async def _containers(world: World, at_ms: int) -> tuple[Container, ...] | None:
    if world.containers is None:
        return None
    try:
        return await world.containers.list(at_ms=at_ms)
    except NotCaptured:
        return None


def _inspected(container: Container) -> dict[str, str]:
    limits = {"limit.cpu": container.cpu_limit, "limit.memory": container.memory_limit}
    return {
        "image": container.image,
        "env.keys": ",".join(sorted(container.environment_keys)),
        "networks": ",".join(sorted(container.networks)),
        "mounts": ",".join(sorted(container.mounts)),
        "command": container.command,
        **{k: "none" if v is None else f"{v:g}" for k, v in limits.items()},
    }


def _neutral(value: str, container: str, colour: str) -> str:
    """A value without the instance's own name and colour, so that `worker-blue:41` is like `worker-green:41`."""
    value = value.replace(container, "{self}")
    if value == colour or value.replace(".", "", 1).isdigit():
        return value  # a colour may be called 1, and then a limit of 1 is still a limit
    return re.sub(rf"(?<![A-Za-z0-9]){re.escape(colour)}(?![A-Za-z0-9])", "{colour}", value) if colour else value


def _differences(world: World, scope: Scope, service: Service, now: Facts, then: Facts, roles: Roles) -> list[Finding]:
    out = []
    for fact in sorted({f for facts in now.values() for f in facts}):
        if IDENTITY.search(fact) or any(fnmatchcase(fact, a) for a in service.allowed_differences):
            continue
        values = {c: _neutral(facts.get(fact, ""), c, service.colour_of(c)) for c, facts in now.items()}
        if len(set(values.values())) > 1:
            odd = _odd_one(fact, values, now, then) or _waiting_one(values, roles, scope.asked_at_ms)
            about = (
                subject(world.inventory, odd, role=roles.role(odd, scope.asked_at_ms))
                if odd
                else Subject(service=service.name, cluster=service.cluster)
            )
            changed = odd in then and then[odd].get(fact) != now[odd].get(fact)
            by_colour = _by_colour(service, values, roles, scope.asked_at_ms)
            out.append(_difference(fact, about, now, odd, changed, by_colour=by_colour))
    if not out:
        return [Finding("peers_alike", Subject(service=service.name, cluster=service.cluster), 1.0, float(len(now)))]
    return _without_echo(out)


def changed_since(
    world: World, scope: Scope, service: Service, now: Facts, then: Facts, roles: Roles
) -> list[Finding]:
    """What each instance itself runs with now and did not in the baseline."""
    out = []
    for container in sorted(now.keys() & then.keys()):
        about = subject(world.inventory, container, role=roles.role(container, scope.asked_at_ms))
        working = [c for c in now if c != container and roles.role(c, scope.asked_at_ms) != STANDBY]
        for fact in sorted(now[container].keys() & then[container].keys()):
            old, new = then[container][fact], now[container][fact]
            if old == new or IDENTITY.search(fact) or any(fnmatchcase(fact, a) for a in service.allowed_differences):
                continue
            detail = quote(f"{fact} of {container}: {quote(old, 60)} -> {quote(new, 60)}")
            kind = "image_changed" if IMAGE.match(fact) else "config_changed"
            extra = {"fact": quote(fact, 60), "compared": bool(working)}
            out.append(Finding(kind, about, 1.0, detail=detail, extra=extra))
    return out


def _odd_one(fact: str, values: Mapping[str, str], now: Facts, then: Facts) -> str:
    """The one of many that differs; of two, the one that changed since the baseline; "" where neither tells."""
    counts = Counter(values.values()).most_common()
    alone = [c for c, v in values.items() if counts[0][1] > 1 and v != counts[0][0]]
    if len(alone) == 1:
        return alone[0]
    changed = [c for c in values if c in then and then[c].get(fact) != now[c].get(fact)]
    new = [c for c in values if c not in then]
    return changed[0] if len(changed) == 1 else new[0] if len(new) == 1 and not changed else ""


def _waiting_one(values: Mapping[str, str], roles: Roles, at_ms: int) -> str:
    """Of two that have differed all along, the one whose role is to wait: the active one is the measure."""
    waiting = [c for c in values if roles.role(c, at_ms) == STANDBY]
    return waiting[0] if len(values) == 2 and len(waiting) == 1 else ""


def _by_colour(service: Service, values: Mapping[str, str], roles: Roles, at_ms: int) -> bool:
    """Whether colours differ but none within itself, while one of them waits: as builds do between releases."""
    working = {service.colour_of(c) for c in values if roles.role(c, at_ms) != STANDBY}
    within = [{values[c] for c in names if c in values} for names in service.colours.values()]
    return len(working) == 1 and all(len(v) <= 1 for v in within)


def _difference(fact: str, about: Subject, now: Facts, odd: str, changed: bool, *, by_colour: bool) -> Finding:
    shown = {c: quote(facts.get(fact, "absent"), 60) for c, facts in now.items()}
    extra = {"fact": quote(fact, 60), "values": shown, "changed_since_baseline": changed}
    detail = quote(f"{fact}: " + ", ".join(f"{c} {v}" for c, v in shown.items()))
    if IMAGE.match(fact):
        extra["by_colour"] = by_colour
        return Finding("image_differs", about, 1.0, detail=detail, extra=extra)
    if LIMIT.search(fact):
        ratio = _ratio([facts.get(fact, "") for facts in now.values()])
        own, rest = _own_and_rest(fact, now, odd)
        direction = "" if own is None or rest is None else "down" if own < rest else "up"
        strength = 1.0 if ratio is None else min(1.0, max(0.2, ratio - 1))
        return Finding(
            "limit_differs",
            about,
            strength,
            None if ratio is None else sig(ratio),
            direction=direction,
            detail=detail,
            extra=extra,
        )
    extra["contract"] = bool(CONTRACT.search(fact))
    return Finding("config_differs", about, 1.0 if not fact.endswith("id") else 0.5, detail=detail, extra=extra)


def _ratio(values: Sequence[str]) -> float | None:
    """Largest over smallest; None where one is no positive number (unlimited)."""
    numbers = [x for v in values if (x := _number(v)) is not None and x < float("inf")]
    return max(numbers) / min(numbers) if len(numbers) == len(values) and min(numbers) > 0 else None


def _own_and_rest(fact: str, now: Facts, odd: str) -> tuple[float | None, float | None]:
    if not odd:
        return None, None
    rest = [_number(f.get(fact, "")) for c, f in now.items() if c != odd]
    known = [x for x in rest if x is not None]
    return _number(now[odd].get(fact, "")), known[0] if known else None


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return float("inf") if text in ("none", "unlimited") else None


def _without_echo(findings: list[Finding]) -> list[Finding]:
    """An image and its id differ together: one fact, kept once."""
    named = any(f.extra.get("fact") == "image" for f in findings)
    return [f for f in findings if not (named and f.extra.get("fact") == "image_id")]


def _sentence(service: Service, now: Facts, found: list[Finding]) -> str:
    if found[0].kind == "peers_alike":
        return f"{len(now)} instances of {service.name} do not differ."
    return f"{service.name}: {listed([f.detail for f in found], 4)}."


QUESTION = Question(
    name="drift.peers",
    asks="How do like instances differ in image, limits, configuration and environment keys, and which one changed?",
    needs=("containers",),
    finds=("image_differs", "limit_differs", "config_differs", "peers_alike", "config_changed", "image_changed"),
    cost_s=1.0,
    arguments=PeersArguments,
    ask=ask,
)
