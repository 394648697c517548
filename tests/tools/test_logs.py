"""logs.search and logs.silence."""

from __future__ import annotations

import pytest

from config.errors import QueryError, UnknownThing
from tests.tools.stage import END, ONSET, SCOPE, START, container, every, found, lines, world
from tools.evidence import Status
from tools.logs import QUESTION, Condition, SearchArguments
from tools.question import Answer, NoArguments
from tools.silence import QUESTION as SILENCE
from tools.sources.fakes import FakeContainers

STREAMS = [
    lines(
        "mill-1",
        "mill",
        (every(10, START, END), '{"level":"info","msg":"order ready","took":{n}}'),
        ([ONSET + 7_000], '{"level":"error","msg":"주문 실패","took":900,"api_key":"sk-abcdefghijklmnopqrstuv123456"}'),
    ),
    lines("web-a", "front", (every(20, START, END), "GET /order/{n} 200")),
]


async def search(**arguments: object) -> Answer:
    return await QUESTION.ask(world(logs=STREAMS), SCOPE, SearchArguments.model_validate(arguments))


async def test_text_search_shows_the_line_redacted_with_number_and_container() -> None:
    """One Korean failure is found, its key is not shown."""
    answer = await search(contains=["주문 실패"])
    assert "1 lines (mill-1 1)" in answer.text
    assert "주문 실패" in answer.text
    assert "abcdefghijklmnop" not in answer.text


async def test_fields_of_parsed_lines_and_windows() -> None:
    """took > 100 in the baseline of a service; the count is of all lines, the rows are limited."""
    slow = Condition(field="took", op=">", value=100)
    answer = await search(service="mill", parser="json", fields=[slow.model_dump()], window="both", limit=3)
    assert answer.text.count("\n") == 3
    assert answer.text.startswith("44 lines")


async def test_nothing_found_is_no_data_and_mistakes_are_refused() -> None:
    """No match: no_data. A bad pattern or an unknown service: an error for the toolbox."""
    assert (await search(contains=["unheard of"])).status is Status.NO_DATA
    with pytest.raises(QueryError):
        await search(regex="(")
    with pytest.raises(UnknownThing):
        await search(service="nobody")


async def silence(*fallen: str, stopped: tuple[str, ...] = ()) -> Answer:
    names = ("web-a", "web-b", "mill-1", "mill-2")
    streams = [lines(n, "x", (every(5, START, ONSET if n in fallen else END), "alive")) for n in names]
    engine = FakeContainers(lists={START: [container(n, state="exited" if n in stopped else "running") for n in names]})
    return await SILENCE.ask(world(logs=streams, containers=engine), SCOPE, NoArguments())


async def test_a_stream_that_always_speaks_and_stops_is_silent() -> None:
    """mill-1 is silent for four minutes with a usual gap of five seconds; mill-2 is stopped, which explains it."""
    answer = await silence("mill-1", "mill-2", stopped=("mill-2",))
    quiet = found(answer.findings, "silence", container="mill-1")
    assert quiet is not None
    assert quiet.value == pytest.approx(240, abs=10)
    assert quiet.strength == 1.0
    assert len(answer.findings) == 1


async def test_all_silent_at_once_is_the_shipper() -> None:
    """When every running container falls silent at the same moment, the log path is stale, not the system dead."""
    answer = await silence("web-a", "web-b", "mill-1", "mill-2")
    stale = found(answer.findings, "stale_data", resource="logs")
    assert stale is not None
    assert stale.strength == 1.0


async def test_everybody_speaking_is_told() -> None:
    """No finding when all streams speak."""
    assert (await silence()).findings == ()
