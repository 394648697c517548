"""The chain of models: the first usable reply counts, and the built-in analyst is the floor that always replies."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from langchain_core.exceptions import ContextOverflowError, LangChainException
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage

from agent.analyst import NAME as ANALYST
from agent.deps import Deps
from agent.draft import CONCLUDE
from agent.model import Seat, in_order, tool_specifications
from agent.usage import Call, counted
from agent.wire import on_the_wire, tokens_of
from config.errors import StoreUnavailable
from config.redact import redact

# What a server or its SDK may raise for a bad answer: refused, slow, HTML or an error body with status 200, no choices.
MODEL_TROUBLE = (
    LangChainException, OSError, TimeoutError, ValueError, TypeError, LookupError, AttributeError, RuntimeError
)
SECONDS_FOR_THE_ANALYST = 2.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 5.0
LEAST_ROOM = 500  # tokens of conversation below which shortening gives up
FAILURES = 2  # in a row, after which a model is left alone for the rest of the run
REPAIR = "The arguments of your last tool call were not valid JSON. Call the tool again with valid JSON."


@dataclass
class Reply:
    """The message, the model that wrote it, what every call cost, and a gap for each model that was passed over."""

    message: AIMessage
    model: str
    calls: list[Call] = field(default_factory=list)
    gaps: list[dict[str, str]] = field(default_factory=list)


class _Unusable(ValueError):
    """The server answered, but not with something the graph can use."""


class _Malformed(_Unusable):
    """Tool arguments that are not JSON: worth asking again in words."""


async def reply_of(
    messages: Sequence[BaseMessage], deps: Deps, *, must_conclude: bool, sent_back: bool = False,
    earlier: Sequence[Mapping[str, Any]] = (), floor: bool = False,
) -> Reply:
    """Never raises for a model's fault. `earlier` are the run's calls so far, as `Call.as_dict`; with `floor` no model
    is asked any more."""
    calls: list[Call] = []
    gaps: list[dict[str, str]] = []
    seats = () if floor else in_order(deps.models, critical=deps.critical, sent_back=sent_back)
    for seat in seats:
        why = _barred(seat, deps, earlier)
        if why is None:
            message, why = await _try(seat, messages, deps, must_conclude, calls)
            if message is not None:
                return Reply(message, seat.name, calls, gaps)
        if why:
            gaps.append({"what": f"model {seat.name}", "why": why, "cost": "the next of the chain went on"})
            deps.on_event({"type": "model_failed", "model": seat.name, "why": why})
    late = must_conclude or deps.seconds_left <= 0
    reply = await deps.analyst.bind_tools([], must_conclude=late).ainvoke(list(messages))
    return Reply(reply, ANALYST, calls, gaps)


def _barred(seat: Seat, deps: Deps, earlier: Sequence[Mapping[str, Any]]) -> str | None:
    """Why this model may not be asked now; None when it may. "" when that was told before."""
    if deps.seconds_left <= SECONDS_FOR_THE_ANALYST:
        return "the run's time was up"
    own = [c["outcome"] for c in earlier if c["model"] == seat.name]
    if len(own) >= FAILURES and "ok" not in own[-FAILURES:]:
        return ""
    return None


async def _over_budget(deps: Deps) -> str:
    """Why one more call is not within the limits that all workers share; "" when it is. Retries count as calls."""
    if deps.purse is None:
        return ""
    try:
        allowed = await deps.purse.take_call()
    except StoreUnavailable:
        return "the shared budget could not be read"
    return "" if allowed else "the shared budget of model calls or money is spent"


async def _try(
    seat: Seat, messages: Sequence[BaseMessage], deps: Deps, must_conclude: bool, calls: list[Call]
) -> tuple[AIMessage | None, str]:
    """(usable reply, "") or (None, why). Errors that may pass are tried again, within the run's time."""
    asked, room, repaired, tries = list(messages), seat.input_tokens, False, 0
    while True:
        spent = await _over_budget(deps)
        if spent:
            return None, spent
        began = time.monotonic()
        try:
            async with asyncio.timeout(min(deps.budget.model_seconds, deps.seconds_left - SECONDS_FOR_THE_ANALYST)):
                reply = await _call(seat, asked, deps, must_conclude, room)
            call = counted(reply, seat.price, model=seat.name, tier=seat.tier, seconds=_since(began))
            await _charge(deps, call)
            calls.append(call)
            return _usable(reply, must_conclude), ""
        except MODEL_TROUBLE as error:
            if not isinstance(error, _Unusable):
                calls.append(Call(seat.name, seat.tier, type(error).__name__, _since(began)))
            why = redact(f"{type(error).__name__.lstrip('_')}: {error}")[:300]
            pause = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2**tries)
            if isinstance(error, _Malformed) and not repaired:
                asked, repaired = [*asked, HumanMessage(REPAIR)], True
            elif _overflows(error) and room > LEAST_ROOM:
                room = min(room, tokens_of(asked)) // 2
            elif _may_pass(error) and tries < seat.retries and _time_for(pause, deps):
                tries += 1
                await asyncio.sleep(pause)
            else:
                return None, why


def _overflows(error: BaseException) -> bool:
    """Too long for the model. Servers other than OpenAI's say so in words only."""
    return isinstance(error, ContextOverflowError) or ("context" in str(error) and any(
        word in str(error) for word in ("context length", "context window", "context_length_exceeded")))


def _may_pass(error: BaseException) -> bool:
    """Rate limits, broken connections and 5xx. Slow ones are not tried again: the next model is asked instead."""
    return bool(getattr(error, "is_retryable", False)) and "Timeout" not in type(error).__name__


def _time_for(pause: float, deps: Deps) -> bool:
    return deps.seconds_left - SECONDS_FOR_THE_ANALYST > pause + 1.0


async def _charge(deps: Deps, call: Call) -> None:
    if deps.purse is None:
        return
    try:
        await deps.purse.charge(call.usd)
    except StoreUnavailable as error:
        deps.on_event({"type": "not_charged", "model": call.model, "why": str(error)})


async def _call(seat: Seat, messages: Sequence[BaseMessage], deps: Deps, must_conclude: bool, room: int) -> AIMessage:
    world = deps.world
    clusters = (world.cluster, *world.siblings) if world.siblings else ()
    specs = tool_specifications(() if must_conclude else deps.questions, clusters)
    extra: dict[str, Any] = {"tool_choice": CONCLUDE} if must_conclude else {}
    return await seat.model.bind_tools(specs, **extra).ainvoke(on_the_wire(messages, most_tokens=room))


def _usable(reply: AIMessage, must_conclude: bool) -> AIMessage:
    """Never puts a malformed tool call back on the wire; an empty reply, or a loop that will not end, is trouble."""
    if must_conclude and any(c["name"] != CONCLUDE for c in reply.tool_calls):
        raise _Unusable("the budget of steps is spent and the model still asks")
    if reply.additional_kwargs.get("refusal"):
        raise _Unusable("the model refused")
    if reply.invalid_tool_calls and not reply.tool_calls:
        raise _Malformed("the arguments of the tool call were not JSON")
    if reply.tool_calls or reply.text.strip():
        return AIMessage(content=reply.text, tool_calls=reply.tool_calls, usage_metadata=reply.usage_metadata,
                         response_metadata={"model_name": reply.response_metadata.get("model_name", "")})
    raise _Unusable("the reply held neither a usable tool call nor text")


def _since(began: float) -> float:
    return round(time.monotonic() - began, 3)
