"""The ledger: runs, their evidence, diagnoses and what engineers said about them.

Functions that take a connection are parts of somebody's transaction (a claim, a finish); the class opens its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa

from agent.codes import HypothesisStatus
from agent.diagnosis import Diagnosis
from config.database import Database
from config.errors import UnknownThing
from config.identifiers import new_id
from config.tables import diagnoses, evidence, feedback, incidents, runs
from tools.evidence import Evidence

Judgement = Literal["right", "partly", "wrong", "unknown"]


@dataclass(frozen=True)
class Run:
    """One investigation. `asked_at_ms` is frozen: no question reads past it. `resumed`: begun by an earlier claim."""

    id: str
    incident_id: str
    revision: int
    asked_at_ms: int
    resumed: bool = False


@dataclass(frozen=True)
class Feedback:
    """An engineer's verdict on the cause and on the action, with the correction. `author` is what the door knows."""

    incident_id: str
    author: str
    door: str
    cause: Judgement = "unknown"
    action: Judgement = "unknown"
    correction: dict[str, Any] | None = None
    comment: str = ""
    idempotency_key: str | None = None


def open_run(
    connection: sa.Connection, *, incident_id: str, revision: int, current: str | None, asked_at_ms: int, owner: str,
    now: int,
) -> Run:
    """The incident's open run if it has the same revision, else a new one; the older is then superseded."""
    row = connection.execute(sa.select(runs).where(runs.c.id == current)).first() if current else None
    if row is not None and row.state == "open" and row.revision == revision:
        connection.execute(runs.update().where(runs.c.id == row.id).values(owner=owner))
        return Run(row.id, incident_id, revision, row.asked_at_ms, resumed=True)
    if row is not None and row.state == "open":
        end_run(connection, row.id, state="superseded", now=now)
    run = Run(new_id("run"), incident_id, revision, asked_at_ms)
    connection.execute(runs.insert().values(id=run.id, incident_id=incident_id, revision=revision, state="open",
                                            asked_at_ms=asked_at_ms, started_ms=now, owner=owner))
    return run


def end_run(
    connection: sa.Connection, run_id: str, *, state: Literal["done", "failed", "superseded"], now: int, error: str = ""
) -> None:
    """Close a run; one that is closed stays as it was."""
    connection.execute(runs.update().where(runs.c.id == run_id, runs.c.state == "open")
                       .values(state=state, ended_ms=now, error=error or None))


def store_diagnosis(
    connection: sa.Connection, *, diagnosis: Diagnosis, run: Run, revision: int, now: int, after_resolve: bool
) -> None:
    """Write the diagnosis and close its run."""
    root = next((h for h in diagnosis.hypotheses if h.status is HypothesisStatus.ROOT), None)
    connection.execute(diagnoses.insert().values(
        run_id=run.id, incident_id=run.incident_id, revision=revision, verdict=diagnosis.verdict.value,
        category=root.category.value if root else None, component=root.component.name if root else None,
        body=diagnosis.model_dump_json(), cost_usd=diagnosis.usage.cost_usd, stored_ms=now, after_resolve=after_resolve,
    ))
    end_run(connection, run.id, state="done", now=now)


