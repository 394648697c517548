"""Questions in Slack: a mention, a direct message, a reply below an incident, the assistant's pane.

The words go to `agent/conversation.py`, which knows nothing of Slack; the answer comes back with its evidence.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import structlog

from agent.conversation import Answer, Turn
from agent.incident import Severity, Signal, SignalKind
from agent.memory import Memories, Memory
from config.errors import CulpritError
from triggers.audit import Audit
from triggers.intake import Intake
from triggers.links import EvidenceLinks
from triggers.slack.answers import answer_blocks, answer_text
from triggers.slack.blocks import section
from triggers.slack.client import SlackApi
from triggers.slack.judging import FeedbackDesk
from triggers.slack.markers import Markers, marked
from triggers.slack.permissions import Permissions
from triggers.slack.phrases import say
from triggers.slack.threads import Threads
from triggers.slack.turns import Turns
from triggers.slack.zones import Zones

MAX_QUESTION = 4_000
HANGUL = re.compile(r"[가-힣ㄱ-ㅎㅏ-ㅣ]")
SMALL_TALK = {"help", "greeting", "thanks", "out_of_scope", ""}
_log = structlog.get_logger(__name__)


class Talks(Protocol):
    """`agent.conversation.Conversation`, or whatever chooses one by cluster."""

    async def reply(
        self, text: str, *, at_ms: int, zone: str = "UTC", lang: str | None = None, incident_id: str | None = None,
        thread: tuple[Turn, ...] = (), memory: Memory | None = None,
    ) -> Answer: ...


@dataclass(frozen=True)
class Said:
    """One message of a person. `addressed`: to us, not merely below one of our messages."""

    user: str
    text: str
    channel: str
    ts: str
    thread_ts: str
    addressed: bool
    pane: bool = False

    @property
    def identity(self) -> str:
        return f"{self.channel}/{self.ts}"


class Conversing:
    """`handle` answers one message, once, however often it is called with it."""

    def __init__(
        self, *, api: SlackApi, conversation: Talks, threads: Threads, turns: Turns, permissions: Permissions,
        audit: Audit, desk: FeedbackDesk, intake: Intake, zones: Zones, now_ms: Callable[[], int],
        only_channel: str = "", links: EvidenceLinks | None = None,
    ) -> None:
        self._api, self._conversation, self._threads, self._turns = api, conversation, threads, turns
        self._permissions, self._audit, self._desk, self._intake = permissions, audit, desk, intake
        self._zones, self._now_ms, self._only_channel = zones, now_ms, only_channel
        self._links = links or EvidenceLinks()
        self._markers, self._memories = Markers(api), Memories()

    async def handle(self, said: Said) -> None:
        """Raises SourceUnavailable and StoreUnavailable: it will be tried again."""
        if self._only_channel and said.channel != self._only_channel:
            return  # shadow mode: silent everywhere else
        incident = await asyncio.to_thread(self._threads.incident_at, said.channel, said.thread_ts)
        earlier = await asyncio.to_thread(
            lambda: self._turns.of(channel=said.channel, thread=said.thread_ts, before=said.identity))
        if not said.addressed and incident is None and not any(t.by_culprit for t in earlier):
            return
        lang = "ko" if HANGUL.search(said.text) else "en"
        if not await self._permissions.allow("ask", user=said.user, channel=said.channel):
            if said.addressed:
                await self._refuse(said, lang)
            return
        await self._answer(said, incident, earlier, lang)

    async def _refuse(self, said: Said, lang: str) -> None:
        text = self._permissions.refusal("ask", channel=said.channel, lang=lang)
        await asyncio.to_thread(lambda: self._audit.note(door="slack", actor=said.user, what="ask",
                                                         subject=said.identity, allowed=False))
        await self._api.ask("chat.postEphemeral", channel=said.channel, user=said.user, text=text,
                            blocks=[section(text)], thread_ts=said.thread_ts)

    async def _answer(self, said: Said, incident: str | None, earlier: tuple[Turn, ...], lang: str) -> None:
        marker = f"culprit/slack/answer/{said.identity}"
        place = await self._place(said, marker, lang) if said.addressed else None
        await asyncio.to_thread(lambda: self._turns.add(
            channel=said.channel, thread=said.thread_ts, identity=said.identity, author=said.user, text=said.text))
        memory = self._memories.of(said.channel, said.thread_ts)
        try:
            answer = await self._conversation.reply(
                said.text[:MAX_QUESTION], at_ms=self._now_ms(), zone=await self._zones.of(said.user), lang=None,
                incident_id=incident, thread=earlier, memory=memory)
        except CulpritError as error:
            answer = Answer(intent="", lang=lang, say=(say("answer.failed", lang, why=str(error)),))
        if not said.addressed and answer.intent in SMALL_TALK and answer.feedback is None:
            return  # people talking to each other below our card
        extra = await self._consequences(said, answer, incident)
        await self._put(said, marker, place, answer, extra)
        memory.add(said.text, answer)
        await asyncio.to_thread(lambda: self._turns.add(
            channel=said.channel, thread=said.thread_ts, identity=marker, author="culprit", by_culprit=True,
            text=answer_text(answer)))
        await asyncio.to_thread(lambda: self._audit.note(
            door="slack", actor=said.user, what="ask", subject=incident or said.identity,
            detail={"intent": answer.intent, "text": said.text[:500]}))

    async def _place(self, said: Said, marker: str, lang: str) -> str:
        """At once, the message that will become the answer; the one of an earlier attempt if there was one."""
        if said.pane:
            await self._api.ask("assistant.threads.setStatus", channel_id=said.channel, thread_ts=said.thread_ts,
                                status=say("thinking", lang))
            return await self._markers.find(marker, channel=said.channel, thread_ts=said.thread_ts) or ""
        found = await self._markers.find(marker, channel=said.channel, thread_ts=said.thread_ts)
        if found is not None:
            return found
        text = say("thinking", lang)
        data = await self._api.tell("chat.postMessage", channel=said.channel, thread_ts=said.thread_ts, text=text,
                                    blocks=[section(text)], metadata=marked(marker))
        return str(data["ts"])

    async def _put(self, said: Said, marker: str, place: str | None, answer: Answer, extra: list[str]) -> None:
        text, blocks = answer_blocks(answer, extra, links=self._links)
        where: dict[str, Any] = {"channel": said.channel, "text": text, "blocks": blocks, "metadata": marked(marker)}
        if place:
            reply = await self._api.ask("chat.update", ts=place, **where)
            if not reply.error:
                return
        if place is None and await self._markers.find(marker, channel=said.channel, thread_ts=said.thread_ts):
            return
        await self._api.tell("chat.postMessage", thread_ts=said.thread_ts, unfurl_links=False, unfurl_media=False,
                             **where)

    async def _consequences(self, said: Said, answer: Answer, incident: str | None) -> list[str]:
        """A verdict in words is stored; a question that needs an investigation becomes a signal."""
        lines = []
        if answer.feedback is not None and incident is not None:
            lines.append(await self._desk.heard(answer.feedback, incident=incident, user=said.user,
                                                channel=said.channel, lang=answer.lang))
        if answer.wants_investigation:
            await asyncio.wrap_future(self._intake.submit([question_signal(said, self._now_ms(), answer.lang)]))
            lines.append(say("answer.investigating", answer.lang))
        return lines


def question_signal(said: Said, now_ms: int, lang: str) -> Signal:
    """The question as something to investigate; the report goes to where it was asked."""
    return Signal(
        kind=SignalKind.QUESTION, fingerprint=f"slack/{said.identity}", received_ms=now_ms, starts_ms=now_ms,
        title=said.text[:120] or "question", text=said.text[:MAX_QUESTION], severity=Severity.INFO, lang=lang,
        payload={"slack": {"channel": said.channel, "thread_ts": said.thread_ts, "user": said.user, "language": lang}})


_MARKUP = re.compile(r"<([@#!]?)([^<>|]*)(?:\|([^<>]*))?>")


def plain_question(text: str, *, bot: str = "") -> str:
    """Slack's markup as a person reads it; the mention of ourselves goes."""
    def spoken(match: re.Match[str]) -> str:
        sign, target, label = match.groups()
        if sign == "@":
            return "" if target == bot else f"@{label or target}"
        if sign == "!":
            return f"@{(label or target).split('^')[0]}"
        return f"#{label or target}" if sign == "#" else (label or target)

    said = _MARKUP.sub(spoken, text).replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    return " ".join(said.split())


def said_in(event: Mapping[str, Any], *, bot: str) -> Said | None:
    """The message in an event, if a person wrote it and it may be meant for us."""
    if event.get("bot_id") or event.get("subtype") or not event.get("user") or event.get("user") == bot:
        return None
    text, direct = str(event.get("text") or ""), event.get("channel_type") == "im"
    mentions = re.findall(r"<@([A-Z0-9]+)(?:\|[^>]*)?>", text)
    if event["type"] == "message" and not direct and (bot in mentions or mentions or not event.get("thread_ts")):
        return None  # app_mention brings it, or it is for somebody else, or just talk in the channel
    question = plain_question(text, bot=bot)
    if not question:
        return None
    ts = str(event["ts"])
    return Said(user=str(event["user"]), text=question, channel=str(event["channel"]), ts=ts,
                thread_ts=str(event.get("thread_ts") or ts), addressed=event["type"] == "app_mention" or direct,
                pane=direct and bool(event.get("thread_ts")))
