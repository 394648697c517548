"""The changes source over the database: what the door of changes was told. Reading only."""

from __future__ import annotations

import asyncio
import json

import sqlalchemy as sa

from config.database import Database
from config.errors import SourceUnavailable, StoreUnavailable
from config.tables import changes
from tools.sources.changes import Change
from tools.sources.shortfall import tell_shortfall

MOST = 5_000


class KeptChanges:
    """Fits the Changes seam. A change that names no cluster is every cluster's."""

    def __init__(self, database: Database, *, cluster: str = "") -> None:
        self._database, self._cluster = database, cluster

    async def between(self, *, start_ms: int, end_ms: int) -> tuple[Change, ...]:
        """Changes with start <= at < end, oldest first; the newest where there are too many."""
        try:
            found = await asyncio.to_thread(self._between, start_ms, end_ms)
        except (StoreUnavailable, sa.exc.SQLAlchemyError) as error:
            raise SourceUnavailable("changes: the database cannot be read") from error
        if len(found) >= MOST:
            tell_shortfall(f"only the last {MOST} changes of the window were read")
        return found

    def _between(self, start_ms: int, end_ms: int) -> tuple[Change, ...]:
        query = sa.select(changes).where(changes.c.at_ms >= start_ms, changes.c.at_ms < end_ms)
        if self._cluster:
            query = query.where(changes.c.cluster.in_(("", self._cluster)))
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(changes.c.at_ms.desc(), changes.c.id.desc()).limit(MOST)).all()
        return tuple(
            Change(
                at_ms=r.at_ms, kind=r.kind, service=r.service, colour=r.colour, build=r.build, by=r.by, text=r.text,
                source=r.source, mode=r.mode, attributes=json.loads(r.attributes),
            )
            for r in reversed(rows)
        )
