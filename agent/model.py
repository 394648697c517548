"""Models on any OpenAI-compatible server, by tiers. The only home of the SDK."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from langchain_core.caches import BaseCache
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.utils.function_calling import convert_to_openai_tool

from agent.draft import CONCLUDE, Draft
from agent.usage import price_of
from config.settings import Model, Price
from tools.question import Question
from tools.toolbox import CLUSTER, tool_name

Tier = Literal["triage", "main", "escalation"]
ONLY_OURS = ("key", "values", "card")  # fields of a draft that the analyst fills; a model need not know them


@dataclass(frozen=True)
class Seat:
    """One model of the chain. `retries` counts further tries after an error that may pass."""

    model: BaseChatModel
    name: str
    tier: Tier
    retries: int = 0
    price: Price | None = None
    input_tokens: int = 8_000


def seats_of(model: Model, *, tape: BaseCache | None = None) -> tuple[Seat, ...]:
    """A seat for each tier that is named; one model in two tiers has two seats."""
    key = model.api_key.get_secret_value() if model.api_key else ""
    named: tuple[tuple[Tier, str], ...] = (
        ("triage", model.triage), ("main", model.main), ("escalation", model.escalation))
    return tuple(
        Seat(_openai_model(model, key, name, tape), name, tier, model.max_retries, price_of(model.prices, name),
             model.input_tokens)
        for tier, name in named if name
    )


def in_order(seats: Sequence[Seat], *, critical: bool, sent_back: bool) -> tuple[Seat, ...]:
    """Which to try first: escalation after a conclusion was sent back, triage below critical, else main.

    The others follow as fallbacks; a model that stands in two tiers is tried once.
    """
    first: Tier = "escalation" if sent_back else "main" if critical else "triage"
    order = (first, *(t for t in ("main", "escalation", "triage") if t != first))
    chosen: dict[str, Seat] = {}
    for tier in order:
        for seat in seats:
            if seat.tier == tier:
                chosen.setdefault(seat.name, seat)
    return tuple(chosen.values())


def _openai_model(model: Model, key: str, name: str, tape: BaseCache | None) -> BaseChatModel:
    """Retries and streaming are off: the chain decides, and a cut stream would look like a whole tool call."""
    from langchain_openai import ChatOpenAI  # 0.7 s of imports that a run without a model never needs

    return ChatOpenAI(
        base_url=model.base_url or None, api_key=lambda: key or "unset", model=name, timeout=model.timeout_seconds,
        max_retries=0, temperature=model.temperature, use_responses_api=False, disable_streaming=True, cache=tape,
    )


def tool_specifications(questions: Sequence[Question], clusters: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Every question and `conclude`, as function tools. With several clusters, each question may name one."""
    specs = [
        {"type": "function", "function": {
            "name": tool_name(q.name), "description": q.asks, "parameters": _parameters(q, clusters)}}
        for q in questions
    ]
    conclude = convert_to_openai_tool(Draft)
    conclude["function"]["name"] = CONCLUDE
    return [_lean(spec) for spec in (*specs, conclude)]


def _parameters(question: Question, clusters: Sequence[str]) -> dict[str, Any]:
    schema = question.arguments.model_json_schema()
    if clusters:
        named = {"type": "string", "enum": list(clusters), "description": "ask another cluster than the incident's"}
        schema["properties"] = {**schema.get("properties", {}), CLUSTER: named}
    return schema


def _lean(part: Any) -> Any:
    """A schema without titles, defaults and what only the analyst fills: a third of the tokens of every turn."""
    if isinstance(part, list):
        return [_lean(p) for p in part]
    if not isinstance(part, dict):
        return part
    out = {k: _lean(v) for k, v in part.items() if not (k in ("title", "default") and not isinstance(v, dict))}
    properties = out.get("properties")
    if isinstance(properties, dict):
        out["properties"] = {k: v for k, v in properties.items() if k not in ONLY_OURS}
    return out
