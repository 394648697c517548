"""The toolbox: an explicit list, and errors that become evidence."""

from __future__ import annotations

import asyncio
import json

import pytest

from config.errors import NotCaptured, SourceUnavailable, UnknownThing
from tests.tools.stage import END, SCOPE, START, every, handed, orders, views, world
from tools import toolbox
from tools.evidence import MAX_TEXT, Status
from tools.findings import KINDS
from tools.sources.fakes import FakeChanges, FakeLogs, FakeMetrics
from tools.sources.metrics import MetricsResult


def test_every_question_is_complete() -> None:
    """Names are unique and dotted, kinds exist, needs are fields of a world, costs are positive."""
    names = [q.name for q in toolbox.QUESTIONS]
    assert len(set(names)) == len(names)
    fields = set(world().__dict__)
    for q in toolbox.QUESTIONS:
        assert q.name.count(".") == 1
        assert q.asks.endswith("?")
        assert set(q.finds) <= set(KINDS)
        assert set(q.needs) <= fields
        assert q.cost_s > 0


def test_an_unknown_question_is_an_error_for_code_and_evidence_for_the_graph() -> None:
    """`question` raises; `ask` answers failed and lists what there is."""
    with pytest.raises(UnknownThing, match=r"logs\.activity"):
        toolbox.question("logs.gossip")
    told = asyncio.run(toolbox.ask("logs.gossip", {}, world(), SCOPE))
    assert told.status is Status.FAILED
    assert "logs.gossip" in told.text


async def test_a_missing_source_is_failed_and_says_which() -> None:
    """A world without a change source cannot be asked about changes."""
    told = await toolbox.ask("changes.recent", {}, world(), SCOPE)
    assert told.status is Status.FAILED
    assert "no changes source" in told.text


async def test_a_source_that_is_down_is_failed_with_the_reason_redacted() -> None:
    """The reason comes through, the credential in it does not."""
    down = FakeChanges(fails=SourceUnavailable("refused by https://ci:hunter2hunter2@ci.local/api"))
    told = await toolbox.ask("changes.recent", {"symptom": "front"}, world(changes=down), SCOPE)
    assert told.status is Status.FAILED
    assert "SourceUnavailable" in told.text
    assert "symptom='front'" in told.text
    assert "hunter2" not in told.text


async def test_beyond_the_recording_is_not_captured() -> None:
    """NotCaptured has a status of its own."""
    stage = world(changes=FakeChanges(fails=NotCaptured("changes were not recorded")))
    told = await toolbox.ask("changes.recent", {}, stage, SCOPE)
    assert told.status is Status.NOT_CAPTURED


async def test_wrong_arguments_name_the_field_and_not_the_value() -> None:
    """An extra argument is refused with its name."""
    told = await toolbox.ask("changes.recent", {"sypmtom": "topsecret"}, world(changes=FakeChanges()), SCOPE)
    assert told.status is Status.FAILED
    assert "sypmtom" in told.text.split("could not be answered")[1]


async def test_a_bug_inside_a_question_is_failed_too() -> None:
    """A source that returns nonsense breaks the question, not the run."""

    class Broken(FakeMetrics):
        async def range(self, promql: str, *, start_ms: int, end_ms: int, step_ms: int) -> MetricsResult:
            raise ZeroDivisionError("secret detail")

    stage = world(metrics=Broken())
    told = await toolbox.ask("metrics.change", {}, stage, SCOPE)
    assert told.status is Status.FAILED
    assert "ZeroDivisionError" in told.text
    assert "secret detail" not in told.text


async def test_a_slow_source_is_cut_at_the_timeout() -> None:
    """The whole question is bounded in time."""

    class Slow(FakeChanges):
        async def between(self, *, start_ms: int, end_ms: int) -> tuple[()]:
            await asyncio.sleep(5)
            return ()

    told = await toolbox.ask("changes.recent", {}, world(changes=Slow()), SCOPE, timeout_s=0.05)
    assert told.status is Status.FAILED
    assert "0.05 s" in told.text


async def test_evidence_is_json_with_exact_queries_and_bounded_text() -> None:
    """What an answered question becomes: serialisable, queries inside, text within its bound, no id yet."""
    logs = [handed(every(1, START, END)), orders("mill-1", every(1, START, END))]
    told = await toolbox.ask("logs.activity", {}, world(logs=logs, routing={START: views("jade")}), SCOPE)
    assert told.status is Status.OK
    assert told.id == ""
    assert told.cluster == "main"
    assert any("order ready" in q for q in told.query["queries"])
    assert len(told.text) <= MAX_TEXT
    assert json.loads(json.dumps(told.as_dict()))["question"] == "logs.activity"


def test_a_world_is_asked_only_what_it_has_the_sources_for() -> None:
    """Without logs there is no question about them."""
    names = {q.name for q in toolbox.available(world(changes=FakeChanges()))}
    assert "changes.recent" in names
    assert "logs.activity" not in names


async def test_logs_that_fail_halfway_do_not_become_half_an_answer() -> None:
    """When the log store goes down, logs.activity is failed: no count is passed on."""
    stage = world(routing={START: views("jade")})
    stage.__dict__["logs"] = FakeLogs([], fails=SourceUnavailable("loki is down"))
    told = await toolbox.ask("logs.activity", {}, stage, SCOPE)
    assert told.status is Status.FAILED
    assert told.findings == ()
