"""The scenarios, one small file each. The list is explicit: what is not here does not exist."""

from __future__ import annotations

from config.errors import UnknownThing
from evals.lab.scenario import Scenario
from evals.lab.scenarios import (
    bad_build,
    blind,
    both_colours,
    broker_blip,
    busy_broker,
    clean_switch,
    crash_loop,
    dead_but_beating,
    edge_limit,
    forgotten_reload,
    hog,
    hostile_lines,
    mixed_contracts,
    odd_one_out,
    planned_restarts,
    pool_too_small,
    provider_errors,
    slow_provider,
    steady_weather,
    stray_older_contract,
    stray_slow_limit,
    two_at_once,
    wrong_model,
)

SCENARIOS: tuple[Scenario, ...] = (
    stray_older_contract.SCENARIO,
    stray_slow_limit.SCENARIO,
    clean_switch.SCENARIO,
    both_colours.SCENARIO,
    mixed_contracts.SCENARIO,
    dead_but_beating.SCENARIO,
    slow_provider.SCENARIO,
    pool_too_small.SCENARIO,
    edge_limit.SCENARIO,
    hog.SCENARIO,
    forgotten_reload.SCENARIO,
    provider_errors.SCENARIO,
    odd_one_out.SCENARIO,
    bad_build.SCENARIO,
    wrong_model.SCENARIO,
    broker_blip.SCENARIO,
    busy_broker.SCENARIO,
    crash_loop.SCENARIO,
    blind.SCENARIO,
    hostile_lines.SCENARIO,
    mixed_contracts.SECOND,
    dead_but_beating.SECOND,
    slow_provider.SECOND,
    provider_errors.SECOND,
    bad_build.SECOND,
    wrong_model.SECOND,
    planned_restarts.SCENARIO,
    stray_older_contract.SECOND,
    pool_too_small.SECOND,
    edge_limit.SECOND,
    edge_limit.THIRD,
    forgotten_reload.SECOND,
    odd_one_out.SECOND,
    steady_weather.LOAD_TEST,
    steady_weather.QUIET_DAY,
    steady_weather.BLIP,
    steady_weather.HOVERING,
    broker_blip.SECOND,
    busy_broker.SECOND,
    crash_loop.SECOND,
    blind.SECOND,
    hostile_lines.SECOND,
    hostile_lines.HEALTHY,
    clean_switch.SECOND,
    clean_switch.THIRD,
    both_colours.SECOND,
    two_at_once.STRAY_AND_PROVIDER,
    two_at_once.INNOCENT_RELEASE,
    two_at_once.INNOCENT_CONFIG,
    two_at_once.BLIND_BAD_BUILD,
    hog.SECOND,
    hog.CIRCUIT,
    hog.CIRCUIT_AGAIN,
    pool_too_small.LINEAR,
)


def scenario_named(name: str) -> Scenario:
    """Raises UnknownThing with the names there are."""
    for scenario in SCENARIOS:
        if scenario.id == name:
            return scenario
    raise UnknownThing(f"no scenario {name!r}; there are: {', '.join(s.id for s in SCENARIOS)}")
