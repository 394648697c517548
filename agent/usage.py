"""What model calls cost: tokens, money by a price table the user edits, energy by the same table. Unknown is None."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from typing import Any, Protocol

from langchain_core.messages import AIMessage

from config.settings import Price

PER_MILLION = 1_000_000


class Purse(Protocol):
    """Limits that all workers share. Both methods may raise StoreUnavailable."""

    async def take_call(self) -> bool:
        """Whether one more model call is within the limits; it is counted if so."""
        ...

    async def charge(self, usd: float | None) -> None:
        """Add what a call cost; None is unknown and adds nothing."""
        ...


@dataclass(frozen=True)
class Call:
    """One call of a model. `outcome` is "ok" or the class of what went wrong; counts are None where not reported."""

    model: str
    tier: str
    outcome: str
    seconds: float
    input_tokens: int | None = None
    cached_tokens: int | None = None
    output_tokens: int | None = None
    reasoning_tokens: int | None = None
    usd: float | None = None
    energy_wh: float | None = None

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Totals:
    """Sums over a run's calls. A sum is None when a successful call did not report its part."""

    input_tokens: int | None
    cached_tokens: int | None
    output_tokens: int | None
    reasoning_tokens: int | None
    usd: float | None
    energy_wh: float | None


def counted(reply: AIMessage, price: Price | None, *, model: str, tier: str, seconds: float) -> Call:
    """A successful call. Cached and reasoning tokens are summed by suffix: servers prefix them with a service tier."""
    usage = reply.usage_metadata
    if usage is None:
        return Call(model, tier, "ok", seconds)
    cached = _detail(usage.get("input_token_details"), "cache_read")
    reasoning = _detail(usage.get("output_token_details"), "reasoning")
    tokens = (usage["input_tokens"], cached, usage["output_tokens"])
    return Call(model, tier, "ok", seconds, input_tokens=tokens[0], cached_tokens=cached, output_tokens=tokens[2],
                reasoning_tokens=reasoning, usd=_usd(price, *tokens), energy_wh=_energy(price, *tokens))


def totals(calls: Iterable[Mapping[str, Any]]) -> Totals:
    """`calls` are `Call.as_dict` mappings; failed calls report nothing and count for nothing."""
    good = [c for c in calls if c["outcome"] == "ok"]

    def whole(field: str) -> Any:
        parts = [c[field] for c in good]
        return None if any(p is None for p in parts) else sum(parts)

    def known(field: str) -> int | None:
        parts = [c[field] for c in good if c[field] is not None]
        return sum(parts) if parts else None

    usd, energy = whole("usd"), whole("energy_wh")
    return Totals(whole("input_tokens"), known("cached_tokens"), whole("output_tokens"), known("reasoning_tokens"),
                  None if usd is None else round(usd, 6), None if energy is None else round(energy, 4))


def price_of(prices: Mapping[str, Price], model: str) -> Price | None:
    """The price of a model: its own name first, else the longest pattern (`gpt-*`) that matches."""
    if model in prices:
        return prices[model]
    matching = [p for p in prices if fnmatchcase(model, p)]
    return prices[max(matching, key=len)] if matching else None


def _detail(details: Any, suffix: str) -> int | None:
    found = [v for k, v in (details or {}).items() if k.endswith(suffix) and isinstance(v, int)]
    return sum(found) if found else None


def _usd(price: Price | None, tokens_in: int, cached: int | None, tokens_out: int) -> float | None:
    if price is None:
        return None
    cached_price = price.input if price.cached_input is None else price.cached_input
    fresh = tokens_in - (cached or 0)
    return (fresh * price.input + (cached or 0) * cached_price + tokens_out * price.output) / PER_MILLION


def _energy(price: Price | None, tokens_in: int, _cached: int | None, tokens_out: int) -> float | None:
    if price is None or price.wh_per_thousand_tokens is None:
        return None
    return (tokens_in + tokens_out) / 1000 * price.wh_per_thousand_tokens
