"""Settings and a store in, the parts of Slack out: the way out that every process has, and the door of `serve`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace

from fastapi import FastAPI, Request, Response
from slack_bolt.adapter.fastapi.async_handler import AsyncSlackRequestHandler
from slack_sdk.web.async_client import AsyncWebClient

from tools.sources.inventory import Inventory, load_inventory
from triggers.audit import Audit
from triggers.intake import Intake
from triggers.links import EvidenceLinks
from triggers.operations import Operations
from triggers.post_mortem import PostMortems
from triggers.similar import SimilarIncidents
from triggers.slack.cards import Cards
from triggers.slack.channels import Channels
from triggers.slack.client import SlackApi, build_client
from triggers.slack.connection import PING_SECONDS, stay_connected
from triggers.slack.conversing import Conversing, Talks
from triggers.slack.door import SlackDoor
from triggers.slack.events import Events
from triggers.slack.judging import FeedbackDesk
from triggers.slack.marks import Marks
from triggers.slack.news import News
from triggers.slack.operating import Operating
from triggers.slack.permissions import Permissions
from triggers.slack.pictures import Pictures
from triggers.slack.progress import Progress
from triggers.slack.publisher import SlackPublisher
from triggers.slack.story import Stories
from triggers.slack.threads import Threads
from triggers.slack.turns import Turns
from triggers.slack.zones import Zones
from triggers.verdicts import Verdicts
from triggers.wiring import Store

EVENTS_PATH = "/slack/events"


@dataclass(frozen=True)
class SlackOut:
    """Publishing, progress, and what keeps cards right."""

    store: Store
    web: AsyncWebClient
    api: SlackApi
    threads: Threads
    stories: Stories
    cards: Cards
    channels: Channels
    publisher: SlackPublisher
    progress: Progress
    news: News
    inventory: Inventory


def build_slack(store: Store, *, inventory: Inventory | None = None) -> SlackOut:
    """The way out. The store it holds has Slack among its publishers."""
    settings = store.settings
    file = settings.world.inventory or (settings.world.case / "inventory.yaml" if settings.world.case else None)
    known = inventory or (load_inventory(file) if file and file.is_file() else Inventory())
    web = build_client(settings.slack)
    api, threads = SlackApi(web), Threads(store.database)
    stories = Stories(store.database, similar=SimilarIncidents(store.database))
    cards = Cards(api=api, threads=threads, stories=stories, links=EvidenceLinks(settings.publish.links))
    channels = Channels(settings.slack, inventory=known, language=settings.language)
    pictures = Pictures(store.ledger.evidence) if settings.slack.pictures else None
    publisher = SlackPublisher(api=api, cards=cards, threads=threads, channels=channels, pictures=pictures)
    return SlackOut(
        store=replace(store, publishers=(*store.publishers, publisher)), web=web, api=api, threads=threads,
        stories=stories, cards=cards, channels=channels, publisher=publisher, inventory=known,
        progress=Progress(cards, seconds=settings.slack.progress_seconds),
        news=News(database=store.database, cards=cards, wake=store.wake))


def build_door(out: SlackOut, *, conversation: Talks, intake: Intake, now_ms: Callable[[], int]) -> SlackDoor:
    """The door of one process; `intake` takes questions that become investigations."""
    store, settings = out.store, out.store.settings
    audit, marks, language = Audit(store.database), Marks(store.database), settings.language
    permissions = Permissions(settings.slack.permissions, out.api)
    desk = FeedbackDesk(api=out.api, verdicts=Verdicts(store.ledger), stories=out.stories, threads=out.threads,
                        permissions=permissions, audit=audit, inventory=out.inventory, lang=language)
    conversing = Conversing(
        api=out.api, conversation=conversation, threads=out.threads, turns=Turns(store.database),
        permissions=permissions, audit=audit, desk=desk, intake=intake, zones=Zones(out.api), now_ms=now_ms,
        only_channel=settings.slack.shadow_channel, links=out.cards.links)
    drafts = PostMortems(incidents=store.incidents, ledger=store.ledger, audit=audit, links=out.cards.links)
    operating = Operating(
        api=out.api, cards=out.cards, threads=out.threads, marks=marks, permissions=permissions, audit=audit,
        operations=Operations(database=store.database, wake=store.wake), post_mortem=drafts.draft, lang=language)
    return SlackDoor(settings=settings.slack, api=out.api, events=Events(store.database),
                     conversing=conversing, desk=desk, operating=operating, marks=marks, threads=out.threads,
                     lang=language)


async def run_door(
    out: SlackOut, door: SlackDoor, *, stop: asyncio.Event, ping_seconds: float = PING_SECONDS
) -> None:
    """Socket Mode, if that is the mode, and what was left behind; until `stop`."""
    slack = out.store.settings.slack
    work = [door.run(stop)]
    if slack.mode == "socket" and slack.app_token is not None:
        work.append(stay_connected(door.app, app_token=slack.app_token.get_secret_value(), web=out.web, stop=stop,
                                   ping_seconds=ping_seconds))
    await asyncio.gather(*work)


def add_slack_door(app: FastAPI, door: SlackDoor) -> None:
    """HTTP mode: Slack's own signature is the credential, checked by Bolt."""
    requests = AsyncSlackRequestHandler(door.app)

    @app.post(EVENTS_PATH, include_in_schema=False)
    async def events(request: Request) -> Response:
        return await requests.handle(request)
