"""Conversations of several clusters as one: each question goes to the cluster it is about."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from agent.conversation import Answer, Conversation, Turn
from agent.memory import Memory
from config.errors import ConfigError


@dataclass(frozen=True)
class ByClusterTalk:
    """The incident's cluster, else one the text names, else the first. `cluster_of` reads an incident's."""

    conversations: Mapping[str, Conversation]
    cluster_of: Callable[[str], str]

    async def reply(
        self, text: str, *, at_ms: int, zone: str = "UTC", lang: str | None = None, incident_id: str | None = None,
        thread: Sequence[Turn] = (), memory: Memory | None = None,
    ) -> Answer:
        """As `Conversation.reply`. Raises ConfigError where there is no world to ask."""
        if not self.conversations:
            raise ConfigError("no source is configured in this process: set world in the settings")
        named = next((c for c in self.conversations if c and c.casefold() in text.casefold()), "")
        cluster = named or (self.cluster_of(incident_id) if incident_id else "")
        chosen = self.conversations.get(cluster) or next(iter(self.conversations.values()))
        return await chosen.reply(text, at_ms=at_ms, zone=zone, lang=lang, incident_id=incident_id, thread=thread,
                                  memory=memory)
