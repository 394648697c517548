"""More streams than a server counts in one query: which are counted, at what cost, and what is said about the rest."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

import httpx
import pytest

from config.errors import QueryError
from tools.recorded.logs.engine import LogEngine
from tools.recorded.logs.loki_api import LokiApi
from tools.recorded.logs.recorded_logs import RecordedLogs
from tools.recorded.logs.store import stream_of
from tools.sources.inventory import parse_inventory
from tools.sources.loki import LokiLogs
from tools.world import World
from triggers.anomalies.streams import HOUR_MS, Streams

NS = 1_000_000
END_MS = 1_795_212_527_000
TOO_MANY = ("maximum number of series ({n}) reached for a single query; consider reducing query cardinality by adding "
            "more specific stream selectors, reducing the time range, or aggregating results")


@dataclass
class SmallLoki(httpx.AsyncBaseTransport):
    """Answers from recorded streams; refuses more than `series` of a count as Loki does, and volumes if told so."""

    api: LokiApi
    series: int
    volumes: bool = True
    asked: list[str] = field(default_factory=list)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        self.asked.append(path.rsplit("/", 1)[-1])
        if path.endswith("index/volume") and not self.volumes:
            return httpx.Response(404, headers={"content-type": "text/plain"}, content=b"404 page not found\n")
        status, kind, body = await self.api.answer(path, dict(request.url.params))
        if path.endswith("query_range") and status == 200:
            found = json.loads(body)["data"]
            if found["resultType"] == "matrix" and len(found["result"]) > self.series:
                return httpx.Response(400, headers={"content-type": "text/plain"},
                                      content=TOO_MANY.format(n=self.series).encode())
        return httpx.Response(status, headers={"content-type": kind}, content=body)


def crowd(*, containers: int, series: int, volumes: bool = True) -> tuple[World, SmallLoki]:
    """Container c0 .. with 1, 2, … lines in the last minute, c0 alone in the inventory."""
    streams = [stream_of({"container": f"c{i}"}, [((END_MS - 1_000 - 10 * k) * NS, "a line") for k in range(i + 1)])
               for i in range(containers)]
    recorded = RecordedLogs(load=lambda: LogEngine(streams), start_ns=0, now_ns=END_MS * NS)
    loki = SmallLoki(LokiApi(logs=recorded, now_ns=END_MS * NS), series, volumes)
    inventory = parse_inventory("version: 1\nservices: [{name: chat, containers: [c0]}]\n")
    return World("crowd", inventory, logs=LokiLogs(base_url="http://loki.test", transport=loki)), loki


async def counts(world: World, streams: Streams, *, most: int = 100, end_ms: int = END_MS) -> dict[str, int]:
    found = await streams.totals(world, start_ms=end_ms - 60_000, end_ms=end_ms, most=most)
    return {total.labels["container"]: total.count for total in found}


async def test_few_streams_are_one_query() -> None:
    """Nothing is asked about volumes while one count answers."""
    world, loki = crowd(containers=5, series=10)
    assert await counts(world, Streams()) == {f"c{i}": i + 1 for i in range(5)}
    assert loki.asked == ["query_range"]


async def test_too_many_streams_are_counted_in_groups_the_loudest_found_by_volume() -> None:
    """One refusal, one volume, then a query for each group; the next poll asks the groups alone."""
    world, loki = crowd(containers=25, series=10)
    streams = Streams()
    assert await counts(world, streams) == {f"c{i}": i + 1 for i in range(25)}
    assert loki.asked == ["query_range", "volume", *["query_range"] * 3]
    loki.asked.clear()
    assert len(await counts(world, streams)) == 25
    assert loki.asked == ["query_range"] * 3
    assert not streams.left_out


async def test_the_limit_keeps_the_inventorys_own_and_the_loudest() -> None:
    """Beyond `most` the quietest strangers are left out, and that is said."""
    world, _ = crowd(containers=25, series=10)
    streams = Streams()
    assert sorted(await counts(world, streams, most=4)) == ["c0", "c22", "c23", "c24"]
    assert streams.left_out


async def test_without_volumes_the_labels_values_name_the_streams_and_the_refusal_is_remembered() -> None:
    """404 is asked for once in hours, not at every choice."""
    world, loki = crowd(containers=25, series=10, volumes=False)
    streams = Streams()
    assert len(await counts(world, streams)) == 25
    assert loki.asked[:3] == ["query_range", "volume", "values"]
    loki.asked.clear()
    streams.chosen_ms -= HOUR_MS
    assert len(await counts(world, streams)) == 25
    assert loki.asked[:2] == ["query_range", "values"]


async def test_a_store_that_grew_small_again_is_one_query_after_an_hour() -> None:
    """The choice is made anew each hour, beginning with one query for everything."""
    world, loki = crowd(containers=25, series=10)
    streams = Streams()
    await counts(world, streams)
    loki.series, streams.chosen_ms = 100, streams.chosen_ms - HOUR_MS
    loki.asked.clear()
    assert len(await counts(world, streams)) == 25
    assert loki.asked == ["query_range"]
    assert streams.groups == ()


async def test_any_other_refusal_is_raised() -> None:
    """What is not about the number of series is not answered by more queries."""
    world, loki = crowd(containers=5, series=10)
    loki.api = LokiApi(logs=RecordedLogs(load=lambda: LogEngine([]), start_ns=END_MS * NS, now_ns=END_MS * NS + 1),
                       now_ns=END_MS * NS)
    with pytest.raises(QueryError):
        await counts(world, Streams())
    assert loki.asked == ["query_range"]
