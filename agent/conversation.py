"""A conversation: a question in words in, an answer with evidence out. No Slack, no model needed, nothing executed.

    text -> cleaned -> times and names read -> routed -> answered by questions -> every claim grounded -> Answer
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from agent.answers.asking import Asking
from agent.answers.book import BOOK, NEEDS_A_NAME
from agent.answers.model_answer import answer_by_model
from agent.diagnosis import Diagnosis
from agent.intents.entities import Entities, Known, read_entities
from agent.intents.intent import Intent
from agent.intents.router import Route, route
from agent.intents.times import Times, read_times
from agent.investigate import Investigation
from agent.memory import Memory
from agent.reply import Answer, HeardFeedback, PastIncident, Turn
from config.errors import CulpritError
from config.redact import redact
from tools.world import World

__all__ = ["Answer", "Conversation", "HeardFeedback", "PastIncident", "Turn"]

MAX_TEXT = 1_000
MAX_TURNS = 20
_HANGUL = re.compile(r"[가-힣ㄱ-ㅎㅏ-ㅣ]")
_WIDE = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}  # full-width Latin, as Korean keyboards can type it
_SLACK = re.compile(r"<(?:[@!#][^<>|]*|https?://[^<>|]*|mailto:[^<>|]*)(?:\|([^<>]*))?>")
_UNSEEN = re.compile(r"[\u0000-\u0008\u000b-\u001f\u007f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_ELLIPSIS = re.compile(
    r"(?:and|what about|how about|so|그럼|그러면|아니|아 그럼|혹시)?\s*(?:the\s+|before\s+|after\s+|since\s+)?"
    r"[XCT](?:\s*[XC])?\s*"
    r"(?:은|는|도|은요|는요|도요|요|전에는|이후는|말고)?\s*[?？!.~]*\Z", re.IGNORECASE)


def _nobody(_incident_id: str) -> Diagnosis | None:
    return None


def _nothing_past(_incident_id: str) -> Sequence[PastIncident]:
    return ()


@dataclass(frozen=True)
class _Read:
    """One message as understood by itself."""

    text: str
    masked: str
    entities: Entities
    times: Times
    route: Route


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
        thread: Sequence[Turn] = (), memory: Memory | None = None,
    ) -> Answer:
        """Answer one message. `zone` is the person's IANA time zone; `thread` the earlier turns, oldest first.

        `memory` is what the thread has established; the door adds each answer to it after it was sent.

        Never raises for anything a person may write; sources that fail become gaps.
        """
        said = cleaned(text)
        chosen = lang if lang in ("ko", "en") else "ko" if _HANGUL.search(said) else "en"
        known = await self._known(at_ms)
        read = _read(said, known, at_ms, zone)
        intent = read.route.intent
        earlier = [t for t in list(thread)[-MAX_TURNS:] if not t.by_culprit]
        if _ELLIPSIS.match(read.masked.strip()):
            intent = _earlier_intent(earlier, known, at_ms, zone) or intent
        entities = _with_thread(read, intent, thread, known)
        asking = Asking(
            world=self.world, known=known, text=said, masked=read.masked, lang=chosen, zone=zone, at_ms=at_ms,
            entities=entities, times=read.times, incident_id=incident_id or "", similar_to=self.similar_to,
            diagnosis=self.diagnosis_of(incident_id) if incident_id else None,
            cards=self.investigation.cards if self.investigation else (),
        )
        if intent is read.route.intent and not read.route.sure:
            return await self._unsure(asking, memory)
        if _asked_back(asking, intent):
            return asking.answer(intent.value)
        await BOOK[intent](asking)
        return asking.answer(intent.value)

    async def _known(self, at_ms: int) -> Known:
        """What can be named: the inventory, and the containers there are; the inventory alone where that is unknown."""
        observed: tuple[str, ...] = ()
        hosts: tuple[str, ...] = ()
        if self.world.containers is not None:
            try:
                present = await self.world.containers.list(at_ms=at_ms)
                observed = tuple(c.name for c in present)
                hosts = tuple(dict.fromkeys(c.host for c in present if c.host))
            except CulpritError:  # the questions themselves will say so as a gap
                pass
        return Known(self.world.inventory, observed, hosts)

    async def _unsure(self, asking: Asking, memory: Memory | None) -> Answer:
        """Nothing resembles what can be answered: the model's turn; without one, that is said."""
        if self.investigation is not None and self.investigation.models:
            return await answer_by_model(self.investigation, asking, memory)
        asking.say("out_of_scope")
        asking.say("help")
        return asking.answer(Intent.OUT_OF_SCOPE.value)


