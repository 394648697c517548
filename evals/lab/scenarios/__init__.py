"""The scenarios, one small file each. The list is explicit: what is not here does not exist."""

from __future__ import annotations

from config.errors import UnknownThing
from evals.lab.scenario import Scenario
from evals.lab.scenarios import both_colours, clean_switch, stray_older_contract, stray_slow_limit

SCENARIOS: tuple[Scenario, ...] = (
    stray_older_contract.SCENARIO,
    stray_slow_limit.SCENARIO,
    clean_switch.SCENARIO,
    both_colours.SCENARIO,
)


def scenario_named(name: str) -> Scenario:
    """Raises UnknownThing with the names there are."""
    for scenario in SCENARIOS:
        if scenario.id == name:
            return scenario
    raise UnknownThing(f"no scenario {name!r}; there are: {', '.join(s.id for s in SCENARIOS)}")
