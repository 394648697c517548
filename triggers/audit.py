"""The audit: who did what at which door, and what was refused. Synchronous, for threads. Raises StoreUnavailable."""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa

from config.database import Database
from config.redact import redact_mapping
from config.tables import audit


class Audit:
    """Rows are only ever added; retention removes them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def note(
        self, *, door: str, actor: str, what: str, subject: str, allowed: bool = True,
        detail: dict[str, Any] | None = None,
    ) -> None:
        """One deed. `detail` passes the redactor."""
        text = json.dumps(redact_mapping(detail or {}), ensure_ascii=False, default=str)
        with self._database.begin() as connection:
            connection.execute(audit.insert().values(
                at_ms=self._database.now(), door=door, actor=actor, what=what, subject=subject, allowed=allowed,
                detail=text))

    def read(self, *, subject: str | None = None, limit: int = 1_000) -> list[dict[str, Any]]:
        """The oldest first."""
        query = sa.select(audit).order_by(audit.c.id).limit(limit)
        if subject is not None:
            query = query.where(audit.c.subject == subject)
        with self._database.read() as connection:
            return [{**row, "detail": json.loads(row["detail"])} for row in connection.execute(query).mappings()]
