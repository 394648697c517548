"""The parts of learning, from a store: composed here so that the doors, the workers and the commands share them."""

from __future__ import annotations

from collections.abc import Mapping

from agent.facts import callees_of
from agent.library import Library
from evals.shelf import Shelf
from tools.recorded.world import open_world
from tools.sources.inventory import Inventory, load_inventory
from tools.world import World
from triggers.capture_once import raw_samples
from triggers.learning import Learner, Memory
from triggers.snapshots import Snapshots
from triggers.wiring import Store


def build_memory(store: Store) -> Memory:
    """What each run is lent."""
    return Memory(library=Library(database=store.database), settings=store.settings.learning)


def build_snapshots(store: Store, worlds: Mapping[str, World]) -> Snapshots | None:
    """None in a recorded world, which is a snapshot already, and where they are switched off."""
    settings = store.settings
    if settings.world.case is not None or not (settings.learning.enabled and settings.learning.snapshots):
        return None
    samples = {s.cluster: raw_samples(s.prometheus) for s in settings.world.all_sources()}
    return Snapshots(
        incidents=store.incidents, shelf=Shelf(settings.data_dir / "cases"), spool=settings.data_dir / "captures",
        worlds=worlds, samples=samples, settings=settings.learning)


def build_learner(store: Store, *, inventory: Inventory | None = None) -> Learner:
    """Feedback to experience. In a recorded world the inventory is the case's."""
    world = store.settings.world
    known = inventory
    if known is None and world.case is not None:
        known = open_world(world.case).inventory
    if known is None:
        known = load_inventory(world.inventory) if world.inventory else Inventory()
    return Learner(
        library=Library(database=store.database), incidents=store.incidents, settings=store.settings.learning,
        service_kinds={s.name: s.kind for s in known.services}, depends_on=callees_of(known),
        shelf=Shelf(store.settings.data_dir / "cases"))
