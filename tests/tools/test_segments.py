"""logs.segments: which timed part got slower."""

from __future__ import annotations

import pytest

from tests.tools.stage import (
    END,
    ONSET,
    SCOPE,
    START,
    counter,
    every,
    found,
    lines,
    measured,
    stepped,
    views,
    world,
)
from tools.evidence import Status
from tools.question import Answer
from tools.recorded.logs.store import LogStream
from tools.segments import QUESTION, SegmentsArguments, durations


async def asked(*streams: LogStream) -> Answer:
    return await QUESTION.ask(world(logs=streams, routing={START: views("jade")}), SCOPE, SegmentsArguments())


async def test_waiting_grew_while_the_work_itself_did_not() -> None:
    """queue_ms goes from 20 to 2,000 at the onset; duration_ms stays: the segment is the queue."""
    calm, busy = every(2, START, ONSET), every(2, ONSET, END)
    answer = await asked(
        lines(
            "mill-1",
            "mill",
            (calm, '{"event":"done","queue_ms":20,"duration_ms":300}'),
            (busy, '{"event":"done","queue_ms":2000,"duration_ms":310}'),
        )
    )
    slower = found(answer.findings, "segment_slower", container="mill-1", role="active")
    assert slower is not None
    assert slower.subject.resource == "queue_ms"
    assert (slower.value, slower.baseline, slower.strength) == (2000.0, 20.0, 1.0)
    assert slower.since_ms is not None
    assert abs(slower.since_ms - ONSET) <= 4_000
    assert len(answer.findings) == 1


async def test_an_instance_without_a_past_is_compared_with_its_peer() -> None:
    """A fresh standby takes four times what its twin took: it is the slow one, not the twin."""
    answer = await asked(
        lines("mill-1", "mill", (every(2, START, END), "msg=ready took=250ms")),
        lines("mill-2", "mill", (every(2, ONSET, END), "msg=ready took=1000ms")),
    )
    assert [f.subject.container for f in answer.findings] == ["mill-2"]


async def test_lines_without_durations_are_no_data() -> None:
    """Nothing timed is said: no data, not "nothing slower"."""
    assert (await asked(lines("mill-1", "mill", (every(2, START, END), "ready {n}")))).status is Status.NO_DATA


@pytest.mark.parametrize(
    ("line", "fields"),
    [
        ('{"total_ms": 12, "status": 200, "id": 7, "ok": true}', [("total_ms", 12.0)]),
        ("path=/x status=200 latency=35 id=9", [("latency", 35.0)]),
        ('rt="0.250s" n=3', [("rt", 0.25)]),
        ("plain text with 300 ms in it", []),
        ('{"broken": ', []),
    ],
)
def test_durations_are_found_by_name_or_unit(line: str, fields: list[tuple[str, float]]) -> None:
    """Numbers that are no durations are left alone."""
    assert durations(line) == fields


async def test_all_instances_slower_without_more_cpu_means_their_only_dependency_is_slow() -> None:
    """duration_ms quadruples on the working mill while its CPU falls: oracle keeps it waiting. With more CPU: not."""
    stream = lines(
        "mill-1",
        "mill",
        (every(2, START, ONSET), "msg=ready duration_ms=300"),
        (every(2, ONSET, END), "msg=ready duration_ms=1200"),
    )
    for after, slow in ((0.05, True), (0.4, False)):
        cpu = measured(counter("container_cpu_usage_seconds_total", stepped(0.1, after), ctr="mill-1"))
        told = world(logs=[stream], routing={START: views("jade")}, metrics=cpu)
        answer = await QUESTION.ask(told, SCOPE, SegmentsArguments())
        dependency = found(answer.findings, "dependency_slow", service="oracle", container="oracle-1")
        assert (dependency is not None) is slow
        if dependency is not None:
            assert (dependency.value, dependency.baseline) == (1.2, 0.3)


async def test_a_field_that_names_its_dependency_needs_no_inference() -> None:
    """redis_ms grew: the broker, by what it is, is slow."""
    answer = await asked(
        lines(
            "web-a",
            "front",
            (every(2, START, ONSET), '{"redis_ms":2,"n":1}'),
            (every(2, ONSET, END), '{"redis_ms":900,"n":1}'),
        )
    )
    slow = found(answer.findings, "dependency_slow", service="line")
    assert slow is not None
    assert slow.strength == 1.0
