"""The library: cases on their way to becoming experience, the cards they taught, and what came of each card.

Synchronous, for threads. What a case or card means is decided in `evals/`; here it is only kept.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import sqlalchemy as sa

from agent.card import Card
from agent.experience import Credit
from agent.learned_card import dump, parse_learned
from config.database import Database
from config.errors import ConfigError, UnknownThing
from config.tables import cards, cases, outcomes

CardState = Literal["active", "pending", "retired"]
CaseState = Literal["draft", "waiting", "verified", "rejected"]


@dataclass(frozen=True)
class StoredCard:
    """A learned card with its state; `why` says what a retired or pending one is waiting for."""

    card: Card
    state: CardState
    why: str
    credit: Credit
    misses: int
    changed_ms: int


@dataclass(frozen=True)
class StoredCase:
    """`label`, `observations` and `context` are JSON as `evals/harvest.py` writes it."""

    id: str
    incident_id: str
    state: CaseState
    label: Mapping[str, Any]
    observations: list[Any]
    context: Mapping[str, Any]
    text: str = ""
    folder: str = ""
    conflicts: list[str] = field(default_factory=list)
    authors: list[str] = field(default_factory=list)
    verified_by: str = ""
    at_ms: int = 0


class Library:
    """Raises StoreUnavailable; UnknownThing for what is not there."""

    def __init__(self, *, database: Database) -> None:
        self._database = database

    # cards

    def cards(self, *, state: CardState | None = None) -> list[StoredCard]:
        """By id. A row that can no longer be read as a card is left out."""
        query = sa.select(cards).order_by(cards.c.id)
        if state is not None:
            query = query.where(cards.c.state == state)
        with self._database.read() as connection:
            rows = connection.execute(query).all()
            credits = _credits(connection)
        out = []
        for row in rows:
            try:
                card = parse_learned(row.yaml, name=row.id)
            except ConfigError:
                continue
            out.append(StoredCard(card, row.state, row.why, credits.get(row.id, Credit()), row.misses, row.changed_ms))
        return out

    def card(self, card_id: str) -> StoredCard:
        """One card in any state."""
        found = next((c for c in self.cards() if c.card.id == card_id), None)
        if found is None:
            raise UnknownThing(f"no learned card {card_id}")
        return found

    def put_card(self, card: Card, *, state: CardState = "active", why: str = "", misses: int = 0) -> None:
        """Write or replace. Raises ConfigError for a card that must not be used."""
        text = dump(card)
        parse_learned(text, name=card.id)
        now = self._database.now()
        insert = self._database.insert(cards).values(
            id=card.id, yaml=text, state=state, why=why[:1_000], misses=misses, created_ms=now, changed_ms=now)
        upsert = insert.on_conflict_do_update(index_elements=["id"], set_={
            name: insert.excluded[name] for name in ("yaml", "state", "why", "misses", "changed_ms")})
        with self._database.begin() as connection:
            connection.execute(upsert)

    def retire_card(self, card_id: str, why: str) -> None:
        """Keep it for the record; no run is lent it any more."""
        self._change(cards.update().where(cards.c.id == card_id).values(
            state="retired", why=why[:1_000], changed_ms=self._database.now()), card_id)

    def delete_card(self, card_id: str) -> None:
        """The card and what was counted for it: the next run is as if it had never been."""
        def work(connection: sa.Connection) -> None:
            if connection.execute(cards.delete().where(cards.c.id == card_id)).rowcount == 0:
                raise UnknownThing(f"no learned card {card_id}")
            connection.execute(outcomes.delete().where(outcomes.c.card_id == card_id))

        self._database.transact(work)

    def count_outcome(self, card_id: str, incident_id: str, *, confirmed: bool) -> None:
        """What came of one answer of the card; the newest word on an incident counts, once."""
        insert = self._database.insert(outcomes).values(card_id=card_id, incident_id=incident_id, confirmed=confirmed,
                                                        at_ms=self._database.now())
        with self._database.begin() as connection:
            connection.execute(insert.on_conflict_do_update(
                index_elements=["card_id", "incident_id"],
                set_={"confirmed": insert.excluded["confirmed"], "at_ms": insert.excluded["at_ms"]}))

    # cases

    def cases(self, *, state: CaseState | None = None, limit: int = 5_000) -> list[StoredCase]:
        """The oldest first. A row that can no longer be read as a case is left out."""
        query = sa.select(cases).order_by(cases.c.at_ms, cases.c.id).limit(limit)
        if state is not None:
            query = query.where(cases.c.state == state)
        with self._database.read() as connection:
            found = [_case(row) for row in connection.execute(query).mappings()]
        return [case for case in found if case is not None]

    def case(self, case_id: str) -> StoredCase:
        """One case, by its id or its incident's."""
        query = sa.select(cases).where(sa.or_(cases.c.id == case_id, cases.c.incident_id == case_id))
        with self._database.read() as connection:
            row = connection.execute(query).mappings().first()
        found = None if row is None else _case(row)
        if found is None:
            raise UnknownThing(f"no case {case_id}" + ("" if row is None else " that can be read"))
        return found

    def put_case(self, case: StoredCase) -> None:
        """Write or replace."""
        values = {**case.__dict__, "stored_ms": self._database.now()}
        for name in ("label", "observations", "context", "conflicts", "authors"):
            values[name] = json.dumps(values[name], ensure_ascii=False, default=str)
        insert = self._database.insert(cases).values(**values)
        with self._database.begin() as connection:
            connection.execute(insert.on_conflict_do_update(
                index_elements=["id"], set_={k: insert.excluded[k] for k in values if k != "id"}))

    def delete_cases(self, ids: Iterable[str]) -> int:
        """Returns how many went."""
        with self._database.begin() as connection:
            return connection.execute(cases.delete().where(cases.c.id.in_(list(ids)))).rowcount

    def version(self) -> tuple[int, int, int]:
        """Changes whenever a card, a case or an outcome does: what was read before may be used on while it stays."""
        with self._database.read() as connection:
            one = connection.execute(sa.select(sa.func.count(), sa.func.max(cards.c.changed_ms))).one()
            two = connection.execute(sa.select(sa.func.count(), sa.func.max(cases.c.stored_ms))).one()
            three = connection.execute(sa.select(sa.func.count(), sa.func.max(outcomes.c.at_ms))).one()
        return (hash(tuple(one)), hash(tuple(two)), hash(tuple(three)))

    def _change(self, statement: Any, what: str) -> None:
        with self._database.begin() as connection:
            if connection.execute(statement).rowcount == 0:
                raise UnknownThing(f"no learned card {what}")


def _credits(connection: sa.Connection) -> dict[str, Credit]:
    out: dict[str, Credit] = {}
    for row in connection.execute(sa.select(outcomes.c.card_id, outcomes.c.confirmed)):
        before = out.get(row.card_id, Credit())
        out[row.card_id] = Credit(before.right + bool(row.confirmed), before.wrong + (not row.confirmed))
    return out


def _case(row: Mapping[Any, Any]) -> StoredCase | None:
    """None for a row that was damaged, or written by hand: one bad case may not keep the others from being used."""
    values = {k: v for k, v in row.items() if k != "stored_ms"}
    shapes = {"label": dict, "observations": list, "context": dict, "conflicts": list, "authors": list}
    for name, shape in shapes.items():
        try:
            values[name] = json.loads(values[name])
        except (ValueError, TypeError, RecursionError):
            return None
        if not isinstance(values[name], shape):
            return None
    return StoredCase(**values)
