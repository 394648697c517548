"""inventory.describe: what the user says exists: owner, colours, dependencies, and who depends on it."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from config.errors import UnknownThing
from tools.evidence import Status
from tools.question import Answer, Question
from tools.sources.inventory import Service
from tools.wording import listed, number, quote
from tools.work import work_query
from tools.world import Scope, World


class DescribeArguments(BaseModel):
    """`service`: one in full; empty: all in a line each."""

    model_config = ConfigDict(extra="forbid")
    service: str = ""


async def ask(world: World, scope: Scope, arguments: DescribeArguments) -> Answer:
    """Reads the inventory only. Raises UnknownThing for a service it does not list."""
    services = world.inventory.services
    if not services:
        return Answer("The inventory lists no service.", status=Status.NO_DATA, queries=("inventory",))
    if not arguments.service:
        return Answer(" ".join(_line(s) for s in services[:20]), queries=("inventory",))
    service = world.inventory.service(arguments.service)
    if service is None:
        raise UnknownThing(f"no service {arguments.service!r}; there are {listed([s.name for s in services], 20)}")
    return Answer(_whole(world, service), queries=("inventory",))


def _line(service: Service) -> str:
    needs = f", needs {listed(service.depends_on)}" if service.depends_on else ""
    owner = f", owner {quote(service.owner, 60)}" if service.owner else ""
    return f"{service.name} ({service.kind}{owner}{needs})."


def _whole(world: World, service: Service) -> str:
    colours = "; ".join(f"{c}: {listed(names)}" for c, names in service.colours.items())
    needed_by = [s.name for s in world.inventory.services if service.name in s.depends_on]
    parts = [_line(service)]
    if colours:
        parts.append(f"Colours: {colours}.")
    if service.containers:
        parts.append(f"Containers: {listed(service.containers)}.")
    if service.follows:
        parts.append(f"Its roles follow {service.follows}.")
    if needed_by:
        parts.append(f"Needed by {listed(needed_by)}.")
    if service.work is not None:
        parts.append(f"Work ({service.work.unit}): {quote(work_query(service))}.")
    if service.capacity is not None:
        parts.append(
            f"Capacity {number(service.capacity.base_per_second)}/s an instance, factor "
            f"{number(service.capacity.factor)} from two on."
        )
    if service.runbook:
        parts.append(f"Runbook: {quote(service.runbook)}.")
    return " ".join(parts)


QUESTION = Question(
    name="inventory.describe",
    asks="Who owns a service, which containers and colours has it, what does it need and who needs it?",
    needs=(),
    finds=(),
    cost_s=0.1,
    arguments=DescribeArguments,
    ask=ask,
)
