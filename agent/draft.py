"""What a model hands in when it concludes: the arguments of the `conclude` tool. Code verifies and completes it."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from agent.codes import ActionKind, Verdict
from agent.diagnosis import Claim, Hypothesis

CONCLUDE = "conclude"


class Proposal(BaseModel):
    """An action proposed by kind and targets only: commands are rendered from typed templates by `agent/actions.py`.

    `precondition: capacity` asks for the capacity check as the first step. `durable_fix` is advice, not a command.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    kind: ActionKind
    targets: tuple[str, ...] = ()
    precondition: str = ""
    durable_fix: dict[str, str] = Field(default_factory=dict)


class Draft(BaseModel):
    """Conclude the investigation. Cite the evidence ids (E1, E2, …) behind every claim; invent no number."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    verdict: Verdict
    onset: str | None = Field(default=None, description="ISO 8601 time at which it began; null for no_fault")
    claims: tuple[Claim, ...] = Field(default=(), max_length=20)
    hypotheses: tuple[Hypothesis, ...] = Field(default=(), max_length=12)
    actions: tuple[Proposal, ...] = Field(default=(), max_length=6)
