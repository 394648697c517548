"""containers.limits, queues.state and inventory.describe."""

from __future__ import annotations

import pytest

from config.errors import UnknownThing
from tests.tools.stage import END, ONSET, SCOPE, START, container, found, kinds, views, world
from tools import inventory, limits, queues
from tools.question import Answer, NoArguments
from tools.sources.containers import ContainerStats
from tools.sources.fakes import FakeContainers, FakeQueues
from tools.sources.queues import QueueState

JADE = {START: views("jade")}


async def test_limits_tell_cpu_memory_and_throttling_against_the_baseline() -> None:
    """mill-1 uses 0.24 of 0.25 cores, 98 % throttled; line-1 holds 96 % of its memory; web-a is unlimited."""
    everyone = [
        container("mill-1", cpu_limit=0.25, memory_limit=10**8),
        container("line-1", memory_limit=10**8),
        container("web-a"),
    ]

    def read(at: int, cpu: float, throttled: int) -> list[ContainerStats]:
        return [
            ContainerStats("mill-1", at, cpu, 10**7, periods=at // 100 % 10**9, throttled_periods=throttled),
            ContainerStats("line-1", at, 1.0, 96 * 10**6),
            ContainerStats("web-a", at, 1.0, 10**7),
        ]

    readings = {START: read(START, 1.0, 0), END - 60_000: read(END - 60_000, 10.0, 100), END: read(END, 24.4, 690)}
    engine = FakeContainers(lists={START: everyone}, readings=readings)
    answer = await limits.QUESTION.ask(world(containers=engine, routing=JADE), SCOPE, limits.LimitsArguments())
    cpu = found(answer.findings, "saturation", container="mill-1", resource="cpu_of_limit")
    assert cpu is not None
    assert cpu.value == pytest.approx(0.96, abs=0.01)
    throttled = found(answer.findings, "throttling", container="mill-1")
    assert throttled is not None
    assert throttled.value == pytest.approx(590 / 600, abs=0.01)
    memory = found(answer.findings, "saturation", container="line-1", resource="memory_of_limit")
    assert memory is not None
    assert memory.baseline == 0.96
    assert len(answer.findings) == 3
    assert "web-a: no CPU limit" in answer.text


async def read_queue(*states: QueueState) -> Answer:
    return await queues.QUESTION.ask(world(queues=FakeQueues(states), routing=JADE), SCOPE, NoArguments())


def lengths(*values: int, consumers: int = 1, names: tuple[str, ...] = ()) -> list[QueueState]:
    """One reading each thirty seconds up to the end; before the onset the queue is empty with one consumer."""
    start = END - 30_000 * (len(values) - 1)
    past = [QueueState("jobs", t, 0, 1) for t in range(START, ONSET, 30_000)]
    return past + [QueueState("jobs", start + 30_000 * i, v, consumers, names) for i, v in enumerate(values)]


async def test_a_queue_that_grows_and_one_that_breathes() -> None:
    """Ten items every thirty seconds: twenty a minute. A queue that goes up and down does not grow."""
    growth = found((await read_queue(*lengths(0, 10, 20, 30, 40, 50, 60))).findings, "queue_growth", service="line")
    assert growth is not None
    assert growth.value == pytest.approx(20, rel=0.05)
    assert growth.strength == 1.0
    assert (await read_queue(*lengths(0, 9, 1, 8, 0, 7, 1))).findings == ()


async def test_a_waiting_instance_that_blocks_on_the_queue_is_an_extra_consumer() -> None:
    """By name where names are told, by number otherwise."""
    named = found(
        (await read_queue(*lengths(0, 0, 0, consumers=2, names=("mill-1", "mill-2")))).findings, "extra_consumer"
    )
    assert named is not None
    assert named.extra["waiting"] == ["mill-2"]
    assert named.strength == 1.0
    counted = found((await read_queue(*lengths(0, 0, 0, consumers=2))).findings, "extra_consumer")
    assert counted is not None
    assert (counted.value, counted.baseline) == (2.0, 1.0)
    assert kinds((await read_queue(*lengths(0, 0, 0))).findings) == set()


async def test_inventory_describes_one_service_or_all() -> None:
    """Dependencies both ways, colours, work and capacity; an unknown service is refused with the list."""
    whole = await inventory.QUESTION.ask(world(), SCOPE, inventory.DescribeArguments(service="mill"))
    for piece in ("jade: mill-1", "follow front", "order ready", "2/s an instance"):
        assert piece in whole.text
    broker = await inventory.QUESTION.ask(world(), SCOPE, inventory.DescribeArguments(service="line"))
    assert "Needed by front, mill" in broker.text
    with pytest.raises(UnknownThing, match="front"):
        await inventory.QUESTION.ask(world(), SCOPE, inventory.DescribeArguments(service="nobody"))
