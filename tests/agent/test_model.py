"""Which model is asked first, what it is offered, and what its calls cost."""

import re

from langchain_core.messages import AIMessage

from agent.draft import CONCLUDE
from agent.model import in_order, seats_of, tool_specifications
from agent.usage import Call, counted, price_of, totals
from config.settings import Model, Price
from tools.toolbox import QUESTIONS

SEATS = seats_of(Model(base_url="http://127.0.0.1:9/v1", triage="small", main="mid", escalation="large"))


def names(*, critical: bool, sent_back: bool) -> list[str]:
    return [s.name for s in in_order(SEATS, critical=critical, sent_back=sent_back)]


def test_the_tier_follows_urgency_and_what_verification_said() -> None:
    """Small below critical, main when critical, the largest after a conclusion was sent back; the others follow."""
    assert names(critical=False, sent_back=False) == ["small", "mid", "large"]
    assert names(critical=True, sent_back=False) == ["mid", "large", "small"]
    assert names(critical=False, sent_back=True) == ["large", "mid", "small"]


def test_a_model_of_two_tiers_is_tried_once() -> None:
    """One name, one try."""
    seats = seats_of(Model(base_url="http://127.0.0.1:9/v1", main="one", escalation="one"))
    assert [s.name for s in in_order(seats, critical=True, sent_back=True)] == ["one"]


def test_every_question_is_a_tool_and_only_the_analyst_vouches() -> None:
    """Names model servers accept, schemas of objects without titles, and no field that vouches for a sentence."""
    specs = {s["function"]["name"]: s["function"] for s in tool_specifications(QUESTIONS, ("east", "west"))}
    assert len(specs) == len(QUESTIONS) + 1
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name) for name in specs)
    assert all(f["parameters"]["type"] == "object" and "title" not in f["parameters"] for f in specs.values())
    assert specs["logs_activity"]["parameters"]["properties"]["cluster"]["enum"] == ["east", "west"]
    claim = specs[CONCLUDE]["parameters"]["properties"]["claims"]["items"]["properties"]
    assert set(claim) == {"text", "evidence"}


def reply(**details: dict[str, int]) -> AIMessage:
    usage = {"input_tokens": 1_000, "output_tokens": 100, "total_tokens": 1_100, **details}
    return AIMessage("x", usage_metadata=usage)  # type: ignore[arg-type]


def test_cached_tokens_are_cheaper_and_reasoning_is_counted_whatever_the_service_tier() -> None:
    """600 of 1,000 cached at 1, the rest at 10, 100 out at 50 dollars a million."""
    price = Price(input=10, cached_input=1, output=50, wh_per_thousand_tokens=2)
    call = counted(reply(input_token_details={"flex_cache_read": 600}, output_token_details={"flex_reasoning": 40}),
                   price, model="m", tier="main", seconds=1.0)
    assert (call.cached_tokens, call.reasoning_tokens) == (600, 40)
    assert call.usd == (400 * 10 + 600 * 1 + 100 * 50) / 1e6
    assert call.energy_wh == 2.2


def test_unknown_is_never_nothing() -> None:
    """Without a price, or without usage from the server, the sum is None; failed calls count for nothing."""
    priced = counted(reply(), Price(input=1, output=1), model="m", tier="main", seconds=1.0)
    silent = counted(AIMessage("x"), Price(input=1, output=1), model="m", tier="main", seconds=1.0)
    failed = Call("m", "main", "ModelTimeoutError", 1.0)
    assert totals([priced.as_dict(), failed.as_dict()]).usd == 0.0011
    assert totals([priced.as_dict(), silent.as_dict()]).usd is None
    assert totals([priced.as_dict(), silent.as_dict()]).input_tokens is None


def test_a_price_is_found_by_name_then_by_the_longest_pattern() -> None:
    """A table the user edits."""
    table = {
        "gpt-*": Price(input=1, output=1), "gpt-small-*": Price(input=2, output=2), "gpt-x": Price(input=3, output=1),
    }
    assert [p.input if (p := price_of(table, n)) else None for n in ("gpt-x", "gpt-small-1", "gpt-9", "other")] == [
        3, 2, 1, None]
