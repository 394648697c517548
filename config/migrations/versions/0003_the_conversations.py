"""Conversations in Slack: threads, events, turns, acknowledgements, reactions, and the audit of every door."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table("slack_threads",
        sa.Column("incident_id", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("ts", sa.Text(), nullable=False),
        sa.Column("thread_ts", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("shown", sa.Text(), nullable=False),
        sa.Column("noted_revision", sa.Integer(), server_default="0", nullable=False),
        sa.Column("drawn_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["incident_id"], ["incidents.id"], name=op.f("fk_slack_threads_incident_id")),
        sa.PrimaryKeyConstraint("incident_id", name=op.f("pk_slack_threads"))
    )
    op.create_index("ix_slack_threads_place", "slack_threads", ["channel", "thread_ts"])
    op.create_table("slack_events",
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("received_ms", sa.BigInteger(), nullable=False),
        sa.Column("taken_ms", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="1", nullable=False),
        sa.Column("done_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_slack_events"))
    )
    op.create_index("ix_slack_events_open", "slack_events", ["done_ms", "taken_ms"])
    op.create_table("turns",
        sa.Column("id", key, nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("thread", sa.Text(), nullable=False),
        sa.Column("identity", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("by_culprit", sa.Boolean(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_turns")),
        sa.UniqueConstraint("identity", name=op.f("uq_turns_identity"))
    )
    op.create_index("ix_turns_place", "turns", ["channel", "thread", "id"])
    op.create_table("acknowledgements",
        sa.Column("id", key, nullable=False),
        sa.Column("incident_id", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("until_ms", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["incident_id"], ["incidents.id"], name=op.f("fk_acknowledgements_incident_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_acknowledgements"))
    )
    op.create_index("ix_acknowledgements_incident", "acknowledgements", ["incident_id"])
    op.create_table("reactions",
        sa.Column("incident_id", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("leaning", sa.Text(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("removed_ms", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["incident_id"], ["incidents.id"], name=op.f("fk_reactions_incident_id")),
        sa.PrimaryKeyConstraint("incident_id", "author", "name", name=op.f("pk_reactions"))
    )
    op.create_table("audit",
        sa.Column("id", key, nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("door", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("allowed", sa.Boolean(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit"))
    )
    op.create_index("ix_audit_at", "audit", ["at_ms"])


def downgrade() -> None:
    op.drop_index("ix_audit_at", table_name="audit")
    op.drop_table("audit")
    op.drop_table("reactions")
    op.drop_index("ix_acknowledgements_incident", table_name="acknowledgements")
    op.drop_table("acknowledgements")
    op.drop_index("ix_turns_place", table_name="turns")
    op.drop_table("turns")
    op.drop_index("ix_slack_events_open", table_name="slack_events")
    op.drop_table("slack_events")
    op.drop_index("ix_slack_threads_place", table_name="slack_threads")
    op.drop_table("slack_threads")
