"""A conversation: a question in words in, an answer with evidence out. No Slack, no model needed, nothing executed."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from agent.diagnosis import Diagnosis
from agent.intents.intent import Intent
from agent.investigate import Investigation
from agent.reply import Answer, HeardFeedback, Turn
from tools.world import World

__all__ = ["Answer", "Conversation", "HeardFeedback", "PastIncident", "Turn"]

_HANGUL = re.compile(r"[가-힣ㄱ-ㅎㅏ-ㅣ]")


@dataclass(frozen=True)
class PastIncident:
    """An earlier incident that resembles this one, as the store tells it."""

    id: str
    at_ms: int
    title: str
    outcome: str = ""


def _nobody(_incident_id: str) -> Diagnosis | None:
    return None


def _nothing_past(_incident_id: str) -> Sequence[PastIncident]:
    return ()


@dataclass(frozen=True, kw_only=True)
class Conversation:
    """`diagnosis_of` reads the latest diagnosis of an incident, `similar_to` earlier incidents like it.

    `investigation` is the configured investigator: with a model it answers what the router cannot.
    """

    world: World
    investigation: Investigation | None = None
    diagnosis_of: Callable[[str], Diagnosis | None] = _nobody
    similar_to: Callable[[str], Sequence[PastIncident]] = _nothing_past

    async def reply(
        self, text: str, *, at_ms: int, zone: str = "UTC", lang: str | None = None, incident_id: str | None = None,
        thread: Sequence[Turn] = (),
    ) -> Answer:
        """Answer one message. `zone` is the person's IANA time zone; `thread` the earlier turns, oldest first.

        Never raises for anything a person may write; sources that fail become gaps.
        """
        chosen = lang or ("ko" if _HANGUL.search(text) else "en")
        return Answer(intent=Intent.HELP.value, lang=chosen, say=("",))
