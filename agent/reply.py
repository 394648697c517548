"""What passes between a conversation and its door (Slack, the command line): turns in, an answer out. Plain data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from agent.diagnosis import Claim, Gap


@dataclass(frozen=True)
class Turn:
    """One message of a thread, oldest first. `by_culprit`: our own answer, told in `text`; untrusted data otherwise."""

    author: str
    text: str
    at_ms: int
    by_culprit: bool = False


@dataclass(frozen=True)
class PastIncident:
    """An earlier incident that resembles this one. `title` is its first line, `outcome` what engineers said of it."""

    id: str
    at_ms: int
    title: str
    outcome: str = ""


@dataclass(frozen=True)
class HeardFeedback:
    """A verdict given in words. `component` is a name of the inventory or of a container observed; "" for none."""

    verdict: Literal["right", "partly", "wrong"]
    component: str = ""
    category: str = ""
    note: str = ""


@dataclass(frozen=True)
class Answer:
    """`claims` state facts, each with its evidence; `say` states none (a greeting, a refusal, a question back).

    `choices` are the answers to a question back, each of which may be sent as the next text. `copy` holds commands as
    text: nothing is ever executed. `wants_investigation`: the door should open an investigation of the question.
    `feedback` is for the door to store. `evidence` holds `Evidence.as_dict` of everything the claims cite.
    """

    intent: str
    lang: str
    say: tuple[str, ...] = ()
    claims: tuple[Claim, ...] = ()
    gaps: tuple[Gap, ...] = ()
    choices: tuple[str, ...] = ()
    copy: tuple[str, ...] = ()
    evidence: tuple[dict[str, Any], ...] = ()
    wants_investigation: bool = False
    feedback: HeardFeedback | None = None
    notes: dict[str, str] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """The JSON of DESIGN section 5: `answer{claims[], gaps[]}` with the same evidence as a diagnosis."""
        answer: dict[str, Any] = {
            "intent": self.intent, "lang": self.lang, "say": list(self.say),
            "claims": [{"text": c.text, "evidence": list(c.evidence)} for c in self.claims],
            "gaps": [g.model_dump() for g in self.gaps],
            "choices": list(self.choices), "copy": list(self.copy), "executed": False,
            "wants_investigation": self.wants_investigation,
        }
        if self.feedback is not None:
            answer["feedback"] = dict(self.feedback.__dict__)
        return {"schema_version": 1, "answer": answer, "evidence": list(self.evidence)}