class Ledger:
    """Reads, evidence as it is gathered, and feedback. Raises StoreUnavailable; UnknownThing for what is not there."""

    def __init__(self, *, database: Database) -> None:
        self._database = database

    def save_evidence(self, run_id: str, answers: Sequence[Evidence]) -> None:
        """Store numbered evidence with its charts; a node that runs again after a crash overwrites its own."""
        if not answers:
            return
        rows = [{"run_id": run_id, "evidence_id": e.id, "question": e.question, "status": e.status.value,
                 "body": json.dumps(_with_charts(e), ensure_ascii=False, default=str)} for e in answers]
        insert = self._database.insert(evidence).values(stored_ms=self._database.now())
        upsert = insert.on_conflict_do_update(
            index_elements=["run_id", "evidence_id"],
            set_={name: insert.excluded[name] for name in ("question", "status", "body", "stored_ms")},
        )
        with self._database.begin() as connection:
            connection.execute(upsert, rows)

    def evidence(self, run_id: str) -> list[dict[str, Any]]:
        """What a run was answered, in number order (E2 before E10)."""
        with self._database.read() as connection:
            rows = connection.execute(sa.select(evidence.c.body).where(evidence.c.run_id == run_id)
                                      .order_by(sa.func.length(evidence.c.evidence_id), evidence.c.evidence_id)).all()
        return [json.loads(row.body) for row in rows]

    def diagnosis(self, incident_id: str) -> dict[str, Any] | None:
        """The newest diagnosis of an incident."""
        found = self.diagnoses(incident_id)
        return found[0] if found else None

    def diagnoses(self, incident_id: str) -> list[dict[str, Any]]:
        """All diagnoses of an incident, the newest first."""
        with self._database.read() as connection:
            rows = connection.execute(sa.select(diagnoses.c.body).where(diagnoses.c.incident_id == incident_id)
                                      .order_by(diagnoses.c.stored_ms.desc(), diagnoses.c.run_id.desc())).all()
        return [json.loads(row.body) for row in rows]

    def runs(self, incident_id: str) -> list[dict[str, Any]]:
        """All runs of an incident, the oldest first."""
        with self._database.read() as connection:
            rows = connection.execute(sa.select(runs).where(runs.c.incident_id == incident_id)
                                      .order_by(runs.c.started_ms, runs.c.id)).mappings().all()
        return [dict(row) for row in rows]

    def add_feedback(self, given: Feedback) -> bool:
        """Store it with the newest run's id. False if the same idempotency key was stored before."""
        return self._database.transact(lambda connection: self._add_feedback(connection, given))

    def _add_feedback(self, connection: sa.Connection, given: Feedback) -> bool:
        known = connection.execute(sa.select(incidents.c.run_id).where(incidents.c.id == given.incident_id)).first()
        if known is None:
            raise UnknownThing(f"no incident {given.incident_id}")
        newest = connection.execute(sa.select(diagnoses.c.run_id).where(diagnoses.c.incident_id == given.incident_id)
                                    .order_by(diagnoses.c.stored_ms.desc()).limit(1)).scalar()
        insert = self._database.insert(feedback).values(
            incident_id=given.incident_id, run_id=newest, author=given.author, door=given.door, cause=given.cause,
            action=given.action, correction=json.dumps(given.correction or {}, ensure_ascii=False),
            comment=given.comment, idempotency_key=given.idempotency_key, stored_ms=self._database.now(),
        ).on_conflict_do_nothing(index_elements=["idempotency_key"]).returning(feedback.c.id)
        return connection.execute(insert).first() is not None  # PostgreSQL's driver counts no rows for such an insert

    def feedback(self, incident_id: str | None = None) -> list[dict[str, Any]]:
        """What was said about one incident, or about all of them, the oldest first."""
        query = sa.select(feedback).order_by(feedback.c.id)
        if incident_id is not None:
            query = query.where(feedback.c.incident_id == incident_id)
        with self._database.read() as connection:
            rows = connection.execute(query).mappings().all()
        return [{**row, "correction": json.loads(row["correction"])} for row in rows]


def standing(rows: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """What counts of feedback rows, the oldest first: the newest word of each author at each door."""
    newest: dict[tuple[str, str], Mapping[str, Any]] = {}
    for row in rows:
        newest.pop((row["author"], row["door"]), None)  # the order is that of what counts
        newest[row["author"], row["door"]] = row
    return list(newest.values())


def _with_charts(answer: Evidence) -> dict[str, Any]:
    charts = [{"title": c.title, "unit": c.unit, "ms": list(c.ms), "values": list(c.values),
               "marks": [list(m) for m in c.marks]} for c in answer.charts]
    return {**answer.as_dict(), "charts": charts}
