"""A whole Culprit around a fake Slack: doors, worker, outbox and the real app, in one loop, on a fresh store."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvicorn

from agent.incident import Signal
from tests.triggers.parts import settings_for, signal
from tests.triggers.slack.sample import AT, Investigating, Talking
from tools.sources.inventory import Inventory, Service
from triggers.slack.assemble import SlackOut, add_slack_door, build_door, build_slack, run_door
from triggers.slack.door import SlackDoor
from triggers.slack.fake import FakeSlack, Posted
from triggers.wiring import Store, build_app, build_intake, build_store, build_worker

SHOP = Inventory(services=(Service(name="worker", colours={"blue": ("worker-blue",), "green": ("worker-green",)}),
                           Service(name="api", containers=("api-1",))))


@dataclass
class Stage:
    """`culprit` is the store every part shares."""

    slack: FakeSlack
    culprit: Store
    out: SlackOut
    door: SlackDoor
    investigating: Investigating
    talking: Talking
    tasks: list[asyncio.Task[Any]] = field(default_factory=list)

    async def until(self, condition: Callable[[], Any], *, seconds: float = 8) -> Any:
        """What the condition says once it is true."""
        async with asyncio.timeout(seconds):
            while not (found := condition()):  # noqa: ASYNC110  (what is waited for is another process's doing)
                await asyncio.sleep(0.01)
        return found

    async def take_in(self, *signals: Signal) -> None:
        """As a door does."""
        intake = build_intake(self.culprit)
        await asyncio.wrap_future(intake.submit(signals))
        await asyncio.to_thread(intake.close)

    async def reported(self, *, channel: str = "C1") -> tuple[Posted, list[Posted]]:
        """One alert from its webhook to its report: the card and the replies below it."""
        await self.take_in(signal("slow", starts_ms=AT, service="worker"))
        card = await self.until(lambda: next(iter(self.slack.workspace.roots(channel)), None))
        await self.until(lambda: "feedback_right" in str(card.blocks))
        await self.until(lambda: [r for r in self.slack.workspace.replies(card.ts) if r.files])
        return card, self.slack.workspace.replies(card.ts)

    def feedback(self) -> list[dict[str, Any]]:
        return self.culprit.ledger.feedback()

    @property
    def incident(self) -> str:
        """The newest incident's id."""
        return str(self.culprit.incidents.list(limit=1)[0]["id"])


@asynccontextmanager
async def stage(folder: Path, *, http: bool = False, connect: bool = True, worker: bool = True,
                slack: FakeSlack | None = None, inventory: Inventory = SHOP, url: str = "",
                **slack_settings: Any) -> AsyncIterator[Stage]:
    """`connect=False`: no door, only the ways out. `http`: requests are signed and come to a real server. `url`: of an
    empty database; SQLite in `folder` without it."""
    logging.getLogger("slack_bolt").setLevel(logging.CRITICAL)
    fake = slack or FakeSlack()
    if not fake.url:
        await fake.start()
    given = {"bot_token": "xoxb-1", "app_token": "xapp-1", "signing_secret": "secret", "channel": "C1",
             "api_url": fake.api_url, "mode": "http" if http else "socket", "progress_seconds": 0.05,
             "timeout_seconds": 2, **slack_settings}
    place = url or f"sqlite:///{folder / 'culprit.db'}"
    store = build_store(settings_for(place, slack=given, worker={"lease_seconds": 20}))
    out = build_slack(store, inventory=inventory)
    investigating, talking = Investigating(store.ledger.save_evidence), Talking()
    intake, stop = build_intake(out.store), asyncio.Event()
    door = build_door(out, conversation=talking, intake=intake, now_ms=lambda: AT)
    made = Stage(fake, out.store, out, door, investigating, talking)
    if worker:
        process = build_worker(out.store, investigating, on_event=out.progress.heard, pollers=(out.news.poller(),))
        made.tasks.append(asyncio.create_task(process.run(stop)))
    if connect:
        made.tasks.append(asyncio.create_task(run_door(out, door, stop=stop, ping_seconds=0.3)))
    server = await _serve(out.store, door, fake) if http else None
    if connect and not http:
        await fake.connected()
    try:
        yield made
    finally:
        stop.set()
        if server is not None:
            server.should_exit = True
        await asyncio.wait_for(asyncio.gather(*made.tasks), 15)
        await out.progress.close()
        await asyncio.to_thread(intake.close)
        if slack is None:
            await fake.stop()
        store.close()


async def _serve(store: Store, door: SlackDoor, fake: FakeSlack) -> uvicorn.Server:
    app = build_app(store)
    add_slack_door(app, door)
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_config=None, access_log=False))
    task = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110  (uvicorn has no event for it)
        await asyncio.sleep(0.01)
    fake.door = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/slack/events"
    server.task = task  # type: ignore[attr-defined]  # kept from the garbage collector
    return server
