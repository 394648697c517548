"""What several workers share: scheduled duties, budgets, the outbox; and what one of them does when told to stop."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import httpx
import sqlalchemy as sa
from typer.testing import CliRunner

from config.errors import QueryError, SourceRefused, SourceUnavailable, StoreUnavailable
from config.settings import Budget, Webhook
from config.tables import outbox
from tests.triggers.parts import run_until, settings_for, signal, take_in
from triggers.budgets import SharedBudget
from triggers.duties import Duties, Poller, run_pollers
from triggers.fake_investigator import ScriptedInvestigator
from triggers.fake_publisher import RecordingPublisher
from triggers.incident_cli import app as incident_cli
from triggers.messages import Message
from triggers.publishers import WebhookPublisher, plain_text
from triggers.queue_cli import app as queue_cli
from triggers.wiring import Store, build_store, build_worker


async def test_a_poller_runs_once_a_tick_whoever_runs_it(store: Store) -> None:
    """Four workers with the same poller perform each tick once; a failing tick does not end the schedule."""
    ticks: list[int] = []

    async def tick() -> None:
        ticks.append(1)
        raise StoreUnavailable("not this time")

    stop = asyncio.Event()
    poller = Poller("watch", 0.25, tick)
    loops = [asyncio.create_task(run_pollers(Duties(database=store.database, owner=f"w{n}"), [poller], stop=stop,
                                             look_seconds=0.02)) for n in range(4)]
    await asyncio.sleep(1.1)
    stop.set()
    await asyncio.gather(*loops)
    assert 2 <= len(ticks) <= 5


async def test_budgets_are_shared(tmp_path: Path) -> None:
    """Calls per minute are counted over all workers; money stops calls once it is spent; unknown cost adds nothing."""
    limits = Budget(model_calls_per_minute=3, usd_per_day=1.0)
    url = f"sqlite:///{tmp_path / 'c.db'}"
    stores = [build_store(settings_for(url), publishers=()) for _ in range(2)]
    one, other = (SharedBudget(database=s.database, settings=limits) for s in stores)
    taken = [await budget.take_call() for budget in (one, other, one, other, one)]
    assert sum(taken) in (3, 4)  # 4 if a minute began in between
    free = SharedBudget(database=stores[0].database, settings=Budget(usd_per_day=1.0))
    assert await free.take_call()
    await free.charge(None)
    await other.charge(0.4)
    await one.charge(0.7)
    assert abs(one.spent_today() - 1.1) < 1e-9
    assert not await free.take_call()
    for s in stores:
        s.close()


async def test_concurrent_investigations_are_limited_over_all_workers(tmp_path: Path) -> None:
    """With a limit of one, two eager workers never investigate at the same time, and everything is finished."""
    url = f"sqlite:///{tmp_path / 'c.db'}"
    sent = RecordingPublisher()
    settings = settings_for(url, budget={"concurrent_investigations": 1}, worker={"concurrency": 4})
    store = build_store(settings, publishers=(sent,))
    take_in(store, *(signal(f"f{n}", service=f"s{n}") for n in range(4)))
    running, peak = set[str](), [0]

    class Watching(ScriptedInvestigator):
        async def investigate(self, incident, **kwargs):  # type: ignore[no-untyped-def]
            running.add(incident.id)
            peak[0] = max(peak[0], len(running))
            await asyncio.sleep(0.05)
            running.discard(incident.id)
            return await super().investigate(incident, **kwargs)

    both = [build_worker(build_store(settings, publishers=(sent,)), Watching()) for _ in range(2)]
    await asyncio.gather(*(run_until(p, lambda: sum(m.kind == "diagnosed" for m in sent.messages) == 4) for p in both))
    assert peak == [1]
    store.close()


async def test_failures_are_tried_again_and_mistakes_are_not(tmp_path: Path) -> None:
    """A transient failure and an unforeseen one come back after a pause and end well; a permanent one is dead."""
    sent = RecordingPublisher(failures=2)
    store = build_store(settings_for(f"sqlite:///{tmp_path / 'c.db'}"), publishers=(sent,))
    take_in(store, signal("f1"))
    investigator = ScriptedInvestigator(failures=[SourceUnavailable("slow"), ValueError("a bug")])
    await run_until(build_worker(store, investigator), lambda: any(m.kind == "diagnosed" for m in sent.messages))
    assert len(investigator.asked) == 3
    assert len({run for _, run, _ in investigator.asked}) == 1
    take_in(store, signal("f2", starts_ms=1))
    investigator = ScriptedInvestigator(failures=[QueryError("never")])
    await run_until(build_worker(store, investigator), lambda: any(m.kind == "failed" for m in sent.messages))
    assert len(investigator.asked) == 1
    assert [i["state"] for i in store.incidents.list()] == ["dead", "done"]
    store.close()


async def test_draining_gives_back_what_is_not_finished(tmp_path: Path) -> None:
    """Told to stop, a worker claims nothing new and returns a long investigation at once, uncounted."""
    store = build_store(settings_for(f"sqlite:///{tmp_path / 'c.db'}", worker={"drain_seconds": 0.1}), publishers=())
    take_in(store, signal("f1"))
    investigator = ScriptedInvestigator(steps=1, seconds=60)
    await run_until(build_worker(store, investigator), lambda: bool(investigator.asked))
    (incident,) = store.incidents.list()
    assert (incident["state"], incident["attempts"], incident["owner"]) == ("queued", 0, None)
    await run_until(build_worker(store, quick := ScriptedInvestigator()), lambda: len(quick.asked) == 1)
    assert quick.asked[0][1:] == investigator.asked[0][1:]
    store.close()


async def test_an_investigation_that_never_ends_is_stopped(tmp_path: Path) -> None:
    """It fails at its deadline, although its lease was renewed all the time."""
    worker = {"run_timeout_seconds": 0.2, "max_attempts": 1}
    store = build_store(settings_for(f"sqlite:///{tmp_path / 'c.db'}", worker=worker), publishers=())
    take_in(store, signal("f1"))
    process = build_worker(store, ScriptedInvestigator(steps=1, seconds=60))
    await run_until(process, lambda: store.incidents.list()[:1] != [] and store.incidents.list()[0]["state"] == "dead")
    assert "not finished within" in store.incidents.list()[0]["error"]
    store.close()


async def test_webhooks_say_what_can_be_tried_again() -> None:
    """5xx, 429 and silence are temporary; other refusals are final; the idempotency key is the message's marker."""
    codes = iter([500, 429, 404, 201])
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(next(codes), headers={"Location": "/m/7"})

    client = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    publisher = WebhookPublisher(settings=Webhook(url="http://x/hook", token="s3cret"), client=client)  # type: ignore[arg-type]
    message = Message(kind="announced", incident_id="inc-1", marker="culprit/x", body={"incident": {"title": "느림"}})
    outcomes = []
    for _ in range(4):
        try:
            outcomes.append(await publisher.post(message))
        except (SourceUnavailable, SourceRefused) as error:
            outcomes.append(type(error).__name__)
    assert outcomes == ["SourceUnavailable", "SourceUnavailable", "SourceRefused", "/m/7"]
    assert seen[0].headers["Idempotency-Key"] == "culprit/x"
    assert json.loads(seen[0].content)["incident"] == {"title": "느림"}
    assert "느림" in plain_text(message)


