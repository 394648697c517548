"""Cards on the wall: draw one again from the store, and find those that no longer say what the store says."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping

import structlog

from config.errors import CulpritError, UnknownThing
from triggers.links import EvidenceLinks
from triggers.slack.blocks import Block
from triggers.slack.card import card
from triggers.slack.client import LOST_MESSAGE, SlackApi, trouble
from triggers.slack.markers import marked
from triggers.slack.phrases import say
from triggers.slack.story import Stories, Story
from triggers.slack.threads import Threads

IN_PROGRESS = "+"  # after the version: drawn with a line of progress, which must not stay
_log = structlog.get_logger(__name__)


class Cards:
    """One lock an incident, so that two drawings in one process do not overtake each other; between processes the
    poller repairs what did."""

    def __init__(
        self, *, api: SlackApi, threads: Threads, stories: Stories, links: EvidenceLinks | None = None
    ) -> None:
        self._api, self._threads, self._stories = api, threads, stories
        self.links = links or EvidenceLinks()
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._lost: set[tuple[str, str]] = set()

    async def story(self, incident_id: str, *, past: bool = False) -> Story:
        """Raises StoreUnavailable, UnknownThing."""
        return await asyncio.to_thread(self._stories.read, incident_id, past=past)

    def drawn(self, story: Story, lang: str, *, progress: str = "") -> tuple[str, list[Block]]:
        """Text and blocks."""
        return card(story, lang, links=self.links, progress=progress)

    async def draw(self, incident_id: str, *, progress: Mapping[str, object] | None = None) -> bool:
        """Edit the card in place; False if there is none (any more). `progress` (count, seconds and the last answer,
        safe for Slack) shows only while it is looked at.

        Raises as `SlackApi.tell`, StoreUnavailable, UnknownThing.
        """
        async with self._locks[incident_id]:
            thread = await asyncio.to_thread(self._threads.of, incident_id)
            if thread is None:
                return False
            story = await self.story(incident_id)
            running = story.incident["state"] == "running"
            shows = say("progress", thread.language, **progress) if progress and running else ""
            text, blocks = self.drawn(story, thread.language, progress=shows)
            marker = f"culprit/slack/{incident_id}/announced/open"
            reply = await self._api.ask("chat.update", channel=thread.channel, ts=thread.ts, text=text, blocks=blocks,
                                        metadata=marked(marker))
            if reply.error in LOST_MESSAGE:
                self._lost.add((thread.channel, thread.ts))
                return False
            if reply.error:
                raise trouble("chat.update", reply)
            await asyncio.to_thread(self._threads.drawn, incident_id, story.version + (IN_PROGRESS if shows else ""))
            return True

    async def repair(self) -> int:
        """Draw every card that shows something else than the store says; how many were."""
        threads = [t for t in await asyncio.to_thread(self._threads.alive) if (t.channel, t.ts) not in self._lost]
        versions = await asyncio.to_thread(self._stories.versions, [t.incident_id for t in threads])
        stale = [t for t in threads if _is_stale(t.shown, versions.get(t.incident_id, ""))]
        drawn = 0
        for thread in stale:
            try:
                drawn += await self.draw(thread.incident_id)
            except UnknownThing:
                continue
            except CulpritError as error:
                _log.warning("a card could not be drawn", incident=thread.incident_id, reason=str(error))
        return drawn


def _is_stale(shown: str, version: str) -> bool:
    """A line of progress is right for as long as the investigation runs."""
    running = version.startswith("running/")
    return shown.removesuffix(IN_PROGRESS) != version or (shown.endswith(IN_PROGRESS) and not running)
