"""The parts of learning, from a store: composed here so that the doors, the workers and the commands share them."""

from __future__ import annotations

from agent.library import Library
from evals.shelf import Shelf
from tools.recorded.world import open_world
from tools.sources.inventory import Inventory, load_inventory
from triggers.learning import Learner, Memory
from triggers.wiring import Store


def build_memory(store: Store) -> Memory:
    """What each run is lent."""
    return Memory(library=Library(database=store.database), settings=store.settings.learning)


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
        service_kinds={s.name: s.kind for s in known.services}, shelf=Shelf(store.settings.data_dir / "cases"))
