"""What the analyst is held against: the alert echoed, the latest deploy blamed, all questions in a fixed order."""

from __future__ import annotations

from functools import lru_cache

from agent.action import Action
from agent.assemble import assemble
from agent.budget import Budget
from agent.card import Card, load_cards
from agent.codes import ActionKind, Category, ComponentKind, HypothesisStatus, Verdict
from agent.diagnosis import Component, Diagnosis, Hypothesis, Usage
from agent.fixed_order import FixedOrder
from config.errors import NotCaptured
from evals.case import Case
from evals.run import Arm, investigate_case
from tools.evidence import iso
from tools.recorded.world import open_world
from tools.sources.changes import Change
from tools.sources.inventory import Inventory


async def fixed_order(case: Case) -> Diagnosis:
    """All questions, fixed order."""
    investigation = assemble(
        open_world(case.folder), budget=Budget(questions=200), analyst=FixedOrder, cards=_shipped())
    return await investigation.investigate(case.incident(), run_id=f"eval-{case.id}", asked_at_ms=case.now_ms)


async def echo(case: Case) -> Diagnosis:
    """The signal taken at its word: what its labels name, else what its text names, else the routed service."""
    inventory = open_world(case.folder).inventory
    component = _labelled(case, inventory) or _spoken_of(case, inventory) or _routed(inventory)
    return _blame(case, component, Category.UNKNOWN, iso(min(s.starts_ms for s in case.signals)), ())


async def latest_deploy(case: Case) -> Diagnosis:
    """Whatever was deployed last before the signal did it, and goes back."""
    world = open_world(case.folder)
    start = world.earliest_ms or 0
    try:
        changes = await world.changes.between(start_ms=start, end_ms=case.now_ms) if world.changes else ()
    except NotCaptured:
        changes = ()
    deploys = [c for c in changes if c.kind in ("deploy", "switch", "rollback")]
    if not deploys:
        return _nothing_known(case)
    last = max(deploys, key=lambda c: c.at_ms)
    component = _changed(last, world.inventory)
    back = Action(kind=ActionKind.ROLLBACK, targets=(component.name,), steps=(), risk="", verify="", undo="")
    return _blame(case, component, Category.DEPLOY_REGRESSION, iso(last.at_ms), (back,))


@lru_cache
def _shipped() -> tuple[Card, ...]:
    """Read once a process: some dozens of YAML files."""
    return load_cards()


async def analyst(case: Case) -> Diagnosis:
    """The product as it is."""
    return await investigate_case(case, cards=_shipped())


ARMS: dict[str, Arm] = {
    "analyst": analyst, "all questions": fixed_order, "echo": echo, "latest deploy": latest_deploy,
}


def _labelled(case: Case, inventory: Inventory) -> Component | None:
    named = {value for signal in case.signals for value in signal.labels.values()}
    for service in inventory.services:
        for container in service.members():
            if container in named:
                return Component(kind=ComponentKind.CONTAINER, name=container, service=service.name)
    found = next((s.name for s in inventory.services if s.name in named), None)
    return Component(kind=ComponentKind.SERVICE, name=found, service=found) if found else None


def _spoken_of(case: Case, inventory: Inventory) -> Component | None:
    text = " ".join(signal.text for signal in case.signals).lower()
    for service in inventory.services:
        if any(word.lower() in text for word in (service.name, *service.members())):
            return Component(kind=ComponentKind.SERVICE, name=service.name, service=service.name)
    return None


def _routed(inventory: Inventory) -> Component:
    name = next((s.name for s in inventory.services if s.routed), "unknown")
    return Component(kind=ComponentKind.SERVICE, name=name, service=name)


def _changed(change: Change, inventory: Inventory) -> Component:
    service = inventory.service(change.service)
    containers = (service.colours.get(change.colour) or service.containers) if service else ()
    name = containers[0] if containers else change.service
    return Component(kind=ComponentKind.CONTAINER, name=name, service=change.service, colour=change.colour)


def _blame(case: Case, component: Component, category: Category, onset: str, actions: tuple[Action, ...]) -> Diagnosis:
    root = Hypothesis(rank=1, status=HypothesisStatus.ROOT, component=component, category=category, mechanism="",
                      confidence=0.5)
    return Diagnosis(incident=case.id, run=f"eval-{case.id}", asked_at=iso(case.now_ms), verdict=Verdict.DIAGNOSED,
                     onset=onset, hypotheses=(root,), actions=actions, usage=Usage(model="baseline"))


def _nothing_known(case: Case) -> Diagnosis:
    return Diagnosis(incident=case.id, run=f"eval-{case.id}", asked_at=iso(case.now_ms), verdict=Verdict.UNDETERMINED,
                     usage=Usage(model="baseline"))
