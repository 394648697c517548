"""The loop on recorded incidents: a family whose card is gone is learned from one recording and found in another."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agent.assemble import assemble
from agent.card import load_cards
from agent.codes import Verdict
from agent.diagnosis import Diagnosis
from agent.experience import Experience
from evals.answers import Answers
from evals.case import load_case
from evals.example import Example, observations_of
from evals.label import load_label
from evals.school import School
from evals.scorers import score
from evals.stream import shuffled
from tools.recorded.world import open_world
from triggers.demo_learning import family_twins

FIRST, AGAIN = family_twins()
GONE = {c.category for c in load_label(FIRST).causes}
KNOWN = tuple(c for c in load_cards() if c.category not in GONE)


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Each recorded world is asked once; the runs of this module share the answers."""
    return tmp_path_factory.mktemp("answers")


def diagnose(folder: Path, answers: Path, lent: Experience | None = None) -> Diagnosis:
    case = load_case(folder)
    run = replace(assemble(open_world(folder), cards=KNOWN), ask=Answers(answers, case.id),
                  experience=lambda: lent or Experience())
    return asyncio.run(run.investigate(case.incident(), run_id="run-1", asked_at_ms=case.now_ms))


def plain(found: Diagnosis) -> dict[str, Any]:
    """Everything but how long it took."""
    data = found.model_dump(mode="json")
    data["usage"].pop("seconds")
    return data


def school_of(found: Diagnosis, folder: Path) -> School:
    kinds = {s.name: s.kind for s in open_world(folder).inventory.services}
    return School(KNOWN).taught(Example(
        id=found.incident, incident=found.incident, label=load_label(folder), service_kinds=kinds, by="kim",
        observations=observations_of(found.evidence)))


def test_learned_from_one_recording_found_in_another_and_forgotten_without_trace(answers: Path) -> None:
    """Undetermined; taught once; right under other names, colour and time, citing the first; deleted: as before."""
    first = diagnose(FIRST, answers)
    assert first.verdict is not Verdict.DIAGNOSED
    before = diagnose(AGAIN, answers)
    school = school_of(first, FIRST)
    lent = school.experience()
    found = diagnose(AGAIN, answers, lent)
    assert score(found, load_label(AGAIN))["cause"].value == 1.0
    assert found.seen_before[0].incident == first.incident
    assert len(found.evidence) < len(before.evidence)
    card = next(iter(school.cards))
    forgotten = replace(school.without(card, "deleted"), examples=())
    assert plain(diagnose(AGAIN, answers, forgotten.experience())) == plain(before)


def test_the_fast_path_asks_before_it_concludes(answers: Path) -> None:
    """When an incident is recognised, the card's own questions were asked of this world, and verification still ran."""
    school = school_of(diagnose(FIRST, answers), FIRST)
    found = diagnose(AGAIN, answers, school.experience())
    card = next(iter(school.cards.values()))
    asked = {e["question"] for e in found.evidence}
    assert {s.ask for s in card.separates} <= asked
    assert found.usage.input_tokens in (0, None)


def test_memory_dealt_at_random_is_not_knowledge(answers: Path) -> None:
    """The same card with another cause never names the right one."""
    lent = school_of(diagnose(FIRST, answers), FIRST).experience()
    found = diagnose(AGAIN, answers, shuffled(lent, 3))
    assert score(found, load_label(AGAIN))["cause"].value == 0.0
