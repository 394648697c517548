"""Actions: typed recommendations. Nothing here runs anything; commands are text rendered from typed templates."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from agent.codes import ActionKind


class Step(BaseModel):
    """One command and why. A precondition is the first step."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    command: str
    why: str


class Action(BaseModel):
    """A recommendation: what, on which targets, how to see that it worked and how to undo it."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: ActionKind
    targets: tuple[str, ...]
    steps: tuple[Step, ...]
    risk: str
    verify: str
    undo: str
    needs_approval: bool = True
