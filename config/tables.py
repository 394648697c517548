"""All tables, on one screen. Times are Unix milliseconds by the database's clock; `config/migrations` builds them.

The `incidents` table is the queue: a row waits, is leased, is finished. `order_ms` is when it was queued plus a
handicap by severity, so that sorting by it is priority with ageing and needs no arithmetic at claim time.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
)

metadata = sa.MetaData(naming_convention={"ix": "ix_%(table_name)s_%(column_0_N_name)s", "pk": "pk_%(table_name)s",
                                          "uq": "uq_%(table_name)s_%(column_0_N_name)s",
                                          "fk": "fk_%(table_name)s_%(column_0_name)s"})
Key = BigInteger().with_variant(Integer(), "sqlite")  # SQLite counts rows only in an INTEGER key

incidents = Table(
    "incidents", metadata,
    Column("id", Text, primary_key=True),
    Column("fingerprint", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("state", Text, nullable=False),  # queued running done dead cancelled merged
    Column("severity", Integer, nullable=False),  # rank: 0 is the most urgent
    Column("opened_ms", BigInteger, nullable=False),
    Column("onset_ms", BigInteger, nullable=False),
    Column("last_signal_ms", BigInteger, nullable=False),
    Column("revision", Integer, nullable=False, server_default="0"),
    Column("queued_ms", BigInteger, nullable=False),
    Column("ready_ms", BigInteger, nullable=False),  # not claimed before: grouping window, backoff, snooze
    Column("order_ms", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("reruns", Integer, nullable=False, server_default="0"),
    Column("token", BigInteger, nullable=False, server_default="0"),  # fencing: grows with every claim
    Column("owner", Text), Column("lease_ms", BigInteger), Column("claimed_ms", BigInteger),
    Column("run_id", Text),
    Column("finished_ms", BigInteger), Column("resolved_ms", BigInteger), Column("closed_ms", BigInteger),
    Column("merged_into", Text), Column("linked_to", Text), Column("error", Text),
    Index("ix_incidents_queue", "state", "order_ms"),
    Index("ix_incidents_open", "closed_ms", "last_signal_ms"),
    Index("ix_incidents_lease", "lease_ms", sqlite_where=sa.text("state = 'running'"),
          postgresql_where=sa.text("state = 'running'")),
)

signals = Table(
    "signals", metadata,
    Column("id", Key, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("starts_ms", BigInteger, nullable=False),
    Column("ends_ms", BigInteger),
    Column("received_ms", BigInteger, nullable=False), Column("seen_ms", BigInteger, nullable=False),
    Column("status", Text, nullable=False),
    Column("severity", Integer, nullable=False),
    Column("title", Text, nullable=False), Column("text", Text, nullable=False), Column("lang", Text, nullable=False),
    Column("alert_group", Text, nullable=False),
    Column("labels", Text, nullable=False), Column("payload", Text, nullable=False),  # JSON
    Column("repeats", Integer, nullable=False, server_default="0"),
    Column("flaps", Integer, nullable=False, server_default="0"),
    Column("disposition", Text, nullable=False),  # investigate, record
    Column("pending", Boolean, nullable=False),  # not yet correlated
    Column("incident_id", Text, ForeignKey("incidents.id")),
    UniqueConstraint("fingerprint", "starts_ms"),
    Index("ix_signals_incident", "incident_id"),
    Index("ix_signals_pending", "id", sqlite_where=sa.text("pending"), postgresql_where=sa.text("pending")),
)

places = Table(  # where an incident's signals are: what correlation compares
    "places", metadata,
    Column("incident_id", Text, ForeignKey("incidents.id"), primary_key=True),
    Column("place", Text, primary_key=True),  # JSON
    Column("onset_ms", BigInteger, nullable=False), Column("last_ms", BigInteger, nullable=False),
    Column("signals", Integer, nullable=False),
)

runs = Table(
    "runs", metadata,
    Column("id", Text, primary_key=True),
    Column("incident_id", Text, ForeignKey("incidents.id"), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("asked_at_ms", BigInteger, nullable=False),
    Column("state", Text, nullable=False),  # open done failed superseded
    Column("started_ms", BigInteger, nullable=False), Column("ended_ms", BigInteger),
    Column("owner", Text), Column("error", Text),
    Index("ix_runs_incident", "incident_id"),
)

evidence = Table(
    "evidence", metadata,
    Column("run_id", Text, ForeignKey("runs.id"), primary_key=True),
    Column("evidence_id", Text, primary_key=True),
    Column("question", Text, nullable=False), Column("status", Text, nullable=False),
    Column("body", Text, nullable=False),  # JSON of Evidence.as_dict, with charts
    Column("stored_ms", BigInteger, nullable=False),
)

diagnoses = Table(
    "diagnoses", metadata,
    Column("run_id", Text, ForeignKey("runs.id"), primary_key=True),
    Column("incident_id", Text, ForeignKey("incidents.id"), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("verdict", Text, nullable=False), Column("category", Text), Column("component", Text),
    Column("body", Text, nullable=False),  # JSON of the Diagnosis
    Column("cost_usd", Float), Column("stored_ms", BigInteger, nullable=False),
    Column("after_resolve", Boolean, nullable=False),
    Index("ix_diagnoses_incident", "incident_id"),
)

feedback = Table(
    "feedback", metadata,
    Column("id", Key, primary_key=True),
    Column("incident_id", Text, ForeignKey("incidents.id"), nullable=False), Column("run_id", Text),
    Column("author", Text, nullable=False), Column("door", Text, nullable=False),
    Column("cause", Text, nullable=False), Column("action", Text, nullable=False),  # right, wrong, partly, unknown
    Column("correction", Text, nullable=False), Column("comment", Text, nullable=False),  # JSON; prose
    Column("idempotency_key", Text, unique=True), Column("stored_ms", BigInteger, nullable=False),
    Index("ix_feedback_incident", "incident_id"),
)

outbox = Table(
    "outbox", metadata,
    Column("id", Key, primary_key=True),
    Column("publisher", Text, nullable=False), Column("kind", Text, nullable=False),
    Column("incident_id", Text, ForeignKey("incidents.id"), nullable=False), Column("run_id", Text),
    Column("marker", Text, nullable=False, unique=True),
    Column("body", Text, nullable=False),  # JSON
    Column("state", Text, nullable=False),  # waiting sending sent dead
    Column("attempts", Integer, nullable=False, server_default="0"), Column("token", BigInteger, nullable=False,
                                                                          server_default="0"),
    Column("ready_ms", BigInteger, nullable=False), Column("lease_ms", BigInteger),
    Column("created_ms", BigInteger, nullable=False), Column("sent_ms", BigInteger),
    Column("reference", Text), Column("error", Text),
    Index("ix_outbox_state", "state", "ready_ms"), Index("ix_outbox_incident", "incident_id", "publisher"),
)

leases = Table(  # one holder across all workers: the correlator, scheduled pollers; `paused` holds the queue
    "leases", metadata,
    Column("name", Text, primary_key=True), Column("owner", Text), Column("token", BigInteger, nullable=False),
    Column("lease_ms", BigInteger, nullable=False), Column("due_ms", BigInteger, nullable=False),
    Column("ticked_ms", BigInteger), Column("error", Text),
)

spending = Table(  # shared budgets: one row a kind and period
    "spending", metadata,
    Column("kind", Text, primary_key=True), Column("period", BigInteger, primary_key=True),
    Column("used", Float, nullable=False),
)

changes = Table(  # deploys, switches, configuration: what the door of changes was told
    "changes", metadata,
    Column("id", Key, primary_key=True),
    Column("identity", Text, nullable=False, unique=True),  # the same announcement sent again is kept once
    Column("at_ms", BigInteger, nullable=False), Column("received_ms", BigInteger, nullable=False),
    Column("kind", Text, nullable=False), Column("cluster", Text, nullable=False),
    Column("service", Text, nullable=False), Column("colour", Text, nullable=False),
    Column("build", Text, nullable=False), Column("by", Text, nullable=False), Column("text", Text, nullable=False),
    Column("source", Text, nullable=False), Column("mode", Text, nullable=False),
    Column("attributes", Text, nullable=False),  # JSON
    Index("ix_changes_at", "at_ms"),
)

slack_threads = Table(  # where an incident is told in Slack, and what its card shows
    "slack_threads", metadata,
    Column("incident_id", Text, ForeignKey("incidents.id"), primary_key=True),
    Column("channel", Text, nullable=False), Column("ts", Text, nullable=False),
    Column("thread_ts", Text, nullable=False),  # where replies go: the card itself, or the thread it was asked in
    Column("language", Text, nullable=False),
    Column("shown", Text, nullable=False),  # the state the card was last drawn from
    Column("noted_revision", Integer, nullable=False, server_default="0"),
    Column("drawn_ms", BigInteger, nullable=False),
    Index("ix_slack_threads_place", "channel", "thread_ts"),
)

slack_events = Table(  # each event once, kept until it has been dealt with
    "slack_events", metadata,
    Column("event_id", Text, primary_key=True), Column("body", Text, nullable=False),  # JSON
    Column("received_ms", BigInteger, nullable=False), Column("taken_ms", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="1"), Column("done_ms", BigInteger),
    Index("ix_slack_events_open", "done_ms", "taken_ms"),
)

turns = Table(  # what was said in a conversation
    "turns", metadata,
    Column("id", Key, primary_key=True),
    Column("channel", Text, nullable=False), Column("thread", Text, nullable=False),
    Column("identity", Text, nullable=False, unique=True),  # the sender's message, or the answer to it: once
    Column("author", Text, nullable=False), Column("by_culprit", Boolean, nullable=False),
    Column("text", Text, nullable=False), Column("at_ms", BigInteger, nullable=False),
    Index("ix_turns_place", "channel", "thread", "id"),
)

acknowledgements = Table(  # who took an incident on, and who asked for quiet until when
    "acknowledgements", metadata,
    Column("id", Key, primary_key=True),
    Column("incident_id", Text, ForeignKey("incidents.id"), nullable=False),
    Column("author", Text, nullable=False), Column("kind", Text, nullable=False),  # acknowledge, snooze
    Column("at_ms", BigInteger, nullable=False), Column("until_ms", BigInteger),
    Index("ix_acknowledgements_incident", "incident_id"),
)

reactions = Table(  # weak signals: never feedback by themselves
    "reactions", metadata,
    Column("incident_id", Text, ForeignKey("incidents.id"), primary_key=True),
    Column("author", Text, primary_key=True), Column("name", Text, primary_key=True),
    Column("leaning", Text, nullable=False), Column("at_ms", BigInteger, nullable=False),
    Column("removed_ms", BigInteger),
)

audit = Table(  # who did or was refused what, at which door
    "audit", metadata,
    Column("id", Key, primary_key=True),
    Column("at_ms", BigInteger, nullable=False), Column("door", Text, nullable=False),
    Column("actor", Text, nullable=False), Column("what", Text, nullable=False),
    Column("subject", Text, nullable=False), Column("allowed", Boolean, nullable=False),
    Column("detail", Text, nullable=False),  # JSON
    Index("ix_audit_at", "at_ms"),
)

cards = Table(  # what verified incidents taught; shipped cards are files
    "cards", metadata,
    Column("id", Text, primary_key=True),
    Column("yaml", Text, nullable=False),
    Column("state", Text, nullable=False),  # active pending retired
    Column("why", Text, nullable=False, server_default=""),
    Column("misses", Integer, nullable=False, server_default="0"),
    Column("created_ms", BigInteger, nullable=False), Column("changed_ms", BigInteger, nullable=False),
    Index("ix_cards_state", "state"),
)

cases = Table(  # incidents with a label, on their way to becoming experience
    "cases", metadata,
    Column("id", Text, primary_key=True),
    Column("incident_id", Text, nullable=False),  # no foreign key: what was learned outlives its incident
    Column("state", Text, nullable=False),  # draft waiting verified rejected
    Column("label", Text, nullable=False),  # JSON of the Label
    Column("observations", Text, nullable=False),  # JSON: the answers with their findings
    Column("context", Text, nullable=False),  # JSON: kinds of services, builds, topology, signals
    Column("text", Text, nullable=False),
    Column("folder", Text, nullable=False, server_default=""),  # the snapshot, where one was kept
    Column("conflicts", Text, nullable=False, server_default="[]"),  # JSON
    Column("authors", Text, nullable=False, server_default="[]"),  # JSON: who said so
    Column("verified_by", Text, nullable=False, server_default=""),
    Column("at_ms", BigInteger, nullable=False),
    Column("stored_ms", BigInteger, nullable=False),
    Index("ix_cases_state", "state", "at_ms"), Index("ix_cases_incident", "incident_id"),
)

outcomes = Table(  # each answer of a learned card counts once, and can be taken back
    "outcomes", metadata,
    Column("card_id", Text, primary_key=True), Column("incident_id", Text, primary_key=True),
    Column("confirmed", Boolean, nullable=False), Column("at_ms", BigInteger, nullable=False),
)

watches = Table(  # what each watch for anomalies has learned: any worker can go on with it
    "watches", metadata,
    Column("name", Text, primary_key=True),
    Column("recent", LargeBinary, nullable=False),
    Column("saved_by", Text, nullable=False), Column("saved_ms", BigInteger, nullable=False),
    Column("looked", Text, nullable=False, server_default="{}"),  # JSON: when, queries, series, what could not be read
)

adaptations = Table(  # "not an anomaly": how far feedback moved a detector, one row a detector and subject
    "adaptations", metadata,
    Column("key", Text, primary_key=True),
    Column("factor", Float, nullable=False), Column("times", Integer, nullable=False),
    Column("author", Text, nullable=False), Column("at_ms", BigInteger, nullable=False),
)
