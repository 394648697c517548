"""Reading what a model handed in: the `conclude` call, else JSON in its text. Problems are told, never raised."""

from __future__ import annotations

import json
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage
from pydantic import ValidationError

from agent.draft import CONCLUDE, Draft


def read_draft(message: BaseMessage, *, ours: bool = False) -> tuple[Draft | None, list[str]]:
    """(draft, problems): exactly one of them is there. `ours`: written by the analyst, whose claims carry keys."""
    arguments = _arguments(message)
    if arguments is None:
        return None, ["no conclude call was found"]
    try:
        draft = Draft.model_validate(arguments)
        return draft if ours else _plain(draft), []
    except ValidationError as error:
        return None, [f"{'.'.join(str(x) for x in e['loc'])}: {e['msg']}" for e in error.errors()[:6]]


def _plain(draft: Draft) -> Draft:
    """Without the fields that vouch for a sentence: only the analyst may fill them."""
    return draft.model_copy(update={
        "claims": tuple(c.model_copy(update={"key": "", "values": {}}) for c in draft.claims),
        "hypotheses": tuple(h.model_copy(update={"card": ""}) for h in draft.hypotheses),
    })


def _arguments(message: BaseMessage) -> dict[str, Any] | None:
    if not isinstance(message, AIMessage):
        return None
    for call in message.tool_calls:
        if call["name"] == CONCLUDE:
            return dict(call["args"])
    text = message.text
    start, end = text.find("{"), text.rfind("}")
    if 0 <= start < end:
        try:
            found = json.loads(text[start : end + 1])
        except (ValueError, RecursionError):
            return None
        return found if isinstance(found, dict) else None
    return None
