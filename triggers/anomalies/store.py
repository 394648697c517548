"""What watches know, and what feedback said, in the database: any worker goes on where another stopped."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from config.database import Database
from config.errors import UnknownThing
from config.tables import adaptations, watches
from tools.analysis.season import BUCKETS

HOUR = "#hour/"  # between a watch's name and a bucket of its season
STEP = 1.5
MOST = 4.0  # feedback can quieten a detector so far and no farther


@dataclass(frozen=True)
class SavedWatch:
    """As `tools/anomalies/memory.py` packs it."""

    recent: bytes
    saved_by: str
    saved_ms: int
    looked: Mapping[str, Any]


@dataclass(frozen=True)
class Adaptation:
    """One detector and subject whose limit was raised by `factor`, after `times` words of feedback."""

    key: str
    factor: float
    times: int
    author: str
    at_ms: int


class WatchStore:
    """Synchronous, for threads. Raises StoreUnavailable."""

    def __init__(self, *, database: Database) -> None:
        self._database = database

    def read(self, name: str) -> SavedWatch | None:
        """What was saved last; None for a watch that never ran."""
        with self._database.begin() as connection:
            row = connection.execute(sa.select(watches).where(watches.c.name == name)).one_or_none()
        return None if row is None else SavedWatch(
            bytes(row.recent), row.saved_by, row.saved_ms, json.loads(row.looked))

    def names(self) -> tuple[str, ...]:
        """Of all watches that ever saved."""
        with self._database.begin() as connection:
            found = connection.execute(sa.select(watches.c.name).order_by(watches.c.name)).scalars()
            return tuple(name for name in found if HOUR not in name)

    def saved(self, name: str) -> tuple[str, int] | None:
        """(who saved last, when), without the bytes."""
        with self._database.begin() as connection:
            row = connection.execute(
                sa.select(watches.c.saved_by, watches.c.saved_ms).where(watches.c.name == name)).one_or_none()
        return None if row is None else (row.saved_by, row.saved_ms)

    def hours(self, name: str) -> Iterator[tuple[int, bytes]]:
        """(bucket, profile) of the season, one at a time."""
        for bucket in range(BUCKETS):
            row = self.read(f"{name}{HOUR}{bucket}")
            if row is not None:
                yield bucket, row.recent

    def write_hour(self, name: str, bucket: int, profile: bytes, *, by: str) -> None:
        """Keep one hour of the season, as a row of its own."""
        self.write(f"{name}{HOUR}{bucket}", profile, by=by, looked={})

    def write(self, name: str, recent: bytes, *, by: str, looked: Mapping[str, Any]) -> int:
        """Keep it. Returns when, by the database's clock."""
        def save(connection: sa.Connection) -> int:
            now = int(connection.execute(sa.select(self._database.now())).scalar_one())
            row = {"recent": recent, "saved_by": by, "saved_ms": now, "looked": json.dumps(looked, ensure_ascii=False)}
            connection.execute(self._database.insert(watches).values(name=name, **row)
                               .on_conflict_do_update(index_elements=["name"], set_=row))
            return now

        return self._database.transact(save)

    def adaptations(self) -> tuple[Adaptation, ...]:
        """All of them, newest first."""
        with self._database.begin() as connection:
            rows = connection.execute(sa.select(adaptations).order_by(adaptations.c.at_ms.desc())).all()
        return tuple(Adaptation(r.key, r.factor, r.times, r.author, r.at_ms) for r in rows)

    def adapt(self, key: str, *, author: str) -> Adaptation:
        """"Not an anomaly": this detector asks for `STEP` times more of this subject, `MOST` times at the most."""
        def write(connection: sa.Connection) -> Adaptation:
            now = int(connection.execute(sa.select(self._database.now())).scalar_one())
            row = connection.execute(sa.select(adaptations).where(adaptations.c.key == key)).one_or_none()
            made = Adaptation(key, min((row.factor if row else 1.0) * STEP, MOST), (row.times if row else 0) + 1,
                              author, now)
            values = {"factor": made.factor, "times": made.times, "author": author, "at_ms": now}
            connection.execute(self._database.insert(adaptations).values(key=key, **values)
                               .on_conflict_do_update(index_elements=["key"], set_=values))
            return made

        return self._database.transact(write)

    def undo(self, key: str) -> None:
        """Forget all feedback about a detector and subject. Raises UnknownThing."""
        def write(connection: sa.Connection) -> int:
            return connection.execute(adaptations.delete().where(adaptations.c.key == key)).rowcount

        if not self._database.transact(write):
            raise UnknownThing(f"nothing was adapted for {key}")
