"""changes.recent: what changed, when against the onset, touching whom."""

from __future__ import annotations

from tests.tools.stage import ONSET, SCOPE, START, found, kinds, world
from tools.changes import QUESTION, ChangesArguments
from tools.question import Answer
from tools.sources.changes import Change
from tools.sources.fakes import FakeChanges


async def asked(*changes: Change) -> Answer:
    return await QUESTION.ask(world(changes=FakeChanges(changes)), SCOPE, ChangesArguments())


async def test_a_deploy_just_before_the_onset_is_strong_and_names_what_it_touched() -> None:
    """Thirty seconds before the onset, on the path of the users' service, touching that colour's container."""
    answer = await asked(Change(ONSET - 30_000, "deploy", "mill", "rust", "8", "ci", "deploy mill"))
    change = found(answer.findings, "change_in_window", service="mill", colour="rust")
    assert change is not None
    assert (change.value, change.strength) == (30.0, 1.0)
    assert change.subject.container == "mill-2"
    assert change.extra["on_path"] is True
    assert change.extra["kind"] == "deploy"
    assert "30 s before the onset" in answer.text


async def test_a_change_of_a_stranger_is_shown_as_off_the_path() -> None:
    """paint is nobody's dependency: its deploy is innocent until shown otherwise."""
    answer = await asked(Change(ONSET - 10_000, "deploy", "paint"))
    assert answer.findings[0].extra["on_path"] is False


async def test_a_change_after_the_onset_is_weak_and_a_distant_one_weaker_than_a_near_one() -> None:
    """Strength: after the onset 0.1; fifteen minutes before, between that and 1."""
    answer = await asked(Change(ONSET - 500_000, "config", "mill"), Change(ONSET + 60_000, "config", "mill"))
    far, late = answer.findings
    assert 0.3 < far.strength < 0.8
    assert late.strength == 0.1
    assert late.extra["before_onset"] is False


async def test_planned_activity_and_modes_are_told_as_such() -> None:
    """A load test is planned activity; mode both declares both colours."""
    answer = await asked(
        Change(ONSET - 5_000, "planned", mode="load_test", text="부하 테스트"),
        Change(ONSET - 4_000, "mode", "front", mode="both"),
    )
    assert kinds(answer.findings) == {"change_in_window", "planned_activity", "both_colours_declared"}


async def test_an_empty_record_is_a_finding_of_its_own() -> None:
    """The source answered and there was nothing: no_change."""
    assert kinds((await asked()).findings) == {"no_change"}


async def test_secrets_in_a_change_text_do_not_come_through() -> None:
    """Details are redacted."""
    answer = await asked(Change(START + 1_000, "config", "mill", text="set API_TOKEN=sk-abcdefghijklmnopqrstuvwx0123"))
    assert "abcdefghijklmnop" not in str(answer.findings) + answer.text