async def test_messages_of_one_incident_leave_in_order(store: Store) -> None:
    """While the announcement cannot be sent, its replies wait; those of other incidents do not."""
    with store.database.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO incidents (id, fingerprint, title, state, severity, opened_ms, onset_ms, last_signal_ms, "
            "queued_ms, ready_ms, order_ms) VALUES ('a','f','t','done',0,0,0,0,0,0,0), "
            "('b','g','t','done',0,0,0,0,0,0,0)")
        row = {"publisher": "chat", "body": "{}", "state": "waiting", "created_ms": 0}
        connection.execute(outbox.insert(), [
            {**row, "kind": "announced", "incident_id": "a", "marker": "1", "ready_ms": 2**50},
            {**row, "kind": "diagnosed", "incident_id": "a", "marker": "2", "ready_ms": 0},
            {**row, "kind": "announced", "incident_id": "b", "marker": "3", "ready_ms": 0}])
    from triggers.outbox import Outbox

    sent = RecordingPublisher()
    sender = Outbox(database=store.database, publishers=(sent,), wake=store.wake)
    while await sender.send_one():
        pass
    assert [m.marker for m in sent.messages] == ["3"]
    with store.database.begin() as connection:
        connection.execute(outbox.update().where(outbox.c.marker == "1").values(ready_ms=0))
    while await sender.send_one():
        pass
    assert [m.marker for m in sent.messages] == ["3", "1", "2"]
    with store.database.read() as connection:
        assert set(connection.execute(sa.select(outbox.c.state)).scalars()) == {"sent"}


def test_the_queue_on_the_command_line(tmp_path: Path) -> None:
    """List, show, pause, cancel and requeue; what cannot be done is said with exit code 2."""
    file = tmp_path / "culprit.yaml"
    file.write_text(f"database_url: sqlite:///{tmp_path / 'c.db'}\ncorrelation: {{group_wait_seconds: 0}}\n")
    store = build_store(settings_for(f"sqlite:///{tmp_path / 'c.db'}"), publishers=())
    take_in(store, signal("HighLatency", service="api"))
    from triggers.wiring import build_correlator

    assert build_correlator(store).tick()
    incident = store.incidents.list()[0]["id"]
    run = CliRunner()

    def culprit(*arguments: str, code: int = 0) -> str:
        result = run.invoke(queue_cli, [*arguments, "--config", str(file)])
        assert result.exit_code == code, result.output
        return result.output

    assert "1 queued" in culprit("list")
    assert "HighLatency" in culprit("list")
    assert "paused" in culprit("pause")
    assert "PAUSED" in culprit("list")
    culprit("resume")
    assert "cancelled" in culprit("cancel", incident)
    assert "nothing to cancel" in culprit("cancel", incident, code=2)
    culprit("requeue", incident)
    listed = json.loads(culprit("list", "--json"))
    assert (listed["paused"], listed["incidents"][0]["state"]) == (False, "queued")
    assert "state: queued" in culprit("show", incident)
    assert "no incident" in culprit("show", "inc-none", code=2)
    for arguments, waits in ((["snooze", incident, "--for", "5"], True), (["reinvestigate", incident], None)):
        result = run.invoke(incident_cli, [*arguments, "--config", str(file)])
        assert result.exit_code == (0 if waits else 2), result.output  # a waiting one needs no second investigation
    shown = store.incidents.show(incident)
    assert 200_000 < shown["ready_ms"] - shown["opened_ms"] < 600_000
    culprit("cancel", incident)
    assert run.invoke(incident_cli, ["reinvestigate", incident, "--config", str(file)]).exit_code == 0
    assert store.incidents.show(incident)["state"] == "queued"
    store.close()
