"""What an operator's buttons do: take it, quiet, look again, post-mortem draft. Audited, and harmless when repeated."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

import structlog

from agent.prose import clock
from config.errors import BadInput, CulpritError, UnknownThing
from triggers.audit import Audit
from triggers.operations import Operations
from triggers.slack.blocks import section
from triggers.slack.cards import Cards
from triggers.slack.client import SlackApi
from triggers.slack.marks import Marks
from triggers.slack.permissions import Permissions
from triggers.slack.phrases import say
from triggers.slack.text import code, moment
from triggers.slack.threads import Thread, Threads

SNOOZE_SECONDS = 3_600.0
DEEDS = ("acknowledge", "snooze", "again", "export")
_log = structlog.get_logger(__name__)


class Operating:
    """`post_mortem` writes an incident's draft in a language."""

    def __init__(
        self, *, api: SlackApi, cards: Cards, threads: Threads, marks: Marks, operations: Operations,
        permissions: Permissions, audit: Audit, post_mortem: Callable[[str, str], str], lang: str = "en",
    ) -> None:
        self._api, self._cards, self._threads, self._marks = api, cards, threads, marks
        self._operations, self._permissions, self._audit = operations, permissions, audit
        self._post_mortem, self._lang = post_mortem, lang

    async def press(self, deed: str, *, incident: str, user: str, channel: str) -> None:
        """Raises StoreUnavailable before anything is done: the press can be repeated."""
        thread = await asyncio.to_thread(self._threads.of, incident)
        lang = thread.language if thread else self._lang
        allowed = await self._permissions.allow("operate", user=user, channel=channel)
        await asyncio.to_thread(lambda: self._audit.note(door="slack", actor=user, what=deed, subject=incident,
                                                         allowed=allowed))
        try:
            said = (await self._do(deed, incident, user, thread, lang) if allowed
                    else self._permissions.refusal("operate", channel=channel, lang=lang))
        except UnknownThing:
            said = say("gone", lang)
        await self._after(incident, said, user, channel, thread)

    async def _do(self, deed: str, incident: str, user: str, thread: Thread | None, lang: str) -> str:
        name = code(incident)
        if deed == "acknowledge":
            await asyncio.to_thread(lambda: self._marks.put(incident, author=user, kind="acknowledge"))
            return say("acknowledged", lang, incident=name)
        if deed == "snooze":
            return await self._snooze(incident, user, lang)
        if deed == "again":
            try:
                await asyncio.to_thread(self._operations.requeue, incident)
            except BadInput:
                return say("again.busy", lang, incident=name)
            return say("again", lang, incident=name)
        return await self._export(incident, thread, lang)

    async def _snooze(self, incident: str, user: str, lang: str) -> str:
        """Notes are held back, and an investigation that has not begun waits too."""
        await asyncio.to_thread(lambda: self._marks.put(incident, author=user, kind="snooze", seconds=SNOOZE_SECONDS))
        with contextlib.suppress(BadInput):  # it is being looked at, or was: then only the notes can be quiet
            await asyncio.to_thread(lambda: self._operations.snooze(incident, seconds=SNOOZE_SECONDS))
        story = await self._cards.story(incident)
        until = story.snoozed.until_ms if story.snoozed else 0
        return say("snoozed", lang, incident=code(incident), until=moment(until, f"{clock(until)} UTC"))

    async def _export(self, incident: str, thread: Thread | None, lang: str) -> str:
        text = await asyncio.to_thread(self._post_mortem, incident, lang)
        title = say("exported", lang, incident=code(incident))
        if thread is not None:
            await self._api.upload(content=text.encode(), filename=f"{incident}.md", title=f"{incident}.md",
                                   channel=thread.channel, thread=thread.thread_ts)
        return title

    async def _after(self, incident: str, said: str, user: str, channel: str, thread: Thread | None) -> None:
        """What is done is done, whether or not Slack can show it now: the poller draws the card later."""
        try:
            await self._cards.draw(incident)
            await self._api.ask("chat.postEphemeral", channel=channel, user=user, text=said, blocks=[section(said)],
                                thread_ts=thread.thread_ts if thread else None)
        except CulpritError as error:
            _log.info("the card was not drawn", incident=incident, reason=str(error))
