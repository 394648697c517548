"""Slack as a way out: the outbox asks for a marker, then posts. A crash between the two leaves nothing said twice.

The card of an incident is its first message and is drawn again whenever something changed; what people must notice
goes into its thread. Everything is read back from the store, so a late or repeated message is still right.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import structlog

from agent.diagnosis import Diagnosis
from agent.incident import Severity, Signal, SignalKind
from agent.prose import clock
from config.errors import SourceRefused, SourceUnavailable
from triggers.messages import Message
from triggers.slack.blocks import Block, section
from triggers.slack.cards import Cards
from triggers.slack.channels import Channels, Place
from triggers.slack.client import LOST_CHANNEL, SlackApi, trouble
from triggers.slack.details import details
from triggers.slack.markers import Markers, marked
from triggers.slack.phrases import say
from triggers.slack.pictures import Pictures
from triggers.slack.story import Story
from triggers.slack.text import escape, link, moment
from triggers.slack.threads import Thread, Threads

FOLDED = "folded"  # the reference of a message that was never posted: its incident had been merged before
_log = structlog.get_logger(__name__)


class SlackPublisher:
    """A `Publisher`. Raises SourceUnavailable for what passes or an operator can mend, SourceRefused for the rest."""

    name = "slack"

    def __init__(
        self, *, api: SlackApi, cards: Cards, threads: Threads, channels: Channels, pictures: Pictures | None = None
    ) -> None:
        self._api, self._cards, self._threads, self._channels = api, cards, threads, channels
        self._pictures = pictures
        self._markers = Markers(api)
        self._repeated: set[str] = set()

    async def find(self, message: Message) -> str | None:
        """The card that was posted before; what goes into threads is looked up when it is posted again."""
        self._repeated.add(message.marker)
        if message.kind != "announced":
            return None
        known = await asyncio.to_thread(self._threads.of, message.incident_id)
        if known is not None:
            return known.reference
        place = self._place(message.body)
        ts = await self._markers.find(message.marker, channel=place.channel, thread_ts=place.thread_ts)
        if ts is None and place.channel != self._channels.default:
            place = Place(self._channels.default, place.language)
            ts = await self._markers.find(message.marker, channel=place.channel)
        return None if ts is None else await self._remember(message.incident_id, place, ts)

    async def post(self, message: Message) -> str:
        """Draw, reply, fold."""
        if message.kind == "announced":
            return await self._announce(message)
        if message.kind == "folded":
            return await self._fold(message)
        thread = await self._thread_with_card(message)
        if message.kind == "diagnosed":
            await self._report(message, thread)
        else:
            await self._note(message, thread)
        self._repeated.discard(message.marker)
        return thread.reference

    # -- the card ---------------------------------------------------------------------------------------------

    async def _announce(self, message: Message) -> str:
        known = await asyncio.to_thread(self._threads.of, message.incident_id)
        if known is not None:
            return known.reference
        story = await self._cards.story(message.incident_id)
        if story.incident["state"] == "merged":
            return FOLDED
        place = self._place(message.body)
        ts, place = await self._post_card(story, place, message.marker)
        reference = await self._remember(message.incident_id, place, ts, shown=story.version)
        self._repeated.discard(message.marker)
        return reference

    async def _post_card(self, story: Story, place: Place, marker: str) -> tuple[str, Place]:
        """In its place; where that channel is gone, in the default one."""
        text, blocks = self._cards.drawn(story, place.language)
        reply = await self._api.ask("chat.postMessage", channel=place.channel, text=text, blocks=blocks,
                                    metadata=marked(marker), thread_ts=place.thread_ts or None, unfurl_links=False,
                                    unfurl_media=False)
        if reply.error in LOST_CHANNEL and place.channel != self._channels.default:
            _log.warning("the channel cannot be posted to; using the default one", channel=place.channel,
                         reason=reply.error)
            return await self._post_card(story, Place(self._channels.default, place.language), marker)
        if reply.error:
            raise trouble("chat.postMessage", reply)
        return str(reply.data["ts"]), place

    async def _remember(self, incident_id: str, place: Place, ts: str, *, shown: str = "") -> str:
        thread = Thread(incident_id, place.channel, ts, place.thread_ts or ts, place.language, shown)
        await asyncio.to_thread(self._threads.open, thread)
        return thread.reference

    def _place(self, body: Mapping[str, Any]) -> Place:
        signals = [_signal(brief) for brief in body.get("signals", ())]
        return self._channels.place(signals, str(body["incident"]["severity"]))

    async def _thread_with_card(self, message: Message) -> Thread:
        """The incident's thread, its card drawn again; a new one if its announcement was lost or its card deleted."""
        known = await asyncio.to_thread(self._threads.of, message.incident_id)
        if known is not None and await self._cards.draw(message.incident_id):
            return known
        story = await self._cards.story(message.incident_id)
        marker = f"{message.marker}/card"
        place = self._channels.place(story.signals, str(story.incident["severity"]))
        ts = await self._markers.find(marker, channel=place.channel, thread_ts=place.thread_ts)
        if ts is None:
            ts, place = await self._post_card(story, place, marker)
        await self._remember(message.incident_id, place, ts, shown=story.version)
        return Thread(message.incident_id, place.channel, ts, place.thread_ts or ts, place.language)

    # -- replies ----------------------------------------------------------------------------------------------

    async def _report(self, message: Message, thread: Thread) -> None:
        """The details, then the picture; a picture that cannot be drawn or sent costs the report nothing."""
        found = Diagnosis.model_validate(message.body["diagnosis"])
        story = await self._cards.story(message.incident_id, past=True)
        text, blocks = details(story, found, thread.language, links=self._cards.links,
                               resolved_before=bool(message.body.get("resolved_before")))
        await self._reply(message, thread, text, blocks)
        if self._pictures is None:
            return
        drawn = await self._pictures.telling(found, thread.language)
        name = f"{found.run}.png"
        if drawn is None or (message.marker in self._repeated
                             and await self._markers.has_file(name, channel=thread.channel, ts=thread.thread_ts)):
            return
        try:
            await self._api.upload(content=drawn.png, filename=name, title=drawn.title, channel=thread.channel,
                                   thread=thread.thread_ts)
        except (SourceUnavailable, SourceRefused) as error:
            _log.warning("the picture was not sent", incident=message.incident_id, reason=str(error))

    async def _note(self, message: Message, thread: Thread) -> None:
        incident, lang = message.body["incident"], thread.language
        if message.kind == "resolved":
            at = int(incident["resolved_ms"])
            said = say("note.resolved", lang, when=moment(at, f"{clock(at)} UTC"),
                       minutes=max(1, round((at - int(incident["onset_ms"])) / 60_000)))
        elif message.kind == "joined":
            titles = ", ".join(escape(str(t), 80) for t in message.body["titles"][:5])
            said = say("note.joined", lang, count=message.body["count"], titles=titles,
                       severity=say(f"severity.{incident['severity']}", lang))
        else:
            said = say("failed", lang, why=escape(str(incident.get("error") or "?"), 300),
                       incident=escape(message.incident_id))
        await self._reply(message, thread, said, [section(said)])

    async def _reply(self, message: Message, thread: Thread, text: str, blocks: list[Block]) -> None:
        """Once: a message that may have been posted before is looked for in the thread first."""
        if message.marker in self._repeated and await self._markers.find(
                message.marker, channel=thread.channel, thread_ts=thread.thread_ts):
            return
        await self._api.tell("chat.postMessage", channel=thread.channel, thread_ts=thread.thread_ts, text=text,
                             blocks=blocks, metadata=marked(message.marker), unfurl_links=False, unfurl_media=False)

    async def _fold(self, message: Message) -> str:
        """A storm stays one message: the folded card goes, unless people have already talked below it."""
        known = await asyncio.to_thread(self._threads.of, message.incident_id)
        survivor = str(message.body["survivor"])
        await self._cards.draw(survivor)
        if known is None:
            return FOLDED
        if await self._markers.talked_about(channel=known.channel, ts=known.thread_ts, card=known.ts):
            target = await asyncio.to_thread(self._threads.of, survivor)
            page = await self._permalink(target) if target else ""
            said = say("note.folded", known.language, survivor=link(page, survivor) if page else escape(survivor))
            await self._api.ask("chat.update", channel=known.channel, ts=known.ts, text=said, blocks=[section(said)])
        else:
            await self._api.ask("chat.delete", channel=known.channel, ts=known.ts)
        await asyncio.to_thread(self._threads.forget, message.incident_id)
        return known.reference

    async def _permalink(self, thread: Thread) -> str:
        reply = await self._api.ask("chat.getPermalink", channel=thread.channel, message_ts=thread.ts)
        return str(reply.data.get("permalink", ""))


def _signal(brief: Mapping[str, Any]) -> Signal:
    return Signal(kind=SignalKind(brief["kind"]), fingerprint=str(brief.get("fingerprint", "")),
                  received_ms=int(brief["starts_ms"]), starts_ms=int(brief["starts_ms"]), title=str(brief["title"]),
                  severity=Severity(brief["severity"]), status=str(brief["status"]), labels=brief["labels"],
                  payload=brief.get("payload") or {})


