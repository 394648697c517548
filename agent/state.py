"""The state of one run: JSON and messages only. Raw data and clients stay out of checkpoints."""

from __future__ import annotations

from typing import Annotated, Any, TypedDict

from langchain_core.messages import BaseMessage
from langgraph.graph import add_messages


def merge(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """Evidence is keyed by id, so writing it twice is harmless."""
    return {**old, **new}


class State(TypedDict, total=False):
    """`scope` holds `incident` and `baseline` windows; `evidence` maps ids to `Evidence.as_dict`.

    `floor`: the models are done, and the analyst goes on alone.
    """

    incident: dict[str, Any]
    run: str
    asked_at_ms: int
    scope: dict[str, list[int]]
    evidence: Annotated[dict[str, dict[str, Any]], merge]
    messages: Annotated[list[BaseMessage], add_messages]
    recalled: list[str]
    seen_before: list[dict[str, Any]]
    runbooks: list[str]
    recognised: str
    gaps: list[dict[str, str]]
    steps: int
    attempts: int
    models: list[str]
    calls: list[dict[str, Any]]
    draft: dict[str, Any] | None
    floor: bool
    diagnosis: dict[str, Any]
