"""containers.roster: what really runs now, container by container, and where that differs from the inventory.

Asked by conversations about state (where is it, which build, what runs); an investigation asks `containers.state`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from tools.evidence import Status, iso
from tools.question import Answer, Question
from tools.roles import Roles, read_roles
from tools.sources.containers import Container
from tools.sources.shortfall import shortfalls
from tools.wording import listed, quote
from tools.world import Scope, World

MOST = 40


class RosterArguments(BaseModel):
    """`service` or `containers`: only those; both empty: all. `host`: only what runs there."""

    model_config = ConfigDict(extra="forbid")
    service: str = Field(default="", max_length=200)
    containers: tuple[str, ...] = Field(default=(), max_length=50)
    host: str = Field(default="", max_length=200)


async def ask(world: World, scope: Scope, arguments: RosterArguments) -> Answer:
    """Reads the list as of now and the roles; rows are in the notes, the same facts in the text."""
    assert world.containers is not None
    present, roles = await asyncio.gather(world.containers.list(at_ms=scope.asked_at_ms), read_roles(world, scope))
    wanted = _wanted(world, arguments)
    rows = [_row(world, c, roles, scope.asked_at_ms) for c in present
            if (wanted is None or c.name in wanted) and arguments.host in ("", c.host)]
    unlisted = [r["container"] for r in rows if not r["service"]]
    missing = _missing(world, present, wanted, arguments.host)
    if not rows and not missing:
        return Answer("No such container is known at that moment.", status=Status.NO_DATA, queries=("containers.list",))
    notes = {"rows": rows[:MOST], "unlisted": unlisted[:MOST], "missing": missing[:MOST]}
    return Answer(_text(rows, unlisted, missing), queries=("containers.list",), notes=notes,
                  window=(scope.asked_at_ms, scope.asked_at_ms))


def _wanted(world: World, arguments: RosterArguments) -> frozenset[str] | None:
    service = world.inventory.service(arguments.service)
    if arguments.containers:
        return frozenset(arguments.containers)
    return frozenset(service.members()) if service is not None else None


def _row(world: World, container: Container, roles: Roles, at_ms: int) -> dict[str, Any]:
    owner = world.inventory.service_of(container.name)
    return {
        "container": container.name, "service": owner.name if owner else "", "state": container.state,
        "role": roles.role(container.name, at_ms), "colour": owner.colour_of(container.name) if owner else "",
        "image": quote(container.image, 100), "host": container.host,
        "cluster": container.cluster or (owner.cluster if owner else "") or world.cluster,
        "started_ms": container.started_ms, "restarts": container.restart_count, "health": container.health,
        "exit_code": container.exit_code,
    }


def _missing(
    world: World, present: Sequence[Container], wanted: frozenset[str] | None, host: str
) -> list[str]:
    """Listed and wanted, but not there; where a host could not be read, what is not seen may be there."""
    seen = {c.name for c in present}
    if shortfalls() or host:
        return []
    listed_names = (m for s in world.inventory.services for m in s.members())
    return [m for m in listed_names if m not in seen and (wanted is None or m in wanted)]


def _text(rows: Sequence[dict[str, Any]], unlisted: Sequence[str], missing: Sequence[str]) -> str:
    parts = [_sentence(r) for r in rows[:MOST]]
    if unlisted:
        parts.append(f"Not in the inventory: {listed(list(unlisted))}.")
    if missing:
        parts.append(f"In the inventory but not there: {listed(list(missing))}.")
    return " ".join(parts)


def _sentence(row: dict[str, Any]) -> str:
    since = f" since {iso(row['started_ms'])}" if row["started_ms"] is not None else ""
    where = f" on {row['host']}" if row["host"] else ""
    cluster = f" in {row['cluster']}" if row["cluster"] else ""
    role = f" ({row['role']})" if row["role"] else ""
    health = f", health {row['health']}" if row["health"] else ""
    ended = f", exit code {row['exit_code']}" if row["exit_code"] is not None and row["state"] != "running" else ""
    again = f", {row['restarts']} restarts" if row["restarts"] else ""
    image = f", image {row['image']}"
    return f"{row['container']}{role} {row['state']}{since}{where}{cluster}{image}{health}{ended}{again}."


QUESTION = Question(
    name="containers.roster",
    asks="Which containers are there now, in which state and role, which image, on which host, and is that as listed?",
    needs=("containers",),
    finds=(),
    cost_s=1.0,
    arguments=RosterArguments,
    ask=ask,
)
