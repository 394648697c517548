"""Models: any OpenAI-compatible server, tried in order; the built-in analyst is the floor. Only home of the SDK."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from langchain_core.exceptions import LangChainException
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.utils.function_calling import convert_to_openai_tool

from agent.analyst import NAME as ANALYST
from agent.deps import Deps
from agent.draft import CONCLUDE, Draft
from config.redact import redact
from tools.question import Question
from tools.toolbox import CLUSTER

# What a server or its SDK may raise for a bad answer: refused, slow, HTML or an error body with status 200, no choices.
MODEL_TROUBLE = (
    LangChainException, OSError, TimeoutError, ValueError, TypeError, LookupError, AttributeError, RuntimeError
)
SECONDS_FOR_THE_ANALYST = 2.0


def openai_model(
    *, base_url: str, api_key: str, name: str, timeout_s: float, temperature: float | None
) -> BaseChatModel:
    """A chat model on any server that speaks /chat/completions. Retries and streaming are off: the graph decides."""
    from langchain_openai import ChatOpenAI  # 0.7 s of imports that a run without a model never needs

    return ChatOpenAI(
        base_url=base_url or None, api_key=lambda: api_key or "unset", model=name, timeout=timeout_s, max_retries=0,
        temperature=temperature, use_responses_api=False, disable_streaming=True,
    )


def tool_specifications(questions: Sequence[Question], clusters: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Every question and `conclude`, as function tools. With several clusters, each question may name one."""
    specs = [
        {"type": "function", "function": {
            "name": q.name.replace(".", "_"), "description": q.asks, "parameters": _parameters(q, clusters)}}
        for q in questions
    ]
    conclude = convert_to_openai_tool(Draft)
    conclude["function"]["name"] = CONCLUDE
    return [*specs, conclude]


def _parameters(question: Question, clusters: Sequence[str]) -> dict[str, Any]:
    schema = question.arguments.model_json_schema()
    if clusters:
        named = {"type": "string", "enum": list(clusters), "description": "ask another cluster than the incident's"}
        schema["properties"] = {**schema.get("properties", {}), CLUSTER: named}
    return schema


async def reply_of(
    messages: Sequence[BaseMessage], deps: Deps, *, must_conclude: bool
) -> tuple[AIMessage, str, list[dict[str, str]]]:
    """(the first usable reply, which model gave it, gaps for models that failed). The analyst always replies."""
    gaps: list[dict[str, str]] = []
    for model in deps.models:
        name = name_of(model)
        left = deps.seconds_left - SECONDS_FOR_THE_ANALYST
        if name == ANALYST:
            break
        if left <= 0:
            gaps.append({"what": f"model {name}", "why": "the run's time was up", "cost": "the analyst went on"})
            break
        try:
            async with asyncio.timeout(min(deps.budget.model_seconds, left)):
                return _usable(await _call(model, messages, deps, must_conclude), must_conclude), name, gaps
        except MODEL_TROUBLE as error:
            why = redact(f"{type(error).__name__}: {error}")[:300]
            gaps.append({"what": f"model {name}", "why": why, "cost": "the next model of the chain went on"})
            deps.on_event({"type": "model_failed", "model": name, "why": why})
    late = must_conclude or deps.seconds_left <= 0
    reply = await deps.analyst.bind_tools([], must_conclude=late).ainvoke(list(messages))
    return reply, ANALYST, gaps


async def _call(model: BaseChatModel, messages: Sequence[BaseMessage], deps: Deps, must_conclude: bool) -> AIMessage:
    world = deps.world
    clusters = (world.cluster, *world.siblings) if world.siblings else ()
    specs = tool_specifications(() if must_conclude else deps.questions, clusters)
    extra: dict[str, Any] = {"tool_choice": CONCLUDE} if must_conclude else {}
    return await model.bind_tools(specs, **extra).ainvoke(list(messages))


def _usable(reply: AIMessage, must_conclude: bool) -> AIMessage:
    """Never puts a malformed tool call back on the wire; an empty reply, or a loop that will not end, is trouble."""
    if must_conclude and any(c["name"] != CONCLUDE for c in reply.tool_calls):
        raise ValueError("the budget of steps is spent and the model still asks")
    if reply.tool_calls or reply.text.strip():
        return AIMessage(content=reply.text, tool_calls=reply.tool_calls, usage_metadata=reply.usage_metadata,
                         response_metadata={"model_name": reply.response_metadata.get("model_name", "")})
    raise ValueError("the model's reply held neither a usable tool call nor text")


def name_of(model: BaseChatModel) -> str:
    """A model's own name, for usage and gaps."""
    found = getattr(model, "model_name", None) or getattr(model, "model", None)
    return str(found or model._llm_type)
