"""Announced changes into the database, each once. Reading is `tools/sources/kept_changes.py`."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Sequence

import sqlalchemy as sa

from config.database import Database
from config.redact import Redactor
from config.tables import changes
from triggers.change_formats import Announced
from triggers.duties import Poller

DAY_MS = 86_400_000
MAX_TEXT = 1_000


class ChangeLog:
    """Synchronous, for threads. Raises StoreUnavailable."""

    def __init__(self, *, database: Database, keep_days: float) -> None:
        self._database, self._keep_ms = database, int(keep_days * DAY_MS)

    def add(self, announced: Sequence[Announced], *, received_ms: int) -> int:
        """How many were new. Texts are redacted on the way in."""
        rows = [_row(a, received_ms) for a in announced]

        def write(connection: sa.Connection) -> int:
            insert = (self._database.insert(changes).on_conflict_do_nothing(index_elements=["identity"])
                      .returning(changes.c.id))  # PostgreSQL's driver counts no rows for such an insert
            return sum(connection.execute(insert.values(**row)).first() is not None for row in rows)

        return self._database.transact(write) if rows else 0

    def forget_old(self) -> int:
        """Remove what is older than it is kept."""
        def write(connection: sa.Connection) -> int:
            now = connection.execute(sa.select(self._database.now())).scalar_one()
            return connection.execute(changes.delete().where(changes.c.at_ms < now - self._keep_ms)).rowcount

        return self._database.transact(write)

    def poller(self) -> Poller:
        """For the workers' duties."""
        async def forget() -> None:
            await asyncio.to_thread(self.forget_old)

        return Poller("changes", 3_600.0, forget)


def _row(announced: Announced, received_ms: int) -> dict[str, object]:
    change, redactor = announced.change, Redactor()
    told = {name: redactor.redact(getattr(change, name))[:MAX_TEXT]
            for name in ("service", "colour", "build", "by", "text", "source", "mode")}
    attributes = json.dumps(redactor.redact_mapping(change.attributes), ensure_ascii=False)
    row = {"at_ms": change.at_ms, "kind": change.kind, "cluster": announced.cluster[:MAX_TEXT], **told}
    identity = announced.delivery or json.dumps([*row.values(), attributes], ensure_ascii=False)
    source = f"{change.source}\0{identity}"
    return {**row, "attributes": attributes, "received_ms": received_ms,
            "identity": hashlib.sha256(source.encode()).hexdigest()}
