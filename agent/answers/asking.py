"""One message being answered: what is known of it, the questions asked for it, and the claims that stood."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from agent.answers.phrases import neutral, phrase, tell_at
from agent.card import Card
from agent.diagnosis import Claim, Diagnosis, Gap
from agent.grounding import ground, unsupported
from agent.intents.entities import Entities, Known
from agent.intents.times import MINUTE, Times
from agent.prose import sentence
from agent.reply import Answer, HeardFeedback, PastIncident
from config.redact import redact
from tools import toolbox
from tools.evidence import Status, parse_iso
from tools.findings import Finding
from tools.toolbox import QUESTIONS
from tools.world import Scope, World

LOOK_BACK_MS = 15 * MINUTE
BASELINE_MS = 45 * MINUTE
MOST_CLAIMS = 8
TOLD = (Status.OK.value, Status.NO_DATA.value)


@dataclass
class Asking:
    """Filled by an answer's function. `evidence` begins with the diagnosis' own, so that both may be cited."""

    world: World
    known: Known
    text: str
    masked: str
    lang: str
    zone: str
    at_ms: int
    entities: Entities
    times: Times
    diagnosis: Diagnosis | None = None
    incident_id: str = ""
    cards: tuple[Card, ...] = ()
    similar_to: Callable[[str], Sequence[PastIncident]] = lambda _id: ()
    claims: list[Claim] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    choices: list[str] = field(default_factory=list)
    copy: list[str] = field(default_factory=list)
    wants_investigation: bool = False
    feedback: HeardFeedback | None = None
    evidence: dict[str, dict[str, Any]] = field(default_factory=dict)
    answered: dict[str, Mapping[str, Any] | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.diagnosis is not None:
            self.evidence.update({e["id"]: e for e in self.diagnosis.evidence})

    # what was asked about

    def window(self) -> tuple[int, int] | None:
        """The stretch of time the person named."""
        return self.times.window(self.at_ms)

    def scope(self, *, recent_ms: int = 0) -> Scope:
        """The named window; else since the incident's onset; else the last quarter of an hour."""
        named = self.window()
        onset = parse_iso(self.diagnosis.onset) if self.diagnosis and self.diagnosis.onset else None
        start, end = named or (onset if onset is not None else self.at_ms - LOOK_BACK_MS, self.at_ms)
        if recent_ms:
            start, end = self.at_ms - recent_ms, self.at_ms
        end = min(end, self.at_ms)
        first = max(start - BASELINE_MS, self.world.earliest_ms or 0)
        start = min(max(start, first + min(3 * MINUTE, max(end - first, 2) // 2)), end - 1)
        return Scope(asked_at_ms=end, incident=(start, end), baseline=(min(first, start), start))

    def services(self) -> tuple[str, ...]:
        """Services named, or whose containers are."""
        owners = (self.known.inventory.service_of(c) for c in self.entities.containers)
        return tuple(dict.fromkeys((*self.entities.services, *(o.name for o in owners if o))))

    def containers(self) -> tuple[str, ...]:
        """Containers named; else those of the named services; else of the named colours."""
        if self.entities.containers:
            return tuple(self.entities.containers)
        chosen = [s for s in self.known.inventory.services if s.name in self.entities.services]
        if self.entities.colours:
            pool = chosen or self.known.inventory.services
            return tuple(m for s in pool for c in self.entities.colours for m in s.colours.get(c, ()))
        return tuple(m for s in chosen for m in s.members())

    # asking and telling

    async def ask(self, question: str, *, scope: Scope | None = None, **arguments: Any) -> Mapping[str, Any] | None:
        """The evidence when it was answered, `no_data` included; else None, and a gap says why. Asked once only."""
        within = scope or self.scope()
        key = f"{question} {sorted(arguments.items())} {within}"
        if key not in self.answered:
            self.answered[key] = await self._ask(question, within, arguments)
        return self.answered[key]

    async def _ask(self, question: str, scope: Scope, arguments: Mapping[str, Any]) -> Mapping[str, Any] | None:
        asked = await toolbox.ask(question, arguments, self.world, scope)
        highest = max((int(i[1:]) for i in self.evidence if i[1:].isdecimal()), default=0)
        found = replace(asked, id=f"E{highest + 1}", cluster=asked.cluster or self.world.cluster).as_dict()
        if found["status"] not in TOLD:
            why = sentence(f"gap.{found['status']}", {"why": found["text"]}, self.lang)
            self.gap(question, redact(why)[:300])
            return None
        self.evidence[found["id"]] = found
        if found["status"] == Status.NO_DATA.value and not question.startswith("changes."):
            self.gap(question, sentence("gap.no_data", {"why": found["text"]}, self.lang)[:300])
        return found

    def gap(self, what: str, why: str) -> None:
        """Each gap once."""
        told = Gap(what=what, why=neutral(why))
        if told not in self.gaps:
            self.gaps.append(told)

    def claim(self, key: str, *evidence: Mapping[str, Any] | None, **values: Any) -> bool:
        """A fixed sentence as a claim; refused, with a gap, when the cited evidence does not carry it."""
        return self._stand(phrase(key, self.lang, **values), [e for e in evidence if e is not None], key, values)

    def tell(self, finding: Finding, evidence: Mapping[str, Any]) -> bool:
        """A finding as a claim."""
        return self._stand(tell_at(finding, self.lang, self.zone), [evidence], finding.kind, {})

    def repeat(self, claim: Claim, text: str) -> bool:
        """A claim of the diagnosis, told again in the person's language and zone; else as it was."""
        cited = [self.evidence[i] for i in claim.evidence if i in self.evidence]
        if not cited or not unsupported(text, ground(cited, self.evidence.values())):
            return bool(cited) and self._stand(text, cited, claim.key, dict(claim.values))
        return self._stand(claim.text, cited, claim.key, dict(claim.values))

    def _stand(self, text: str, cited: Sequence[Mapping[str, Any]], key: str, values: dict[str, Any]) -> bool:
        if not cited or len(self.claims) >= MOST_CLAIMS or any(c.text == neutral(text) for c in self.claims):
            return False
        reasons = unsupported(text, ground(cited, self.evidence.values()))
        if reasons:
            self.gap(key, phrase("removed", self.lang, why="; ".join(reasons)[:200]))
            return False
        self.claims.append(Claim(text=neutral(text), evidence=tuple(e["id"] for e in cited), key=key, values=values))
        return True

    def say(self, key: str, **values: Any) -> None:
        """A sentence that states no measured fact."""
        self.said.append(neutral(phrase(key, self.lang, **values)))

    def answer(self, intent: str) -> Answer:
        """What stands, with the evidence that is cited."""
        cited = {i for c in self.claims for i in c.evidence}
        return Answer(
            intent=intent, lang=self.lang, say=tuple(self.said), claims=tuple(self.claims), gaps=tuple(self.gaps),
            choices=tuple(self.choices), copy=tuple(self.copy), wants_investigation=self.wants_investigation,
            feedback=self.feedback, evidence=tuple(e for i, e in self.evidence.items() if i in cited),
        )


def findings_of(evidence: Mapping[str, Any] | None, *kinds: str) -> list[Finding]:
    """Findings of these kinds (of all, without any), the strongest first."""
    if evidence is None:
        return []
    read = [Finding.from_dict(f) for f in evidence["findings"] if not kinds or f["kind"] in kinds]
    return sorted(read, key=lambda f: -f.strength)


def rows_of(evidence: Mapping[str, Any] | None, name: str = "rows") -> list[Any]:
    """The rows a state question left in its notes."""
    return list((evidence["query"].get("notes") or {}).get(name, ())) if evidence is not None else []


def unset_sources(world: World) -> tuple[str, ...]:
    """Sources that are not connected, by name."""
    return tuple(sorted({s for q in QUESTIONS for s in q.needs if getattr(world, s) is None}))
