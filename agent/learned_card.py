"""Learned cards as untrusted input: whatever wrote the file, only a bounded card without commands comes in.

Written by `evals/learn.py`, by colleagues in a Git folder, or by somebody else: the reader cannot tell, so it checks
all of them alike. Text is redacted and never interpreted; actions are kinds on variables, rendered by our templates.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import yaml

from agent.card import Card, parse_card
from agent.codes import Verdict
from config.errors import ConfigError
from config.redact import redact
from tools.evidence import parse_iso
from tools.toolbox import QUESTIONS

MAX_BYTES = 16_000
MAX_TEXT = 400
MAX_EXPECTS, MAX_REFUTES, MAX_BINDS, MAX_ACTIONS, MAX_PITFALLS = 24, 16, 6, 3, 5
MAX_WEIGHT, MAX_PRIOR = 4.0, -1.5
MAX_CARDS = 2_000
_COMMAND = re.compile(
    r"[`$|;<>\\]|&&|\n|(?i:\b(?:sudo|rm|curl|wget|bash|sh|chmod|kubectl|docker|systemctl|eval|exec|drop table)\s+\S)")


def parse_learned(text: str, *, name: str) -> Card:
    """One learned card. Raises ConfigError naming what is wrong; texts come back redacted."""
    if len(text.encode("utf-8", "replace")) > MAX_BYTES:
        raise ConfigError(f"{name}: a learned card larger than {MAX_BYTES} bytes")
    if re.search(r"(?m)(?:^|[\s\[{,:])[&*][A-Za-z0-9_]+", text):
        raise ConfigError(f"{name}: anchors and aliases are not read")
    card = parse_card(text, name=name)
    problem = next(iter(problems(card)), "")
    if problem:
        raise ConfigError(f"{name}: {problem}")
    return redacted(card)


def problems(card: Card) -> list[str]:
    """Why a card may not be used; empty when it may."""
    out = []
    if card.provenance.shipped:
        out.append("provenance.shipped: only cards that come with the product are shipped")
    if card.verdict is not Verdict.DIAGNOSED:
        out.append("verdict: a learned card names a cause; what is no fault is decided by evidence")
    bounds = {"expects": (card.expects, MAX_EXPECTS), "refutes": (card.refutes, MAX_REFUTES),
              "binds": (card.binds, MAX_BINDS), "actions": (card.actions, MAX_ACTIONS),
              "pitfalls": (card.pitfalls, MAX_PITFALLS)}
    out += [f"{field}: more than {most}" for field, (found, most) in bounds.items() if len(found) > most]
    if card.prior > MAX_PRIOR:
        out.append(f"prior: {card.prior:g} is more than {MAX_PRIOR:g}")
    out += [f"expects {e.finding}: weight {e.weight:g} is more than {MAX_WEIGHT:g}"
            for e in card.expects if e.weight > MAX_WEIGHT]
    known = {q.name for q in QUESTIONS}
    asked = (*card.asks, *(s.ask for s in card.separates))
    out += [f"asks {name!r}: there is no such question" for name in asked if name not in known]
    if any(a.durable_fix for a in card.actions):
        out.append("actions: durable_fix is free text, which a learned card does not carry")
    out += [f"text looks like a command: {text[:60]!r}" for text in _texts(card) if _COMMAND.search(text)]
    out += [f"text longer than {MAX_TEXT}" for text in _texts(card) if len(text) > MAX_TEXT]
    return out


def redacted(card: Card) -> Card:
    """With every text redacted."""
    return card.model_copy(update={
        "title": {k: redact(v) for k, v in card.title.items()},
        "mechanism": {k: redact(v) for k, v in card.mechanism.items()},
        "pitfalls": tuple(redact(p) for p in card.pitfalls),
        "separates": tuple(s.model_copy(update={"because": redact(s.because)}) for s in card.separates),
    })


def _texts(card: Card) -> list[str]:
    return [*card.title.values(), *card.mechanism.values(), *card.pitfalls, *(s.because for s in card.separates),
            *card.provenance.incidents, *card.provenance.cases, card.provenance.verified_by]


def expired(card: Card, now_ms: int) -> bool:
    """Past its date, or dated in a way nobody can read."""
    if not card.validity.expires_at:
        return False
    try:
        return parse_iso(card.validity.expires_at) <= now_ms
    except (ValueError, OverflowError):
        return True


def dump(card: Card) -> str:
    """The card as YAML, the same bytes for the same card."""
    data = card.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=120)


def load_learned(folder: Path, *, now: datetime | None = None) -> tuple[tuple[Card, ...], tuple[str, ...]]:
    """(cards, complaints) of a team's folder: a bad file is named and left out, the rest is used."""
    at = round((now or datetime.now(UTC)).timestamp() * 1000)
    cards: dict[str, Card] = {}
    complaints = []
    for path in sorted(folder.glob("*.yaml"))[:MAX_CARDS]:
        try:
            if path.stat().st_size > MAX_BYTES:
                raise ConfigError(f"{path.name}: a learned card larger than {MAX_BYTES} bytes")
            card = parse_learned(path.read_text(encoding="utf-8"), name=path.name)
        except (ConfigError, OSError, UnicodeDecodeError) as error:
            complaints.append(str(error)[:300])
            continue
        if card.id in cards:
            complaints.append(f"{path.name}: the card {card.id} exists twice")
        elif expired(card, at):
            complaints.append(f"{path.name}: expired {card.validity.expires_at}")
        else:
            cards[card.id] = card
    return tuple(cards.values()), tuple(complaints)
