"""Asking a batch of questions: in parallel, bounded in time, numbered in call order, evidence and messages together."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from langchain_core.messages import ToolCall, ToolMessage

from agent.deps import Deps
from agent.draft import CONCLUDE
from tools.evidence import Evidence, Status
from tools.question import Question
from tools.toolbox import tool_name
from tools.world import Scope

_OK = Status.OK.value


async def ask_batch(
    calls: Sequence[ToolCall], deps: Deps, scope: Scope, already: Mapping[str, Any]
) -> tuple[dict[str, dict[str, Any]], list[ToolMessage]]:
    """(evidence by id, one tool message a call in call order). An unknown question is answered with the list."""
    by_name = {tool_name(q.name): q for q in deps.questions}
    gate = asyncio.Semaphore(deps.budget.parallel)
    room = max(0, deps.budget.questions - len(already))
    answered = {_key(e["question"], e["query"]["arguments"]): i for i, e in already.items() if e["status"] == _OK}

    async def one(position: int, call: ToolCall) -> Evidence | str:
        question = by_name.get(call["name"])
        if question is None:
            return _refusal(call["name"], by_name)
        known = answered.get(_key(question.name, call["args"]))
        if known is not None:
            return f"Already answered as {known}: the moment asked about is fixed, so the answer is the same."
        if position >= room:
            return "The budget of questions is spent; conclude with what is known."
        deps.on_event({"type": "question", "question": question.name, "arguments": call["args"], "asks": question.asks})
        async with gate:
            return await _ask(question, call["args"], deps, scope)

    answers = await asyncio.gather(*(one(i, c) for i, c in enumerate(calls)))
    evidence: dict[str, dict[str, Any]] = {}
    messages: list[ToolMessage] = []
    kept: list[Evidence] = []
    for call, answer in zip(calls, answers, strict=True):
        if isinstance(answer, str):
            messages.append(ToolMessage(answer, tool_call_id=call["id"], name=call["name"], status="error"))
            continue
        number = len(already) + len(evidence) + 1
        numbered = replace(answer, id=f"E{number}", cluster=answer.cluster or deps.world.cluster)
        evidence[numbered.id] = numbered.as_dict()
        messages.append(_message(call, numbered))
        kept.append(numbered)
        deps.on_event({"type": "evidence", "evidence": numbered})
    await asyncio.to_thread(deps.keep, kept)
    return evidence, messages


def _key(question: str, arguments: Mapping[str, Any]) -> str:
    return question + json.dumps(arguments, sort_keys=True, default=str)


async def _ask(question: Question, arguments: Mapping[str, Any], deps: Deps, scope: Scope) -> Evidence:
    seconds = max(0.5, min(deps.budget.question_seconds, deps.seconds_left))
    return await deps.ask(question.name, dict(arguments), deps.world, scope, timeout_s=seconds)


def _message(call: ToolCall, evidence: Evidence) -> ToolMessage:
    artifact = {
        "evidence_id": evidence.id, "question": evidence.question, "arguments": call["args"],
        "status": evidence.status.value, "findings": [f.as_dict() for f in evidence.findings],
    }
    return ToolMessage(evidence.table(), tool_call_id=call["id"], name=call["name"], artifact=artifact)


def _refusal(name: str, known: Mapping[str, Question]) -> str:
    if name == CONCLUDE:
        return "Conclude alone, after the answers to your questions."
    return f"There is no question {name!r}. Ask one of: {', '.join(sorted(known))}."
