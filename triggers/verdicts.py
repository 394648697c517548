"""Verdicts on diagnoses, from any door: said twice is stored once; said differently replaces, with the history kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from agent.ledger import Feedback, Ledger, standing
from config.errors import StoreUnavailable

ATTEMPTS = 6


@dataclass(frozen=True)
class Stored:
    """`new`: something was written. `replaces`: its author had said something else before."""

    new: bool
    replaces: bool


class Verdicts:
    """The newest row of an author counts; older ones are its history. Synchronous, for threads."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def give(self, said: Feedback) -> Stored:
        """Store unless it says what its author's newest row says. Raises UnknownThing, StoreUnavailable."""
        for _ in range(ATTEMPTS):
            before = self.of(said.incident_id, author=said.author, door=said.door)
            if before and _same(before[-1], said):
                return Stored(new=False, replaces=False)
            key = f"{said.door}/{said.incident_id}/{said.author}/{len(before)}"
            if self._ledger.add_feedback(replace(said, idempotency_key=key)):
                return Stored(new=True, replaces=bool(before) and not _adds_to(before[-1], said))
        raise StoreUnavailable("others keep writing for the same author; try again")

    def of(self, incident_id: str, *, author: str, door: str) -> list[dict[str, Any]]:
        """Everything one author has said of an incident at one door, the oldest first."""
        return [row for row in self._ledger.feedback(incident_id) if (row["author"], row["door"]) == (author, door)]

    def standing(self, incident_id: str) -> list[Mapping[str, Any]]:
        """What counts now: the newest word of each author."""
        return standing(self._ledger.feedback(incident_id))


def _same(row: dict[str, Any], said: Feedback) -> bool:
    """A bare verdict repeats any row with that verdict: pressing again takes no correction back."""
    if row["cause"] != said.cause:
        return False
    if not said.correction and not said.comment and said.action == "unknown":
        return True
    return (row["action"], row["correction"], row["comment"]) == (said.action, said.correction or {}, said.comment)


def _adds_to(row: dict[str, Any], said: Feedback) -> bool:
    """The same verdict, until now without a word of explanation."""
    return row["cause"] == said.cause and not row["correction"] and not row["comment"]
