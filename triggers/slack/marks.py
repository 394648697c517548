"""Acknowledgements, quiet and reactions. Synchronous, for threads. Raises StoreUnavailable."""

from __future__ import annotations

from typing import Literal

import sqlalchemy as sa

from config.database import Database
from config.tables import acknowledgements, reactions

LEANINGS = {  # weak signals only: shown to people, never stored as feedback
    "+1": "right", "thumbsup": "right", "white_check_mark": "right", "heavy_check_mark": "right", "100": "right",
    "dart": "right", "-1": "wrong", "thumbsdown": "wrong", "x": "wrong", "no_entry": "wrong", "thinking_face": "unsure",
}


class Marks:
    """What people put on an incident."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, incident_id: str, *, author: str, kind: Literal["acknowledge", "snooze"], seconds: float = 0) -> bool:
        """One more mark; False if the same person's same mark is the newest already (a double click)."""
        def write(connection: sa.Connection) -> bool:
            now = int(connection.execute(sa.select(self._database.now())).scalar_one())
            newest = connection.execute(
                sa.select(acknowledgements).where(acknowledgements.c.incident_id == incident_id,
                                                  acknowledgements.c.kind == kind)
                .order_by(acknowledgements.c.id.desc()).limit(1).with_for_update()).first()
            until = now + int(seconds * 1000) if seconds else None
            if newest is not None and newest.author == author and (
                    until is None or (newest.until_ms or 0) > until - 60_000):
                return False
            connection.execute(acknowledgements.insert().values(
                incident_id=incident_id, author=author, kind=kind, at_ms=now, until_ms=until))
            return True

        return self._database.transact(write)

    def react(self, incident_id: str, *, author: str, name: str, removed: bool) -> None:
        """An emoji that leans one way; others are not kept."""
        leaning = LEANINGS.get(name.split("::")[0])
        if leaning is None:
            return
        now = self._database.now()
        insert = self._database.insert(reactions).values(
            incident_id=incident_id, author=author, name=name, leaning=leaning, at_ms=now,
            removed_ms=now if removed else None)
        with self._database.begin() as connection:
            connection.execute(insert.on_conflict_do_update(
                index_elements=["incident_id", "author", "name"], set_={"removed_ms": now if removed else None}))

    def reactions(self, incident_id: str) -> list[tuple[str, str, str]]:
        """(author, name, leaning) of those that stand."""
        with self._database.read() as connection:
            rows = connection.execute(sa.select(reactions).where(
                reactions.c.incident_id == incident_id, reactions.c.removed_ms.is_(None))).all()
        return [(row.author, row.name, row.leaning) for row in rows]
