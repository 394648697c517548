"""Feedback in Slack: a button stores at once; “partly” and “wrong” ask what it was."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import structlog

from agent.conversation import HeardFeedback
from agent.ledger import Feedback, Judgement
from config.errors import CulpritError, UnknownThing
from tools.sources.inventory import Inventory
from triggers.audit import Audit
from triggers.slack.blocks import option, section
from triggers.slack.client import SlackApi
from triggers.slack.modal import Components, Judging, cause_text, modal, read_modal
from triggers.slack.permissions import Permissions
from triggers.slack.phrases import say
from triggers.slack.story import Stories
from triggers.slack.text import code, escape
from triggers.slack.threads import Threads
from triggers.verdicts import Stored, Verdicts

_log = structlog.get_logger(__name__)


class FeedbackDesk:
    """Takes verdicts by button, by modal and in words."""

    def __init__(
        self, *, api: SlackApi, verdicts: Verdicts, stories: Stories, threads: Threads, permissions: Permissions,
        audit: Audit, inventory: Inventory, lang: str = "en",
    ) -> None:
        self._api, self._verdicts, self._stories, self._threads = api, verdicts, stories, threads
        self._permissions, self._audit, self._inventory, self._lang = permissions, audit, inventory, lang

    async def press(self, verdict: Judgement, *, incident: str, user: str, channel: str, trigger: str) -> None:
        """A button on a card. Raises StoreUnavailable before anything is stored: the press can be repeated."""
        thread = await asyncio.to_thread(self._threads.of, incident)
        lang, below = (thread.language, thread.thread_ts) if thread else (self._lang, "")
        if not await self._may(user, channel, incident, lang, below):
            return
        said = Feedback(incident_id=incident, author=user, door="slack", cause=verdict)
        try:
            stored = await asyncio.to_thread(self._verdicts.give, said)
        except UnknownThing:
            await self._whisper(channel, user, below, say("gone", lang))
            return
        await self._noted(user, incident, said, stored)
        if verdict != "right":
            opened = await self._open(Judging(incident, verdict, channel, below, lang), user, trigger)
            if opened:
                return  # the thanks come with the answer
        await self._whisper(channel, user, below, self._thanks(said, stored, lang))

    async def _may(self, user: str, channel: str, incident: str, lang: str, below: str) -> bool:
        if await self._permissions.allow("feedback", user=user, channel=channel):
            return True
        await asyncio.to_thread(lambda: self._audit.note(door="slack", actor=user, what="feedback", subject=incident,
                                                         allowed=False))
        await self._whisper(channel, user, below, self._permissions.refusal("feedback", channel=channel, lang=lang))
        return False

    async def _open(self, judging: Judging, user: str, trigger: str) -> bool:
        story = await asyncio.to_thread(self._stories.read, judging.incident)
        before = await asyncio.to_thread(lambda: self._verdicts.of(judging.incident, author=user, door="slack"))
        view = modal(judging, Components.of(self._inventory, story.diagnosis), before[-1] if before else None)
        reply = await self._api.ask("views.open", trigger_id=trigger, view=view)
        if reply.error:
            _log.warning("the modal could not be opened", incident=judging.incident, reason=reply.error)
        return not reply.error

    async def submit(
        self, view: Mapping[str, Any], *, user: str
    ) -> tuple[dict[str, str], Feedback | None, Stored | None]:
        """Errors by block id, or what was stored. Raises StoreUnavailable."""
        judging = Judging.from_text(str(view["private_metadata"]))
        if not await self._permissions.allow("feedback", user=user, channel=judging.channel):
            refused = self._permissions.refusal("feedback", channel=judging.channel, lang=judging.lang)
            return {"note": refused}, None, None
        story = await asyncio.to_thread(self._stories.read, judging.incident)
        known = Components.of(self._inventory, story.diagnosis).names
        said, wrong = read_modal(view, judging, author=user, known=known)
        if said is None:
            return wrong, None, None
        stored = await asyncio.to_thread(self._verdicts.give, said)
        await self._noted(user, judging.incident, said, stored)
        return {}, said, stored

    async def thank(self, view: Mapping[str, Any], said: Feedback, stored: Stored, *, user: str) -> None:
        """After a modal was stored."""
        judging = Judging.from_text(str(view["private_metadata"]))
        await self._whisper(judging.channel, user, judging.thread, self._thanks(said, stored, judging.lang))

    async def suggest(self, view: Mapping[str, Any], typed: str) -> list[dict[str, Any]]:
        """Options for the component picker of an inventory too large for a menu."""
        judging = Judging.from_text(str(view["private_metadata"]))
        story = await asyncio.to_thread(self._stories.read, judging.incident)
        return [option(n, n) for n in Components.of(self._inventory, story.diagnosis).like(typed)]

    async def heard(self, given: HeardFeedback, *, incident: str, user: str, channel: str, lang: str) -> str:
        """A verdict in words; the thanks as a safe line."""
        if not await self._permissions.allow("feedback", user=user, channel=channel):
            return self._permissions.refusal("feedback", channel=channel, lang=lang)
        correction = {k: v for k, v in (("component", given.component), ("category", given.category)) if v}
        said = Feedback(incident_id=incident, author=user, door="slack", cause=given.verdict, correction=correction,
                        comment=given.note)
        stored = await asyncio.to_thread(self._verdicts.give, said)
        await self._noted(user, incident, said, stored)
        return self._thanks(said, stored, lang)

    async def _noted(self, user: str, incident: str, said: Feedback, stored: Stored) -> None:
        detail = {"cause": said.cause, "action": said.action, "new": stored.new, "correction": said.correction or {}}
        await asyncio.to_thread(lambda: self._audit.note(door="slack", actor=user, what="feedback", subject=incident,
                                                         detail=detail))

    def _thanks(self, said: Feedback, stored: Stored, lang: str) -> str:
        if not stored.new:
            return say("thanks.same", lang, incident=code(said.incident_id))
        known: dict[str, str] = {}
        if cause := cause_text(said, lang):
            known["cause"] = escape(cause, 200)
        limited = self._permissions.limited("verify")
        who = self._permissions.who("verify", lang)
        verifier = say("verifier.some", lang, who=who) if limited else say("verifier.anyone", lang)
        text = say(f"thanks.{said.cause}", lang, incident=code(said.incident_id), verifier=verifier, **known)
        return text + (" " + say("thanks.replaced", lang) if stored.replaces else "")

    async def _whisper(self, channel: str, user: str, below: str, text: str) -> None:
        """Only this person sees it. What could not be said is not worth failing for: the verdict is stored."""
        try:
            await self._api.ask("chat.postEphemeral", channel=channel, user=user, text=text, blocks=[section(text)],
                                thread_ts=below or None)
        except CulpritError as error:
            _log.info("thanks were not said", reason=str(error))
