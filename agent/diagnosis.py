"""The diagnosis: what is published, stored and scored. Its JSON is the interface of DESIGN section 5."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from agent.action import Action
from agent.codes import Category, ComponentKind, HypothesisStatus, Verdict


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Component(_Part):
    """What broke. Unknown fields are empty."""

    kind: ComponentKind
    name: str
    service: str = ""
    colour: str = ""
    cluster: str = ""


class Claim(_Part):
    """One sentence that states a fact, with the evidence it stands on.

    `key` and `values` are the language-neutral form of a claim the analyst made (agent/prose/*.yaml renders it); a
    model's own sentence has none.
    """

    text: str
    evidence: tuple[str, ...] = Field(min_length=1)
    key: str = ""
    values: dict[str, Any] = Field(default_factory=dict)


class Hypothesis(_Part):
    rank: int
    status: HypothesisStatus
    component: Component
    category: Category
    mechanism: str
    confidence: float = Field(ge=0, le=1)
    supports: tuple[str, ...] = ()
    refutes: tuple[str, ...] = ()
    card: str = ""


class Moment(_Part):
    """One line of the timeline."""

    at: str
    text: str
    evidence: tuple[str, ...] = ()


class Gap(_Part):
    """What could not be checked, why, and what that costs the conclusion."""

    what: str
    why: str
    cost: str = ""


class Precedent(_Part):
    """An earlier incident that this one resembles; `card` is what was learned from it, where something was."""

    incident: str
    card: str = ""
    category: str = ""
    similarity: float | None = Field(default=None, ge=0, le=1)


class Usage(_Part):
    """What the run cost. Unknown is None, never 0. Cached tokens are part of the input, reasoning of the output."""

    model: str
    steps: int = 0
    seconds: float = 0.0
    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens: int | None = None
    reasoning_tokens: int | None = None
    cost_usd: float | None = None
    energy_wh: float | None = None
    recognised: bool = False  # concluded on the fast path: a learned card was certain after its own questions


class Diagnosis(_Part):
    """`evidence` holds the dictionaries of `Evidence.as_dict`, in id order."""

    schema_version: Literal[1] = 1
    incident: str
    run: str
    asked_at: str
    verdict: Verdict
    onset: str | None = None
    claims: tuple[Claim, ...] = ()
    hypotheses: tuple[Hypothesis, ...] = ()
    timeline: tuple[Moment, ...] = ()
    gaps: tuple[Gap, ...] = ()
    actions: tuple[Action, ...] = ()
    evidence: tuple[dict[str, Any], ...] = ()
    seen_before: tuple[Precedent, ...] = ()
    runbooks: tuple[str, ...] = ()
    usage: Usage

    @model_validator(mode="after")
    def _verdict_is_consistent(self) -> Diagnosis:
        if self.verdict is Verdict.NO_FAULT and (self.hypotheses or self.onset is not None):
            raise ValueError("no_fault has no hypotheses and no onset")
        if self.verdict is Verdict.DIAGNOSED and not any(h.status is HypothesisStatus.ROOT for h in self.hypotheses):
            raise ValueError("diagnosed needs a root hypothesis")
        return self
