"""Budgets that all workers share: model calls per minute and money per day, counted in the database.

The third one, concurrent investigations, is part of the claim (`triggers/claims.py`).
"""

from __future__ import annotations

import asyncio

import sqlalchemy as sa

from config.database import Database
from config.settings import Budget
from config.tables import spending
from triggers.metrics import WorkerCounters

MINUTE_MS, DAY_MS = 60_000, 86_400_000
CALLS, MONEY = "model_calls", "usd"


class SharedBudget:
    """Ask before a model call, charge after it. Days and minutes are the database clock's, in UTC."""

    def __init__(self, *, database: Database, settings: Budget, counters: WorkerCounters | None = None) -> None:
        self._database, self._settings = database, settings
        self._counters = counters or WorkerCounters()

    async def take_call(self) -> bool:
        """Whether one more model call is within both budgets; it is counted if so. Raises StoreUnavailable."""
        allowed = await asyncio.to_thread(self._database.transact, self._take_call)
        self._counters.model_call(allowed=allowed)
        return allowed

    async def charge(self, usd: float | None) -> None:
        """Add what a call cost; unknown (None) is not counted as nothing, it is not counted at all."""
        if usd:
            self._counters.spent(usd)
            await asyncio.to_thread(self._database.transact, lambda c: self._charge(c, usd))

    def spent_today(self) -> float:
        """US dollars since midnight, UTC."""
        with self._database.read() as connection:
            now = connection.execute(sa.select(self._database.now())).scalar_one()
            return self._used(connection, MONEY, now - now % DAY_MS)

    def _take_call(self, connection: sa.Connection) -> bool:
        now = connection.execute(sa.select(self._database.now())).scalar_one()
        limit = self._settings.usd_per_day
        if limit is not None and self._used(connection, MONEY, now - now % DAY_MS) >= limit:
            return False
        if self._settings.model_calls_per_minute is None:
            return True
        return self._add(connection, CALLS, now - now % MINUTE_MS, 1, limit=self._settings.model_calls_per_minute)

    def _charge(self, connection: sa.Connection, usd: float) -> None:
        now = connection.execute(sa.select(self._database.now())).scalar_one()
        self._add(connection, MONEY, now - now % DAY_MS, usd, limit=None)

    def _add(self, connection: sa.Connection, kind: str, period: int, amount: float, *, limit: float | None) -> bool:
        """One statement counts and checks, so two workers cannot both take the last of it."""
        insert = self._database.insert(spending).values(kind=kind, period=period, used=amount)
        within = None if limit is None else spending.c.used + amount <= limit
        upsert = insert.on_conflict_do_update(
            index_elements=["kind", "period"], set_={"used": spending.c.used + amount}, where=within)
        return connection.execute(upsert.returning(spending.c.used)).first() is not None

    def _used(self, connection: sa.Connection, kind: str, period: int) -> float:
        used = sa.select(spending.c.used).where(spending.c.kind == kind, spending.c.period == period)
        return float(connection.execute(used).scalar() or 0.0)
