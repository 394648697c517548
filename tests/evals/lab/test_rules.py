"""The one alert rule file speaks of symptoms only."""

from __future__ import annotations

import re

import pytest
import yaml

from evals.lab.monitoring import RULES, prometheus_config
from evals.lab.plot import Plot
from evals.lab.scenarios import SCENARIOS

RULE_FILE = yaml.safe_load(RULES.read_text(encoding="utf-8"))
CAUSES = re.compile(
    r"(?i)stray|standby|colou?r|blue|green|worker|contract|version|drain|switch|deploy|role|consumer|rollback|drift|leak|"
    r"대기|워커|색상|배포|계약"
)


def rules() -> list[dict[str, object]]:
    return [rule for group in RULE_FILE["groups"] for rule in group["rules"]]


def test_no_rule_names_a_cause() -> None:
    """Neither a rule's name, nor its query, nor its words mention a colour, a role, a deploy or a version."""
    for rule in rules():
        assert not CAUSES.search(str(rule)), rule


def test_no_rule_names_a_container_of_any_scenario() -> None:
    """No spelling a scenario uses stands in the rule file."""
    text = RULES.read_text(encoding="utf-8")
    for scenario in SCENARIOS:
        names = scenario.names
        for colour in names.colours:
            assert names.api_of(colour) not in text
            assert names.worker_of(colour) not in text


def test_every_scenario_is_watched_by_the_same_rules() -> None:
    """The configuration of every scenario loads this file and no other."""
    for scenario in SCENARIOS:
        assert prometheus_config(scenario.names, Plot(0), RULES)["rule_files"] == [str(RULES)]


@pytest.mark.parametrize("symptom", ["Late", "Errors", "Stuck", "Restarting", "HostCpu", "Absent"])
def test_the_symptoms_users_and_platform_feel_are_covered(symptom: str) -> None:
    """Late and stuck completions, errors, restarts, host pressure and absent targets each have a rule."""
    assert any(symptom in str(rule["alert"]) for rule in rules())
