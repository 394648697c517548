"""Scenarios: their timelines, labels and spellings."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from config.errors import ConfigError, UnknownThing
from evals.lab.inventory_file import render_inventory
from evals.lab.roles.logline import render
from evals.lab.scenario import Asked, Scenario, Step
from evals.lab.scenarios import SCENARIOS, scenario_named
from evals.lab.wordings import ENGLISH
from evals.label import Label
from tools.sources.inventory import parse_inventory

BY_ID = [pytest.param(s, id=s.id) for s in SCENARIOS]


@pytest.mark.parametrize("scenario", BY_ID)
def test_enough_is_recorded_around_the_onset(scenario: Scenario) -> None:
    """At least five minutes before and four after."""
    assert scenario.baseline_s >= 300
    assert scenario.hold_s + scenario.recovery_s >= 240


@pytest.mark.parametrize("scenario", BY_ID)
def test_a_timeline_is_in_order_and_has_one_onset(scenario: Scenario) -> None:
    """Steps come in the order of time; the onset is at zero and healing after it."""
    moments = [step.at_s for step in scenario.timeline()]
    assert moments == sorted(moments)
    assert [step.what for step in scenario.timeline()].count("onset") == 1
    assert scenario.timeline()[-1].what == "heal"


@pytest.mark.parametrize("scenario", BY_ID)
def test_an_inventory_names_what_runs(scenario: Scenario) -> None:
    """The inventory of a lab loads, and knows colour, routing and work of its workers."""
    names = scenario.names
    inventory = parse_inventory(render_inventory(names, scenario.tuning))
    worker = inventory.service_of(names.worker_of(scenario.active))
    assert worker is not None
    assert worker.colour_of(names.worker_of(scenario.active)) == scenario.active
    assert worker.follows == names.api_service
    assert worker.work is not None
    assert worker.work.done is not None
    assert inventory.labels.metrics.container == "name"


@pytest.mark.parametrize("scenario", BY_ID)
def test_a_label_is_consistent(scenario: Scenario) -> None:
    """A label names containers that exist, never calls the same action right and harmful, and fits its verdict."""
    body = scenario.label(scenario)
    onset = None if scenario.verdict == "no_fault" else "2026-11-21T01:00:00.000Z"
    label = Label.model_validate_json(
        json.dumps({"format": 1, "family": scenario.family, "verdict": scenario.verdict, "onset": onset, **body})
    )
    right = {(a.kind, a.target) for a in label.actions.right}
    assert not right & {(a.kind, a.target) for a in label.actions.harmful}
    known = parse_inventory(render_inventory(scenario.names, scenario.tuning))
    for cause in label.causes:
        service = known.service_of(cause.component.name) or known.service(cause.component.name)
        assert service is not None or cause.component.kind in ("host", "change")


def test_the_two_strays_differ_in_more_than_a_name() -> None:
    """Colours are swapped, spellings, loads and log wording differ between the two F01 scenarios."""
    first, second = (s for s in SCENARIOS if s.family == "F01" and s.id in ("f01-a", "f01-b"))
    assert first.active != second.active
    assert first.names.worker_of("blue") != second.names.worker_of("blue")
    assert first.tuning.rate != second.tuning.rate
    assert first.tuning.log_style != second.tuning.log_style


def test_a_step_outside_the_recording_is_refused() -> None:
    """A step before the baseline begins or after healing is a mistake in the scenario."""
    scenario = scenario_named("f01-a")
    with pytest.raises(ConfigError, match="outside the recording"):
        replace(scenario, steps=(Step(scenario.hold_s, "late", lambda lab: None),))
    with pytest.raises(ConfigError, match="outside the recording"):
        replace(scenario, steps=(Step(-scenario.baseline_s - 1, "early", lambda lab: None),))


def test_a_question_after_healing_is_refused() -> None:
    """Nobody asks about what was healed before."""
    with pytest.raises(ConfigError, match="after the fault was healed"):
        replace(scenario_named("f22-a"), asked=Asked(after_s=10_000, text="?", lang="en"))


def test_an_unknown_scenario_lists_the_known() -> None:
    """A typing mistake is answered with what there is."""
    with pytest.raises(UnknownThing, match="f01-a"):
        scenario_named("f99")


def test_a_wording_changes_lines_and_the_inventory_alike() -> None:
    """What a worker of another wording writes is what its lab's inventory calls work."""
    scenario = scenario_named("f02-b")
    worker = parse_inventory(render_inventory(scenario.names, scenario.tuning)).service(scenario.names.worker_service)
    assert worker is not None
    assert worker.work is not None
    assert worker.work.done is not None
    line = render("json", {"event": ENGLISH["job_finished"]})
    assert worker.work.done.contains in line


def test_a_second_variant_is_another_system() -> None:
    """No variant shares its family's spelling, active colour's containers or load with the recording before it."""
    families: dict[str, list[Scenario]] = {}
    for scenario in SCENARIOS:
        families.setdefault(scenario.family, []).append(scenario)
    for members in families.values():
        spellings = {s.names.worker_of(s.active) for s in members}
        assert len(spellings) == len(members)
        assert len({(s.tuning.rate, s.names.network) for s in members}) == len(members)
