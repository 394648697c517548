"""Incidents as others read them: lists and one whole incident, for HTTP, the CLI and Slack."""

from __future__ import annotations

import builtins
from typing import Any

import sqlalchemy as sa

from agent.ledger import Ledger
from config.database import Database
from config.errors import UnknownThing
from config.tables import feedback, incidents, signals
from triggers.rows import incident_summary, signals_of

MAX_LISTED = 500
MAX_SHOWN = 200


class Incidents:
    """Reads only. Raises StoreUnavailable; UnknownThing for an incident that is not there."""

    def __init__(self, *, database: Database, ledger: Ledger) -> None:
        self._database, self._ledger = database, ledger

    def list(
        self, *, state: str | None = None, open_only: bool = False, limit: int = 50, before: str | None = None
    ) -> list[dict[str, Any]]:
        """Newest first, each with how many signals it has. `before` is the id to go on after (ids sort by time)."""
        count = sa.select(sa.func.count()).where(signals.c.incident_id == incidents.c.id).scalar_subquery()
        query = sa.select(incidents, count.label("n")).order_by(incidents.c.id.desc()).limit(min(limit, MAX_LISTED))
        if state is not None:
            query = query.where(incidents.c.state == state)
        if open_only:
            query = query.where(incidents.c.closed_ms.is_(None))
        if before is not None:
            query = query.where(incidents.c.id < before)
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        return [{**incident_summary(row), "signals": row.n} for row in rows]

    def judged(self, *, limit: int = 200) -> builtins.list[str]:
        """Incidents somebody said something about, those last spoken of first."""
        query = (sa.select(feedback.c.incident_id).group_by(feedback.c.incident_id)
                 .order_by(sa.func.max(feedback.c.id).desc()).limit(limit))
        with self._database.read() as connection:
            return builtins.list(connection.execute(query).scalars())

    def show(self, incident_id: str) -> dict[str, Any]:
        """The incident with its signals, diagnosis, runs and feedback."""
        with self._database.read() as connection:
            row = connection.execute(sa.select(incidents).where(incidents.c.id == incident_id)).first()
            if row is None:
                raise UnknownThing(f"no incident {incident_id}")
            found = signals_of(connection, incident_id, limit=MAX_SHOWN)
            count = connection.execute(sa.select(sa.func.count()).where(signals.c.incident_id == incident_id)).scalar()
            merged = sa.select(incidents.c.id).where(incidents.c.merged_into == incident_id)
            folded = list(connection.execute(merged).scalars())
        return {
            **incident_summary(row), "signals": [s.as_dict() for s in found], "signal_count": count, "merged": folded,
            "diagnosis": self._ledger.diagnosis(incident_id), "runs": self._ledger.runs(incident_id),
            "feedback": self._ledger.feedback(incident_id),
        }
