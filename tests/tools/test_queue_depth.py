"""A queue that only a gauge shows: growth is found, a full but steady one and a counter are not."""

from __future__ import annotations

from tests.tools.stage import ONSET, SCOPE, counter, found, gauge, measured, world
from tools.evidence import Status
from tools.question import NoArguments
from tools.queue_depth import QUESTION


async def test_a_gauge_that_climbs_since_the_onset_is_a_growing_queue() -> None:
    """One item a second since the onset; the other queue stays at forty."""
    told = measured(
        gauge("app_queue_length", lambda t: max(0, t - ONSET) // 1000, queue="orders"),
        gauge("app_queue_length", lambda t: 40, queue="mails"))
    answer = await QUESTION.ask(world(metrics=told), SCOPE, NoArguments())
    growing = found(answer.findings, "queue_growth")
    assert growing is not None
    assert "orders" in growing.detail
    assert 50 <= (growing.value or 0) <= 70
    assert len(answer.findings) == 1


async def test_a_counter_of_what_was_queued_is_no_depth() -> None:
    """`_total` rises for ever and says nothing of what waits."""
    told = measured(counter("queue_jobs_total", lambda t: 2.0, queue="orders"))
    answer = await QUESTION.ask(world(metrics=told), SCOPE, NoArguments())
    assert answer.status is Status.NO_DATA
