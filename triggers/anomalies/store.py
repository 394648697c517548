"""What watches know, and what feedback said, in the database: any worker goes on where another stopped."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from agent.codes import Verdict
from agent.incident import SignalKind
from agent.ledger import standing
from config.database import Database
from config.errors import UnknownThing
from config.tables import adaptations, feedback, signals, watches
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
        """All of them, newest first: by key, and by feedback on incidents that an anomaly opened or joined."""
        with self._database.begin() as connection:
            kept = {r.key: Adaptation(r.key, r.factor, r.times, r.author, r.at_ms)
                    for r in connection.execute(sa.select(adaptations))}
            for key, author, at_ms in sorted(said_no_fault(connection), key=lambda s: s[2]):
                before = kept.get(key, Adaptation(key, 1.0, 0, "", 0))
                if at_ms > before.at_ms:  # older words are in it already, or were taken back
                    kept[key] = _more(before, author, at_ms)
        found = (a for a in kept.values() if a.times)
        return tuple(sorted(found, key=lambda a: (-a.at_ms, a.key)))

    def adapt(self, key: str, *, author: str) -> Adaptation:
        """"Not an anomaly": this detector asks for `STEP` times more of this subject, `MOST` times at the most."""
        before = self._of(key) or Adaptation(key, 1.0, 0, "", 0)
        return self._write(lambda now: _more(before, author, now))

    def undo(self, key: str) -> None:
        """Forget all feedback about a detector and subject. Raises UnknownThing."""
        if self._of(key) is None:
            raise UnknownThing(f"nothing was adapted for {key}")
        self._write(lambda now: Adaptation(key, 1.0, 0, "", now))

    def _of(self, key: str) -> Adaptation | None:
        return next((a for a in self.adaptations() if a.key == key), None)

    def _write(self, make: Callable[[int], Adaptation]) -> Adaptation:
        def write(connection: sa.Connection) -> Adaptation:
            made = make(int(connection.execute(sa.select(self._database.now())).scalar_one()))
            values = {"factor": made.factor, "times": made.times, "author": made.author, "at_ms": made.at_ms}
            connection.execute(self._database.insert(adaptations).values(key=made.key, **values)
                               .on_conflict_do_update(index_elements=["key"], set_=values))
            return made

        return self._database.transact(write)


def _more(before: Adaptation, author: str, at_ms: int) -> Adaptation:
    return Adaptation(before.key, min(before.factor * STEP, MOST), before.times + 1, author, at_ms)


def said_no_fault(connection: sa.Connection) -> Iterator[tuple[str, str, int]]:
    """(anomaly's key, author, when) of standing feedback, from any door, that nothing was wrong in an incident."""
    mentions = sa.select(feedback.c.incident_id).where(feedback.c.correction.like(f'%"{Verdict.NO_FAULT.value}"%'))
    newest_last = sa.select(feedback).where(feedback.c.incident_id.in_(mentions)).order_by(feedback.c.id)
    rows = [dict(row) for row in connection.execute(newest_last).mappings()]
    keys: dict[str, list[str]] = {}
    for payload, incident in connection.execute(
            sa.select(signals.c.payload, signals.c.incident_id)
            .where(signals.c.incident_id.in_(mentions), signals.c.kind == SignalKind.ANOMALY.value)):
        key = (json.loads(payload).get("anomaly") or {}).get("key")
        if key and key not in keys.setdefault(incident, []):
            keys[incident].append(str(key))
    for incident, told in keys.items():
        for row in standing(r for r in rows if r["incident_id"] == incident):
            if json.loads(row["correction"]).get("verdict") == Verdict.NO_FAULT.value:
                yield from ((key, row["author"], row["stored_ms"]) for key in told)
