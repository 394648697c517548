"""The ledger as rows for `evals/over_time.py`: one incident a row, with the newest word of each who judged it."""

from __future__ import annotations

import json

import sqlalchemy as sa

from config.database import Database
from config.tables import diagnoses, feedback, incidents
from evals.over_time import Told


def told_incidents(database: Database) -> list[Told]:
    """All incidents that were not merged into another, the oldest first."""
    with database.read() as connection:
        rows = connection.execute(sa.select(incidents).where(incidents.c.merged_into.is_(None))
                                  .order_by(incidents.c.opened_ms, incidents.c.id)).all()
        found = connection.execute(sa.select(diagnoses.c.incident_id, diagnoses.c.verdict, diagnoses.c.category,
                                             diagnoses.c.stored_ms).order_by(diagnoses.c.stored_ms)).all()
        said = connection.execute(sa.select(feedback).order_by(feedback.c.id)).all()
    first: dict[str, int] = {}
    newest = {}
    for row in found:
        first.setdefault(row.incident_id, row.stored_ms)
        newest[row.incident_id] = row
    words: dict[str, dict[tuple[str, str], sa.Row[tuple[object, ...]]]] = {}
    for word in said:
        words.setdefault(word.incident_id, {})[word.door, word.author] = word
    out = []
    for row in rows:
        standing = [w for w in words.get(row.id, {}).values() if w.cause != "unknown"]
        diagnosis = newest.get(row.id)
        out.append(Told(
            incident=row.id, opened_ms=row.opened_ms, diagnosed_ms=first.get(row.id), linked=row.linked_to is not None,
            verdict=diagnosis.verdict if diagnosis else "", category=(diagnosis.category or "") if diagnosis else "",
            judgements=tuple(w.cause for w in standing),
            no_fault_said=any(json.loads(w.correction or "{}").get("verdict") == "no_fault" for w in standing)))
    return out
