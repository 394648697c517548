"""One incident as a card tells it: read from the store, so that a card can be drawn again at any time and be right."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from agent.conversation import PastIncident
from agent.diagnosis import Diagnosis
from agent.incident import Signal
from config.database import Database
from config.errors import UnknownThing
from config.tables import acknowledgements, diagnoses, incidents, signals
from triggers.rows import incident_summary, signals_of

MAX_SIGNALS = 50


@dataclass(frozen=True)
class Mark:
    """Somebody acknowledged or asked for quiet. Times are Unix ms."""

    author: str
    at_ms: int
    until_ms: int = 0


@dataclass(frozen=True)
class Story:
    """`incident` is `incident_summary`. `newer` signals came after the report. `version` changes when a card must."""

    incident: Mapping[str, Any]
    version: str
    signals: tuple[Signal, ...] = ()
    signal_count: int = 0
    folded: int = 0
    diagnosis: Diagnosis | None = None
    newer: int = 0
    acknowledged: Mark | None = None
    snoozed: Mark | None = None
    past: Sequence[PastIncident] = field(default=())

    @property
    def id(self) -> str:
        return str(self.incident["id"])


def _nothing_past(_incident_id: str) -> Sequence[PastIncident]:
    return ()


class Stories:
    """Reads only; synchronous, for threads. Raises StoreUnavailable; UnknownThing for an incident that is not there."""

    def __init__(
        self, database: Database, *, similar: Callable[[str], Sequence[PastIncident]] = _nothing_past
    ) -> None:
        self._database, self._similar = database, similar

    def read(self, incident_id: str, *, past: bool = False) -> Story:
        """The whole story; `past` looks for similar incidents too."""
        with self._database.read() as connection:
            row = connection.execute(_overview().where(incidents.c.id == incident_id)).first()
            if row is None:
                raise UnknownThing(f"no incident {incident_id}")
            newest = connection.execute(
                sa.select(diagnoses.c.body, diagnoses.c.revision).where(diagnoses.c.incident_id == incident_id)
                .order_by(diagnoses.c.stored_ms.desc(), diagnoses.c.run_id.desc()).limit(1)).first()
            marks = connection.execute(sa.select(acknowledgements).where(
                acknowledgements.c.incident_id == incident_id).order_by(acknowledgements.c.id)).all()
            found = signals_of(connection, incident_id, limit=MAX_SIGNALS)
            now = int(connection.execute(sa.select(self._database.now())).scalar_one())
        latest = {mark.kind: Mark(mark.author, mark.at_ms, mark.until_ms or 0) for mark in marks}
        snoozed = latest.get("snooze")
        return Story(
            incident=incident_summary(row), version=version_of(row), signals=found, signal_count=row.signal_count,
            folded=row.folded, diagnosis=Diagnosis.model_validate(json.loads(newest.body)) if newest else None,
            newer=max(0, row.revision - newest.revision) if newest else 0, acknowledged=latest.get("acknowledge"),
            snoozed=snoozed if snoozed is not None and snoozed.until_ms > now else None,
            past=tuple(self._similar(incident_id)) if past else ())

    def versions(self, ids: Sequence[str]) -> dict[str, str]:
        """What cards of these incidents would be drawn from, cheaply."""
        with self._database.read() as connection:
            rows = connection.execute(_overview().where(incidents.c.id.in_(list(ids)))).all()
        return {row.id: version_of(row) for row in rows}


def version_of(row: Any) -> str:
    """Everything a card depends on, in short."""
    seen = (row.state, row.severity, row.revision, row.resolved_ms, row.run_id, row.merged_into, row.folded, row.marks,
            row.signal_count)
    return "/".join("" if v is None else str(v) for v in seen)


def _overview() -> sa.Select[Any]:
    other = incidents.alias("other")
    mark = acknowledgements.c
    return sa.select(
        incidents,
        sa.select(sa.func.count()).where(signals.c.incident_id == incidents.c.id).scalar_subquery()
        .label("signal_count"),
        sa.select(sa.func.count()).where(other.c.merged_into == incidents.c.id).scalar_subquery().label("folded"),
        sa.select(sa.func.max(mark.id)).where(mark.incident_id == incidents.c.id).scalar_subquery().label("marks"),
    )
