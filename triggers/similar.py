"""Earlier incidents that looked alike: overlap of their findings, with names reduced to roles."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from agent.conversation import PastIncident
from agent.signature import findings_of, signature, similarity
from config.database import Database
from config.tables import diagnoses, feedback, incidents

LOOKED_AT = 200
LEAST = 0.35
MOST = 3


class SimilarIncidents:
    """Callable with an incident's id. Reads the newest diagnoses; unknown incidents have nothing similar."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def __call__(self, incident_id: str) -> tuple[PastIncident, ...]:
        """At most three, the most alike first. Raises StoreUnavailable."""
        rows = self._rows()
        own = next((row for row in rows if row.id == incident_id), None)
        if own is None:
            return ()
        mine = _signature(json.loads(own.body))
        seen: set[str] = {incident_id}
        ranked = []
        for row in rows:
            if row.id in seen or row.opened_ms > own.opened_ms:
                continue
            seen.add(row.id)
            alike = similarity(mine, _signature(json.loads(row.body)))
            if alike >= LEAST:
                ranked.append((alike, row))
        ranked.sort(key=lambda pair: -pair[0])
        said = self._said([row.id for _, row in ranked[:MOST]])
        return tuple(PastIncident(id=row.id, at_ms=row.opened_ms, title=_title(json.loads(row.body), row.title),
                                  outcome=said.get(row.id, "")) for _, row in ranked[:MOST])

    def _rows(self) -> list[Any]:
        query = (sa.select(incidents.c.id, incidents.c.opened_ms, incidents.c.title, diagnoses.c.body)
                 .select_from(diagnoses.join(incidents, diagnoses.c.incident_id == incidents.c.id))
                 .order_by(diagnoses.c.stored_ms.desc()).limit(LOOKED_AT))
        with self._database.read() as connection:
            return list(connection.execute(query).all())

    def _said(self, ids: list[str]) -> dict[str, str]:
        """What engineers said of each cause, the newest word counting."""
        query = (sa.select(feedback.c.incident_id, feedback.c.cause).where(feedback.c.incident_id.in_(ids))
                 .order_by(feedback.c.id))
        with self._database.read() as connection:
            return {row.incident_id: row.cause for row in connection.execute(query)}


def _signature(body: Mapping[str, Any]) -> dict[Any, float]:
    return dict(signature(findings_of(body.get("evidence", ()))))


def _title(body: Mapping[str, Any], alert: str) -> str:
    causes = body.get("hypotheses") or ()
    return str(causes[0]["mechanism"]) if causes and body.get("verdict") == "diagnosed" else alert