def cleaned(text: str) -> str:
    """The person's text as data: bounded, one spelling, no mark-up, no mention, no secret."""
    bounded = unicodedata.normalize("NFC", text[: 4 * MAX_TEXT].encode("utf-8", "replace").decode()).translate(_WIDE)
    plain = _SLACK.sub(lambda m: f" {m.group(1) or ''} ", bounded)
    return " ".join(redact(_UNSEEN.sub("", plain)[:MAX_TEXT]).split())


def _read(text: str, known: Known, at_ms: int, zone: str) -> _Read:
    entities, masked = read_entities(text, known)
    times, masked = read_times(masked, now_ms=at_ms, zone=zone)
    return _Read(text, masked, entities, times, route(masked))


def _earlier_intent(turns: Sequence[Turn], known: Known, at_ms: int, zone: str) -> Intent | None:
    """What the last full question wanted: "and green?" asks the same of another thing."""
    for turn in reversed(turns):
        read = _read(cleaned(turn.text), known, at_ms, zone)
        if not _ELLIPSIS.match(read.masked.strip()) and read.route.sure:
            return read.route.intent
    return None


_ABOUT_THINGS = frozenset((
    Intent.WHAT_RUNS, Intent.SAFE_TO_STOP, Intent.OWNER, Intent.WHERE, Intent.VERSION, Intent.LOGS, Intent.COMMAND,
    Intent.RESTARTS, Intent.RESOURCES, Intent.ERRORS, Intent.LATENCY, Intent.CAPACITY, Intent.COMPARE))


def _with_thread(read: _Read, intent: Intent, thread: Sequence[Turn], known: Known) -> Entities:
    """The names of this message; where it has none, and speaks of a thing, the last ones of the thread."""
    if read.entities.any() or read.entities.near or intent not in _ABOUT_THINGS:
        return read.entities
    if not (read.entities.pronoun or intent in NEEDS_A_NAME):
        return read.entities
    for turn in reversed(list(thread)[-MAX_TURNS:]):
        found, _ = read_entities(cleaned(turn.text), known)
        if found.containers or found.services or found.colours:
            return found
    return read.entities


def _asked_back(asking: Asking, intent: Intent) -> bool:
    """Whether something must be known first: an unclear or unknown name, a time that cannot be, no name at all."""
    for said, name in asking.entities.corrected.items():
        asking.say("took", said=said, name=name)
    for said, problem in asking.times.problems:
        asking.say("future" if problem == "future" else "invalid", said=said)
    if asking.times.problems:
        return True
    if asking.entities.near and not asking.entities.any() and intent not in (Intent.FEEDBACK, Intent.THANKS):
        for said, names in asking.entities.near.items():
            if not asking.known.inventory.services or said not in {s.kind for s in asking.known.inventory.services}:
                asking.say("unknown_name", said=said)
            asking.choices += [n for n in names if n not in asking.choices]
        if asking.choices:
            asking.say("which")
        else:
            asking.choices += list(dict.fromkeys(s.name for s in asking.known.inventory.services))[:8]
        return True
    if intent in NEEDS_A_NAME and not asking.containers() and not asking.services():
        asking.say("no_subject")
        asking.choices += [s.name for s in asking.known.inventory.services][:8]
        return True
    return False
