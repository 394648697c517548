"""A cause is admitted by its component's name and kind, also where a container is called like its service."""

from __future__ import annotations

import pytest

from agent.codes import Category, ComponentKind, HypothesisStatus
from agent.diagnosis import Component, Hypothesis
from agent.standing import carried
from tests.agent.families import fact, ranked
from tools.findings import Subject

WIKI = Subject(service="wiki", container="wiki")
HOG = [fact("pressure_owner", WIKI, direction="up"), fact("host_pressure", Subject(host="rack-9", resource="cpu"))]


def named(kind: ComponentKind, name: str) -> Hypothesis:
    return Hypothesis(rank=1, status=HypothesisStatus.ROOT, category=Category.NOISY_NEIGHBOUR, mechanism="x",
                      component=Component(kind=kind, name=name, service="wiki"), confidence=0.9)


@pytest.mark.parametrize(("kind", "name", "stands"), [
    (ComponentKind.CONTAINER, "wiki", True), (ComponentKind.SERVICE, "wiki", True),
    (ComponentKind.CONTAINER, "docs", False),
])
def test_a_container_called_like_its_service_can_be_a_cause(kind: ComponentKind, name: str, stands: bool) -> None:
    """The commonest spelling there is: `wiki` runs in `wiki`."""
    assert carried(named(kind, name), ranked(*HOG)) is stands
